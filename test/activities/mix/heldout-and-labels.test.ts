import assert from 'node:assert/strict';
import { tableFromIPC } from 'apache-arrow';
import { exportHeldoutSet } from '../../../activities/mix/export-heldout-set.ts';
import { listNeedsLabel } from '../../../activities/mix/list-needs-label.ts';
import { heldoutSetFile } from '../../../datasets/training-set.ts';
import { numbered, openMixFixture, robotType, store, type MixFixture } from './mix-fixture.ts';

const type = { id: robotType.id, version: 1 };

describe('held-out set', () => {
  let fixture: MixFixture;
  beforeEach(async () => {
    fixture = await openMixFixture();
    await fixture.lake.currentVersion();
  });
  afterEach(() => fixture.close());

  const heldout = async (maxEpisodes?: number) => {
    const datasetVersion = await fixture.lake.currentVersion();
    const limit = maxEpisodes === undefined ? {} : { maxEpisodes };
    const result = await exportHeldoutSet(fixture.ports)({ robotType: type, datasetVersion, ...limit });
    const table = tableFromIPC(await fixture.store.get(heldoutSetFile(result.digest, 'heldout.arrow')));
    const rows = table.toArray().map((row) => ({
      number: Math.floor(Number(row.observation.get(0)) / 1_000),
      frame: Number(row.observation.get(1)),
      label: Number(row.label),
      task: Number(row.task),
      episode: Number(row.episode),
      robot: Number(row.robot),
    }));
    return { result, rows, columns: table.schema.fields.map((field) => `${field.name}: ${field.type}`) };
  };

  it('holds the labelled frames of held-out episodes only, episode by episode in frame order', async () => {
    await store(fixture, 0, [
      ...numbered(50, 3, { split: 'heldout', frames: 4 }),
      { number: 10, split: 'heldout', outcome: 'failure', experts: 2, task: 'dock' },
      { number: 11, split: 'heldout', outcome: 'failure' },
      ...numbered(0, 5),
    ]);
    const { rows, result, columns } = await heldout();
    assert.deepEqual(columns, [
      'observation: FixedSizeList[2]<Float32>',
      'label: Int32',
      'task: Int32',
      'episode: Int32',
      'robot: Int32',
      'frame: Int32',
    ]);
    assert.deepEqual([result.rows, result.episodes], [14, 4]);
    assert.deepEqual(
      rows.map(({ number, frame, episode }) => `${episode}:${number}/${frame}`),
      [10, 50, 51, 52].flatMap((number, episode) =>
        Array.from({ length: number === 10 ? 2 : 4 }, (_, frame) => `${episode}:${number}/${frame}`),
      ),
    );
    assert.deepEqual(rows[0], { number: 10, frame: 0, label: 2, task: 1, episode: 0, robot: 0 });
  });

  it('says whose each episode is, by the place of the robot in its list', async () => {
    await store(fixture, 0, [
      ...numbered(1, 2, { split: 'heldout', robot: 'r2', frames: 1 }),
      ...numbered(11, 2, { split: 'heldout', robot: 'r10', frames: 1 }),
      ...numbered(21, 2, { robot: 'r0', frames: 1 }),
    ]);
    const { rows, result } = await heldout();
    const bytes = await fixture.store.get(heldoutSetFile(result.digest, 'manifest.json'));
    const { robots } = JSON.parse(new TextDecoder().decode(bytes)) as { robots: readonly string[] };
    assert.deepEqual(robots, ['r10', 'r2']);
    assert.deepEqual(
      rows.map(({ number, robot }) => `${number} ${robots[robot]}`),
      ['1 r2', '2 r2', '11 r10', '12 r10'],
    );
  });

  it('thins out task by task, so that a rare task stays whole', async () => {
    await store(fixture, 0, [
      ...numbered(0, 60, { split: 'heldout' }),
      ...numbered(100, 4, { split: 'heldout', task: 'dock' }),
    ]);
    const { rows, result } = await heldout(20);
    assert.equal(result.episodes, 20);
    assert.equal(new Set(rows.filter(({ task }) => task === 1).map(({ number }) => number)).size, 4);
    assert.deepEqual((await heldout(20)).result, result);
  });

  it('says which frame of which episode each row is, unless it is asked not to, as sets of earlier versions', async () => {
    await store(fixture, 0, [
      { number: 10, split: 'heldout', outcome: 'failure', experts: 2 },
      ...numbered(50, 2, { split: 'heldout', frames: 3 }),
    ]);
    const datasetVersion = await fixture.lake.currentVersion();
    const plain = await exportHeldoutSet(fixture.ports)({ robotType: type, datasetVersion, identified: false });
    const names = tableFromIPC(await fixture.store.get(heldoutSetFile(plain.digest, 'heldout.arrow'))).schema.fields;
    assert.deepEqual(names.map(({ name }) => name).slice(-2), ['episode', 'robot']);
    const { digest } = (await heldout()).result;
    const rows = tableFromIPC(await fixture.store.get(heldoutSetFile(digest, 'heldout.arrow'))).toArray();
    const manifest = JSON.parse(
      new TextDecoder().decode(await fixture.store.get(heldoutSetFile(digest, 'manifest.json'))),
    ) as { episodeIds: string[] };
    assert.deepEqual(manifest.episodeIds, ['E000010', 'E000050', 'E000051']);
    assert.deepEqual(
      rows.map((row) => [Number(row.episode), Number(row.frame), Number(row.observation.get(1))]),
      [[0, 0, 0], [0, 1, 1], ...[1, 2].flatMap((episode) => [0, 1, 2].map((frame) => [episode, frame, frame]))],
    );
  });

  it('is empty when nothing is held out', async () => {
    await store(fixture, 0, numbered(0, 3));
    const { result, columns } = await heldout();
    assert.deepEqual([result.rows, result.episodes, columns.length], [0, 0, 6]);
  });

  it('lists what needs a label: the most valuable first, with why', async () => {
    await store(fixture, 0, [
      { number: 1, intervened: true, day: 2, experts: 3 },
      { number: 2, outcome: 'failure', day: 0 },
      { number: 3, outcome: 'failure', day: 1, split: 'heldout' },
      { number: 4, outcome: 'failure', day: 1, experts: 10 },
      { number: 5 },
    ]);
    const datasetVersion = await fixture.lake.currentVersion();
    const list = (limit: number) => listNeedsLabel(fixture.ports)({ robotType: type, datasetVersion, limit });
    const { totalEpisodes, totalFrames, episodes } = await list(10);
    assert.deepEqual([totalEpisodes, totalFrames], [3, 27]);
    assert.deepEqual(
      episodes.map(({ episodeId }) => episodeId),
      ['E000003', 'E000002', 'E000001'],
    );
    assert.deepEqual(episodes[2], {
      episodeId: 'E000001',
      robotId: 'r1',
      task: 'follow',
      outcome: 'success',
      split: 'train',
      recordedOn: '2026-11-24',
      frames: 10,
      unlabelledFrames: 7,
      intervened: true,
      isLabelled: false,
      // 2 for whoever took over, 3 · 3/5 for its task.
      value: 3.8,
      reasons: ['somebody took over', 'its task failed in 3 of 5 episodes'],
    });
    assert.equal((await list(1)).episodes.length, 1);
  });
});
