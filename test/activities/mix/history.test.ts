import assert from 'node:assert/strict';

import { tableFromIPC } from 'apache-arrow';

import { exportHeldoutSet } from '../../../activities/mix/export-heldout-set.ts';
import { mixExperience } from '../../../activities/mix/mix-experience.ts';
import { remakeTrainingSet } from '../../../activities/mix/remake-set.ts';
import { heldoutSetFile, trainingSetFile } from '../../../datasets/training-set.ts';
import { startUs, transaction } from '../lake/lake-fixture.ts';
import { manifestOf, numbered, openMixFixture, robotType, store, type MixFixture } from './mix-fixture.ts';

const type = { id: robotType.id, version: 1 };

interface WindowRow {
  readonly episode: number;
  readonly frame: number;
  /** Episode and frame that each of the readings before is of. */
  readonly past: readonly string[];
  /** -1: there is none, the earliest stands for it. */
  readonly places: readonly number[];
}

describe('sets with history', () => {
  let fixture: MixFixture;
  beforeEach(async () => {
    fixture = await openMixFixture();
    await fixture.lake.currentVersion();
  });
  afterEach(() => fixture.close());

  /** What readings tell of where they come from: [1000 × number + frame, frame]. */
  const nameOf = ([number = 0, frame = 0]: readonly number[]): string => `${Math.floor(number / 1000)}/${frame}`;
  async function windowsIn(key: string): Promise<readonly WindowRow[]> {
    const table = tableFromIPC(await fixture.store.get(key));
    return table.toArray().map((row) => {
      const [number = 0, frame = 0] = [...(row.observation as Iterable<number>)];
      const past = [...(row.past as Iterable<number>)];
      return {
        episode: Math.floor(number / 1000),
        frame,
        past: past.flatMap((_, at) => (at % 2 === 0 ? [nameOf(past.slice(at, at + 2))] : [])),
        places: [...(row.past_frames as Iterable<number>)],
      };
    });
  }
  const heldout = async (history: number) => {
    const datasetVersion = await fixture.lake.currentVersion();
    const { digest } = await exportHeldoutSet(fixture.ports)({ robotType: type, datasetVersion, history });
    return windowsIn(heldoutSetFile(digest, 'heldout.arrow'));
  };
  const mix = async (changes: object) => {
    const datasetVersion = await fixture.lake.currentVersion();
    const { digest } = await mixExperience(fixture.ports)({
      cycleId: 'cycle/1',
      robotType: type,
      datasetVersion,
      newSince: { episodes: 0, frames: 0 },
      seed: 1,
      targetFrames: 100,
      ...changes,
    });
    return digest;
  };
  /** What a row must have: frames of its own episode alone, the earliest there is for those before it. */
  const expected = (frame: number, history: number, first = 0) => {
    const wanted = Array.from({ length: history - 1 }, (_, at) => frame - (history - 1) + at);
    return { past: wanted.map((at) => Math.max(first, at)), places: wanted.map((at) => (at < first ? -1 : at)) };
  };

  it('give each row the frames before it in its episode: at the first, the last, and in an episode of one frame', async () => {
    await store(fixture, 0, [
      ...numbered(10, 2, { split: 'heldout', frames: 5 }),
      { number: 12, split: 'heldout', frames: 1 },
      ...numbered(20, 3),
    ]);
    const rows = await heldout(4);
    assert.deepEqual(
      rows.map(({ episode, frame }) => `${episode}/${frame}`),
      [10, 11].flatMap((number) => [0, 1, 2, 3, 4].map((frame) => `${number}/${frame}`)).concat('12/0'),
    );
    for (const { episode, frame, past, places } of rows) {
      const wanted = expected(frame, 4);
      assert.deepEqual([past, places], [wanted.past.map((at) => `${episode}/${at}`), wanted.places]);
    }
    assert.deepEqual(rows.at(-1)?.places, [-1, -1, -1]);
  });

  it('take frames that have no label as well, and are the same rows in a training set', async () => {
    // A failure of which the expert labels the first four of ten frames, and one of which every frame is.
    await store(fixture, 0, [{ number: 1, outcome: 'failure', experts: 4 }, ...numbered(5, 4, { frames: 6 })]);
    const digest = await mix({ history: 3 });
    const rows = await windowsIn(trainingSetFile(digest, 'train.arrow'));
    assert.equal(rows.length, 28);
    for (const { episode, frame, past, places } of rows) {
      const wanted = expected(frame, 3);
      assert.deepEqual(
        [past, places],
        [wanted.past.map((at) => `${episode}/${at}`), wanted.places],
        `${episode}/${frame}`,
      );
    }
    assert.equal((await manifestOf(fixture.store, digest)).recipe?.history, 3);
    await fixture.store.delete(trainingSetFile(digest, 'train.arrow'));
    await remakeTrainingSet(fixture.ports, digest, robotType);
    assert.deepEqual(await windowsIn(trainingSetFile(digest, 'train.arrow')), rows);
  });

  it('do not reach across a gap in time or a frame that is not there', async () => {
    await store(fixture, 0, numbered(30, 2));
    // Ten frames at 10 Hz: nothing for 600 ms before frame 4, half a second (the most) before frame 6, and no frame 8.
    const at = `CASE WHEN i < 4 THEN i * 100000 WHEN i < 6 THEN i * 100000 + 500000 ELSE i * 100000 + 900000 END`;
    const frames = `(SELECT 'E000007' AS episode_id, i::INTEGER AS frame_index,
        make_timestamptz(${startUs}) + to_microseconds(${at}) AS timestamp, [7000 + i, i]::FLOAT[] AS observation,
        [1]::FLOAT[] AS "action", NULL::FLOAT[] AS expert_action, false AS is_correction, DATE '2026-11-22' AS recorded_on
      FROM range(10) AS t(i) WHERE i <> 8)`;
    await fixture.lake.append(fixture.session, 'frames', frames, transaction(1), 'WRITE');
    const episodes = (await import('../../../datasets/sql-types.ts')).sqlTypes.mediaList;
    await fixture.lake.append(
      fixture.session,
      'episodes',
      `(SELECT 'E000007' AS episode_id, 'r1' AS robot_id, 'test-robot' AS robot_type, 1 AS robot_type_version, 'site' AS site, 'follow' AS task,
        NULL AS policy_version, make_timestamptz(${startUs}) AS started_at, 1900 AS duration_ms, 'success' AS outcome, NULL AS failure_reason,
        false AS intervened, NULL AS latency_p50_ms, NULL AS latency_p95_ms, 9 AS frame_count, NULL::${episodes} AS media,
        make_timestamptz(${startUs}) AS received_at, 'heldout' AS split, DATE '2026-11-22' AS recorded_on)`,
      transaction(1),
      'WRITE',
    );
    const rows = (await heldout(3)).filter(({ episode }) => episode === 7);
    const firsts = new Map([0, 1, 2, 3].map((frame) => [frame, 0]));
    for (const frame of [4, 5, 6, 7]) firsts.set(frame, 4);
    firsts.set(9, 9);
    assert.deepEqual(
      rows.map(({ frame }) => frame),
      [0, 1, 2, 3, 4, 5, 6, 7, 9],
    );
    for (const { frame, past, places } of rows) {
      const wanted = expected(frame, 3, firsts.get(frame));
      assert.deepEqual([past, places], [wanted.past.map((place) => `7/${place}`), wanted.places], `frame ${frame}`);
    }
  });

  it('are as they always were where nobody asks for history', async () => {
    await store(fixture, 0, [...numbered(1, 6), ...numbered(50, 2, { split: 'heldout' })]);
    const digest = await mix({});
    const fields = tableFromIPC(await fixture.store.get(trainingSetFile(digest, 'train.arrow'))).schema.fields;
    assert.deepEqual(
      fields.map(({ name }) => name),
      ['observation', 'label', 'task', 'weight'],
    );
    assert.equal((await manifestOf(fixture.store, digest)).recipe?.history, undefined);
    await assert.rejects(mix({ history: 1 }), /history/);
    await assert.rejects(mix({ history: 65 }), /history/);
  });
});
