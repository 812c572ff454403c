import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

import { z } from 'zod';

import type { RobotType } from '../datasets/robot-type.ts';
import { splitOf } from '../datasets/split.ts';
import { addRobot, changeRobot, newToken, readRobots, tokenHash } from '../fleet/desk/index.ts';
import { robotIdSchema } from '../fleet/protocol/index.ts';
import type { CommandContext } from '../cli/context.ts';

const robotsSchema = z.array(
  z.strictObject({ robotId: robotIdSchema, token: z.string().min(1), robotType: z.string().exactOptional() }),
);
type RobotToken = z.infer<typeof robotsSchema>[number];

const origin = { who: 'temporal-dev.sh', why: 'a simulated robot' };
/** A day without enough robots to hold out, or to validate on, ends its cycle at a gate: so many more are tried to find some. */
const mostExtraRobots = 200;
/** Share of the robots that is to be held out at least. */
const leastHeldoutFraction = 0.13;

/**
 * Ids of `count` robots, and of as many more as it takes until the day has robots of every split, enough of them held out:
 * which split a robot's day belongs to is decided by hash. Throws when 200 more do not suffice.
 */
export function robotIdsFor(count: number, day: string, rule: RobotType['split']): readonly string[] {
  const ids: string[] = [];
  const splits = { train: 0, validation: 0, heldout: 0 };
  const isEnough = (): boolean =>
    rule.kind !== 'robotDay' ||
    (splits.train > 0 && splits.validation > 0 && splits.heldout >= leastHeldoutFraction * count);
  while (ids.length < count || !isEnough()) {
    if (ids.length >= count + mostExtraRobots)
      throw new Error(`expected robots of every split on ${day}, got ${JSON.stringify(splits)}`);
    const robotId = `sim-${String(ids.length + 1).padStart(3, '0')}`;
    ids.push(robotId);
    splits[splitOf({ robotId, recordedOn: day, startedAtUs: 0 }, rule)] += 1;
  }
  return ids;
}

export interface RegisterSimulatedRobotsInput {
  readonly policy: string;
  readonly robotType: RobotType;
  readonly count: number;
  /** Where they work. */
  readonly site: string;
  /** Keeps every token ever made, readable by its owner only: what it holds from an earlier start stays valid. */
  readonly tokensFile: string;
  /** The robots of this start, as the simulator reads them. */
  readonly robotsFile: string;
}

/** Registers simulated robots with tokens of their own, and writes them down for the simulator. Doing it again changes nothing. */
export async function registerSimulatedRobots(
  context: Pick<CommandContext, 'store' | 'clock'>,
  input: RegisterSimulatedRobotsInput,
): Promise<readonly string[]> {
  const { policy, robotType, site } = input;
  const day = new Date(context.clock()).toISOString().slice(0, 10);
  const known = new Map(readTokens(input.tokensFile).map((robot) => [robot.robotId, robot]));
  const robots = robotIdsFor(input.count, day, robotType.split).map(
    (robotId): RobotToken => known.get(robotId) ?? { robotId, token: newToken(robotId, randomBytes) },
  );
  for (const robot of robots) known.set(robot.robotId, robot);
  writeTokens(input.tokensFile, [...known.values()]);
  writeTokens(input.robotsFile, robots);
  const registered = await readRobots(context.store);
  for (const { robotId, token } of robots) {
    const tokenHashes = [tokenHash(token)];
    const record = registered.get(robotId);
    if (record === undefined) {
      const { id, version } = robotType;
      const robot = { robotId, policy, robotType: { id, version }, site, stratum: site, tokenHashes };
      await addRobot(context, { ...robot, ...origin });
    } else if (record.retiredMs === undefined && !record.tokenHashes.includes(tokenHash(token)))
      await changeRobot(context, { robotId, ...origin, why: 'its token was lost' }, () => ({ tokenHashes }));
  }
  return robots.map(({ robotId }) => robotId);
}

/** From their next life on, these robots of the simulator's list have the body of a document's file. */
export function giveBody(robotsFile: string, robotIds: readonly string[], robotTypeFile: string): void {
  const robots = readTokens(robotsFile);
  writeTokens(
    robotsFile,
    robots.map((robot) => (robotIds.includes(robot.robotId) ? { ...robot, robotType: robotTypeFile } : robot)),
  );
}

const readTokens = (file: string): readonly RobotToken[] =>
  existsSync(file) ? robotsSchema.parse(JSON.parse(readFileSync(file, 'utf8'))) : [];

function writeTokens(file: string, robots: readonly RobotToken[]): void {
  writeFileSync(`${file}.tmp`, `${JSON.stringify(robots, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.tmp`, file);
}
