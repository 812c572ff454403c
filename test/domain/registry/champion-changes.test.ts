import assert from 'node:assert/strict';

import { array, assert as check, constantFrom, property } from 'fast-check';

import {
  aliasesAt,
  championChanges,
  championSpells,
  demotionMoves,
  promotionMoves,
  type AliasRecord,
} from '../../../domain/registry/index.ts';

/** A history by what was done, each a second after the other. */
function historyOf(...moves: readonly (readonly [operationId: string, set: AliasRecord['set']])[]): AliasRecord[] {
  return moves.map(([operationId, set], seq) => ({
    seq,
    operationId,
    set,
    atMs: seq * 1_000,
    who: `who-${seq}`,
    why: `why-${seq}`,
  }));
}
const waysOf = (policy: string, history: readonly AliasRecord[]): readonly string[] =>
  championChanges(policy, history).map(({ version, way, who }) => `${version} ${way} ${who}`);

describe('changes of the champion', () => {
  const begun = [
    ['baseline-a', { baseline: '1.0.0', champion: '1.0.0', anchor: '1.0.0' }],
    ['wall-2026-a', { champion: '1.1.0', previous: '1.0.0', anchor: '1.1.0' }],
    ['wall-rollout-0123456789ab#7', { champion: '1.2.0', previous: '1.1.0' }],
  ] as const;

  it('say who put a version back, and never take that for a promotion', () => {
    const history = historyOf(
      ...begun,
      ['rollback-wall-0123456789ab#9', { champion: '1.1.0', previous: '1.0.0' }],
      ['wall-rollout-cafe#12', { champion: '1.3.0', previous: '1.1.0' }],
      // The trial itself takes it back.
      ['wall-rollout-cafe#13', { champion: '1.1.0', previous: '1.0.0' }],
      // Forward again to one that was taken back: an order all the same.
      ['rollback-wall-0123456789ac#15', { champion: '1.3.0', previous: '1.1.0' }],
      ['adopt-arm@2-1.3.1', { champion: '1.3.1' }],
      ['baseline-b', { baseline: '1.4.0' }],
      ['rollback-wall-0123456789ad#17', { champion: '1.3.0' }],
      ['undo-17-rollback-wall-0123456789ad#18', { champion: '1.3.1' }],
    );
    assert.deepEqual(waysOf('wall', history.toReversed()), [
      '1.0.0 first who-0',
      '1.1.0 withoutTrial who-1',
      '1.2.0 trial who-2',
      '1.1.0 putBack who-3',
      '1.3.0 trial who-4',
      '1.1.0 trialReturn who-5',
      '1.3.0 putBack who-6',
      '1.3.1 adopted who-7',
      '1.3.0 putBack who-9',
      '1.3.1 undone who-10',
    ]);
  });

  it('are those of the policy, whatever its name begins with', () => {
    const history = historyOf(
      ...begun,
      ['rollback-lane-rollout-beef#8', { champion: '1.4.0', previous: '1.2.0' }],
      ['rollback-rollback-lane-beef#9', { champion: '1.2.0', previous: '1.1.0' }],
    );
    assert.deepEqual(waysOf('rollback-lane', history).slice(3), ['1.4.0 trial who-3', '1.2.0 putBack who-4']);
  });

  it('end at the champion of the aliases, without a gap, and each begins where the one before ended', () => {
    const versions = ['1.0.0', '1.1.0', '1.2.0', '1.3.0'];
    check(
      property(array(constantFrom(...versions), { maxLength: 12 }), (order) => {
        const history: AliasRecord[] = [];
        for (const version of order) {
          const seq = history.length;
          const set = demotionMoves(history, version) ?? promotionMoves(aliasesAt(history), version, true);
          history.push({ seq, set, operationId: `o-${seq}`, atMs: seq, who: 'w', why: 'y' });
        }
        const spells = championSpells(championChanges('wall', history));
        assert.equal(spells.at(-1)?.began.version, aliasesAt(history).champion);
        for (const [index, { began, ended }] of spells.entries()) {
          assert.deepEqual(ended, spells[index + 1]?.began ?? null);
          assert.equal(began.replaced, spells[index - 1]?.began.version ?? null);
          assert.notEqual(began.version, began.replaced);
        }
      }),
    );
  });
});
