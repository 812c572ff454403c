import assert from 'node:assert/strict';

import { missTally, mostMisses } from '../../policies/evaluation/misses.ts';
import { rocCounter } from '../../policies/evaluation/roc.ts';
import { randomStream } from '../../policies/random.ts';
import { testRobotType } from '../activities/training/arrow-sets.ts';

const type = testRobotType();

/** Rows of label 0 on which action 1 is chosen with these probabilities, one an episode unless told. */
function rowsOf(probabilities: readonly number[], episodeOf: (row: number) => number = (row) => row) {
  const rows = probabilities.length;
  const block = {
    rows,
    observation: new Float32Array(3 * rows),
    task: new Int32Array(rows),
    label: new Int32Array(rows),
    weight: new Float32Array(rows).fill(1),
  };
  const answers = {
    outputs: Float32Array.from(probabilities.flatMap((probability) => [1 - probability, probability, 0])),
    chosen: Int32Array.from(probabilities, (probability) => (probability > 0.5 ? 1 : 0)),
    agrees: new Uint8Array(rows),
  };
  const episodes = Int32Array.from({ length: rows }, (_, row) => episodeOf(row));
  const frames = Int32Array.from({ length: rows }, (_, row) => 7 + row);
  return { rows: { block, number: 3, start: 100, episodes, robots: undefined, frames }, answers };
}

describe('misses', () => {
  it('are the wrong frames of which the model is surest, with where they lie', () => {
    const tally = missTally(type, 3);
    const { rows, answers } = rowsOf([0.6, 0.2, 0.9]);
    tally.add(rows, answers);
    const [first, second, ...more] = tally.finish();
    assert.deepEqual(more, []);
    assert.deepEqual(
      [first?.row, first?.block, first?.episode, first?.frame, first?.recorded, first?.chosen, second?.row],
      [102, 3, 2, 9, 'left', 'ahead', 100],
    );
    assert.ok(Math.abs((first?.probability ?? 0) - 0.9) < 1e-6);
  });

  it('are at most five of an episode and two hundred in all, whatever the order', () => {
    const random = randomStream(1, 'misses');
    const probabilities = Array.from({ length: 5000 }, () => 0.5 + 0.5 * random());
    const tally = missTally(type, 3);
    const { rows, answers } = rowsOf(probabilities, (row) => Math.floor(row / 50));
    tally.add(rows, answers);
    const found = tally.finish();
    assert.equal(found.length, mostMisses);
    const byEpisode = Map.groupBy(found, ({ episode }) => episode);
    assert.equal(Math.max(...[...byEpisode.values()].map((each) => each.length)), 5);
    const best = [
      ...Map.groupBy(
        probabilities.map((value, row) => ({ value, row })),
        ({ row }) => Math.floor(row / 50),
      ).values(),
    ]
      .flatMap((each) =>
        each
          .map(({ value }) => value)
          .toSorted((a, b) => b - a)
          .slice(0, 5),
      )
      .toSorted((a, b) => b - a)
      .slice(0, mostMisses);
    assert.deepEqual(
      found.map(({ probability }) => probability),
      best.map((value) => Math.fround(value)),
    );
  });

  it('are none for continuous actions, and none where nothing is wrong', () => {
    const { rows, answers } = rowsOf([0.1, 0.2]);
    const right = missTally(type, 3);
    right.add(rows, answers);
    assert.deepEqual(right.finish(), []);
    const continuous = missTally(
      { actions: { kind: 'continuous', ranges: [{ name: 'a', unit: 'm', min: 0, max: 1 }] } },
      1,
    );
    continuous.add(rowsOf([0.9]).rows, rowsOf([0.9]).answers);
    assert.deepEqual(continuous.finish(), []);
  });
});

describe('precision and recall over thresholds', () => {
  it('are those counted threshold by threshold, with the frames that they rest on', () => {
    const random = randomStream(2, 'scores');
    // Scores in the middle of bins, so that counting by bins loses nothing.
    const frames = Array.from({ length: 400 }, () => {
      const label = random() < 0.3 ? 1 : 0;
      return { label, score: (Math.floor(100 * Math.min(0.999, 0.6 * random() + 0.35 * label)) + 0.5) / 100 };
    });
    const counter = rocCounter(['no', 'yes', 'never']);
    for (const { label, score } of frames) counter.frame(label, [1 - score, score, 0]);
    const [, curve, never] = counter.precisionRecall();
    const positives = frames.filter(({ label }) => label === 1).length;
    const thresholds = [...new Set(frames.map(({ score }) => score))].toSorted((a, b) => b - a);
    let [before, expected] = [0, 0];
    const points = thresholds.map((threshold) => {
      const called = frames.filter(({ score }) => score >= threshold);
      const right = called.filter(({ label }) => label === 1).length;
      const recall = right / positives;
      expected += (recall - before) * (right / called.length);
      before = recall;
      return { recall, precision: right / called.length };
    });
    assert.deepEqual(curve?.points, points);
    assert.ok(Math.abs((curve?.averagePrecision ?? 0) - expected) < 1e-12);
    assert.deepEqual([curve?.frames, curve?.otherFrames], [positives, 400 - positives]);
    assert.deepEqual(never, { label: 'never', frames: 0, otherFrames: 400, averagePrecision: null, points: [] });
    const [, roc] = counter.finish();
    assert.deepEqual([roc?.frames, roc?.otherFrames], [positives, 400 - positives]);
  });

  it('have an average precision of one for a perfect detector, and of the share of the label for a blind one', () => {
    const [perfect, blind] = [rocCounter(['a', 'b']), rocCounter(['a', 'b'])];
    for (let row = 0; row < 100; row += 1) {
      const label = row < 20 ? 1 : 0;
      perfect.frame(label, [1 - label, label]);
      blind.frame(label, [0.5, 0.5]);
    }
    assert.equal(perfect.precisionRecall()[1]?.averagePrecision, 1);
    assert.ok(Math.abs((blind.precisionRecall()[1]?.averagePrecision ?? 0) - 0.2) < 1e-12);
  });
});
