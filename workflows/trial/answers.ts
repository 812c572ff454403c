import { whyOwn } from '../../domain/trial/own-request.ts';
import type { OperatorMessage, OperatorWord, StepProgress, TrialStatus } from './messages.ts';

/** What an operator hears when a message was taken. */
export const trialAnswers: Readonly<Record<OperatorMessage['kind'], string>> = {
  pauseRequested: 'paused: nothing advances, the guard goes on',
  resumeRequested: 'resumed',
  approved: 'the stage that waited for a person begins',
  rejected: 'ends; the robots go back to the champion',
  abortRequested: 'ends; the robots go back to the champion',
  rollbackRequested: 'all robots go back to the champion at once',
};

/** What to remember of a step that reports that it is paused. */
export const pausedFrom = (
  { step: before }: Pick<TrialStatus, 'step'>,
  { kind }: StepProgress,
): Pick<TrialStatus, 'pausedFrom'> =>
  kind !== 'paused' || before === null || before.kind === kind ? {} : { pausedFrom: before.kind };

/** Why a message is refused now, in words; undefined when it would change something. */
export function whyRefused(
  kind: OperatorMessage['kind'],
  word: OperatorWord | undefined,
  { stage, step, candidateVersion, askedBy, pausedFrom }: TrialStatus,
): string | undefined {
  const reason: unknown = word?.reason;
  if (typeof reason !== 'string' || reason.trim() === '' || reason.length > 500)
    return 'expected {"reason": "why"} of 1 to 500 characters';
  const who: unknown = word?.who;
  if (who !== undefined && (typeof who !== 'string' || who.length > 200)) return 'who: expected at most 200 characters';
  if (stage === 'recording' || stage === 'ended') return `the trial is ${stage === 'ended' ? 'over' : 'ending'}`;
  const meant: unknown = word?.meant;
  if (meant !== undefined && meant !== candidateVersion)
    return `the trial is of ${candidateVersion ?? 'no version yet'} now, not of the one that was meant`;
  const state = step?.kind;
  if (state === 'returning') return 'the robots are on their way back to the champion already';
  switch (kind) {
    case 'pauseRequested':
      return state === 'paused' ? 'it is paused already' : undefined;
    case 'resumeRequested':
      return state === 'paused' ? undefined : 'it is not paused';
    case 'approved':
      if (state !== 'awaitingApproval') return 'no stage waits for approval';
      return (
        whyOther(word, step) ?? whyNobody(who) ?? (word?.isNotOwn === true ? whyOwn(askedBy, String(who)) : undefined)
      );
    case 'rejected':
      if (state === 'paused' && (pausedFrom === undefined || pausedFrom === 'awaitingApproval')) return whyNobody(who);
      if (state !== 'awaitingApproval') return 'no stage waits for approval; `abort` ends the trial';
      return whyOther(word, step) ?? whyNobody(who);
    case 'abortRequested':
    case 'rollbackRequested':
      return undefined;
    default:
      return kind satisfies never;
  }
}

/** Stages may wait one after the other: an answer is to the one that was seen. */
const whyOther = (word: OperatorWord | undefined, step: TrialStatus['step']): string | undefined => {
  const seen: unknown = word?.waitsFor;
  return seen === undefined || seen === step?.reason ? undefined : 'another stage waits by now: look at it first';
};

/** What is decided for the fleet is kept with the name of a person. */
const whyNobody = (who: unknown): string | undefined =>
  typeof who === 'string' && who.trim() !== ''
    ? undefined
    : 'who: expected the name of the person who decides, as in {"reason": "…", "who": "ada"}';
