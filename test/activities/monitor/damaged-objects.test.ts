import assert from 'node:assert/strict';

import { isFailure } from '../../../store/failures.ts';
import { hourMs, policy } from '../trials/trial-world.ts';
import { keysOf, openMonitorWorld, type MonitorWorld } from './monitor-world.ts';

const broken = new TextEncoder().encode('{"broken":');

/** Objects of different kinds differ in more than numbers and digests. */
const kindOf = (key: string): string =>
  key
    .replaceAll(/[0-9a-f]{64}/g, '<digest>')
    .replaceAll(/\d+/g, '<number>')
    .replace(/robot-<number>/, '<robot>');

describe('a damaged object', function () {
  this.timeout(240_000);
  let world: MonitorWorld;
  afterEach(() => world.close());

  async function openTrial(): Promise<{ plan: { trialId: string; digest: string }; originMs: number }> {
    world = await openMonitorWorld(24);
    const fromMs = world.nowMs;
    await world.liveTogether({ fromMs, toMs: fromMs + hourMs }, () => ({
      version: '1.0.0',
      episodes: 10,
      success: 0.8,
    }));
    world.nowMs += 3 * hourMs;
    await world.install('robot-001', 'fellBack', 'crashLoop');
    await world.look();
    const answer = await world.call('planTrial', { policy, kind: 'rollout', trialId: 't', nowMs: world.nowMs });
    if (answer.kind !== 'planned') throw new Error(JSON.stringify(answer));
    return { plan: answer.plan, originMs: world.nowMs };
  }

  const seen = async (call: () => Promise<unknown>, key: string): Promise<string> => {
    try {
      await call();
      return 'goes on';
    } catch (error) {
      assert.ok(isFailure(error, 'CorruptData'), `${key}: ${String(error)}`);
      assert.ok(error.message.includes(key), `${error.message}: expected it to name ${key}`);
      return 'names it';
    }
  };

  it('of any kind stops neither monitor nor trial without being named, and telemetry stops nothing', async () => {
    const { plan, originMs } = await openTrial();
    const collect = () => world.call('collectCells', { plan, generation: -1, originMs, nowMs: world.nowMs });
    await world.report('robot-002', [{ seq: 900, atMs: world.nowMs }]);
    await collect();
    const tick = (number: number) =>
      world.call('judgeTick', {
        plan,
        generation: 0,
        originMs,
        nowMs: world.nowMs,
        exposures: [{ robots: 5, atMs: originMs }],
        faultyRobots: [],
        tick: number,
        stage: 0,
        hoursInStage: 1,
        hoursTotal: 1,
      });
    await tick(0);
    const kinds = new Map<string, string>();
    for (const key of await keysOf(world, ''))
      if (!key.startsWith('models/') && !key.startsWith('incoming/')) kinds.set(kindOf(key), key);
    const stopped: string[] = [];
    for (const [kind, key] of kinds) {
      const sound = await world.store.get(key);
      if (sound === undefined) continue;
      await world.store.put(key, broken);
      const trial = { policy, kind: 'rollout', trialId: `t-${kinds.size}-${stopped.length}` } as const;
      const answers = [
        await seen(() => world.look(), key),
        await seen(() => world.call('planTrial', { ...trial, nowMs: world.nowMs }), key),
        await seen(collect, key),
        await seen(() => tick(0), key),
      ];
      if (answers.some((answer) => answer !== 'goes on')) stopped.push(kind);
      await world.store.put(key, sound);
    }
    assert.ok(kinds.size > 8, [...kinds.keys()].join(' '));
    for (const kind of stopped)
      assert.doesNotMatch(kind, /^(telemetry|telemetry-summaries|reports|monitor|robots)\/|presence|installs/);
  });

  it('of telemetry is an incident until it is deleted, its sound lines count, and others go on', async () => {
    world = await openMonitorWorld(6);
    await world.look();
    await world.report('robot-001', [{ seq: 1, atMs: world.nowMs }]);
    const [key = ''] = await keysOf(world, 'telemetry/');
    const sound = await world.store.get(key);
    await world.store.put(key, Buffer.concat([broken, Buffer.from('\n'), sound ?? new Uint8Array()]));
    const { incidents } = await world.look();
    assert.deepEqual(
      incidents.map(({ cause, subject }) => [cause, subject]),
      [['damagedObject', key]],
    );
    assert.match(incidents[0]?.reason ?? '', /expected a line of telemetry, got other text: 1 lines/);
    await world.store.delete(key);
    assert.equal((await world.look()).openIncidents, 0);
    assert.ok((await world.log()).length === 2);
  });

  it('of the monitor’s own state costs one look', async () => {
    world = await openMonitorWorld(6);
    for (let look = 0; look < 3; look += 1) await world.look();
    const newest = (await keysOf(world, `monitor/${policy}/looks/`)).at(-1) ?? '';
    await world.store.put(newest, broken);
    const { incidents } = await world.look();
    assert.deepEqual(
      incidents.map(({ subject }) => subject),
      [newest],
    );
    for (let look = 0; look < 3; look += 1) await world.look();
    assert.equal((await world.look()).openIncidents, 0);
  });

  it('that is an hourly sum is made anew of its telemetry', async () => {
    await openTrial();
    const sums = await keysOf(world, 'telemetry-summaries/');
    assert.equal(sums.length, 1);
    const sound = await world.store.get(sums[0] ?? '');
    await world.store.put(sums[0] ?? '', broken);
    await world.call('planTrial', { policy, kind: 'rollout', trialId: 't2', nowMs: world.nowMs });
    assert.deepEqual(await world.store.get(sums[0] ?? ''), sound);
  });
});
