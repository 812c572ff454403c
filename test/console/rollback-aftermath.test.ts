import assert from 'node:assert/strict';

import type { FleetSuccessAnswer } from '../../console/answers/fleet.ts';
import type { EndedTrialsAnswer, StandingAnswer } from '../../console/answers/trials.ts';
import { openFleet } from '../../fleet/desk/index.ts';
import { jsonBytes } from '../../store/json-objects.ts';
import { moveAliases } from '../../store/records/aliases.ts';
import { bootOf, episode, episodeIdOf, hourMs, policy, startMs } from '../activities/facts/fact-world.ts';
import { openConsoleWorld, type ConsoleWorld } from './console-world.ts';

/** What the console tells after a rollback, by the logs alone. */
describe('after a rollback, the console', function () {
  this.timeout(60_000);
  let world: ConsoleWorld;
  const read = async <T>(path: string): Promise<T> => {
    const { status, body, text } = await world.get(`/api/v1/${path}`);
    assert.equal(status, 200, text);
    return body as unknown as T;
  };
  const standing = () => read<StandingAnswer>(`standing?policy=${policy}`);

  before(async () => {
    world = await openConsoleWorld();
  });
  after(() => world.close());

  const order = async (seq: number, operationId: string, version: string, who: string, closedTrialId?: string) => {
    const { store, clock } = world.ports;
    const written = await openFleet({ store, clock }).write({
      policy,
      seq,
      record: {
        ...(closedTrialId === undefined ? { kind: 'assign' } : { kind: 'closeTrial', closedTrialId }),
        defaultVersion: version,
        championVersion: version,
        trialId: null,
        urgency: 'whenIdle',
        overrides: [],
        operationId,
        who,
        why: 'smoke',
        atMs: clock(),
      },
    });
    assert.equal(written.kind, 'written');
    await moveAliases({ store, clock }, { policy, operationId, who, why: 'smoke' }, () => ({ champion: version }));
    world.facts.nowMs += 1_000;
  };

  it('offers who ordered it to undo it, with version and end, and says why where that cannot be', async () => {
    assert.equal((await standing()).undo, undefined);
    await order(0, 'wall-rollout-a#0', '1.0.0', 'cycle a');
    await order(1, 'wall-rollout-b#1', '1.1.0', 'cycle b');
    assert.equal((await standing()).undo, undefined);
    const orderedMs = world.facts.nowMs;
    await order(2, 'rollback-wall-c#2', '1.0.0', 'ada');
    const offered = { order: 2, who: 'ada', untilMs: orderedMs + 1_800_000 };
    assert.deepEqual((await standing()).undo, { ...offered, version: '1.1.0', why: null });
    const end = { policy, trialId: 't1', candidateVersion: '1.1.0', outcome: 'harmful', reason: 'harm', atMs: startMs };
    await world.ports.store.put('trials/t1/end.json', jsonBytes(end));
    const { undo } = await standing();
    assert.equal(undo?.version, null);
    assert.match(undo?.why ?? '', /trial t1 ended against 1\.1\.0/);
    world.facts.nowMs = orderedMs + 1_800_001;
    assert.equal((await standing()).undo, undefined);
  });

  it('names the rollback that ended a trial, and none where another order or nothing did', async () => {
    const { store } = world.ports;
    const atMs = world.facts.nowMs;
    await order(3, 'rollback-wall-d#3', '1.0.0', 'bo', 'wall-rollout-x');
    await order(4, 'wall-rollout-y#4', '1.0.0', 'cycle y', 'wall-rollout-y');
    for (const [trialId, reason] of [
      ['wall-rollout-x', 'rollback: smoke'],
      ['wall-rollout-y', 'rollback: told so'],
      ['wall-rollout-z', 'harm in docking'],
    ] as const) {
      const end = { policy, trialId, candidateVersion: '1.2.0', outcome: 'rolledBack', reason, atMs };
      await store.put(`trials/${trialId}/end.json`, jsonBytes(end));
    }
    for (let time = 0; time < 2; time += 1) {
      const { items } = await read<EndedTrialsAnswer>(`trials?policy=${policy}`);
      const endedBy = new Map(items.map((one) => [one.trialId, one.endedBy]));
      assert.deepEqual(endedBy.get('wall-rollout-x'), { order: 3, version: '1.0.0', who: 'bo', why: 'smoke', atMs });
      assert.deepEqual([endedBy.get('wall-rollout-y'), endedBy.get('wall-rollout-z')], [undefined, undefined]);
    }
  });

  it('tells success of the last day by model, with intervals and numbers, as far as the facts reach', async () => {
    const path = `fleet/success?policy=${policy}`;
    const none = await read<FleetSuccessAnswer>(path);
    assert.deepEqual([none.state, none.asOfMs, none.versions], ['noFacts', null, []]);
    assert.equal((await world.get('/api/v1/fleet/success?policy=nobody')).status, 404);
    assert.equal((await world.get(`/api/v1/${path}`, null)).status, 401);
    let id = 0;
    const at = (hours: number, policyVersion: string, isSuccess: boolean) =>
      episode(id, startMs + hours * hourMs, {
        episodeId: episodeIdOf((id += 1)),
        policyVersion,
        outcome: isSuccess ? 'success' : 'failure',
      });
    const receivedMs = startMs + 40 * hourMs;
    // Those of the first hours are older than a day when the facts are made.
    const entries = [
      ...Array.from({ length: 20 }, (_, index) => at(1 + index * 0.1, '1.0.0', false)),
      ...Array.from({ length: 30 }, (_, index) => at(20 + index * 0.1, '1.0.0', index < 15)),
      ...Array.from({ length: 60 }, (_, index) => at(30 + index * 0.1, '1.1.0', index < 54)),
    ];
    await world.facts.write([{ robotId: 'r0', bootId: bootOf(0), receivedMs, clockSkewMs: 0, entries }], receivedMs);
    world.facts.nowMs = receivedMs + hourMs;
    await world.facts.compact();
    const { state, asOfMs, fromMs, all, versions, total } = await read<FleetSuccessAnswer>(path);
    assert.deepEqual([state, total, (asOfMs ?? 0) - (fromMs ?? 0)], ['read', 2, 86_400_000]);
    assert.ok(asOfMs !== null && asOfMs <= world.facts.nowMs && asOfMs > startMs + 24 * hourMs);
    const told = versions.map(({ version, robots, success }) =>
      success.kind === 'value' ? [version, robots, success.n, success.value] : assert.fail(success.kind),
    );
    assert.deepEqual(told, [
      ['1.1.0', 1, 60, 0.9],
      ['1.0.0', 1, 30, 0.5],
    ]);
    assert.ok(all.success.kind === 'value' && all.success.n === 90 && Math.abs(all.success.value - 69 / 90) < 1e-9);
    assert.equal(all.robots, 1);
  });
});
