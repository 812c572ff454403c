import assert from 'node:assert/strict';

import { sweepLateTelemetry } from '../../../activities/erasure/sweep-late-telemetry.ts';
import { compactFacts } from '../../../activities/facts/compact-facts.ts';
import { openFactTables } from '../../../activities/facts/fact-tables.ts';
import { readHeldData } from '../../../activities/retention/held-data.ts';
import { openFleetReader, openTelemetryLog } from '../../../fleet/desk/index.ts';
import { CollectionWorld, generatedEpisodes } from '../collection/collection-fixture.ts';
import { hourMs, openPlannedRollout, policy, startMs, type TrialWorld } from '../trials/trial-world.ts';
import { erase, request } from './erasure-world.ts';
import { putTrainedModel } from './trained-model.ts';

const trialId = 'wall-rollout';

/** A rollout of five candidates, with the lake and the facts of the same store. */
class Trial {
  readonly world: TrialWorld;
  readonly lake: CollectionWorld;
  readonly #plan: { readonly trialId: string; readonly digest: string };
  #tick = 0;

  private constructor(world: TrialWorld, plan: { trialId: string; digest: string }, lake: CollectionWorld) {
    [this.world, this.#plan, this.lake] = [world, plan, lake];
  }

  static async open(): Promise<Trial> {
    const { world, plan } = await openPlannedRollout(trialId);
    const trial = new Trial(world, plan, await CollectionWorld.open(world.store));
    const origin = { operationId: 'test', who: 'tester', why: 'a test' };
    const exposure = { plan, seq: 0, robots: 5, isLastStage: false, faultyRobots: [], ...origin, atMs: world.nowMs };
    await world.call('writeExposure', exposure);
    return trial;
  }

  async close(): Promise<void> {
    await this.lake.close();
    await this.world.close();
  }

  async versionOf(robotId: string): Promise<string> {
    const { store } = this.world;
    const orders = await openFleetReader({ store, clock: () => this.world.nowMs }).readOrders(policy);
    return orders?.(robotId)?.version ?? 'none';
  }

  /** Everybody works ten hours as ordered; then the guard looks. */
  async tenHours() {
    const { world } = this;
    const fromMs = world.nowMs;
    world.nowMs += 10 * hourMs;
    const versions = new Map<string, string>();
    for (const robotId of world.robotIds) versions.set(robotId, await this.versionOf(robotId));
    const of = (robotId: string): string => versions.get(robotId) ?? 'none';
    await world.liveTogether({ fromMs, toMs: world.nowMs }, (id) => ({ version: of(id), episodes: 40, success: 0.85 }));
    await world.see(of);
    const asked = { plan: this.#plan, originMs: startMs, nowMs: world.nowMs };
    let generation = -1;
    for (let isBehind = true; isBehind;)
      ({ generation, isBehind } = await world.call('collectCells', { ...asked, generation }));
    const exposures = [{ robots: 5, atMs: startMs }];
    const hours = (world.nowMs - startMs) / hourMs;
    const clock = { stage: 0, hoursInStage: hours, hoursTotal: hours } as const;
    return world.call('judgeTick', { ...asked, generation, exposures, faultyRobots: [], ...clock, tick: this.#tick++ });
  }

  /** Outcomes by robot in the lake's facts, once telemetry is told of. */
  async outcomes(sinceMs = 0): Promise<Readonly<Record<string, number>>> {
    const { engine, scratchDirectory } = this.lake.ports;
    const { store } = this.world;
    const clock = (): number => this.world.nowMs + 2 * hourMs;
    const facts = openFactTables({ store, engine, clock, stagingDirectory: scratchDirectory });
    const ports = { store, engine, clock, facts, telemetry: openTelemetryLog(store), scratchDirectory };
    await compactFacts({ ...ports, progress: () => undefined })({ policy });
    const session = await engine.open();
    try {
      const rows = await session.rows(
        `SELECT robot_id, (count(*) FILTER (epoch_ms(started_at) >= ${sinceMs}))::INTEGER AS n FROM ${(await facts.scan('outcomes')) ?? 'none'} GROUP BY robot_id`,
      );
      return Object.fromEntries(rows.map((row) => [row['robot_id'] as string, Number(row['n'])]));
    } finally {
      await session.close();
    }
  }
}

describe('an erasure of a robot that runs the candidate of a trial', function () {
  this.timeout(120_000);

  it('takes its past out of lake, facts and telemetry; the trial judges as it would have, the robot stays where it is', async () => {
    const [trial, other] = [await Trial.open(), await Trial.open()];
    try {
      const { world, lake } = trial;
      const { store } = world;
      const ids = [...world.robotIds];
      const candidates: string[] = [];
      for (const id of ids) if ((await trial.versionOf(id)) === '1.1.0') candidates.push(id);
      const [robotId = ''] = candidates;
      assert.equal(candidates.length, 5);
      const [rows = []] = [...generatedEpisodes(1, 1, 1).values()].map((own) => own.flat());
      await lake.land(
        robotId,
        rows.map((row) => ({ ...row, robot_id: robotId })),
      );
      await lake.collect('c');
      assert.equal((await lake.rows('episodes', '*')).length, 1);
      await putTrainedModel(store, '1.2.0', await lake.ports.lake.currentVersion(), 'a');

      assert.deepEqual(await trial.tenHours(), await other.tenHours());
      assert.equal((await trial.outcomes())[robotId], 40);
      const requestMs = world.nowMs + 1;
      await request({ store }, 'e1', { kind: 'robot', robotId }, { recordedBeforeMs: requestMs });
      const { checked, certificate } = await erase(lake.ports, 'e1');
      assert.deepEqual(checked.leftovers, []);
      assert.equal(certificate?.erased.episodes, 1);
      assert.deepEqual(certificate?.models, [{ policy, version: '1.2.0' }]);
      assert.equal((await trial.outcomes())[robotId], undefined);
      assert.equal(await trial.versionOf(robotId), '1.1.0');

      // It goes on, and tells late of before.
      await world.report(
        robotId,
        [{ seq: 100_000, atMs: requestMs - 1 - 22.5 * 60_000, policyVersion: '1.1.0' }],
        requestMs + 60_000,
      );
      const [mine, theirs] = [await trial.tenHours(), await other.tenHours()];
      const { robots, candidates: judged, verdict, episodes } = mine;
      assert.deepEqual([robots, judged, verdict], [theirs.robots, theirs.candidates, theirs.verdict]);
      // What it told late counts in the trial, once, and nothing is counted twice.
      assert.equal(episodes, theirs.episodes + 1);
      assert.equal((await trial.outcomes())[robotId], 40);
      const since = await trial.outcomes(requestMs);
      const all = await trial.outcomes();
      for (const id of ids) assert.deepEqual([id, all[id]], [id, id === robotId ? since[id] : 80]);
      assert.equal(await trial.versionOf(robotId), '1.1.0');

      const held = await readHeldData(store);
      const sweep = { store, policy, nowMs: world.nowMs + 2 * hourMs, dryRun: false, held, progress: () => undefined };
      assert.equal((await sweepLateTelemetry(sweep)).entries, 1);
    } finally {
      await trial.close();
      await other.close();
    }
  });
});
