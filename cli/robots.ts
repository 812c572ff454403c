import { randomBytes } from 'node:crypto';
import { userInfo } from 'node:os';

import type { Command } from 'commander';

import { robotTypeName } from '../datasets/robot-type.ts';
import { defaultPolicy } from '../activities/default-policy.ts';
import { openFleetReader } from '../fleet/desk/fleet-reader.ts';
import { notServedText, type FleetView } from '../fleet/desk/fleet-view.ts';
import { newToken, tokenHash } from '../fleet/desk/robot-tokens.ts';
import { addRobot, changeRobot, readRobots, splitRobot } from '../fleet/desk/robots.ts';
import { checkPolicyType } from './check-policy-type.ts';
import { openContext } from './context.ts';
import { openPolicy } from './open-policy.ts';
import { printJson, printTable, say } from './print.ts';
import { parseRobotType } from './parse-robot-type.ts';
import { whoOption } from './person.ts';
import { quarantineText, registerRobotLifeCommands } from './robot-life.ts';

interface ChangeOptions {
  readonly who: string;
  readonly reason: string;
  readonly json: boolean;
}

/** `flywheel robots …`: who may talk to the gateways. A token is printed once; only its hash is stored. */
export function registerRobotCommands(program: Command): void {
  const robots = program.command('robots').description('robots of the fleet and their tokens');
  const change = (name: string, description: string, fallbackWhy: string): Command =>
    robots
      .command(name)
      .description(description)
      .argument('<id>', 'robot id')
      .option('--reason <text>', 'kept in the robot’s log', fallbackWhy)
      .option(
        '--who <name>',
        'who does this; recorded in the robot’s log; default: your user name',
        userInfo().username,
      )
      .option('--json', 'as JSON', false);

  registerAdd(robots);
  registerRobotLifeCommands(robots);

  change('rotate', 'give a robot a new token; the old one stops working within 5 s', 'token rotated')
    .option('--keep-old', 'the last token stays valid until the next rotation', false)
    .action(async (robotId: string, options: ChangeOptions & { keepOld: boolean }) => {
      const context = await openContext();
      const token = newToken(robotId, randomBytes);
      await changeRobot(context, { robotId, ...changed(options) }, (now) => ({
        ...(now.isRevoked === true ? { isRevoked: false } : {}),
        tokenHashes: [tokenHash(token), ...(options.keepOld ? now.tokenHashes.slice(0, 1) : [])],
      }));
      printToken(robotId, token, options);
    });

  registerSplit(change);

  change('revoke', 'revoke all tokens of a robot, within 5 s', 'tokens revoked').action(
    async (robotId: string, options: ChangeOptions) => {
      await changeRobot(await openContext(), { robotId, ...changed(options) }, () => ({
        tokenHashes: [],
        isRevoked: true,
      }));
      if (options.json) printJson({ robotId, tokens: 0 });
      else say(`all tokens of ${robotId} are revoked`);
    },
  );

  robots
    .command('list')
    .description('list the robots of a policy: contact, version, when they were last seen')
    .option('--policy <name>', 'policy', defaultPolicy)
    .option('--json', 'as JSON', false)
    .action(async (options: { policy: string; json: boolean }) => {
      const context = await openPolicy(options.policy);
      const view = await openFleetReader(context).readFleet(options.policy);
      if (options.json) return printJson(view);
      printView(view, (await readRobots(context.store)).size);
    });
}

function registerAdd(robots: Command): void {
  whoOption(robots.command('add').description('register a robot and print its token, or many from a file'))
    .argument('[id]', 'robot id')
    .option(
      '--from <csv>',
      'instead of an id: file of robots with columns robot_id, site, stratum, robot_type, policy; all or none are added',
    )
    .option('--tokens <file>', 'with --from: new file for their tokens, readable by you alone')
    .option('--robot-type <id@version>', 'robot type, e.g. scitos-g5@1')
    .option('--site <name>', 'site of the robot')
    .option('--stratum <name>', 'robots of one stratum are alike; default: its site')
    .option('--policy <name>', 'policy it runs', defaultPolicy)
    .option('--reason <text>', 'kept in the robot’s log', 'registered')
    .option('--json', 'as JSON', false)
    .action(async (robotId: string | undefined, options: ChangeOptions & AddOptions) => {
      if ((robotId === undefined) === (options.from === undefined))
        throw new Error('expected a robot id or --from, got both or neither');
      await (robotId === undefined ? addMany(options) : addOne(robotId, options));
    });
}

async function addOne(robotId: string, options: ChangeOptions & AddOptions): Promise<void> {
  const { site, policy } = options;
  if (options.robotType === undefined || site === undefined)
    throw new Error('expected --robot-type and --site, as for every robot');
  const context = await openContext();
  const robotType = parseRobotType(options.robotType);
  await checkPolicyType(context.store, policy, robotType);
  const token = newToken(robotId, randomBytes);
  const stratum = options.stratum ?? site;
  const robot = { robotId, robotType, policy, site, stratum, tokenHashes: [tokenHash(token)] };
  await addRobot(context, { ...robot, ...changed(options) });
  printToken(robotId, token, options);
}

async function addMany(options: ChangeOptions & AddOptions): Promise<void> {
  const { from = '', tokens, json, ...defaults } = options;
  if (tokens === undefined) throw new Error('--tokens: expected a new file for the tokens of the robots of --from');
  const context = await openContext();
  const { addManyRobots } = await import('./add-many-robots.ts');
  const files = { file: from, tokensFile: tokens, ...changed(options) };
  const count = await addManyRobots(context, files, defaults);
  if (json) return printJson({ ...count, tokensFile: tokens });
  say(`${count.added} robots added, ${count.known} already added by an earlier attempt; their tokens: ${tokens}`);
}

function registerSplit(change: (name: string, description: string, fallbackWhy: string) => Command): void {
  change(
    'split',
    'two machines have one identity: create a new token for the robot, and a new robot for the other machine',
    'two machines had one identity',
  )
    .argument('<new-id>', 'new robot id of the other machine')
    .action(async (robotId: string, newId: string, options: ChangeOptions) => {
      const context = await openContext();
      const tokens = new Map([robotId, newId].map((id) => [id, newToken(id, randomBytes)]));
      const hashOf = (id: string): string => tokenHash(tokens.get(id) ?? '');
      await splitRobot(context, { robotId, newId, hashOf, ...changed(options) });
      const given = [...tokens].map(([id, token]) => ({ robotId: id, token }));
      if (options.json) return printJson({ robots: given });
      for (const { robotId: id, token } of given) say(`token of ${id}, shown only now: ${token}`);
    });
}

interface AddOptions {
  readonly from?: string;
  readonly tokens?: string;
  readonly robotType?: string;
  readonly site?: string;
  readonly stratum?: string;
  readonly policy: string;
}

const changed = ({ who, reason }: ChangeOptions) => ({ who, why: reason });

function printToken(robotId: string, token: string, { json }: ChangeOptions): void {
  if (json) return printJson({ robotId, token });
  say(`token of ${robotId}, shown only now: ${token}`);
}

function printView(view: FleetView, registered: number): void {
  printTable(
    ['robot', 'body', 'contact', 'runs', 'last seen', 'site', 'stratum', 'quarantine', 'served'],
    view.robots.map((robot) => [
      robot.robotId,
      robotTypeName(robot.robotType),
      robot.contact,
      robot.version ?? 'unknown',
      robot.lastSeenMs === null ? 'never' : new Date(robot.lastSeenMs).toISOString(),
      robot.site,
      robot.stratum,
      robot.quarantine === undefined ? '' : quarantineText(robot.quarantine),
      robot.notServed === undefined ? '' : notServedText(robot.notServed),
    ]),
  );
  const retired = view.retired.length === 0 ? '' : `, ${view.retired.length} are retired`;
  say(`${view.robots.length} of ${registered} registered robots run this policy${retired}; gateways: ${view.presence}`);
}
