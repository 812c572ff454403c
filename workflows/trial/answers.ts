import { whyOwn } from '../../domain/trial/own-request.ts';
import type { OperatorMessage, OperatorWord, TrialStatus } from './messages.ts';

/** What an operator hears when a message was taken. */
export const trialAnswers: Readonly<Record<OperatorMessage['kind'], string>> = {
  pauseRequested: 'paused: nothing advances, the guard goes on',
  resumeRequested: 'resumed',
  approved: 'the stage that waited for a person begins',
  rejected: 'ends; the robots go back to the champion',
  abortRequested: 'ends; the robots go back to the champion',
  rollbackRequested: 'all robots go back to the champion at once',
};

/** Why a message is refused now, in words; undefined when it would change something. */
export function whyRefused(
  kind: OperatorMessage['kind'],
  word: OperatorWord | undefined,
  { stage, step, candidateVersion, askedBy }: TrialStatus,
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
      return whyNobody(who) ?? (word?.isNotOwn === true ? whyOwn(askedBy, String(who)) : undefined);
    case 'rejected':
      return state === 'awaitingApproval' || state === 'paused' ? whyNobody(who) : 'no stage waits for approval';
    case 'abortRequested':
    case 'rollbackRequested':
      return undefined;
    default:
      return kind satisfies never;
  }
}

/** What is decided for the fleet is kept with the name of a person. */
const whyNobody = (who: unknown): string | undefined =>
  typeof who === 'string' && who.trim() !== ''
    ? undefined
    : 'who: expected the name of the person who decides, as in {"reason": "…", "who": "ada"}';
