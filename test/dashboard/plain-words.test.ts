import assert from 'node:assert/strict';

import {
  actWord,
  cyclePartWord,
  plainWord,
  rollbackWord,
  stepWord,
  toldReason,
  trialPartWord,
  whoText,
} from '../../dashboard/plain-words.ts';
import { wordsOf } from '../../dashboard/cause-words.ts';
import { championWay } from '../../dashboard/pages/champion-words.ts';
import { changeText } from '../../dashboard/pages/changes-before.ts';
import { cycleOutcome } from '../../dashboard/pages/cycle-outcome.ts';
import { fleetSuccess } from '../../dashboard/pages/fleet-success.ts';
import { incidentCauses, noticeCauses } from '../../domain/monitoring/causes.ts';
import type { FleetSuccessAnswer } from '../../console/answers/fleet.ts';
import { unread } from '../../dashboard/reading.ts';
import { got, hostile, html, nowMs, statesOf } from './page-world.ts';

/** Two words written as one, as code has them. */
const raw = /[a-z][A-Z]|_/;

describe('states and outcomes on the pages', () => {
  it('are words, whatever the code calls them', () => {
    const steps = ['planned', 'exposing', 'watching', 'held', 'paused', 'awaitingApproval', 'holdback', 'returning'];
    const ends = [
      'rolledBack',
      'endedWithoutPromotion',
      'aborted',
      'promoted',
      'notStarted',
      'rejected',
      'nothingToDo',
    ];
    const all = [...steps, ...ends, 'deciding', 'abTest', 'gatesHold', 'nothingNew', 'badData', 'somethingNewer'];
    for (const word of all)
      for (const text of [
        stepWord(word, ''),
        trialPartWord(word, ''),
        rollbackWord(word, ''),
        cyclePartWord(word, ''),
        cycleOutcome(word),
        plainWord(word),
        toldReason('trialEnd', `${word}: because`),
      ])
        assert.doesNotMatch(text.replace('A/B', ''), raw, `${word}: ${text}`);
    assert.equal(stepWord('awaitingApproval', ''), 'waits for an approval');
    assert.equal(stepWord(undefined, 'not told'), 'not told');
    assert.equal(plainWord('TIMED_OUT'), 'timed out');
    for (const cause of [...incidentCauses, ...noticeCauses, 'somethingNewer'])
      assert.doesNotMatch(wordsOf(cause).title, raw, cause);
    for (const act of ['rollback.undo', 'trial.approve', 'label.somethingNew'])
      assert.doesNotMatch(actWord(act), /[a-z][A-Z]|\./);
  });

  it('change only the first word of a notice, and no reason of an incident', () => {
    assert.equal(
      toldReason('cycleEnd', 'gatesHold: latencyP95 is high'),
      'a gate held the model back: latencyP95 is high',
    );
    assert.equal(toldReason('rollback', '1.0.0 is champion again: smoke'), '1.0.0 is champion again: smoke');
    assert.equal(toldReason('silent', 'robotX: gone'), 'robotX: gone');
    assert.equal(whoText('fleetMonitor'), 'the monitor');
  });

  it('tell a rollback that was undone from one that put a version back', () => {
    const said = { who: 'ada', why: 'a mistake' };
    assert.equal(championWay({ way: 'undone', ...said }), 'champion again, ada undid a rollback: a mistake');
    const change = {
      kind: 'undo',
      atMs: 1,
      version: '1.1.0',
      robots: null,
      way: 'undone',
      untilMs: null,
      ...said,
    } as const;
    assert.equal(changeText(change), 'Rollback undone, all robots to 1.1.0, by ada: a mistake');
  });
});

describe('success on the page Fleet', () => {
  const success = { kind: 'value', value: 0.91, n: 512, low: 0.88, high: 0.94 } as const;
  const answer: FleetSuccessAnswer = {
    readAtMs: nowMs,
    policy: 'wall',
    state: 'read',
    asOfMs: nowMs - 1_500_000,
    fromMs: nowMs - 1_500_000 - 86_400_000,
    all: { robots: 12, success },
    versions: [{ version: '1.1.0', robots: 9, success }],
    total: 3,
  };
  const shown = (data: FleetSuccessAnswer): string => html(fleetSuccess(got(data), 'wall', nowMs));

  it('is that of the last day, with interval, numbers and age, and by model', () => {
    const text = shown(answer);
    assert.match(text, /The whole fleet: 91 % \[88 % to 94 %\], n 512 episodes of 12 robots/);
    assert.match(text, /By model, the 1 with the most episodes of 3/);
    assert.match(text, /version=1\.1\.0">1\.1\.0<\/a>.*91 % \[88 % to 94 %\].*512.*9/s);
    assert.match(text, /so far the facts reach, 25 min ago/);
    assert.match(text, /#\/metrics\?policy=wall">Metrics/);
    assert.doesNotMatch(shown({ ...answer, versions: [{ version: hostile, robots: 1, success }] }), /<img/);
  });

  it('looks different where nothing is read yet, nothing counts facts, or no episode ended', () => {
    assert.deepEqual(statesOf(html(fleetSuccess(unread, 'wall', nowMs))), ['loading']);
    assert.deepEqual(statesOf(shown({ ...answer, state: 'noFacts', asOfMs: null, fromMs: null })), ['noData']);
    const none = { kind: 'noData', why: 'no counted episode' } as const;
    const empty = shown({ ...answer, state: 'empty', all: { robots: 0, success: none }, versions: [], total: 0 });
    assert.deepEqual(statesOf(empty), ['empty']);
    assert.doesNotMatch(empty, /0 %/);
  });
});
