import assert from 'node:assert/strict';

import { createPolicyDocument } from '../../../activities/registry/policy-document.ts';
import { scitosG5Type } from '../../../datasets/built-in-robot-types.ts';
import { changeTasks } from '../../../store/records/task-log.ts';
import { releaseQuarantinedSegment } from '../../../activities/collection/release-quarantined-segment.ts';
import { releaseRefusedForTask } from '../../../activities/collection/release-refused-for-task.ts';
import { waivableRuleIds } from '../../../datasets/validation/rules.ts';
import type { SegmentRow } from '../../../datasets/segment-row.ts';
import { CollectionWorld, oneRobot } from './collection-fixture.ts';

const who = 'Ada';
const reason = 'the pause was a planned stop';

describe('releasing from quarantine', () => {
  let world: CollectionWorld;
  beforeEach(async () => {
    world = await CollectionWorld.open();
  });
  afterEach(() => world.close());

  const release = (sha256: string) => releaseQuarantinedSegment(world.ports)({ sha256, reason, who });
  const withPause = (rows: readonly SegmentRow[]): readonly SegmentRow[] =>
    rows.map((row, index) => ({
      ...row,
      duration_ms: row.duration_ms + 9000,
      timestamp: row.timestamp + (index > 10 ? 9_000_000 : 0),
    }));
  const refusedSha256 = async (cycleId: string): Promise<string> =>
    (await world.documents(`quarantine/${cycleId}/`))[0]!['sha256'] as string;

  it('puts an episode back that the next collection accepts, and keeps what was quarantined', async () => {
    const { robotId, episodes } = oneRobot(1, 3);
    await world.land(robotId, [...episodes[0]!, ...episodes[1]!, ...withPause(episodes[2]!)]);
    const first = await world.collect('c1');
    assert.deepEqual([first.result.episodesStored, first.result.quarantinedEpisodes], [2, 1]);
    const sha256 = await refusedSha256('c1');
    const released = await release(sha256);
    assert.deepEqual(released.waivedRules, ['frames.gap']);
    assert.deepEqual(await world.keys('landing/'), [released.landingKey]);
    const second = await world.collect('c2');
    assert.deepEqual([second.result.episodesStored, second.result.quarantinedEpisodes], [1, 0]);
    assert.equal((await world.keys('quarantine/')).length, 2);
    const [record] = await world.documents('releases/');
    assert.deepEqual([record!['who'], record!['reason'], record!['rules']], [who, reason, ['frames.gap']]);
    assert.equal((await world.rows('frames', 'frame_index')).length, 75);
  });

  it('puts a whole segment back, with the skew a person vouches for', async () => {
    const { robotId, episodes } = oneRobot(2, 2);
    await world.land(robotId, episodes.flat(), { clockSkewMs: 2 * 86_400_000 });
    const first = await world.collect('c1');
    assert.deepEqual([first.result.verdict, first.result.quarantinedSegments], ['badData', 1]);
    await release(await refusedSha256('c1'));
    const second = await world.collect('c2');
    assert.deepEqual([second.result.verdict, second.result.episodesStored], ['ok', 2]);
    const [row] = await world.rows('episodes', 'started_at');
    const firstStart = Math.min(...episodes.map(([frame]) => frame!.started_at));
    assert.equal(row!['started_at'], BigInt(firstStart - 2 * 86_400_000_000));
  });

  it('changes nothing when asked again, also after the segment was collected', async () => {
    const { robotId, episodes } = oneRobot(3, 2);
    await world.land(robotId, [...episodes[0]!, ...withPause(episodes[1]!)]);
    await world.collect('c1');
    const sha256 = await refusedSha256('c1');
    const first = await release(sha256);
    assert.deepEqual(await releaseQuarantinedSegment(world.ports)({ sha256, reason: 'other', who: 'Bob' }), first);
    await world.collect('c2');
    await release(sha256);
    const third = await world.collect('c3');
    assert.deepEqual([third.result.episodesStored, third.result.alreadyStored], [0, 1]);
    assert.equal((await world.documents('releases/'))[0]!['who'], who);
  });

  it('waives only the rules it was refused for, only for these bytes', async () => {
    const { robotId, episodes } = oneRobot(4, 3);
    const both = withPause(episodes[1]!).map((row) => ({ ...row, task: 'dancing' }));
    await world.land(robotId, [...episodes[0]!, ...both]);
    await world.collect('c1');
    await assert.rejects(release(await refusedSha256('c1')), (error: Error & { type?: string }) => {
      return error.type === 'InvalidInput' && error.message.includes('episode.task');
    });
    await world.land(robotId, withPause(episodes[2]!));
    const { result } = await world.collect('c2');
    assert.equal(result.quarantinedEpisodes, 1);
  });

  it('puts an episode back whose task was unknown, as soon as a policy of its robot type knows the task', async () => {
    const { store } = world.ports;
    for (const policy of ['wall-follower', 'dancer'])
      await createPolicyDocument(store, { policy, robotType: { id: 'scitos-g5', version: 1 } });
    const change = (kind: 'add' | 'retire', id: string) =>
      changeTasks(world.ports, {
        policy: 'dancer',
        robotType: scitosG5Type,
        changes: [kind === 'add' ? { kind, id, instruction: 'dance' } : { kind, id }],
        who,
        why: 'a test',
      });
    const { robotId, episodes } = oneRobot(5, 3);
    const dancing = (rows: readonly SegmentRow[] = []) => rows.map((row) => ({ ...row, task: 'dancing' }));
    await world.land(robotId, [...episodes[0]!, ...dancing(episodes[1])]);
    await world.collect('c1');
    const sha256 = await refusedSha256('c1');
    await assert.rejects(release(sha256), /no task catalogue knows dancing: add it with `flywheel tasks add`/);
    await change('add', 'singing');
    await assert.rejects(release(sha256), { type: 'InvalidInput' });
    await change('add', 'dancing');
    const { waivedRules } = await release(sha256);
    assert.deepEqual(waivedRules, []);
    const { result } = await world.collect('c2');
    assert.deepEqual([result.episodesStored, result.quarantinedEpisodes], [1, 0]);
    await change('retire', 'dancing');
    await world.land(robotId, dancing(episodes[2]));
    assert.equal((await world.collect('c3')).result.episodesStored, 1);
  });

  it('waives nothing else of an episode whose task is known now', async () => {
    const { store } = world.ports;
    await createPolicyDocument(store, { policy: 'dancer', robotType: { id: 'scitos-g5', version: 1 } });
    const { robotId, episodes } = oneRobot(6, 2);
    const broken = episodes[1]!.map((row) => ({ ...row, task: 'dancing', robot_id: 'robot-999' }));
    await world.land(robotId, [...episodes[0]!, ...broken]);
    await world.collect('c1');
    const changes = [{ kind: 'add', id: 'dancing', instruction: 'dance' } as const];
    await changeTasks(world.ports, { policy: 'dancer', robotType: scitosG5Type, changes, who, why: 'a test' });
    await assert.rejects(release(await refusedSha256('c1')), /got episode\.robot/);
    const all = { task: 'dancing', robotType: scitosG5Type, reason, who };
    assert.deepEqual(await releaseRefusedForTask(world.ports, all), { released: 0, releasedBefore: 0, held: 1 });
  });

  it('puts back all that was refused for one task, once', async () => {
    await createPolicyDocument(world.ports.store, { policy: 'dancer', robotType: { id: 'scitos-g5', version: 1 } });
    const { robotId, episodes } = oneRobot(7, 4);
    const [first = [], ...others] = episodes;
    await world.land(robotId, [...first, ...others.flat().map((row) => ({ ...row, task: 'dancing' }))]);
    assert.equal((await world.collect('c1')).result.quarantinedEpisodes, 3);
    const changes = [{ kind: 'add', id: 'dancing', instruction: 'dance' } as const];
    await changeTasks(world.ports, { policy: 'dancer', robotType: scitosG5Type, changes, who, why: 'a test' });
    const again = (task: string) => releaseRefusedForTask(world.ports, { task, robotType: scitosG5Type, reason, who });
    assert.deepEqual(await again('singing'), { released: 0, releasedBefore: 0, held: 0 });
    assert.deepEqual(await again('dancing'), { released: 3, releasedBefore: 0, held: 0 });
    assert.deepEqual(await again('dancing'), { released: 0, releasedBefore: 3, held: 0 });
    assert.equal((await world.collect('c2')).result.episodesStored, 3);
  });

  it('never puts back what cannot be read', async () => {
    await world.landBytes('robot-001', new TextEncoder().encode('a,b\n'));
    await world.collect('c1');
    await assert.rejects(release(await refusedSha256('c1')), { type: 'InvalidInput' });
    assert.deepEqual(await world.keys('landing/'), []);
    await assert.rejects(release('f'.repeat(64)), { type: 'NotFound' });
  });

  it('may waive judgements, never what keeps lake and training whole', () => {
    assert.deepEqual(
      [...waivableRuleIds],
      [
        'segment.clock-skew',
        'episode.failure-reason',
        'episode.policy-version',
        'episode.latency',
        'episode.dated',
        'episode.robot-life',
        'episode.length',
        'episode.duration',
        'frames.gap',
        'frames.rate',
        'frames.outside-episode',
        'frames.observation-range',
        'frames.dead-sensor',
      ],
    );
  });
});
