import type { Command } from 'commander';

import { moveRobot, quarantineRobot, rebodyRobot, releaseRobot, retireRobot } from '../fleet/desk/robot-life.ts';
import { openFleetReader } from '../fleet/desk/fleet-reader.ts';
import { notServedText } from '../fleet/desk/fleet-view.ts';
import { robotTypeName } from '../datasets/robot-type.ts';
import { readRobotType } from '../store/records/robot-types.ts';
import type { Quarantine, RobotChange, RobotRecord } from '../fleet/desk/robots.ts';
import { actByCommand } from './act.ts';
import { openContext, type CommandContext } from './context.ts';
import { parseRobotType } from './parse-robot-type.ts';
import { whoOption } from './person.ts';
import { printJson, printTable, say } from './print.ts';
import type { RobotPage } from '../activities/robot-page.ts';

interface WordOptions {
  readonly reason: string;
  readonly who: string;
  readonly json: boolean;
}

/** `flywheel robots move|body|quarantine|release|retire|show`: a robot's life. Each act is a record with who and why. */
export function registerRobotLifeCommands(robots: Command): void {
  const act = (name: string, description: string): Command =>
    whoOption(
      robots
        .command(name)
        .description(description)
        .argument('<id>', 'robot id')
        .requiredOption('--reason <text>', 'why; kept in the robot’s log'),
    ).option('--json', 'as JSON', false);

  act('move', 'move a robot to another site or stratum, or to another policy; its earlier data keeps the earlier one')
    .option('--policy <name>', 'its new policy; the command signs the transfer with the order key')
    .option('--site <name>', 'its new site')
    .option(
      '--stratum <name>',
      'robots of one stratum are alike; default: unchanged, or the new site if it was the site',
    )
    .action(move);

  registerBody(act);

  act('quarantine', 'exclude a robot from trials and learning until its release; it keeps its version').action(
    async (robotId: string, options: WordOptions) => {
      const record = await acted('quarantine', robotId, options, (ports, change) => quarantineRobot(ports, change));
      const since = record.quarantines?.at(-1);
      told(record, options, `${robotId} is in quarantine${since === undefined ? '' : ` ${quarantineText(since)}`}`);
    },
  );

  act(
    'release',
    'release a robot from quarantine: its waiting data is collected, the next trial may include it',
  ).action(async (robotId: string, options: WordOptions) => {
    const record = await acted('release', robotId, options, (ports, change) => releaseRobot(ports, change));
    told(record, options, `${robotId} is released; the next collection reads its waiting data`);
  });

  act(
    'retire',
    'take a robot out of service permanently: its token becomes invalid, its data stays, it counts nowhere',
  ).action(async (robotId: string, options: WordOptions) => {
    const record = await acted('retire', robotId, options, (ports, change) => retireRobot(ports, change));
    told(record, options, `${robotId} is retired; its data stays`);
  });

  robots
    .command('show')
    .description('show one robot: actions, versions, uploads, drops, incidents, clock, trials')
    .argument('<id>', 'robot id')
    .option('--json', 'as JSON', false)
    .action(async (robotId: string, { json }: { json: boolean }) => {
      const context = await openContext();
      const { readRobotPage } = await import('../activities/robot-page.ts');
      const page = await readRobotPage({ ...context, fleet: openFleetReader(context) }, robotId);
      if (json) return printJson(page);
      printPage(page);
    });
}

interface MoveOptions extends WordOptions {
  readonly site?: string;
  readonly stratum?: string;
  readonly policy?: string;
}

async function move(robotId: string, options: MoveOptions): Promise<void> {
  const { site, stratum, policy } = options;
  const hasPlace = site !== undefined || stratum !== undefined;
  if (hasPlace === (policy !== undefined))
    throw new Error(`expected --policy, or --site or --stratum, got ${hasPlace ? 'both' : 'neither'}`);
  if (policy !== undefined) {
    const { moveToPolicy } = await import('./move-to-policy.ts');
    const record = await acted('move', robotId, options, (ports, change) =>
      moveToPolicy(ports, { to: policy, ...change }),
    );
    return told(record, options, `${robotId} belongs to ${policy}; the robot switches when it receives the transfer`);
  }
  const record = await acted('move', robotId, options, (ports, change) =>
    moveRobot(ports, { site, stratum, ...change }),
  );
  told(record, options, `${robotId} works at ${record.site}, stratum ${record.stratum}`);
}

const word = ({ who, reason }: WordOptions) => ({ who, why: reason });

/** Does it and keeps it in the audit log, beside the robot's own. */
async function acted(
  name: 'quarantine' | 'release' | 'retire' | 'move' | 'body',
  robotId: string,
  options: WordOptions,
  work: (ports: CommandContext, change: RobotChange) => Promise<RobotRecord>,
): Promise<RobotRecord> {
  const context = await openContext();
  const { reason, who } = options;
  const act = { act: `robot.${name}`, policy: null, subject: robotId, reason, who };
  const change = { robotId, ...word(options) };
  return actByCommand(
    context,
    act,
    () => work(context, change),
    ({ site, policy }) => `${policy}, ${site}`,
  );
}

function registerBody(act: (name: string, description: string) => Command): void {
  act(
    'body',
    'record that a robot has a new body: it is ordered versions that serve it; its earlier data keeps the earlier body',
  )
    .requiredOption('--robot-type <id@version>', 'its new body: another version of its robot type')
    .action(async (robotId: string, options: WordOptions & { robotType: string }) => {
      const context = await openContext();
      const robotType = parseRobotType(options.robotType);
      await readRobotType(context.store, robotType.id, robotType.version);
      const record = await acted('body', robotId, options, (ports, change) =>
        rebodyRobot(ports, { robotType, ...change }),
      );
      const { robots } = await openFleetReader(context).readFleet(record.policy);
      const notServed = robots.find((robot) => robot.robotId === robotId)?.notServed;
      const standing = notServed === undefined ? '' : `; ${notServedText(notServed)}`;
      told(record, options, `${robotId} has body ${robotTypeName(record.robotType)}${standing}`);
    });
}

function told(record: RobotRecord, { json }: WordOptions, sentence: string): void {
  if (json) return printJson({ ...record, tokenHashes: record.tokenHashes.length });
  say(sentence);
}

const instant = (ms: number): string => new Date(ms).toISOString();

/** Since when, and why. */
export const quarantineText = ({ sinceMs, who, why }: Quarantine): string =>
  `since ${instant(sinceMs)} by ${who}: ${why}`;

function printPage(page: RobotPage): void {
  const { robotId, standing, quarantine, policy, robotType, site, stratum, now, uploads, drops, clock } = page;
  say(`${robotId}: ${standing}${quarantine === null ? '' : ` ${quarantineText(quarantine)}`}`);
  say(`${robotType} of policy ${policy}, site ${site}, stratum ${stratum}, ${page.tokens} tokens`);
  const seen = now === null || now.lastSeenMs === null ? 'never seen' : `last seen ${instant(now.lastSeenMs)}`;
  if (now?.notServed !== undefined) say(notServedText(now.notServed));
  say(now === null ? 'counts nowhere' : `${now.contact}, runs ${now.version ?? 'nothing that it told'}, ${seen}`);
  say(
    `${uploads.waiting} segments in landing; ${uploads.episodesStored} episodes stored and ${uploads.episodesRefused} refused in ${uploads.collections} collections, ${uploads.segmentsRefused} segments refused; ${uploads.clips} clips stored, ${uploads.unfinishedClips} unfinished`,
  );
  say(
    `lost: ${drops === null ? 'no monitor watches' : drops.map(({ reason, count }) => `${reason} ${count}`).join(', ') || 'nothing'}`,
  );
  say(`clock: ${clockText(clock)}`);
  say(`latency: ${latencyText(page.latency)}`);
  if (now?.images !== undefined) say(`images: ${imagesText(now.images)}`);
  say(`open incidents: ${page.openIncidents.join(', ') || 'none'}`);
  printTable(
    ['when', 'act', 'who', 'why'],
    page.acts.map(({ atMs, act, who, why }) => [instant(atMs), act, who, why]),
  );
  printTable(
    ['when', 'version', 'outcome'],
    page.versions.map(({ atMs, version, outcome }) => [instant(atMs), version, outcome]),
  );
  printTable(
    ['since', 'trial', 'ran'],
    page.trials.map(({ sinceMs, trialId, version }) => [instant(sinceMs), trialId, version]),
  );
  printTable(
    ['when', 'incident', 'what', 'reason'],
    page.incidents.map(({ atMs, cause, state, reason }) => [instant(atMs), cause, state, reason]),
  );
  for (const key of page.damaged) say(`${key} is damaged and was skipped`);
}

function clockText(clock: RobotPage['clock']): string {
  if (clock === null) return 'no contact in the last hour';
  if (clock.isTimeUnknown) return `does not know the time, last contact ${instant(clock.heardMs)}`;
  return `${clock.skewMs} ms off, last contact ${instant(clock.heardMs)}`;
}

const shortMs = (ms: number): string => `${Number(ms.toPrecision(3))} ms`;

function latencyText(latency: RobotPage['latency']): string {
  if (latency === null) return 'no episode in the last hour told one';
  const { version, p50Ms, parts } = latency;
  const whole = `${shortMs(p50Ms)} a decision (median of the last episode, version ${version ?? 'none'})`;
  if (parts === null) return whole;
  return `${whole}: decoding images ${shortMs(parts.decodingP50Ms)}, policy ${shortMs(parts.policyP50Ms)}`;
}

const imagesText = ({
  waitingBytes,
  waitingClips,
  lost,
}: NonNullable<NonNullable<RobotPage['now']>['images']>): string =>
  `${(waitingBytes / 1e6).toFixed(1)} MB and ${waitingClips} clips wait on the robot; ${lost} images lost since its disk was new`;
