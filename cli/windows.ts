import type { Command } from 'commander';

import { describeWindows, readWindows, windowsNow, type UpdateWindows } from '../domain/maintenance/index.ts';
import { openFleetReader } from '../fleet/desk/fleet-reader.ts';
import { readRobots } from '../fleet/desk/robots.ts';
import { windowWait, type WindowWait } from '../fleet/desk/window-waits.ts';
import { readWindowsOfSites, setWindows, type WindowsRecord } from '../fleet/desk/windows.ts';
import { openContext, type CommandContext } from './context.ts';
import { CommandError } from './exit-codes.ts';
import { whoOption } from './person.ts';
import { printJson, printTable, say } from './print.ts';
import { printable } from './printable.ts';

interface WordOptions {
  readonly reason: string;
  readonly who: string;
  readonly json: boolean;
}

interface SetOptions extends WordOptions {
  readonly zone: string;
  readonly days: string;
  readonly from: string;
  readonly to: string;
  readonly blackout?: string;
}

/** `flywheel windows …`: when robots of a site may take another version that can wait. */
export function registerWindowCommands(program: Command): void {
  const windows = program.command('windows').description('maintenance windows of sites, in local time, for updates');
  const change = (name: string, description: string): Command =>
    whoOption(
      windows
        .command(name)
        .description(description)
        .argument('<site>', 'as in `robots add --site`')
        .requiredOption('--reason <text>', 'why; kept in the log'),
    ).option('--json', 'as JSON', false);

  change('set', 'update the robots of a site only in these windows; rollbacks and safe stops never wait')
    .requiredOption('--zone <name>', 'IANA time zone, e.g. Europe/Berlin')
    .requiredOption('--days <days>', 'days on which a window starts: mon-fri, sat,sun or daily')
    .requiredOption('--from <hh:mm>', 'local time')
    .requiredOption('--to <hh:mm>', 'local time; before --from: on the next day')
    .option('--blackout <dates>', 'never on these local dates: 2026-12-24,2026-12-31..2027-01-01')
    .action(async (site: string, { zone, days, from, to, blackout, ...options }: SetOptions) => {
      const context = await openContext();
      const windows = readWindows({ zone, days, from, to, blackout }, context.clock());
      await kept(context, site, windows, options);
    });

  change('remove', 'update the robots of a site at any time again').action(async (site: string, options: WordOptions) =>
    kept(await openContext(), site, null, options),
  );

  windows
    .command('show')
    .description('show the windows of all sites or of one: open now, when next, and which robots wait')
    .argument('[site]', 'as in `robots add --site`; default: all that have windows')
    .option('--json', 'as JSON', false)
    .action(async (site: string | undefined, options: { json: boolean }) => {
      const rows = await look(await openContext(), site);
      if (options.json) return printJson(rows);
      printTable(
        ['site', 'windows', 'now', 'waiting', 'who', 'reason'],
        rows.map((row) => [
          row.site,
          row.windows === null ? 'none: always open' : describeWindows(row.windows),
          nowText(row),
          row.waiting.map(({ robotId }) => robotId).join(', ') || 'nobody',
          row.who ?? '',
          row.why ?? '',
        ]),
      );
    });
}

async function kept(
  context: CommandContext,
  site: string,
  windows: UpdateWindows | null,
  { reason, who, json }: WordOptions,
): Promise<void> {
  const record = await setWindows(context, { site, windows, who, why: reason });
  const robots = [...(await readRobots(context.store)).values()].filter(
    (robot) => robot.site === site && robot.retiredMs === undefined,
  ).length;
  if (json) return printJson({ ...record, robots });
  say(
    record.windows === null
      ? `site ${site}: robots are updated at any time`
      : `site ${site}: robots are updated ${describeWindows(record.windows)}`,
  );
  say(
    robots === 0
      ? 'no robot is registered at this site'
      : `${robots} robots, within a minute of hearing from a gateway`,
  );
}

interface Row {
  readonly site: string;
  readonly windows: UpdateWindows | null;
  readonly isOpen: boolean;
  readonly opens: string | null;
  readonly closes: string | null;
  readonly waiting: readonly WindowWait[];
  readonly who?: string;
  readonly why?: string;
  readonly atMs?: number;
}

async function look(context: CommandContext, only: string | undefined): Promise<readonly Row[]> {
  const { store, clock } = context;
  const damaged: string[] = [];
  const sites = await readWindowsOfSites(store, ({ key }) => damaged.push(key));
  for (const key of damaged) process.stderr.write(`flywheel: ${printable(key)} is damaged and was skipped\n`);
  const robots = [...(await readRobots(store)).values()];
  if (only !== undefined && !sites.has(only) && !robots.some(({ site }) => site === only))
    throw new CommandError('wrong', `expected a site that has robots or windows, got ${only.slice(0, 64)}`);
  const waiting = await waits(context, [...new Set(robots.map(({ policy }) => policy))]);
  return (only === undefined ? [...sites.keys()].toSorted() : [only]).map((site) =>
    rowOf(
      site,
      sites.get(site),
      waiting.filter((wait) => wait.site === site),
      clock(),
    ),
  );
}

function rowOf(
  site: string,
  record: (WindowsRecord & { readonly windows: UpdateWindows }) | undefined,
  waiting: readonly WindowWait[],
  nowMs: number,
): Row {
  if (record === undefined) return { site, windows: null, isOpen: true, opens: null, closes: null, waiting };
  const { windows, who, why, atMs } = record;
  const { isOpen, opensMs, closesMs } = windowsNow(windows, nowMs);
  return { site, windows, isOpen, opens: instant(opensMs), closes: instant(closesMs), waiting, who, why, atMs };
}

/** Robots of any policy whose order waits for a window. */
async function waits({ store, clock }: CommandContext, policies: readonly string[]): Promise<readonly WindowWait[]> {
  const reader = openFleetReader({ store, clock });
  const found: WindowWait[] = [];
  for (const policy of policies) {
    const orders = await reader.readOrders(policy);
    if (orders === undefined) continue;
    for (const robot of (await reader.readFleet(policy)).robots) {
      const wait = windowWait(robot, orders(robot.robotId));
      if (wait !== undefined) found.push(wait);
    }
  }
  return found;
}

const instant = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());

function nowText({ windows, isOpen, opens, closes }: Row): string {
  if (windows === null) return 'open';
  return isOpen ? `open until ${closes ?? 'further notice'}` : `closed, opens ${opens ?? 'never'}`;
}
