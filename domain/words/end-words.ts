import { measuredWords, type Measured } from './effect-words.ts';
import { plainReason } from './plain-reason.ts';
import { returnWords, type TrialPlace, type Versions } from './verdict-words.ts';

/** What is known of a trial that ended. */
export interface EndFacts {
  readonly outcome: string;
  /** What the workflow said at its end. */
  readonly reason: string;
  readonly candidateVersion: string | null;
  readonly championVersion: string | null;
  /** The sentence of the verdict that ended it; null: none did, or it cannot be read. */
  readonly decided: string | null;
  /** What its last verdict measured; null: there was none. */
  readonly measured: Measured | null;
  /** null: its plan cannot be read. */
  readonly place: TrialPlace | null;
}

/**
 * How a trial ended, in one sentence: that of the verdict that ended it, or who or what else did, with what was measured until then. An outcome that is not known
 * here is told as it is.
 */
export function endSentence(facts: EndFacts): string {
  const { outcome, decided, place } = facts;
  const versions = versionsOf(facts);
  const { candidate, champion } = versions;
  const reason = ended(plainReason(facts.reason));
  const seen = facts.measured === null ? '' : `; until then ${measuredWords(facts.measured, versions)}`;
  switch (outcome) {
    case 'promoted':
      return place?.kind === 'rollout'
        ? `${candidate} became champion in place of ${champion}: it passed all ${place.stages} stages without an alarm${facts.measured === null ? '' : `; at the end ${measuredWords(facts.measured, versions)}`}.`
        : `${candidate} became champion: ${reason}.`;
    case 'accept':
    case 'acceptEquivalent':
    case 'harmful':
    case 'rolledBack':
    case 'reject':
    case 'block':
      if (decided !== null) return decided;
      // A verdict whose document cannot be read said its whole sentence to the workflow.
      if (isSentence(reason, candidate)) return `${reason}.`;
      return outcome === 'accept' || outcome === 'acceptEquivalent'
        ? `${candidate} passed the A/B test against ${champion}: ${reason}.`
        : `${candidate} was not promoted: ${reason}${seen}. ${returnWords(versions)}.`;
    case 'endedWithoutPromotion':
      return `${candidate} was not promoted: ${reason}${seen}. ${returnWords(versions)}.`;
    case 'aborted':
      return `${candidate} was not promoted: it was stopped: ${reason}${seen}. ${returnWords(versions)}.`;
    case 'infeasible':
      return `${candidate} was not promoted: numbers cannot decide here: ${reason}.`;
    case 'notStarted':
      return `${candidate} was not promoted: the trial did not start: ${reason}.`;
    default:
      return `${candidate} was not promoted: ${reason}.`;
  }
}

const versionsOf = ({ candidateVersion, championVersion }: EndFacts): Versions => ({
  candidate: candidateVersion ?? 'the candidate',
  champion: championVersion ?? 'the champion',
});

const ended = (reason: string): string => reason.replace(/\.$/, '');
const isSentence = (reason: string, candidate: string): boolean =>
  reason.startsWith(`${candidate} `) && reason.includes('. ');
