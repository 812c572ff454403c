import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

import { Worker } from '@temporalio/worker';

import { temporalTrialSlot } from '../../activities/adapters/temporal-trial-slot.ts';
import { inputActivities } from '../../activities/index.ts';
import { defaultRolloutLimits } from '../../domain/experiment/index.ts';
import { readAliases, readAliasHistory } from '../../store/records/aliases.ts';
import { openFleetReader, type FleetReader } from '../../fleet/desk/index.ts';
import type { RollbackResult, TrialResult, TrialStatus } from '../../workflows/trial/messages.ts';
import { openTrialWorld, policy, type TrialWorld } from '../activities/trials/trial-world.ts';
import { sharedTemporal } from '../support/temporal.ts';

/** A fleet day in six seconds. */
const dayMs = 6_000;
const times = {
  dayMs,
  tickMs: 400,
  leaseMs: 15_000,
  leastStageTicks: 2,
  missingAfterMs: 8_000,
  confirmMs: 8_000,
};
/** Nobody watches a holdback for two days, and the difference is no small one. */
const soon = {
  abTestLimits: { maximumDays: 2 },
  rolloutLimits: {
    stages: defaultRolloutLimits.stages.map((stage) => ({
      ...stage,
      minimumHours: Math.min(stage.minimumHours, 8),
      minimumTotalHours: 0,
    })),
  },
};
const episodesPerDay = 300;
const robots = 30;
/** What each version makes of an episode. */
const successOf: Readonly<Record<string, number>> = { '1.0.0': 0.75, '1.1.0': 0.93, '1.2.0': 0.5 };

/** Robots that do what they are ordered: they live in steps, and a gateway sees them. */
class LivingFleet {
  readonly successOf: Record<string, number> = { ...successOf };
  readonly #world: TrialWorld;
  readonly #reader: FleetReader;
  readonly #failed: unknown[] = [];
  #isAlive = true;
  readonly #life: Promise<void>;

  constructor(world: TrialWorld) {
    this.#world = world;
    this.#reader = openFleetReader({ store: world.store, clock: Date.now });
    this.#life = this.#live().catch((error: unknown) => void this.#failed.push(error));
  }

  async versions(): Promise<Record<string, number>> {
    const orders = await this.#reader.readOrders(policy);
    const all = this.#world.robotIds.map((id) => orders?.(id)?.version ?? '1.0.0');
    return Object.fromEntries([...new Set(all)].map((one) => [one, all.filter((other) => other === one).length]));
  }

  /** Resolves once a robot runs the version. */
  async runs(version: string): Promise<void> {
    for (let look = 0; look < 300 && (await this.versions())[version] === undefined; look += 1)
      await new Promise((resolve) => setTimeout(resolve, 100));
    assert.ok((await this.versions())[version] !== undefined, `nobody runs ${version}`);
  }

  async stop(): Promise<void> {
    this.#isAlive = false;
    await this.#life;
    assert.deepEqual(this.#failed, []);
  }

  async #live(): Promise<void> {
    let fromMs = Date.now();
    const due = new Map<string, number>();
    while (this.#isAlive) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      const toMs = Date.now();
      const orders = await this.#reader.readOrders(policy);
      const versionOf = (id: string): string => orders?.(id)?.version ?? '1.0.0';
      await this.#world.liveTogether({ fromMs, toMs }, (id) => {
        const wanted = (due.get(id) ?? 0) + (episodesPerDay * (toMs - fromMs)) / dayMs;
        const episodes = Math.floor(wanted);
        due.set(id, wanted - episodes);
        const version = versionOf(id);
        return { version, episodes, success: this.successOf[version] ?? 0 };
      });
      const { seq } = await this.#reader.readAssignments(policy);
      await this.#world.see(versionOf, () => true, seq < 0 ? null : seq);
      fromMs = toMs;
    }
  }
}

describe('a trial with real activities on a fleet that lives', function () {
  this.timeout(180_000);

  it('promotes a better candidate through test and stages, and takes a worse one back from every robot, by itself and when told', async () => {
    const { client, connection, bundle } = await sharedTemporal();
    const prefix = `trial-${randomUUID().slice(0, 8)}-`;
    const taskQueue = `${prefix}orchestration`;
    const slot = temporalTrialSlot({ client, taskQueue });
    const world = await openTrialWorld(robots, { versions: 3, clock: Date.now, slot });
    const nowMs = Date.now();
    await world.liveTogether({ fromMs: nowMs - 4 * dayMs, toMs: nowMs }, () => ({
      version: '1.0.0',
      episodes: 4 * episodesPerDay,
      success: successOf['1.0.0'] ?? 0,
    }));
    const workers = await Promise.all([
      Worker.create({ connection, taskQueue, workflowBundle: bundle, activities: inputActivities('real') }),
      Worker.create({ connection, taskQueue: `${prefix}fleet`, activities: world.activities }),
    ]);
    const running = workers.map((worker) => worker.run());
    const fleet = new LivingFleet(world);
    const offer = (candidateVersion: string, request: object, time = 'first') =>
      world.call('offerCandidate', {
        policy,
        candidateVersion,
        operationId: `offer-${candidateVersion}-${time}-${prefix}`,
        who: 'a cycle',
        why: 'a test',
        request: { times, ...request },
      });
    const result = async (): Promise<TrialResult> =>
      (await client.workflow.getHandle(`trial/${policy}`).result()) as TrialResult;
    try {
      assert.deepEqual(await offer('1.1.0', { candidateFraction: 0.4, ...soon }), {
        kind: 'offered',
        reason: '1.1.0 is planned now, and begins if that finds it possible',
      });
      const again = await offer('1.1.0', {});
      assert.equal(again.kind, 'offered');
      const promoted = await result();
      assert.deepEqual([promoted.outcome, promoted.abTest], ['promoted', 'accept'], promoted.reason);
      assert.deepEqual(await fleet.versions(), { '1.1.0': robots });
      assert.deepEqual(await readAliases(world)({ policy }), {
        champion: '1.1.0',
        previous: '1.0.0',
        anchor: '1.1.0',
        baseline: '1.0.0',
      });

      assert.equal((await offer('1.2.0', { abTest: false })).kind, 'offered');
      const back = await result();
      assert.equal(back.outcome, 'rolledBack', back.reason);
      assert.deepEqual(await fleet.versions(), { '1.1.0': robots });
      const champions = (await readAliasHistory(world)({ policy })).map(({ set }) => set.champion);
      assert.deepEqual(champions, ['1.0.0', '1.1.0'], 'a candidate that never reached the last stage moves no alias');
      const status = await client.workflow.getHandle(`trial/${policy}`).query<TrialStatus>('status');
      assert.deepEqual([status.stage, status.result?.outcome], ['ended', 'rolledBack']);

      // The same candidate once more, harmless this time: an operator takes it back in the middle of its first stage.
      fleet.successOf['1.2.0'] = successOf['1.1.0'] ?? 0;
      const held = { advance: { alpha: 1e-9 } };
      await offer('1.2.0', { abTest: false, rolloutLimits: held }, 'again');
      await fleet.runs('1.2.0');
      const rollback = (await client.workflow.execute('rollbackPolicy', {
        taskQueue,
        workflowId: `rollback/${policy}`,
        args: [{ policy, reason: 'it smells', confirmMs: 20_000, confirmEveryMs: 100 }],
      })) as RollbackResult;
      assert.equal(rollback.outcome, 'rolledBack');
      assert.match(rollback.endedTrialId ?? '', /^wall-rollout-/);
      assert.deepEqual([rollback.confirmed.length, rollback.offline, rollback.failed], [robots, [], []]);
      const ended = await result();
      // The order goes before the message: what comes in between sees the candidates stop working, or its trial closed, and says that.
      assert.match(
        `${ended.outcome}: ${ended.reason}`,
        /^(rolledBack: (rollback: it smells|throughput )|endedWithoutPromotion: the trial was closed)/u,
      );
      assert.deepEqual(await fleet.versions(), { '1.1.0': robots });

      const nobody = await world.call('offerCandidate', {
        policy: 'empty',
        candidateVersion: '1.0.0',
        operationId: 'o',
        who: 'w',
        why: 'y',
      });
      assert.match(nobody.reason, /policy empty has no robot/);
    } finally {
      await fleet.stop();
      for (const worker of workers) worker.shutdown();
      await Promise.all(running);
      await world.close();
    }
  });
});
