import type { Command } from 'commander';

import { holdText, scopeText, standingHolds, type DataScope } from '../domain/legal-hold.ts';
import { mostListedEpisodes, parseEpisodeList, writeEpisodeList } from '../store/records/episode-lists.ts';
import { addHold, liftHold, readHoldEvents } from '../store/records/legal-holds.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { openContext } from './context.ts';
import { CommandError } from './exit-codes.ts';
import { whoOption } from './person.ts';
import { printJson, printTable, say } from './print.ts';
import { readSmallFile } from './read-small-file.ts';

interface ScopeOptions {
  readonly robot?: string;
  readonly site?: string;
  readonly episodes?: string;
  readonly everything?: boolean;
}

interface Word {
  readonly who: string;
  readonly reason: string;
  readonly json: boolean;
}

const act = (command: Command): Command =>
  whoOption(command.requiredOption('--reason <text>', 'why; kept in the log').option('--json', 'as JSON', false));

const said = ({ who, reason }: Word) => ({ who, why: reason });

/** `flywheel data hold …`: data that neither retention nor erasure nor a vacuum may take. */
export function registerHoldCommands(data: Command): void {
  const hold = data
    .command('hold')
    .description('legal holds: data that neither retention nor erasure nor vacuum deletes');
  act(
    hold
      .command('add')
      .description('keep the data of a robot, a site, a list of episodes, or everything')
      .option('--robot <id>', 'all data of a robot')
      .option('--site <name>', 'all data of a site')
      .option('--episodes <file>', 'text file with one episode id per line')
      .option('--everything', 'all data'),
  ).action(async (options: ScopeOptions & Word) => {
    const { store, clock } = await openContext();
    const scope = await scopeOf(store, options);
    const added = await addHold({ store, clock }, scope, said(options));
    if (options.json) printJson(added);
    else say(holdText(added));
  });

  act(
    hold.command('lift').description('end a hold; its entry stays in the log').argument('<hold>', 'as `list` shows it'),
  ).action(async (name: string, options: Word) => {
    const { store, clock } = await openContext();
    const lifted = await liftHold({ store, clock }, name, said(options));
    if (options.json) printJson(lifted);
    else say(`${name} is lifted by ${lifted.who}: ${lifted.why}`);
  });

  hold
    .command('list')
    .description('list active holds, or with --all every entry of the log')
    .option('--all', 'include lifted holds', false)
    .option('--json', 'as JSON', false)
    .action(async ({ all, json }: { readonly all: boolean; readonly json: boolean }) => {
      const events = await readHoldEvents((await openContext()).store);
      const listed = all ? events : standingHolds(events);
      if (json) return printJson(listed);
      printTable(
        ['hold', 'act', 'data', 'who', 'why', 'when'],
        listed.map((event) => [
          event.holdId,
          event.kind,
          event.kind === 'add' ? scopeText(event.scope) : '',
          event.who,
          event.why,
          new Date(event.atMs).toISOString(),
        ]),
      );
    });
}

const mostFileBytes = 64 * 2 ** 20;

/** The ids of a file that a person names, each line checked. */
export async function episodesOfFile(file: string): Promise<readonly string[]> {
  const bytes = await readSmallFile(file, mostFileBytes);
  if (!(bytes instanceof Uint8Array))
    throw new CommandError(
      'wrong',
      `expected at most ${mostListedEpisodes} ids in ${mostFileBytes} bytes, got ${bytes.sizeBytes} bytes: ${file}`,
    );
  return parseEpisodeList(new TextDecoder().decode(bytes));
}

async function scopeOf(store: ObjectStore, { robot, site, episodes, everything }: ScopeOptions): Promise<DataScope> {
  const named = [robot, site, episodes, everything].filter((one) => one !== undefined);
  if (named.length !== 1)
    throw new CommandError(
      'wrong',
      `expected one of --robot, --site, --episodes and --everything, got ${named.length}`,
    );
  if (robot !== undefined) return { kind: 'robot', robotId: robot };
  if (site !== undefined) return { kind: 'site', site };
  if (episodes === undefined) return { kind: 'everything' };
  return { kind: 'episodes', ...(await writeEpisodeList(store, await episodesOfFile(episodes))) };
}
