import assert from 'node:assert/strict';

import { readWindows } from '../../../domain/maintenance/index.ts';
import { setWindows } from '../../../fleet/desk/windows.ts';
import { hourMs, openPlannedRollout, policy, startMs, type TrialWorld } from './trial-world.ts';

const trialId = 'wall-rollout';
const person = { who: 'tester', why: 'a test' };
const origin = { operationId: 'test', ...person };

describe('a stage whose robots wait for the update windows of their site', function () {
  this.timeout(120_000);
  let world: TrialWorld;
  let plan: { trialId: string; digest: string };
  let candidates: readonly string[];

  beforeEach(async () => {
    ({ world, plan } = await openPlannedRollout(trialId));
    const written = { plan, seq: 0, robots: 5, isLastStage: false, faultyRobots: [], ...origin, atMs: world.nowMs };
    await world.call('writeExposure', written);
    const text = new TextDecoder().decode(await world.store.get(`fleet/${policy}/assignments/${'0'.repeat(20)}.json`));
    candidates = (JSON.parse(text) as { overrides: { robotIds: string[] }[] }).overrides[0]?.robotIds ?? [];
    assert.equal(candidates.length, 5);
  });
  afterEach(() => world.close());

  const closeSite = () =>
    setWindows(
      { store: world.store, clock: () => world.nowMs },
      {
        site: 'hall',
        windows: readWindows({ zone: 'UTC', days: 'daily', from: '22:00', to: '23:00' }, startMs),
        ...person,
      },
    );

  /** Ten hours: so many candidates came onto the candidate, the others run on as before; `away` are silent. */
  async function work(onCandidate: number, success = 0.85, away: readonly string[] = []): Promise<void> {
    const fromMs = world.nowMs;
    world.nowMs += 10 * hourMs;
    const of = (id: string): string => (candidates.slice(0, onCandidate).includes(id) ? '1.1.0' : '1.0.0');
    await world.liveTogether({ fromMs, toMs: world.nowMs }, (id) => ({
      version: of(id),
      episodes: away.includes(id) ? 0 : 400,
      success: of(id) === '1.1.0' ? success : 0.85,
    }));
    await world.see(of, (id) => !away.includes(id), 0);
  }
  async function judge() {
    const asked = { plan, originMs: startMs, nowMs: world.nowMs };
    let generation = -1;
    for (let isBehind = true; isBehind;)
      ({ generation, isBehind } = await world.call('collectCells', { ...asked, generation }));
    const exposures = [{ robots: 5, atMs: startMs }];
    const clock = { stage: 0, hoursInStage: 10, hoursTotal: 10 } as const;
    return world.call('judgeTick', { ...asked, generation, exposures, faultyRobots: [], ...clock, tick: 0 });
  }

  it('holds with its clock standing still, and says who waits until when', async () => {
    await closeSite();
    await work(4);
    const { verdict, stopsClock, reason } = await judge();
    assert.deepEqual([verdict, stopsClock], ['hold', true], reason);
    assert.match(reason, /holds: 1 of 5 wait for their window at site hall, opens 2026-06-01T22:00Z; /);
    const confirmations = await world.call('readConfirmations', { policy, seq: 0 });
    assert.deepEqual(confirmations.waiting, []);
    assert.deepEqual(confirmations.windowed, [
      `${candidates[4]}: waits for its window at site hall, opens 2026-06-01T22:00Z`,
    ]);
  });

  it('goes on as ever when all have come through, or there are no windows', async () => {
    await closeSite();
    await work(5);
    const { verdict, stopsClock, reason } = await judge();
    assert.deepEqual([verdict, stopsClock], ['advance', undefined], reason);
  });

  it('counts the time while the window is open, whoever is late', async () => {
    await work(4);
    const { stopsClock, reason } = await judge();
    assert.equal(stopsClock, undefined, reason);
    assert.deepEqual((await world.call('readConfirmations', { policy, seq: 0 })).waiting, [candidates[4]]);
  });

  it('calls no candidate silent that could not take the candidate', async () => {
    const away = candidates.slice(1);
    await closeSite();
    await work(1, 0.85, away);
    const { verdict, stopsClock, reason } = await judge();
    assert.deepEqual([verdict, stopsClock], ['hold', undefined], reason);
    assert.doesNotMatch(reason, /silent/);
  });

  it('calls them so where nothing kept them from it', async () => {
    await work(1, 0.85, candidates.slice(1));
    const { verdict, reason } = await judge();
    assert.equal(verdict, 'rollback', reason);
    assert.match(reason, /candidates silent/);
  });

  it('rolls back on harm, whoever waits', async () => {
    await closeSite();
    await work(4, 0.3);
    const { verdict, reason } = await judge();
    assert.equal(verdict, 'rollback', reason);
    assert.match(reason, /1 of 5 wait for their window/);
  });
});
