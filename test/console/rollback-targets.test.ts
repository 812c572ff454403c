import assert from 'node:assert/strict';

import type { RollbackTargetsAnswer } from '../../console/answers/rollback-targets.ts';
import { jsonBytes } from '../../store/json-objects.ts';
import { moveAliases } from '../../store/records/aliases.ts';
import { bootOf, episode, episodeIdOf, hourMs, policy, startMs } from '../activities/facts/fact-world.ts';
import { ask, openConsoleWorld, type ConsoleWorld } from './console-world.ts';

const hostile = '<script>alert(1)</script>';
const path = `/api/v1/rollback/targets?policy=${policy}`;

describe('versions to roll back to, of the console', function () {
  this.timeout(60_000);
  let world: ConsoleWorld;
  const read = async (): Promise<RollbackTargetsAnswer> => {
    const { status, body } = await world.get(path);
    assert.equal(status, 200, JSON.stringify(body));
    return body as unknown as RollbackTargetsAnswer;
  };
  const target = ({ targets }: RollbackTargetsAnswer, version: string) =>
    targets.find((one) => one.version === version) ?? assert.fail(`no ${version} among ${targets.length}`);

  before(async () => {
    world = await openConsoleWorld();
  });
  after(() => world.close());

  it('are none, and none is told, where nothing was ever champion', async () => {
    const { running, unnamed, targets, total, state } = await read();
    assert.deepEqual([running, unnamed, targets, total, state], [null, null, [], 0, 'noFacts']);
    assert.equal((await world.get('/api/v1/rollback/targets?policy=nobody')).status, 404);
    assert.equal((await world.get(path, null)).status, 401);
  });

  it('are former champions and the baseline, each with when it was champion, and by whom it was put back or taken back', async () => {
    const { store, clock } = world.ports;
    for (const [operationId, who, set] of [
      ['baseline-a', 'ada', { baseline: '1.0.0', champion: '1.0.0' }],
      ['wall-rollout-a#3', 'cycle c1', { champion: '1.1.0', previous: '1.0.0' }],
      ['wall-rollout-b#9', 'cycle c2', { champion: '1.2.0', previous: '1.1.0' }],
      ['rollback-wall-c#12', hostile, { champion: '1.1.0', previous: '1.0.0' }],
    ] as const) {
      world.facts.nowMs += 1_000;
      await moveAliases({ store, clock }, { policy, operationId, who, why: 'smoke' }, () => set);
    }
    const answer = await read();
    assert.deepEqual(
      answer.targets.map(({ version, choice }) => `${version} ${choice}`),
      ['1.2.0 ask', '1.0.0 ask'],
    );
    assert.deepEqual([answer.running?.version, answer.unnamed], ['1.1.0', { version: '1.0.0', endsTrial: false }]);
    const [newest, oldest] = [target(answer, '1.2.0'), target(answer, '1.0.0')];
    assert.deepEqual(
      [newest.takenBack?.who, newest.takenBack?.version, newest.takenBack?.way],
      [hostile, '1.1.0', 'putBack'],
    );
    assert.deepEqual([newest.spells[0]?.way, newest.spells[0]?.untilMs], ['trial', newest.takenBack?.atMs]);
    assert.deepEqual([oldest.takenBack, oldest.aliases], [null, ['baseline', 'previous']]);
    // Nobody has counted anything: that is not known, and not 0.
    assert.deepEqual([answer.state, newest.success.kind, newest.difference.kind], ['noFacts', 'noData', 'noData']);
  });

  it('come with what was measured of each and of what runs now, with intervals and numbers', async () => {
    let id = 0;
    for (const [index, robotId] of ['r0', 'r1'].entries()) {
      const entries = ['1.1.0', '1.0.0'].flatMap((policyVersion, half) =>
        Array.from({ length: 40 }, (_, at) => {
          const seq = half * 40 + at;
          const outcome = policyVersion === '1.0.0' && at % 2 === 0 ? 'failure' : 'success';
          return episode(seq, startMs + seq * 0.2 * hourMs, {
            episodeId: episodeIdOf((id += 1)),
            policyVersion,
            outcome,
          });
        }),
      );
      const receivedMs = startMs + 25 * hourMs;
      await world.facts.write([{ robotId, bootId: bootOf(index), receivedMs, clockSkewMs: 0, entries }], receivedMs);
    }
    world.facts.nowMs = startMs + 27 * hourMs;
    await world.facts.compact();
    const answer = await read();
    assert.deepEqual(
      [answer.state, answer.running?.robots, answer.running?.success],
      ['read', 2, { ...answer.running?.success, kind: 'value', value: 1, n: 80 }],
    );
    const { success, difference, robots } = target(answer, '1.0.0');
    assert.ok(success.kind === 'value' && success.value === 0.5 && success.n === 80 && robots === 2);
    assert.ok(difference.kind === 'value' && difference.value === -0.5 && (difference.high ?? 0) < 0);
    const never = target(answer, '1.2.0');
    assert.deepEqual([never.success.kind, never.robots, never.difference.kind], ['noData', 0, 'noData']);
  });

  it('say how the last trial of each ended, and name ends that cannot be read', async () => {
    const { store } = world.ports;
    const end = { policy, candidateVersion: '1.2.0', outcome: 'rolledBack', reason: 'harm', atMs: startMs, facts: {} };
    await store.put('trials/t1/end.json', jsonBytes({ ...end, trialId: 't1' }));
    await store.put(
      'trials/t2/end.json',
      jsonBytes({ ...end, trialId: 't2', candidateVersion: '1.0.0', outcome: 'promoted' }),
    );
    await store.put('trials/t3/end.json', new TextEncoder().encode('{'));
    const answer = await read();
    const [bad, good] = [target(answer, '1.2.0').trial, target(answer, '1.0.0').trial];
    assert.deepEqual([bad?.trialId, bad?.isAgainst, good?.isAgainst], ['t1', true, false]);
    assert.match(bad?.sentence ?? '', /not promoted: harm/);
    assert.deepEqual(answer.damaged, ['trials/t3/end.json']);
  });

  it('are offered although nobody can count how well they did: that is unknown then', async () => {
    for (const open of [() => Promise.reject(new Error('no room')), () => new Promise<never>(() => undefined)]) {
      const app = await world.on({ engine: { open }, questionLimitMs: 100 });
      const answer = (await ask(app, path, world.token)).body as unknown as RollbackTargetsAnswer;
      assert.deepEqual(
        [answer.state, answer.targets.length, answer.running?.success.kind],
        ['unreadable', 2, 'noData'],
      );
      assert.ok(!JSON.stringify(answer).includes('no room'));
    }
  });

  it('are bounded, with the baseline always among them', async () => {
    const { store, clock } = world.ports;
    for (let minor = 3; minor < 33; minor += 1)
      await moveAliases(
        { store, clock },
        { policy, operationId: `o-${minor}`, who: 'w', why: 'y' },
        ({ champion = '' }) => ({
          champion: `1.${minor}.0`,
          previous: champion,
        }),
      );
    const { targets, total } = await read();
    assert.deepEqual([targets.length, total, targets[0]?.choice], [21, 32, 'assign']);
    assert.deepEqual(targets.at(-1)?.aliases, ['baseline']);
  });
});
