import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';

import { trialKeys } from '../../activities/trials/trial-keys.ts';
import { FrameColumns } from '../../datasets/frame-columns.ts';
import { landEpisodes } from '../../datasets/importers/land-episodes.ts';
import type { SourceEpisode } from '../../datasets/importers/source-episode.ts';
import { robotTypeSchema, type RobotType } from '../../datasets/robot-type.ts';
import { splitOf } from '../../datasets/split.ts';
import { workflowIds } from '../../domain/contract/workflow-ids.ts';
import { trialPlanSchema, type TrialPlan } from '../../domain/trial/index.ts';
import { waitUntil } from '../../demo/processes.ts';
import { addRobot } from '../../fleet/desk/index.ts';
import { fleetKeys, telemetryHour } from '../../fleet/desk/keys.ts';
import { listedBodies } from '../../store/records/served-bodies.ts';
import { publishRobotType } from '../../store/records/robot-types.ts';
import { testRobotType } from '../activities/training/arrow-sets.ts';
import { seededRandom } from '../support/generated-week/seeded-random.ts';
import { sharedTemporal } from '../support/temporal.ts';
import { withLoop, type Loop } from '../loop/loop.ts';

const policy = 'two-versions';
const recordedMs = Date.UTC(2026, 0, 5, 8);
const recordedOn = '2026-01-05';
const framesPerEpisode = 20;
const episodesPerRobot = 6;

const plain = testRobotType();
const one = robotTypeSchema.parse({
  ...plain,
  id: 'two-versions',
  tasks: ['drive'],
  split: { kind: 'robotDay', validationFraction: 0.2, heldoutFraction: 0.4 },
  // More than there are, so that a body that is judged apart is proven by nothing but being the fleet's own.
  limits: { ...plain.limits, minBodyEpisodes: 1_000 },
});
const two = robotTypeSchema.parse({
  ...one,
  version: 2,
  observations: [...one.observations, { name: 'bumper', unit: 'm', min: -2, max: 2 }],
  follows: { version: 1, observations: [{ name: 'bumper', is: 'new', fill: 0 }] },
});

/** Whoever drives by the sum of two readings, recorded by robots of a body. */
async function* drives({ observations }: RobotType, robotIds: readonly string[]): AsyncGenerator<SourceEpisode> {
  for (const robotId of robotIds)
    for (let number = 0; number < episodesPerRobot; number += 1) {
      const random = seededRandom(`${robotId}:${number}`);
      const startUs = (recordedMs + number * 60_000) * 1_000;
      const frames = Array.from({ length: framesPerEpisode }, (_, frame) => {
        const observation = Float32Array.from(observations, () => 4 * random() - 2);
        const sum = (observation[0] ?? 0) + (observation[1] ?? 0);
        return {
          atUs: startUs + frame * 100_000,
          observation,
          action: Float32Array.of(sum > 0.5 ? 2 : sum > -0.5 ? 1 : 0),
        };
      });
      const at = { value: '', firstRow: 0, rows: framesPerEpisode };
      const outcome = { outcome: 'success', failureReason: null, isDemonstration: true } as const;
      yield { name: `${robotId}:${number}`, robotId, task: 'drive', ...outcome, at, frames: FrameColumns.of(frames) };
    }
}

const landing = ({ store, settings }: Loop, type: RobotType, robotIds: readonly string[]) =>
  landEpisodes(
    {
      store,
      scratchDirectory: settings.scratchDirectory,
      progress: () => undefined,
      isRegistered: async () => false,
    },
    { importId: undefined, type, site: 'bench', agentVersion: 'test', episodes: drives(type, robotIds) },
  );

const names = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}-${String(index).padStart(2, '0')}`);
const fleet = names('robot', 24);

/** Robots of the first version, with a day of the champion behind them. */
async function register({ store }: Loop): Promise<void> {
  const lines: string[] = [];
  const receivedMs = Date.now() - 3_600_000;
  const words = { who: 'test', why: 'a fleet' };
  for (const robotId of fleet) {
    const place = { site: 'bench', stratum: 'bench', tokenHashes: ['0'.repeat(64)] };
    const robotType = { id: one.id, version: 1 };
    await addRobot({ store, clock: Date.now }, { robotId, policy, robotType, ...place, ...words });
    const entries = Array.from({ length: 200 }, (_, seq) => ({
      kind: 'episode',
      seq,
      atMs: receivedMs - (200 - seq) * 60_000,
      policyVersion: '1.0.0',
      trialId: null,
      episodeId: '01J00000000000000000000001',
      task: 'drive',
      durationMs: 50_000,
      outcome: seq % 5 === 0 ? 'failure' : 'success',
      failureReason: seq % 5 === 0 ? 'collision' : null,
      intervened: false,
      latencyP50Ms: 3,
    }));
    const bootId = '01J00000000000000000000000';
    lines.push(`${JSON.stringify({ robotId, bootId, receivedMs, clockSkewMs: 0, entries })}\n`);
  }
  const bytes = new TextEncoder().encode(lines.join(''));
  const digest = createHash('sha256').update(bytes).digest('hex');
  await store.put(`${fleetKeys.telemetryHour(policy, telemetryHour(receivedMs))}/${digest}`, bytes);
}

async function planned({ store }: Loop): Promise<TrialPlan> {
  const plans: TrialPlan[] = [];
  await waitUntil(
    async () => {
      for await (const { key } of store.list('trials/')) {
        const [, trialId = ''] = key.split('/');
        if (key === trialKeys.plan(trialId))
          plans.push(trialPlanSchema.parse(JSON.parse(new TextDecoder().decode(await store.get(key)))));
      }
      return plans.length > 0;
    },
    'the plan of a trial',
    60_000,
    200,
  );
  return plans[0] ?? assert.fail();
}

const standings = async ({ store }: Loop, version: string) =>
  (await listedBodies(store, policy, version))?.map(({ robotType, standing }) => [robotType.version, standing]);

const input = {
  trainWithoutNew: true,
  training: { seed: 1, hyperparameters: { maxSteps: 500 } },
  trial: { abTest: false },
};

describe('a fleet of one version of a robot type of which the store knows two', function () {
  this.timeout(300_000);

  it('tries the candidates of its cycles on all of its robots, also when a robot of the other version recorded', async () => {
    await withLoop(policy, one, async (loop) => {
      await publishRobotType(loop.store, two);
      await register(loop);
      await landing(loop, one, names('rec', 20));
      const first = await loop.cycle(input);
      const { client } = await sharedTemporal();
      try {
        assert.equal(first.outcome, 'offered', first.reason);
        assert.deepEqual(await standings(loop, first.candidateVersion ?? ''), [
          [1, 'proven'],
          [2, 'unproven'],
        ]);
        const { robots, excluded, candidateVersion } = await planned(loop);
        assert.deepEqual(
          [candidateVersion, robots.map(({ robotId }) => robotId).toSorted(), excluded],
          [first.candidateVersion, fleet, []],
        );

        const others = names('other', 20).filter(
          (robotId) => splitOf({ robotId, recordedOn, startedAtUs: recordedMs * 1_000 }, two.split) === 'heldout',
        );
        assert.ok(others.length > 0);
        await landing(loop, two, others.slice(0, 1));
        const second = await loop.cycle(input);
        assert.equal(second.outcome, 'offered', second.reason);
        assert.deepEqual(await standings(loop, second.candidateVersion ?? ''), [
          [1, 'proven'],
          [2, 'unproven'],
        ]);
      } finally {
        const slot = workflowIds.trialPolicy(policy);
        for (const id of [slot, workflowIds.rolloutPolicy(slot)])
          await client.workflow
            .getHandle(id)
            .terminate('the test is over')
            .catch(() => undefined);
      }
    });
  });
});
