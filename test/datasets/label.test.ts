import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { duckDbEngine } from '../../activities/adapters/duckdb-engine.ts';
import { outcomes } from '../../datasets/columns.ts';
import { labelledByOutcomeSql, labelOf, labelSql } from '../../datasets/label.ts';

const list = (values: readonly number[] | undefined) =>
  values === undefined ? 'NULL::FLOAT[]' : `[${values.join(', ')}]::FLOAT[]`;

describe('label of a frame', () => {
  const action = [1];

  it('is the expert action wherever there is one', () => {
    for (const outcome of outcomes) {
      for (const intervened of [false, true]) {
        assert.deepEqual(labelOf({ action, expertAction: [3], outcome, intervened }), [3]);
      }
    }
  });

  it('is the action of a success that nobody helped', () => {
    assert.deepEqual(labelOf({ action, expertAction: undefined, outcome: 'success', intervened: false }), [1]);
  });

  it('is missing in a failure, an abort and a success with help', () => {
    assert.equal(labelOf({ action, expertAction: undefined, outcome: 'failure', intervened: false }), undefined);
    assert.equal(labelOf({ action, expertAction: undefined, outcome: 'aborted', intervened: false }), undefined);
    assert.equal(labelOf({ action, expertAction: undefined, outcome: 'success', intervened: true }), undefined);
  });

  it('is the same in SQL', async () => {
    const session = await duckDbEngine({ temporaryDirectory: join(tmpdir(), 'flywheel-label-spill') }).open();
    const vector = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 3 });
    const facts = fc.record({
      action: vector,
      expertAction: fc.option(vector, { nil: undefined }),
      outcome: fc.constantFrom(...outcomes),
      intervened: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(facts, { minLength: 1, maxLength: 20 }), async (frames) => {
        const rows = frames.map(
          (frame, index) =>
            `(${index}, ${list(frame.action)}, ${list(frame.expertAction)}, '${frame.outcome}', ${frame.intervened})`,
        );
        const found = await session.rows(
          `SELECT ${labelSql('f', labelledByOutcomeSql('f'))} AS label
           FROM (VALUES ${rows.join(', ')}) AS f(i, "action", expert_action, outcome, intervened) ORDER BY i`,
        );
        assert.deepEqual(
          found.map(({ label }) => label),
          frames.map((frame) => labelOf(frame) ?? null),
        );
      }),
      { numRuns: 30 },
    );
    await session.close();
  });
});
