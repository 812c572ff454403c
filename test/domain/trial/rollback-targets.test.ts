import assert from 'node:assert/strict';

import { array, assert as check, constantFrom, option, property, record } from 'fast-check';

import { aliasesAt, demotionMoves, promotionMoves, type AliasRecord } from '../../../domain/registry/index.ts';
import { chooseRollback, rollbackTargets } from '../../../domain/trial/index.ts';

const versions = ['1.0.0', '1.1.0', '1.2.0', '1.3.0', '9.9.9'];

describe('the versions that a rollback can go to', () => {
  it('are exactly those that the rule would not refuse, each once, with what the rule says', () => {
    const version = constantFrom(...versions.slice(0, 4));
    const asked = record({
      order: array(version, { maxLength: 8 }),
      baseline: option(version, { nil: undefined }),
      assigned: option(record({ defaultVersion: version, championVersion: version }), { nil: undefined }),
      openTrialId: option(constantFrom('t1'), { nil: undefined }),
    });
    check(
      property(asked, ({ order, baseline, assigned, openTrialId }) => {
        const history: AliasRecord[] = [];
        const add = (set: AliasRecord['set']): unknown =>
          history.push({ seq: history.length, set, operationId: `${history.length}`, atMs: 0, who: 'w', why: 'y' });
        if (baseline !== undefined) add({ baseline });
        for (const one of order) add(demotionMoves(history, one) ?? promotionMoves(aliasesAt(history), one, true));
        const facts = { history, aliases: aliasesAt(history), assigned, openTrialId };
        const targets = rollbackTargets(facts);
        const allowed = versions.filter((target) => chooseRollback({ ...facts, target }).kind !== 'nothing');
        assert.deepEqual(targets.map((one) => one.version).toSorted(), allowed.toSorted());
        for (const { version: target, choice } of targets)
          assert.deepEqual(choice, chooseRollback({ ...facts, target }));
      }),
    );
  });

  it('begin with the one that was champion last', () => {
    const moves = ['1.0.0', '1.1.0', '1.2.0', '1.0.0', '1.3.0'].map((champion, seq) => ({
      seq,
      set: { champion, ...(seq === 0 ? { baseline: '0.9.0' } : {}) },
      operationId: `${seq}`,
      atMs: seq,
      who: 'w',
      why: 'y',
    }));
    const facts = { history: moves, aliases: aliasesAt(moves), assigned: undefined, openTrialId: undefined };
    assert.deepEqual(
      rollbackTargets(facts).map(({ version }) => version),
      ['1.0.0', '1.2.0', '1.1.0', '0.9.0'],
    );
  });
});
