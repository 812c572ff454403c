import { allowedWords, measuredWords, type Measured } from './effect-words.ts';
import { scoreFigure } from './figures.ts';
import { harmWords, returnWords, type HarmedTask, type Versions } from './verdict-words.ts';

/** What a look of an A/B test says. */
export interface LookFacts {
  readonly versions: Versions;
  readonly decision: string;
  /** Proven worse, or merely not proven better in time; null: not told. */
  readonly rejection: string | null;
  /** The judge's own words. */
  readonly because: string;
  readonly measured: Measured;
  readonly z: number | null;
  readonly bound: number | null;
  /** Share of the planned evidence that is there. */
  readonly information: number | null;
  readonly harm: readonly HarmedTask[];
  readonly taskMarginFraction: number | null;
  /** How much worse a candidate may be that is accepted as equal; null: not told. */
  readonly equalMarginFraction: number | null;
}

/** The one sentence of a look: as that of a verdict of the guard. */
export function lookSentence(facts: LookFacts): string {
  const { versions, decision, because, measured } = facts;
  const { candidate, champion } = versions;
  const seen = (proven?: 'better' | 'worse'): string => measuredWords(measured, versions, proven);
  const proof = scores(facts);
  const returned = returnWords(versions);
  switch (decision) {
    case 'accept':
      return `${candidate} is proven better than ${champion} in the A/B test: ${seen('better')}. Its rollout comes next${proof}.`;
    case 'acceptEquivalent': {
      const limit = facts.equalMarginFraction === null ? '' : `; ${allowedWords(facts.equalMarginFraction)}`;
      return `${candidate} is proven not worse than ${champion} in the A/B test: ${seen()}${limit}. Its rollout comes next${proof}.`;
    }
    case 'reject':
      return `${rejected(facts, seen)}. ${returned}${proof}.`;
    case 'block':
      return `${candidate} was stopped in the A/B test and not promoted: ${facts.harm.length === 0 ? `${because}; ${seen()}` : harmWords(facts)}. ${returned}${facts.harm[0]?.statistic == null ? '' : ` (${facts.harm[0].statistic})`}.`;
    case 'continue':
      return `The A/B test of ${candidate} against ${champion} goes on, nothing is decided yet: ${seen()}${proof}.`;
    default:
      return `The A/B test of ${candidate} against ${champion}: ${because}; ${seen()}${proof}.`;
  }
}

function rejected({ versions, because, rejection }: LookFacts, seen: (proven?: 'better' | 'worse') => string): string {
  const { candidate, champion } = versions;
  if (rejection === null ? because.startsWith('proven worse') : rejection === 'worse')
    return `${candidate} was stopped in the A/B test and not promoted: it is proven worse than ${champion}: ${seen('worse')}`;
  // What else stands against it: that equal is not enough, or a figure beside success.
  const [first = '', ...more] = because.split('; ');
  const besides = more.length === 0 ? '' : `; ${more.join('; ')}`;
  const isGood = first.startsWith('proven better') || first.startsWith('not worse');
  return isGood
    ? `${candidate} was not promoted: the A/B test ended and could not prove it harmless beside its success: ${seen()}${besides}`
    : `${candidate} was not promoted: the A/B test ended and did not prove it better than ${champion}: ${seen()}${besides}`;
}

function scores({ z, bound, information }: LookFacts): string {
  // So far beyond everything that no look before the last one can decide.
  if (z === null || bound === null || bound >= 1_000) return '';
  const share = information === null ? '' : `, ${Math.round(100 * information)} % of the planned evidence`;
  return ` (z ${scoreFigure(z)}, ±${scoreFigure(bound)} decides${share})`;
}
