import assert from 'node:assert/strict';

import type { EpisodeAnswer, EpisodesAnswer, TrialRobotsAnswer } from '../../console/answers/episodes.ts';
import { scitosG5Type } from '../../datasets/built-in-robot-types.ts';
import { bootOf, episode, episodeIdOf, hourMs, policy, startMs } from '../activities/facts/fact-world.ts';
import { openConsoleWorld, type ConsoleWorld } from './console-world.ts';
import { storeEpisodes } from './lake-episodes.ts';

const [task = ''] = scitosG5Type.tasks;
const readings = scitosG5Type.observations.length;
const reason = "an arm's end & 100 %";
const days = 'from=2026-06-01&to=2026-06-04';

describe('episodes of the console', function () {
  this.timeout(60_000);
  let world: ConsoleWorld;
  const list = async (more = ''): Promise<EpisodesAnswer> =>
    (await world.get(`/api/v1/episodes?policy=${policy}&${days}${more}`)).body as unknown as EpisodesAnswer;
  const one = (id: string, day: string) => world.get(`/api/v1/episodes/${id}?policy=${policy}&day=${day}`);
  const robotsOf = async (trial: string): Promise<TrialRobotsAnswer> =>
    (await world.get(`/api/v1/trials/${trial}/robots?policy=${policy}&${days}`)).body as unknown as TrialRobotsAnswer;

  before(async () => {
    world = await openConsoleWorld();
  });
  after(() => world.close());

  it('are listed by robot, trial and outcome, the newest first; a trial names the robots that carry it', async () => {
    assert.deepEqual([(await list()).state, (await robotsOf('t1')).state], ['noFacts', 'noFacts']);
    for (const [index, robotId] of ['r0', 'r2'].entries()) {
      const entries = Array.from({ length: 10 }, (_, at) =>
        episode(at, startMs + at * hourMs, {
          episodeId: episodeIdOf(10 * index + at),
          policyVersion: at < 5 ? '1.1.0' : '1.0.0',
          trialId: at < 5 ? 't1' : null,
          task,
          outcome: at < index * 3 ? 'failure' : 'success',
          failureReason: at < index * 2 ? reason : null,
        }),
      );
      const receivedMs = startMs + 25 * hourMs;
      await world.facts.write([{ robotId, bootId: bootOf(index), receivedMs, clockSkewMs: 0, entries }], receivedMs);
    }
    world.facts.nowMs = startMs + 27 * hourMs;
    await world.facts.compact();
    const all = await list();
    assert.deepEqual([all.state, all.total, all.items.length], ['read', 20, 20]);
    const ends = all.items.map(({ endedMs }) => endedMs ?? 0);
    assert.deepEqual(
      ends,
      ends.toSorted((a, b) => b - a),
    );
    const some = await list('&robot=r2&trial=t1&outcome=failure&limit=2');
    assert.deepEqual([some.total, some.items.length, some.items[0]?.day], [3, 2, '2026-06-02']);
    assert.equal((await list('&trial=nobody')).state, 'empty');
    assert.deepEqual((await robotsOf('t1')).items, [
      { robotId: 'r2', policyVersion: '1.1.0', episodes: 5, successes: 2, failures: 3 },
      { robotId: 'r0', policyVersion: '1.1.0', episodes: 5, successes: 5, failures: 0 },
    ]);
    assert.deepEqual([(await robotsOf('t2')).state, (await robotsOf('t2')).items], ['empty', []]);
    for (const wrong of ['&robot=R!', '&trial=..', '&outcome=fine', '&limit=101', '&from=2020-01-01'])
      assert.equal((await world.get(`/api/v1/episodes?policy=${policy}&${days}${wrong}`)).status, 400, wrong);
  });

  it('are listed by why they did not succeed, with the robots and versions that have most; a reason that none told is unknown', async () => {
    const of = async (why: string, more = '') => list(`&reason=${encodeURIComponent(why)}${more}`);
    const slipped = await of(reason);
    assert.deepEqual([slipped.total, slipped.items.map(({ failureReason }) => failureReason)], [2, [reason, reason]]);
    assert.deepEqual(slipped.groups, {
      robots: [{ name: 'r2', episodes: 2, of: 10 }],
      robotsTotal: 1,
      versions: [{ name: '1.1.0', episodes: 2, of: 10 }],
      versionsTotal: 1,
    });
    const unknown = await of('unknown');
    assert.deepEqual([unknown.total, unknown.items[0]?.failureReason, unknown.items[0]?.outcome], [1, null, 'failure']);
    const none = await of('a reason of nobody');
    assert.deepEqual([none.state, none.groups?.robots], ['empty', []]);
    assert.deepEqual([(await of(reason, '&robot=r0')).total, (await of(reason, '&outcome=aborted')).total], [0, 0]);
    assert.equal((await list()).groups, null);
    for (const wrong of ['&reason=', `&reason=${'x'.repeat(201)}`])
      assert.equal((await world.get(`/api/v1/episodes?policy=${policy}&${days}${wrong}`)).status, 400);
  });

  it('lead to their frames, thinned, with the first and the last; what the lake does not have is none, and makes no table', async () => {
    const id = episodeIdOf(1);
    const nothing = await one(id, '2026-06-02');
    assert.deepEqual([nothing.status, nothing.body['episode']], [200, null]);
    const where = { rules: [], uploads: 0, isRobotQuarantined: false, givenUp: null };
    assert.deepEqual(nothing.body['missing'], { ...where, kind: 'notUploaded' });
    const nobodys = await one('01J00000000000000000000999', '2026-06-02');
    assert.deepEqual(nobodys.body['missing'], { ...where, kind: 'unknown' });
    await world.ports.store.put('landing/r0/a.parquet', new Uint8Array(1));
    const waiting = (await list('&robot=r0&limit=1')).items[0];
    assert.deepEqual([waiting?.isCollected, waiting?.missing], [false, { ...where, kind: 'waits', uploads: 1 }]);
    await world.ports.store.delete('landing/r0/a.parquet');
    assert.equal(await world.ports.store.get('lake/episodes/_delta_log/00000000000000000000.json'), undefined);
    const common = { robotId: 'r0', task, observations: readings };
    await storeEpisodes(world, [
      // Begins before the midnight after which it ends: the lake keeps it under the day before.
      { ...common, episodeId: id, startedMs: startMs + 1.9 * hourMs, frames: 9_001 },
      { ...common, episodeId: episodeIdOf(2), startedMs: startMs, frames: 3 },
      { ...common, episodeId: episodeIdOf(3), startedMs: startMs, frames: 3, robotType: 'another' },
    ]);
    const told = (await list('&limit=100')).items;
    assert.deepEqual(
      told
        .filter(({ isCollected }) => isCollected)
        .map(({ episodeId }) => episodeId)
        .toSorted(),
      told
        .map(({ episodeId }) => episodeId)
        .filter((one) => [episodeIdOf(1), episodeIdOf(2), episodeIdOf(3)].includes(one))
        .toSorted(),
    );
    const { episode: found, missing } = (await one(id, '2026-06-02')).body as unknown as EpisodeAnswer;
    assert.ok(found !== null && missing === null);
    const indexes = found.frames.map(({ index }) => index);
    assert.deepEqual([found.frameCount, indexes[0], indexes.at(-1)], [9_001, 0, 9_000]);
    assert.ok(indexes.length > 300 && indexes.length <= 400, `${indexes.length}`);
    assert.deepEqual(
      [found.observations.length, found.observationsTotal, found.actions.kind, found.robotType],
      [readings, readings, 'discrete', 'scitos-g5@1'],
    );
    const last = found.frames.at(-1);
    assert.deepEqual([last?.atMs, last?.observation.length, last?.expert], [900_000, readings, [1]]);
    assert.ok(Math.abs((last?.observation[2] ?? 0) - 92) < 1e-3);
    const short = (await one(episodeIdOf(2), '2026-06-01')).body as unknown as EpisodeAnswer;
    assert.deepEqual(
      short.episode?.frames.map(({ index, expert }) => [index, expert]),
      [
        [0, [1]],
        [1, null],
        [2, null],
      ],
    );
    assert.equal((await one(id, '2026-06-05')).body['episode'], null);
    assert.equal((await one(episodeIdOf(3), '2026-06-01')).status, 404);
    for (const [wrong, day] of [
      ["x' OR 1=1", '2026-06-01'],
      ['A'.repeat(41), '2026-06-01'],
      [id, 'soon'],
      [id, '2026-13-01'],
    ] as const)
      assert.equal((await one(encodeURIComponent(wrong), day)).status, 400, `${wrong} ${day}`);
  });
});
