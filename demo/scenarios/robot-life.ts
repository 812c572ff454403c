import { writeFile } from 'node:fs/promises';
import path from 'node:path';

import { z } from 'zod';

import { addManyRobots } from '../../cli/add-many-robots.ts';
import { robotTypeName } from '../../datasets/robot-type.ts';
import { defaultRolloutLimits } from '../../domain/experiment/index.ts';
import { readOpenIncidents } from '../../activities/monitor/monitor-state.ts';
import { readRobots } from '../../fleet/desk/index.ts';
import { requireJson } from '../../store/json-objects.ts';
import { bringIn, performActs } from '../operator-acts.ts';
import { followTrial } from '../trial.ts';
import type { World } from '../world.ts';
import { assignmentsOf, expectEndState, expectSame } from './end-state.ts';
import { cautiousPolicy, goodPolicy } from './policies.ts';
import { knownChampion, stageOf } from './steps.ts';

/** Forty episodes a day prove a wider margin than a thousand; the alarms are as ever. */
const stages = defaultRolloutLimits.stages.map((stage) => ({
  ...stage,
  marginFraction: stage.marginFraction === null ? null : 0.05,
}));
const newcomers = 20;

/**
 * A fleet that changes under a running rollout: twenty robots join, one moves, a candidate and a control are quarantined, a candidate is
 * retired, the control is released. The good candidate is promoted, nobody who left is taken along, nothing is lost.
 */
export async function robotLife(world: World): Promise<void> {
  const { policy, fleet } = world;
  const champion = await knownChampion(world, cautiousPolicy(), 'a cautious wall follower');
  const candidate = await world.submit('a good wall follower', goodPolicy());
  await world.offer(candidate, { abTest: false, rolloutLimits: { stages } });
  await stageOf(world, 0);
  await world.everyRobotFollows();
  const orders = await world.reader.readOrders(policy);
  const runs = (version: string): string[] =>
    fleet.robotIds.filter((robotId) => orders?.(robotId)?.version === version);
  const [broken = '', old = ''] = runs(candidate);
  const [doubtful = '', mover = ''] = runs(champion);

  await join(world);
  // It stays parked: nobody drives a robot that is retired.
  await bringIn(world, old);
  await performActs(world, [
    { afterHours: 0, act: 'retire', robotId: old, reason: 'its motors are worn' },
    { afterHours: 1, act: 'quarantine', robotId: broken, reason: 'it sounds odd' },
    { afterHours: 1, act: 'quarantine', robotId: doubtful, reason: 'it hit a door' },
    { afterHours: 2, act: 'move', robotId: mover, site: 'yard', reason: 'the yard needs one' },
  ]);
  await stageOf(world, 2);
  await performActs(world, [{ afterHours: 1, act: 'release', robotId: doubtful, reason: 'the door was it' }]);
  const { outcome, faultyRobots } = await followTrial(world, candidate);
  expectSame('end of the trial', ['promoted', []], [outcome, faultyRobots]);
  await expectLeavers(world, { candidate, left: [broken, doubtful, old], kept: doubtful, moved: mover });

  await performActs(world, [{ afterHours: 0, act: 'release', robotId: broken, reason: 'a loose screw' }]);
  await expectEndState(world, {
    champion: candidate,
    champions: [champion, candidate],
    closedTrials: 1,
    drivenVersions: [champion, candidate],
  });
}

/** Twenty robots come from a table, and live. */
async function join({ context, policy, robotType, stateDirectory, fleet, say }: World): Promise<void> {
  const ids = Array.from({ length: newcomers }, (_, index) => `late-${String(index + 1).padStart(2, '0')}`);
  const file = path.join(stateDirectory, 'newcomers.csv');
  const tokensFile = path.join(stateDirectory, 'newcomers.json');
  await writeFile(file, ['robot_id,site', ...ids.map((id) => `${id},rooms`), ''].join('\n'));
  const origin = { file, tokensFile, who: 'an operator', why: 'the fleet grows' };
  const count = await addManyRobots(context, origin, { policy, robotType: robotTypeName(robotType) });
  expectSame('robots added', { added: newcomers, known: 0 }, count);
  fleet.join(ids, tokensFile);
  say(`  an operator: ${newcomers} robots more, from a table`);
}

const tickSchema = z.object({
  leftOut: z.object({ leftRobots: z.array(z.string()).default([]), goneRobots: z.array(z.string()) }),
});

/** Verdicts name who left, nobody who left was put on the candidate, and nobody misses the one that is retired. */
async function expectLeavers(
  world: World,
  { candidate, left, kept, moved }: { candidate: string; left: readonly string[]; kept: string; moved: string },
): Promise<void> {
  const { context, policy, fleet } = world;
  const keys: string[] = [];
  for await (const { key } of context.store.list('trials/')) if (/\/verdicts\/tick-/.test(key)) keys.push(key);
  const { leftOut } = await requireJson(context.store, keys.toSorted().at(-1) ?? '', tickSchema, 'it was just listed');
  expectSame('robots that left the trial', [left.toSorted(), []], [leftOut.leftRobots.toSorted(), leftOut.goneRobots]);
  const exposed = (await assignmentsOf(world)).filter(({ kind, overrides, defaultVersion }) => {
    const own = overrides.find(({ robotIds }) => robotIds.includes(kept));
    return kind === 'assign' && (own?.version ?? defaultVersion) === candidate;
  });
  expectSame(`assignments of the trial that put ${kept} on ${candidate}`, 0, exposed.length);
  const robots = await readRobots(context.store);
  expectSame(`site of ${moved}`, 'yard', robots.get(moved)?.site);
  const { robots: seen, retired } = await world.reader.readFleet(policy);
  expectSame('robots of the fleet, and retired ones', [fleet.robotIds.length, 1], [seen.length, retired.length]);
  const { incidents } = await readOpenIncidents(context.store, policy);
  const gone = new Set(retired.map(({ robotId }) => robotId));
  expectSame(
    'incidents of retired robots',
    [],
    incidents.filter(({ subject }) => gone.has(subject)),
  );
}
