import assert from 'node:assert/strict';

import { tableFromIPC } from 'apache-arrow';
import * as fc from 'fast-check';

import { exportHeldoutSet } from '../../../activities/mix/export-heldout-set.ts';
import { mixExperience } from '../../../activities/mix/mix-experience.ts';
import { remakeTrainingSet } from '../../../activities/mix/remake-set.ts';
import { makeWindows } from '../../../activities/mix/set-windows.ts';
import type { RobotType } from '../../../datasets/robot-type.ts';
import { heldoutSetFile, trainingSetFile } from '../../../datasets/training-set.ts';
import { manifestOf, numbered, openMixFixture, robotType, store, type MixFixture } from './mix-fixture.ts';

const type = { id: robotType.id, version: 1 };
const bodies = [{ index: 0, type: robotType, map: undefined }];
const numbersOf = (values: unknown): readonly number[] => [...(values as Iterable<number>)];

interface Frame {
  readonly episode: number;
  readonly index: number;
  readonly atUs: number;
  /** Undefined: nobody knows it. */
  readonly label: number | undefined;
  readonly isCorrection: boolean;
}

/** Ends and beginnings are where windows go wrong: short episodes, frames that are missing, pauses of exactly the longest gap and a little more. */
const frame = fc.record({
  pauseUs: fc.constantFrom(100_000, 100_000, 100_000, 500_000, 500_001, -1),
  kind: fc.nat(7),
  label: fc.nat(2),
});
const episodes = fc.array(fc.array(frame, { minLength: 1, maxLength: 9 }), { minLength: 1, maxLength: 6 });
const framesOf = (drawn: readonly (readonly { pauseUs: number; kind: number; label: number }[])[]): readonly Frame[] =>
  drawn.flatMap((each, episode) => {
    let atUs = 1_000_000;
    return each.flatMap(({ pauseUs, kind, label }, index) => {
      atUs += pauseUs;
      const kept: Frame = { episode, index, atUs, label: kind === 1 ? undefined : label, isCorrection: kind === 2 };
      return kind === 3 ? [] : [kept];
    });
  });

/** The rule again, frame by frame. */
function follows(frames: readonly Frame[], { episode, index, atUs }: Frame): Frame | undefined {
  const next = frames.find((other) => other.episode === episode && other.index === index + 1);
  return next !== undefined && next.atUs >= atUs && next.atUs - atUs <= 500_000 ? next : undefined;
}
function expectedFuture(frames: readonly Frame[], of: Frame, horizon: number) {
  const found: Frame[] = [];
  for (
    let next = follows(frames, of);
    found.length < horizon - 1 && next?.label !== undefined;
    next = follows(frames, next)
  )
    found.push(next);
  const last = found.at(-1) ?? of;
  const pad = Array.from({ length: horizon - 1 - found.length }, () => last);
  return {
    labels: [...found, ...pad].map(({ label }) => label),
    places: [...found.map(({ index }) => index), ...pad.map(() => -1)],
  };
}
function expectedRun(frames: readonly Frame[], of: Frame): number {
  const before = frames.find((other) => follows(frames, other) === of);
  return before === undefined || before.isCorrection ? 0 : 1 + expectedRun(frames, before);
}

describe('sets with a horizon', () => {
  let fixture: MixFixture;
  beforeEach(async () => {
    fixture = await openMixFixture();
    await fixture.lake.currentVersion();
  });
  afterEach(() => fixture.close());

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
  const rowsIn = async (key: string) => tableFromIPC(await fixture.store.get(key)).toArray();

  it('give each row the labels of the frames after it, exactly masked, and never those of another episode: any frames', async () => {
    const session = await fixture.engine.open({ threads: 1 });
    await fc.assert(
      fc.asyncProperty(episodes, fc.integer({ min: 2, max: 6 }), fc.boolean(), async (drawn, horizon, isContinuous) => {
        const frames = framesOf(drawn);
        if (frames.length === 0) return;
        const actions: RobotType['actions'] = isContinuous
          ? { kind: 'continuous', ranges: ['x', 'y'].map((name) => ({ name, unit: '1', min: -9, max: 9 })) }
          : robotType.actions;
        const sql = frames.map(({ episode, index, atUs, label, isCorrection }) => {
          const action = label === undefined ? 'NULL' : isContinuous ? `[${label}, -${label}]` : `[${label}]`;
          return `('${episode}', ${index}, make_timestamptz(${atUs}), [${episode}, ${index}]::FLOAT[], NULL::FLOAT[], ${action}::FLOAT[], ${isCorrection})`;
        });
        const relation = `(SELECT * FROM (VALUES ${sql.join(', ')}) AS t(episode_id, frame_index, "timestamp", observation, "action", expert_action, is_correction))`;
        const rows = `SELECT episode_id::BIGINT AS episode, episode_id, 0 AS body_index, false AS is_labelled_by_outcome, frame_index FROM ${relation} WHERE expert_action IS NOT NULL`;
        const asked = { rows, frames: relation, robotType: { ...robotType, actions }, bodies };
        await makeWindows(session, asked, { history: 3, horizon, runs: true });
        const found = await session.rows(
          'SELECT * FROM row_future JOIN row_past USING (episode, frame_index) JOIN row_run USING (episode, frame_index) ORDER BY episode, frame_index',
        );
        const labelled = frames.filter(({ label }) => label !== undefined);
        assert.equal(found.length, labelled.length);
        for (const [at, of] of labelled.entries()) {
          const row = found[at]!;
          const listed = (name: string) => numbersOf((row[name] as { items?: unknown }).items ?? row[name]);
          const { labels, places } = expectedFuture(frames, of, horizon);
          const wanted = labels.flatMap((label = 0) => (isContinuous ? [label, 0 - label] : [label]));
          assert.deepEqual(
            listed('future').map((value) => value + 0),
            wanted.map((value) => value + 0),
          );
          assert.deepEqual(listed('future_frames'), places);
          assert.deepEqual(
            [Number(row['episode']), row['frame_index'], row['run_frame']],
            [of.episode, of.index, expectedRun(frames, of)],
          );
          assert.ok(listed('past').every((value, place) => place % 2 === 1 || value === of.episode));
        }
      }),
      { numRuns: 10 },
    );
    await session.close();
  });

  it('end at the end of an episode, at a frame without a label, and are made again as they were', async () => {
    // Frame i of episode n reads [1000 n + i, i]; the first four frames of episode 1 have the label 2, those after it none.
    await store(fixture, 0, [
      { number: 1, outcome: 'failure', experts: 4 },
      ...numbered(5, 4, { frames: 6 }),
      { number: 9, frames: 1 },
    ]);
    const digest = await mix({ horizon: 3 });
    const rows = await rowsIn(trainingSetFile(digest, 'train.arrow'));
    assert.equal(rows.length, 29);
    for (const row of rows) {
      const [number = 0, index = 0] = numbersOf(row.observation);
      const episode = Math.floor(number / 1000);
      const [length, label] = episode === 1 ? [4, 2] : [episode === 9 ? 1 : 6, 1];
      assert.deepEqual(numbersOf(row.future), [label, label]);
      assert.deepEqual(
        numbersOf(row.future_frames),
        [index + 1, index + 2].map((at) => (at < length ? at : -1)),
      );
    }
    assert.equal((await manifestOf(fixture.store, digest)).recipe?.horizon, 3);
    await fixture.store.delete(trainingSetFile(digest, 'train.arrow'));
    await remakeTrainingSet(fixture.ports, digest, robotType);
    assert.deepEqual(
      (await rowsIn(trainingSetFile(digest, 'train.arrow'))).map((row) => numbersOf(row.future_frames)),
      rows.map((row) => numbersOf(row.future_frames)),
    );
  });

  it('are as they always were where nobody asks for a horizon, and refuse one that is none', async () => {
    await store(fixture, 0, [...numbered(1, 6), ...numbered(50, 2, { split: 'heldout' })]);
    const names = async (digest: string) =>
      tableFromIPC(await fixture.store.get(trainingSetFile(digest, 'train.arrow'))).schema.fields.map(
        ({ name }) => name,
      );
    assert.deepEqual(await names(await mix({})), ['observation', 'label', 'task', 'weight']);
    assert.deepEqual(await names(await mix({ history: 2, horizon: 2 })), [
      'observation',
      'label',
      'task',
      'weight',
      'past',
      'past_frames',
      'future',
      'future_frames',
    ]);
    await assert.rejects(mix({ horizon: 1 }), /horizon/);
    await assert.rejects(mix({ horizon: 65 }), /horizon/);
  });

  it('held out, say where each row lies in its run: a correction ends one', async () => {
    // The expert corrects the first two frames of episode 10: each is the first of its run, and so is the frame after them.
    await store(fixture, 0, [
      { number: 10, split: 'heldout', frames: 5, experts: 2 },
      { number: 11, split: 'heldout', frames: 3 },
      ...numbered(20, 3),
    ]);
    const datasetVersion = await fixture.lake.currentVersion();
    const set = (changes: object) => exportHeldoutSet(fixture.ports)({ robotType: type, datasetVersion, ...changes });
    const rows = await rowsIn(heldoutSetFile((await set({ runs: true, history: 2 })).digest, 'heldout.arrow'));
    assert.deepEqual(
      rows.map((row) => row.run_frame),
      [0, 0, 0, 1, 2, 0, 1, 2],
    );
    const plain = await rowsIn(heldoutSetFile((await set({})).digest, 'heldout.arrow'));
    assert.ok(plain.every((row) => !('run_frame' in row.toJSON())));
  });
});
