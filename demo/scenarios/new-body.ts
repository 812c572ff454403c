import { adoptBody } from '../../activities/registry/adopt-body.ts';
import { signOrdersOf } from '../../cli/context.ts';
import { scitosG5RoomsFineType } from '../../datasets/built-in-robot-types.ts';
import { robotTypeName } from '../../datasets/robot-type.ts';
import { splitOf } from '../../datasets/split.ts';
import { readTelemetry } from '../../fleet/desk/index.ts';
import { rebodyRobot } from '../../fleet/desk/robot-life.ts';
import { approveBody, listedBodies } from '../../store/records/served-bodies.ts';
import { publishRobotType } from '../../store/records/robot-types.ts';
import { waitUntil } from '../processes.ts';
import type { World } from '../world.ts';
import { expectEndState, expectSame } from './end-state.ts';
import { poorPolicy, poorPolicyWhy } from './flywheel.ts';
import { equalTrial, learn, percent } from './learn.ts';

const newerType = scitosG5RoomsFineType;
const body = { id: newerType.id, version: newerType.version };
const episodesPerRobot = 60;
/** By so much chance alone may move the success of half a fleet in as many episodes as are counted. */
const marginFraction = 0.1;
const countedEpisodes = 400;
const by = { who: 'an operator', why: 'finer sensors' };

/**
 * Half of a fleet that learned to drive gets a newer body. Until a person lets the champion have it, nothing serves it; then it drives by
 * the champion through the rules, a cycle learns from both bodies, the candidate is proven on both, is rolled out on all robots, and
 * the half that stayed as it was drives no worse.
 */
export async function newBodyArrives(world: World): Promise<void> {
  const { fleet, policy, context, say } = world;
  const first = await world.baseline(poorPolicy(), poorPolicyWhy);
  await fleet.drive(episodesPerRobot);
  fleet.live();
  await world.everyRobotFollows();
  const before = await learn(world, 'from robots of one body', { bootstrap: true });
  const [newer, older] = halves(world);
  const drivenBefore = await successOf(world, older, before);
  say(`  the half that stays as it is: ${percent(drivenBefore)}`);
  await fleet.rest();

  const adopted = await adopt(world);
  for (const robotId of newer) await rebodyRobot(context, { robotId, robotType: body, ...by });
  fleet.rebody(newer, newerType);
  say(`${newer.length} of ${fleet.robotIds.length} robots have the body ${robotTypeName(body)}`);
  expectSame('robots that nothing serves', newer, await notServed(world));
  await approveBody(context, { policy, version: adopted, robotType: body, ...by });
  await signOrdersOf(context, policy);
  expectSame('robots that nothing serves when a person let them have the champion', [], await notServed(world));

  await fleet.drive(episodesPerRobot);
  fleet.live();
  await world.everyRobotFollows();
  const mapped = await successOf(world, newer, adopted);
  say(`  the half with the newer body, by a model of the older one: ${percent(mapped)}`);
  if (!(mapped >= drivenBefore - marginFraction))
    throw new Error(`expected ${percent(drivenBefore)} as on the older body, got ${percent(mapped)}`);

  const after = await learn(world, 'from robots of both bodies', { trial: equalTrial });
  const bodies = (await listedBodies(context.store, policy, after)) ?? [];
  for (const { robotType, standing, heldOutEpisodes } of bodies)
    say(`  ${after} is ${standing} on ${robotTypeName(robotType)}, by ${heldOutEpisodes} held-out episodes`);
  expectSame(
    'bodies that the new champion is proven on',
    [1, body.version],
    bodies
      .flatMap(({ robotType, standing }) => (standing === 'proven' ? [robotType.version] : []))
      .toSorted((a, b) => a - b),
  );
  for (const [half, robotIds] of Object.entries({ older, newer })) {
    const driven = await successOf(world, robotIds, after);
    say(`  ${half} body: ${percent(half === 'older' ? drivenBefore : mapped)} → ${percent(driven)}`);
    if (!(driven >= drivenBefore - marginFraction))
      throw new Error(`expected at least ${percent(drivenBefore)} on the ${half} body, got ${percent(driven)}`);
  }
  await expectEndState(world, { champion: after, champions: [first, before, adopted, after] });
}

/** Two halves of the fleet, each with robots of every split. */
function halves({ fleet, robotType, startedMs }: World): readonly [string[], string[]] {
  const recordedOn = new Date(startedMs).toISOString().slice(0, 10);
  const halfOf: [string[], string[]] = [[], []];
  const seen = new Map<string, number>();
  for (const robotId of fleet.robotIds) {
    const split = splitOf({ robotId, recordedOn, startedAtUs: 0 }, robotType.split);
    const count = seen.get(split) ?? 0;
    seen.set(split, count + 1);
    halfOf[count % 2 === 0 ? 0 : 1].push(robotId);
  }
  return halfOf;
}

/** The policy's next models are made for the body. Resolves with the champion's number from then on. */
async function adopt({ context, policy, say }: World): Promise<string> {
  await publishRobotType(context.store, newerType);
  const ports = { ...context, signer: context.signer() };
  const { versions } = await adoptBody(ports)({ policy, robotType: body, ...by });
  await signOrdersOf(context, policy);
  const champion = versions.find(({ alias }) => alias === 'champion');
  if (champion?.registeredAs === undefined)
    throw new Error(`expected the champion under a new number, got ${champion?.because ?? 'no champion'}`);
  say(`champion ${champion.version} is ${champion.registeredAs} from now on, and lists ${robotTypeName(body)}`);
  return champion.registeredAs;
}

/** Robots whose body the champion does not serve. */
async function notServed({ reader, policy, fleet }: World): Promise<readonly string[]> {
  const { robots } = await reader.readFleet(policy);
  const without = new Set(robots.filter((robot) => robot.notServed !== undefined).map(({ robotId }) => robotId));
  return fleet.robotIds.filter((robotId) => without.has(robotId));
}

/** Success of these robots with a version, in the next episodes that they tell of. */
async function successOf({ context, policy }: World, robotIds: readonly string[], version: string): Promise<number> {
  const sinceMs = Date.now();
  const among = new Set(robotIds);
  const counts = { episodes: 0, successes: 0 };
  await waitUntil(
    async () => {
      [counts.episodes, counts.successes] = [0, 0];
      for await (const { entry, robotId } of readTelemetry(context.store, policy, sinceMs, Date.now() + 1)) {
        if (entry.kind !== 'episode' || entry.outcome === 'aborted') continue;
        if (!among.has(robotId) || entry.policyVersion !== version) continue;
        counts.episodes += 1;
        counts.successes += entry.outcome === 'success' ? 1 : 0;
      }
      return counts.episodes >= countedEpisodes;
    },
    () => `${countedEpisodes} episodes that ${version} drove; got ${counts.episodes}`,
    300_000,
    1_000,
  );
  return counts.successes / counts.episodes;
}
