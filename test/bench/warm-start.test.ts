import assert from 'node:assert/strict';

import { sorterSet } from '../../bench/defaults/sets.ts';
import { compareStarts, decideStart, tolerance, type StartRun } from '../../bench/defaults/warm-start.ts';
import { trainOnce } from '../../bench/defaults/train-once.ts';
import { grownBody, withFeatures, withTasks } from '../../bench/defaults/younger-sets.ts';

const seeds = [1, 2, 3, 4, 5];
/** Runs of a cold and a warm start: the warm one `by` better, give or take, with so many steps for one of the cold. */
const runs = (situation: string, by: number, stepsRatio = 1, coldBecause: string | null = null): StartRun[] =>
  seeds.flatMap((seed) => {
    const cold = { situation, set: 's', seed, agreementFraction: 0.8 + seed / 1_000, loss: 1, steps: 1_000 };
    const warm = cold.agreementFraction + by + (seed - 3) * 0.0005;
    return [
      { ...cold, start: 'cold', coldBecause: null },
      { ...cold, start: 'warm', agreementFraction: warm, steps: 1_000 * stepsRatio, coldBecause },
    ];
  });
const decided = (...all: readonly StartRun[][]) => decideStart(compareStarts(all.flat())).start;

describe('the choice between a cold and a warm start', () => {
  it('compares pair by pair, and says how sure that is', () => {
    const [warm] = compareStarts([...runs('a', 0.01), ...runs('b', -0.002, 0.5)]);
    const [a, b, all] = warm?.situations ?? [];
    assert.deepEqual([a?.situation, a?.pairs, b?.pairs, all?.situation, all?.pairs], ['a', 5, 5, 'all', 10]);
    assert.ok(Math.abs((a?.difference ?? 0) - 0.01) < 1e-12 && (a?.p ?? 1) < 1e-4 && a?.stepsRatio === 1);
    assert.ok((b?.p ?? 0) > 0.99 && (b?.pNotWorse ?? 1) < 0.001 && b?.stepsRatio === 0.5);
    // Student's t of 0.01, 0.012, 0.008 has t = 8.66 and 2 degrees of freedom: p = 0.00654.
    const three = runs('a', 0)
      .slice(0, 6)
      .map((run, index) => ({
        ...run,
        agreementFraction: run.start === 'cold' ? 0.5 : 0.5 + (([0.01, 0.012, 0.008] as const)[(index - 1) / 2] ?? 0),
      }));
    assert.ok(Math.abs((compareStarts(three)[0]?.situations[0]?.p ?? 0) - 0.00654) < 1e-4);
  });

  it('takes a warm one that is proved better, or as good with a third fewer steps, and worse nowhere', () => {
    assert.equal(decided(runs('a', 0.01), runs('b', 0.004)), 'warm');
    assert.equal(decided(runs('a', -0.001, 0.6), runs('b', 0, 0.6)), 'warm');
  });

  it('stays cold where nothing is proved, where fewer steps cost agreement, and where one situation loses', () => {
    assert.equal(decided(runs('a', 0), runs('b', 0)), 'cold');
    assert.equal(decided(runs('a', -0.001, 0.9)), 'cold');
    assert.equal(decided(runs('a', 0.05, 0.5), runs('b', -tolerance - 0.001, 0.5)), 'cold');
    assert.equal(decideStart([]).start, 'cold');
  });

  it('leaves out pairs that were cold after all, and tells why', () => {
    const [warm] = compareStarts([...runs('a', 0.01), ...runs('body', 0.5, 1, 'other observations')]);
    assert.equal(warm?.situations.at(-1)?.pairs, 5);
    assert.deepEqual(warm?.coldBecause, ['body: other observations']);
  });
});

describe('a set as it was before', () => {
  const set = sorterSet('sorter', 1_080, 1);

  it('has the first tasks alone, row by row as they were', () => {
    const younger = withTasks(set, 0.75);
    assert.deepEqual(younger.type.tasks, set.type.tasks.slice(0, 9));
    const rows = Array.from(set.train.task, (task, row) => [task, row] as const).filter(([task]) => task < 9);
    assert.equal(younger.train.rows, rows.length);
    const width = set.type.observations.length;
    const [, last = 0] = rows.at(-1) ?? [];
    assert.deepEqual(
      younger.train.observation.slice(-width),
      set.train.observation.slice(last * width, (last + 1) * width),
    );
    assert.equal(younger.train.label.at(-1), set.train.label[last]);
    assert.equal(withTasks(set, 0).type.tasks.length, 1);
  });

  it('has fewer features, and the same labels', () => {
    const younger = withFeatures(set, 2);
    assert.equal(younger.type.observations.length, set.type.observations.length - 2);
    assert.equal(younger.train.observation.length, 8 * younger.train.rows);
    assert.deepEqual(younger.train.label, set.train.label);
    assert.deepEqual(
      Array.from(younger.heldout.observation.slice(8, 10)),
      Array.from(set.heldout.observation.slice(10, 12)),
    );
  });

  it('is of a body that the next one follows by rules, so that a start from its policy is a warm one', async () => {
    const { before, after } = grownBody(set, 2);
    assert.deepEqual(before.type, withFeatures(set, 2).type);
    assert.deepEqual(after.train, set.train);
    assert.equal(after.type.version, before.type.version + 1);
    const short = { hiddenWidths: [8], maxSteps: 20, evaluateEverySteps: 10, checkpointEverySteps: 20 };
    const { model } = await trainOnce(before, short, 1);
    const grown = await trainOnce(after, short, 1, { model, type: before.type });
    assert.equal(grown.coldBecause, null);
    // The same features under another name: no rule, no start.
    const odd = { ...after.type, follows: { ...after.type.follows, version: before.type.version, observations: [] } };
    await assert.rejects(trainOnce({ ...after, type: odd }, short, 1, { model, type: before.type }), /rules/);
  });
});
