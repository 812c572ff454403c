import assert from 'node:assert/strict';

import { pausedFrom, whyRefused } from '../../workflows/trial/answers.ts';
import type { OperatorMessage, OperatorWord, StepProgress, TrialStatus } from '../../workflows/trial/messages.ts';

const word: OperatorWord = { reason: 'why', who: 'ada' };
const status = (kind: StepProgress['kind'], more: Partial<TrialStatus> = {}): TrialStatus => ({
  policy: 'wall',
  stage: 'rollout',
  candidateVersion: '1.1.0',
  waitingVersion: null,
  step: { kind, reason: 'stage 1 is proven' },
  abTest: null,
  result: null,
  ...more,
});
const refused = (kind: OperatorMessage['kind'], of: TrialStatus, more: Partial<OperatorWord> = {}) =>
  whyRefused(kind, { ...word, ...more }, of);

describe('what an operator says to a trial', () => {
  it('answers the stage that was seen, and no other that waits by now', () => {
    for (const kind of ['approved', 'rejected'] as const) {
      assert.equal(refused(kind, status('awaitingApproval')), undefined);
      assert.equal(refused(kind, status('awaitingApproval'), { waitsFor: 'stage 1 is proven' }), undefined);
      assert.match(refused(kind, status('awaitingApproval'), { waitsFor: 'stage 0 is proven' }) ?? '', /another stage/);
      assert.match(refused(kind, status('watching')) ?? '', /no stage waits/);
      assert.match(refused(kind, status('awaitingApproval'), { who: ' ' }) ?? '', /who: expected the name/);
    }
  });

  it('rejects a paused trial only where a stage waited before the pause, or nobody knows', () => {
    assert.match(refused('rejected', status('paused', { pausedFrom: 'held' })) ?? '', /no stage waits.*`abort`/);
    assert.equal(refused('rejected', status('paused', { pausedFrom: 'awaitingApproval' })), undefined);
    assert.equal(refused('rejected', status('paused')), undefined);
    assert.equal(refused('abortRequested', status('paused', { pausedFrom: 'held' })), undefined);
  });

  it('is remembered by what was paused, however often the pause is reported', () => {
    const paused = { kind: 'paused', reason: 'r' } as const;
    assert.deepEqual(pausedFrom(status('held'), paused), { pausedFrom: 'held' });
    assert.deepEqual(pausedFrom(status('paused', { pausedFrom: 'held' }), paused), {});
    assert.deepEqual(pausedFrom({ step: null }, paused), {});
    assert.deepEqual(pausedFrom(status('held'), { kind: 'watching', reason: 'r' }), {});
  });
});
