import assert from 'node:assert/strict';

import { array, assert as check, constantFrom, nat, property, record as recordOf } from 'fast-check';

import {
  aliasesAt,
  championLine,
  comparePolicyVersions,
  decidePromotionWithoutTrial,
  formatPolicyVersion,
  nextPolicyVersion,
  parsePolicyVersion,
  promotionMoves,
  versionChange,
  type AliasRecord,
} from '../../../domain/registry/index.ts';

const version = recordOf({ major: nat(50), minor: nat(50), patch: nat(50) }, { noNullPrototype: true });

describe('policy versions', () => {
  it('start at 1.0.0 and move the number of the change', () => {
    assert.equal(nextPolicyVersion([], 'patch'), '1.0.0');
    assert.equal(nextPolicyVersion(['1.0.0', '1.9.3', '1.10.0'], 'minor'), '1.11.0');
    assert.equal(nextPolicyVersion(['1.10.4'], 'patch'), '1.10.5');
    assert.equal(nextPolicyVersion(['1.10.4'], 'major'), '2.0.0');
  });

  it('read back what they print and nothing else', () => {
    check(property(version, (value) => assert.deepEqual(parsePolicyVersion(formatPolicyVersion(value)), value)));
    for (const text of ['1.2', 'v1.2.3', '01.2.3', '1.2.3-a', '1.2.3.4', ''])
      assert.equal(parsePolicyVersion(text), undefined);
  });

  it('are newer than every version taken, whatever the order', () => {
    check(
      property(array(version, { minLength: 1 }), constantFrom('major', 'minor', 'patch'), (taken, change) => {
        const next = parsePolicyVersion(nextPolicyVersion(taken.map(formatPolicyVersion), change));
        assert.ok(next !== undefined && taken.every((other) => comparePolicyVersions(next, other) > 0));
      }),
    );
  });

  it('change as network, features or actions, and chosen tasks do', () => {
    const same = { sameArchitecture: true, bodyStep: 'none', chosenTasks: false } as const;
    assert.equal(versionChange(same), 'minor');
    assert.equal(versionChange({ ...same, chosenTasks: true }), 'patch');
    assert.equal(versionChange({ ...same, bodyStep: 'minor' }), 'minor');
    assert.equal(versionChange({ ...same, bodyStep: 'minor', chosenTasks: true }), 'minor');
    for (const chosenTasks of [true, false]) {
      assert.equal(versionChange({ ...same, sameArchitecture: false, chosenTasks }), 'major');
      assert.equal(versionChange({ ...same, bodyStep: 'major', chosenTasks }), 'major');
    }
  });
});

const record = (seq: number, set: AliasRecord['set']): AliasRecord => ({
  seq,
  set,
  operationId: `operation-${seq}`,
  atMs: seq * 1_000,
  who: 'test',
  why: 'test',
});

describe('aliases', () => {
  const history = [
    record(0, { champion: '1.0.0', baseline: '1.0.0', anchor: '1.0.0' }),
    record(1, { champion: '1.1.0', previous: '1.0.0' }),
    record(2, { champion: '1.0.0', previous: '1.1.0' }),
  ];

  it('tell which version was champion at any past moment', () => {
    assert.equal(aliasesAt(history, -1).champion, undefined);
    assert.equal(aliasesAt(history, 1_500).champion, '1.1.0');
    assert.deepEqual(aliasesAt(history), { champion: '1.0.0', previous: '1.1.0', baseline: '1.0.0', anchor: '1.0.0' });
    assert.deepEqual(aliasesAt(history.toReversed()), aliasesAt(history));
  });

  it('move previous with the champion and the anchor only to a better one', () => {
    const before = { champion: '1.0.0', baseline: '1.0.0', anchor: '1.0.0' };
    assert.deepEqual(promotionMoves(before, '1.1.0', false), { champion: '1.1.0', previous: '1.0.0' });
    assert.equal(promotionMoves(before, '1.1.0', true).anchor, '1.1.0');
    assert.equal(promotionMoves(before, '1.0.0', false).previous, undefined);
  });
});

describe('a promotion without a trial', () => {
  const aliases = { champion: '1.0.0', baseline: '1.0.0' };

  it('is for the first step away from the baseline, on request, with passed gates', () => {
    const decision = decidePromotionWithoutTrial({ aliases, bootstrap: true, gates: 'pass' });
    assert.equal(decision.kind, 'promote');
    assert.match(decision.reason, /baseline 1\.0\.0/);
  });

  for (const [input, reason] of [
    [{ aliases, bootstrap: false, gates: 'pass' }, /"bootstrap": true/],
    [{ aliases, bootstrap: true, gates: 'hold' }, /gate/],
    [{ aliases: { ...aliases, champion: '1.1.0' }, bootstrap: true, gates: 'pass' }, /trial on the fleet/],
    [{ aliases: {}, bootstrap: true, gates: 'pass' }, /no champion/],
  ] as const)
    it(`is refused with the reason: ${reason.source}`, () => {
      const decision = decidePromotionWithoutTrial(input);
      assert.equal(decision.kind, 'notOffered');
      assert.match(decision.reason, reason);
    });
});

describe('the line of champions', () => {
  const line = (...sets: readonly AliasRecord['set'][]) =>
    championLine(
      sets.map((set, seq) => ({ seq, operationId: `${seq}`, set, atMs: seq, who: 'a person', why: 'test' })),
    );
  const first = { champion: '1.0.0', baseline: '1.0.0' };
  const promoted = (champion: string) => ({ champion });

  it('loses a champion that an older one or the baseline replaced, and no other', () => {
    assert.deepEqual(line(first, promoted('1.1.0'), promoted('1.2.0')), {
      standing: ['1.0.0', '1.1.0', '1.2.0'],
      withdrawn: [],
    });
    const back = [first, promoted('1.1.0'), promoted('1.2.0'), promoted('1.1.0')];
    assert.deepEqual(line(...back), { standing: ['1.0.0', '1.1.0'], withdrawn: ['1.2.0'] });
    assert.deepEqual(line(...back, promoted('1.3.0')), { standing: ['1.0.0', '1.1.0', '1.3.0'], withdrawn: ['1.2.0'] });
    assert.deepEqual(line(...back, { baseline: '1.4.0' }, promoted('1.4.0')).withdrawn, ['1.2.0', '1.1.0']);
  });

  it('has a champion back that was promoted again', () => {
    const again = [first, promoted('1.1.0'), promoted('1.2.0'), promoted('1.1.0'), promoted('1.2.0')];
    assert.deepEqual(line(...again), { standing: ['1.0.0', '1.1.0', '1.2.0'], withdrawn: [] });
  });

  it('takes two aliases that move together for no fall-back, and what is ordered already for the next record', () => {
    assert.deepEqual(line(first, { champion: '2.0.0', baseline: '2.0.0' }).withdrawn, []);
    const records = [first, promoted('1.1.0')].map((set, seq) => {
      return { seq, operationId: `${seq}`, set, atMs: seq, who: 'a person', why: 'test' };
    });
    assert.deepEqual(championLine(records, { version: '1.0.0', operationId: 'next' }), {
      standing: ['1.0.0'],
      withdrawn: ['1.1.0'],
    });
    assert.deepEqual(championLine(records, { version: '1.2.0', operationId: 'next' }).withdrawn, []);
  });
});
