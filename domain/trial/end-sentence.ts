/** A difference of success, candidate minus champion, as fractions; null: it is not known. */
export interface EndEffect {
  readonly delta: number;
  readonly low: number | null;
  readonly high: number | null;
  /** Episodes of both arms. */
  readonly candidate: number;
  readonly control: number | null;
}

/** One task that was proven worse. */
export interface EndHarm {
  readonly task: string;
  readonly delta: number;
  readonly candidate: number;
  readonly control: number;
}

/** What is known of a trial that ended. */
export interface EndFacts {
  readonly outcome: string;
  readonly reason: string;
  readonly candidateVersion: string | null;
  readonly championVersion: string | null;
  readonly effect: EndEffect | null;
  readonly harm: readonly EndHarm[];
  /** The drop of a task that is allowed, a fraction; null: unknown. */
  readonly taskMarginFraction: number | null;
  /** Stages of a rollout; 0: it was none. */
  readonly stages: number;
}

/**
 * How a trial ended, in one plain sentence with value, limit and sample size. An outcome that is not known here is told as it is.
 *
 * endSentence({ outcome: 'accept', … }) → '1.1.0 is proven better than 1.0.0: success +66.5 points [+56.2 to +76.7], n 300 and 290 episodes.'
 */
export function endSentence(facts: EndFacts): string {
  const { outcome, reason, effect, harm, stages } = facts;
  const candidate = facts.candidateVersion ?? 'the candidate';
  const champion = facts.championVersion ?? 'the champion';
  const known = effect === null ? reason : effectText(effect);
  const because = (why: string): string => `${candidate} was not promoted: ${why}.`;
  switch (outcome) {
    case 'accept':
      return `${candidate} is proven better than ${champion}: ${known}.`;
    case 'acceptEquivalent':
      return `${candidate} is proven not worse than ${champion}: ${known}.`;
    case 'promoted':
      return stages > 0
        ? `${candidate} became champion in place of ${champion}: it passed all ${stages} stages without an alarm.`
        : `${candidate} became champion: ${reason}.`;
    case 'harmful':
    case 'rolledBack':
      return `${because(harm.length === 0 ? reason : harmText(harm, facts.taskMarginFraction))} All robots were ordered back to ${champion}.`;
    case 'reject':
      return because(
        reason.startsWith('proven worse') ? `it is proven worse than ${champion}: ${known}` : notBetter(facts, known),
      );
    case 'aborted':
      return because(`it was stopped: ${reason}`);
    case 'infeasible':
      return because(`numbers cannot decide here: ${reason}`);
    case 'notStarted':
      return because(`the trial did not start: ${reason}`);
    default:
      return because(reason);
  }
}

function notBetter({ reason, championVersion, effect }: EndFacts, known: string): string {
  const champion = championVersion ?? 'the champion';
  return effect === null ? reason : `in the time given it was not proven better than ${champion}: ${known} (${reason})`;
}

const effectText = ({ delta, low, high, candidate, control }: EndEffect): string =>
  `success ${points(delta)}${low === null ? '' : high === null ? `, at least ${points(low)}` : ` [${signed(low)} to ${signed(high)}]`}, n ${candidate}${control === null ? '' : ` and ${control}`} episodes`;

const harmText = (harm: readonly EndHarm[], margin: number | null): string =>
  `it does harm in ${harm.length === 1 ? 'task' : `${harm.length} tasks:`} ${harm
    .map(
      ({ task, delta, candidate, control }) =>
        `${task}: success ${points(Math.max(-1, delta))}${margin === null ? '' : `, ${points(-margin)} allowed`}, n ${candidate} and ${control} episodes`,
    )
    .join('; ')}`;

const points = (fraction: number): string => `${signed(fraction)} points`;

function signed(fraction: number): string {
  const value = (100 * fraction).toFixed(1);
  return fraction > 0 ? `+${value}` : value.replace('-', '−');
}
