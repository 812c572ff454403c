import assert from 'node:assert/strict';

import { assert as holds, boolean, constantFrom, integer, property, record } from 'fast-check';

import { labelValue, type LabelFacts } from '../../../domain/labelling/label-value.ts';

const facts: LabelFacts = {
  outcome: 'failure',
  intervened: false,
  isTouched: false,
  taskEpisodes: 10,
  taskFailures: 5,
};
const valueOf = (more: Partial<LabelFacts>): number => labelValue({ ...facts, ...more }).value;

describe('the value of a label by hand', () => {
  it('says why, and is worth most for failures of a task that fails often', () => {
    assert.deepEqual(labelValue(facts), {
      value: 6.5,
      reasons: ['it failed', 'its task failed in 5 of 10 episodes'],
    });
    assert.deepEqual(labelValue({ ...facts, outcome: 'success', taskFailures: 0 }), { value: 0, reasons: [] });
    assert.ok(valueOf({}) > valueOf({ outcome: 'success', intervened: true }));
    assert.ok(valueOf({ outcome: 'success', intervened: true }) >= valueOf({ outcome: 'aborted' }));
    assert.ok(valueOf({ isTouched: true }) < valueOf({ outcome: 'aborted' }));
  });

  it('is from 0 to 10 whatever the counts are; more failures, a take-over and no label yet never make it smaller', () => {
    const count = integer({ min: -5, max: 1_000 });
    const any = record<LabelFacts>({
      outcome: constantFrom('success', 'failure', 'aborted', 'constructor'),
      intervened: boolean(),
      isTouched: boolean(),
      taskEpisodes: count,
      taskFailures: count,
    });
    holds(
      property(any, (one) => {
        const { value } = labelValue(one);
        assert.ok(value >= 0 && value <= 10, String(value));
        assert.ok(labelValue({ ...one, taskFailures: one.taskFailures + 1 }).value >= value);
        assert.ok(labelValue({ ...one, intervened: true }).value >= value);
        assert.ok(labelValue({ ...one, isTouched: false }).value >= value);
      }),
    );
  });
});
