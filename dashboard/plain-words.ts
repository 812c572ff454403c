/** A word of the code that nobody has put into words, for people: `awaitingApproval` → `awaiting approval`, `TIMED_OUT` → `timed out`. */
export const plainWord = (word: string): string =>
  word
    .replaceAll(/([a-z\d])([A-Z])/g, '$1 $2')
    .replaceAll('_', ' ')
    .toLowerCase();

const said = (words: ReadonlyMap<string, string>) => (word: string | undefined, otherwise: string) =>
  word === undefined ? otherwise : (words.get(word) ?? plainWord(word));

/** Where a trial, an A/B test or a rollout stands. */
export const stepWord = said(
  new Map([
    ['exposing', 'robots are getting the candidate'],
    ['watching', 'running'],
    ['held', 'on hold'],
    ['paused', 'paused by a person'],
    ['awaitingApproval', 'waits for an approval'],
    ['holdback', 'in the last stage, a few robots keep the champion'],
    ['returning', 'robots go back to the champion'],
    ['rolledBack', 'rolled back'],
    ['endedWithoutPromotion', 'ended without promotion'],
    ['notStarted', 'did not start'],
  ]),
);

/** The part of a trial that runs. */
export const trialPartWord = said(
  new Map([
    ['idle', 'nothing: it waits for a candidate'],
    ['starting', 'its start'],
    ['planning', 'its plan'],
    ['abTest', 'A/B test'],
    ['recording', 'its end, which is being recorded'],
    ['ended', 'its end'],
  ]),
);

/** How far a rollback is. */
export const rollbackWord = said(
  new Map([
    ['deciding', 'it decides where to go'],
    ['awaitingApproval', 'it waits for an approval'],
    ['returning', 'robots go back'],
    ['ended', 'it has ended'],
  ]),
);

/** What a training or a collection does, or how it ended. */
export const cyclePartWord = said(
  new Map([
    ['registered', 'a version was registered'],
    ['gatesHold', 'a gate held the model back'],
    ['nothingNew', 'there was nothing new'],
    ['badData', 'too much data was refused'],
  ]),
);

/** How runs of the loop end, as the monitor tells it. */
const ends: ReadonlyMap<string, string> = new Map([
  ['accept', 'the candidate is proven better'],
  ['acceptEquivalent', 'the candidate is proven not worse'],
  ['reject', 'the candidate is not promoted'],
  ['harmful', 'the candidate does harm, or was stopped'],
  ['infeasible', 'numbers cannot decide'],
  ['rolledBack', 'robots went back'],
  ['endedWithoutPromotion', 'ended without promotion'],
  ['notStarted', 'did not start'],
  ['nothingToDo', 'there was nothing to do'],
  ['gatesHold', 'a gate held the model back'],
  ['nothingNew', 'there was nothing new'],
  ['notOffered', 'the candidate was not offered'],
  ['offered', 'a candidate was offered'],
  ['badData', 'too much data was refused'],
]);
const notices: ReadonlySet<string> = new Set(['promotion', 'rollback', 'verdict', 'trialEnd', 'cycleEnd']);

/** Why something was told: of the end of a run, which begins with a word of the code, in words. */
export function toldReason(cause: string, reason: string): string {
  const [, word, rest] = notices.has(cause) ? (/^([A-Za-z]+): (.*)$/su.exec(reason) ?? []) : [];
  return word === undefined || rest === undefined ? reason : `${ends.get(word) ?? plainWord(word)}: ${rest}`;
}

const acts: ReadonlyMap<string, string> = new Map([
  ['rollback', 'roll back'],
  ['rollback.undo', 'undo the rollback'],
  ['rollback.approve', 'approve rollback'],
  ['rollback.reject', 'reject rollback'],
  ['trial.offer', 'offer candidate for trial'],
  ['trial.pause', 'pause trial'],
  ['trial.resume', 'resume trial'],
  ['trial.approve', 'approve stage'],
  ['trial.reject', 'reject stage'],
  ['trial.abort', 'abort trial'],
  ['freeze.set', 'freeze trials'],
  ['freeze.lift', 'lift freeze'],
  ['cycle.start', 'start cycle'],
  ['cycle.abort', 'abort cycle'],
  ['robot.quarantine', 'quarantine robot'],
  ['robot.release', 'release robot'],
  ['quarantine.release', 'release refused data'],
  ['incident.acknowledge', 'acknowledge incident'],
  ['label.add', 'add label'],
  ['label.remove', 'take label back'],
  ['label.import', 'import labels'],
  ['operator.add', 'add operator'],
  ['operator.remove', 'remove operator'],
  ['session.end', 'end session'],
]);

/** An act in the audit log, whatever came of it. */
export const actWord = (act: string): string => acts.get(act) ?? plainWord(act.replaceAll('.', ' '));

/** Who did something; the monitor has a name like a person's. */
export const whoText = (who: string): string => (who === 'fleetMonitor' ? 'the monitor' : who);
