import assert from 'node:assert/strict';

import { liftFreeze, setFreeze } from '../../../store/records/freezes.ts';
import { hourMs, openPlannedRollout, policy, startMs, type TrialWorld } from './trial-world.ts';

const person = { who: 'ada', why: 'holidays' };
const origin = { operationId: 'test', who: 'tester', why: 'a test' };

describe('a stage of a policy that is frozen', function () {
  this.timeout(120_000);
  let world: TrialWorld;
  let plan: { trialId: string; digest: string };
  let candidates: readonly string[];

  const expose = (seq: number, robots: number, more: { isLastStage?: boolean; faultyRobots?: string[] } = {}) =>
    world.call('writeExposure', {
      plan,
      seq,
      robots,
      isLastStage: false,
      faultyRobots: [],
      ...origin,
      operationId: `test-${seq}`,
      atMs: world.nowMs,
      ...more,
    });
  const freeze = (until = '2026-06-20') =>
    setFreeze({ store: world.store, clock: () => world.nowMs }, { policy, ...person, until, mayShorten: true });

  beforeEach(async () => {
    ({ world, plan } = await openPlannedRollout('wall-rollout'));
  });
  afterEach(() => world.close());

  async function begin(): Promise<void> {
    assert.equal((await expose(0, 5)).kind, 'written');
    const text = new TextDecoder().decode(await world.store.get(`fleet/${policy}/assignments/${'0'.repeat(20)}.json`));
    candidates = (JSON.parse(text) as { overrides: { robotIds: string[] }[] }).overrides[0]?.robotIds ?? [];
  }
  async function work(success = 0.85): Promise<void> {
    const fromMs = world.nowMs;
    world.nowMs += 10 * hourMs;
    const of = (id: string): string => (candidates.includes(id) ? '1.1.0' : '1.0.0');
    await world.liveTogether({ fromMs, toMs: world.nowMs }, (id) => ({
      version: of(id),
      episodes: 400,
      success: of(id) === '1.1.0' ? success : 0.85,
    }));
    await world.see(of, () => true, 0);
  }
  async function judge(tick = 0) {
    const asked = { plan, originMs: startMs, nowMs: world.nowMs };
    let generation = -1;
    for (let isBehind = true; isBehind;)
      ({ generation, isBehind } = await world.call('collectCells', { ...asked, generation }));
    const exposures = [{ robots: 5, atMs: startMs }];
    const clock = { stage: 0, hoursInStage: 10, hoursTotal: 10 } as const;
    return world.call('judgeTick', { ...asked, generation, exposures, faultyRobots: [], ...clock, tick });
  }

  it('holds with its clock standing still, and says until when, by whom and why; then advances', async () => {
    await begin();
    await freeze();
    await work();
    const held = await judge();
    assert.deepEqual([held.verdict, held.stopsClock, held.isFrozen], ['hold', true, true], held.reason);
    assert.match(
      held.reason,
      /^Stage 1 of 4 of 1\.1\.0 against 1\.0\.0 holds: frozen until 2026-06-20T00:00:00\.000Z by ada: holidays; success .* with 1\.1\.0/,
    );
    const clock = () => world.nowMs;
    await liftFreeze({ store: world.store, clock }, { policy, who: 'bo', why: 'back', sinceMs: world.nowMs });
    // What was said of a tick stays; the next one is judged anew.
    assert.equal((await judge()).verdict, 'hold');
    const next = await judge(1);
    assert.deepEqual([next.verdict, next.stopsClock, next.isFrozen], ['advance', undefined, undefined], next.reason);
  });

  it('holds too where the freeze cannot be read', async () => {
    await begin();
    await work();
    await world.store.put(`freezes/${policy}/${'0'.repeat(20)}.json`, new TextEncoder().encode('{'));
    const { verdict, isFrozen, reason } = await judge();
    assert.deepEqual([verdict, isFrozen], ['hold', true], reason);
    assert.match(reason, /whether it is frozen is not known/);
  });

  it('is rolled back on harm all the same', async () => {
    await begin();
    await freeze();
    await work(0.3);
    const { verdict, reason } = await judge();
    assert.equal(verdict, 'rollback', reason);
  });

  it('gives nobody the candidate who does not have it: not at the beginning, not at a wider stage, not at the last', async () => {
    await freeze();
    const first = await expose(0, 5);
    assert.deepEqual([first.kind, 'reason' in first && first.reason.startsWith('frozen until')], ['frozen', true]);
    const keys: string[] = [];
    for await (const { key } of world.store.list(`fleet/${policy}/assignments/`)) keys.push(key);
    assert.deepEqual(keys, []);
    world.nowMs = Date.UTC(2026, 5, 20);
    await begin();
    await freeze('2026-07-01');
    assert.equal((await expose(1, 6)).kind, 'frozen');
    assert.equal((await expose(1, 20, { isLastStage: true })).kind, 'frozen');
  });

  it('takes robots off the candidate, and says the same stage again, as ever', async () => {
    await begin();
    await freeze();
    assert.equal((await expose(0, 5)).kind, 'written');
    assert.equal((await expose(1, 5)).kind, 'written');
    assert.equal((await expose(2, 5, { faultyRobots: candidates.slice(0, 1) })).kind, 'written');
    // Whoever was taken off does not get it back.
    assert.equal((await expose(3, 5)).kind, 'frozen');
  });
});
