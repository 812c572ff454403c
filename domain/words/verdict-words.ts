// Long: one sentence for each thing that a guard's verdict may say.
import { allowedWords, measuredWords, type Measured } from './effect-words.ts';
import { percentFigure, scoreFigure } from './figures.ts';
import { stageWords } from './stage-words.ts';

/** What a trial compares. */
export interface Versions {
  readonly candidate: string;
  readonly champion: string;
}

/** Where a trial stands. */
export type TrialPlace =
  | { readonly kind: 'abTest' }
  /** Counted from 0. */
  | { readonly kind: 'rollout'; readonly stage: number; readonly stages: number };

/** One task that is proven worse. */
export interface HarmedTask extends Measured {
  readonly task: string;
  /** By what it is proven; null: not told. */
  readonly statistic: string | null;
}

/** Evidence of harm in one metric. */
export interface MetricFigures {
  readonly metric: string;
  /** Candidate minus champion: fraction, −log latency, or relative episodes. */
  readonly delta: number;
  readonly logEvidence: number;
  readonly threshold: number;
}

/** What a verdict of the guard says. */
export interface TickFacts {
  readonly versions: Versions;
  readonly place: TrialPlace;
  readonly verdict: string;
  /** What decided, where one metric did. */
  readonly metric: string | null;
  readonly suspectRobotId: string | null;
  /** The rule that decided, in its own words. */
  readonly because: string;
  readonly measured: Measured;
  /** The effect must be above minus this to pass the stage; null: judged by time alone. */
  readonly marginFraction: number | null;
  /** How much worse the guard bears; null: not told. */
  readonly toleratedFraction: number | null;
  /** How much slower it bears, in log latency; null: not told. */
  readonly latencyMargin: number | null;
  readonly evidence: readonly MetricFigures[];
  /** The worst first. */
  readonly harm: readonly HarmedTask[];
  readonly taskMarginFraction: number | null;
}

const placeWords = (place: TrialPlace): string =>
  place.kind === 'abTest' ? 'the A/B test' : stageWords(place.stage, place.stages);

const isLast = (place: TrialPlace): boolean => place.kind === 'rollout' && place.stage + 1 >= place.stages;

/** What follows a stop. */
export const returnWords = ({ champion }: Versions): string => `All robots go back to ${champion}`;

/** What a stop means for the candidate. */
const stopped = ({ candidate }: Versions, place: TrialPlace): string =>
  `${candidate} was stopped in ${placeWords(place)} and ${isLast(place) ? 'does not stay champion' : 'not promoted'}`;

/**
 * The one sentence of a verdict of the guard: version, stage, task or robot, what was measured of both arms, against which limit, what happens then, and in brackets
 * the statistics behind it. Pages, commands, reports and messages all have it from here.
 */
export function tickSentence(facts: TickFacts): string {
  const { versions, place, because, suspectRobotId } = facts;
  const { candidate, champion } = versions;
  const where = `${placeWords(place)} of ${candidate} against ${champion}`;
  switch (facts.verdict) {
    case 'rollback':
      return `${stopped(versions, place)}: ${harmReason(facts)}. ${returnWords(versions)}${statistics(facts)}.`;
    case 'robotFault':
      return `${suspectRobotId ?? 'One robot'} was taken off ${candidate} in ${placeWords(place)}: ${faultReason(facts)}. It goes back to ${champion} and into quarantine, and the trial goes on${statistics(facts)}.`;
    case 'hold':
      return `${capital(where)} holds: ${because}; ${measuredAgainst(facts)}. No more robots get ${candidate}, those that have it keep it.`;
    case 'advance':
      return place.kind === 'abTest'
        ? `${capital(where)} goes on, no alarm: ${measuredWords(facts.measured, versions)}.`
        : `${capital(where)} is passed: ${advanceReason(facts)}. ${isLast(place) ? `${candidate} stays champion` : `${capital(stageWords(place.stage + 1, place.stages))} comes next`}.`;
    case 'continue':
      return `${capital(where)} goes on, no alarm${place.kind === 'abTest' ? '' : ' and not yet passed'}: ${measuredAgainst(facts)}.`;
    default:
      return `${capital(where)}: ${because}; ${measuredAgainst(facts)}.`;
  }
}

const capital = (text: string): string =>
  `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`.replace(/^The A\/B/, 'The A/B');

/** What was measured, and then the limit of the stage. */
const measuredAgainst = ({ measured, versions, marginFraction, place }: TickFacts): string =>
  `${measuredWords(measured, versions)}${marginFraction === null || place.kind === 'abTest' ? '' : `; ${allowedWords(marginFraction)}`}`;

const advanceReason = (facts: TickFacts): string =>
  facts.marginFraction === null ? `${facts.because}; ${measuredAgainst(facts)}` : measuredAgainst(facts);

function harmReason(facts: TickFacts): string {
  const { metric, harm, because } = facts;
  if (metric === 'task' && harm.length > 0) return harmWords(facts);
  return metricReason(facts, 'it is') ?? because;
}

const faultReason = (facts: TickFacts): string => {
  const seen = metricReason(facts, 'the candidates are');
  return seen === null ? facts.because : `${seen}, and this robot alone explains it`;
};

/** null: it is about something else, and the rule's own words say it. */
function metricReason(facts: TickFacts, who: string): string | null {
  const { metric, versions, evidence, measured, toleratedFraction, latencyMargin } = facts;
  const found = evidence.find((one) => one.metric === metric);
  if (found === undefined || !(found.logEvidence >= found.threshold)) return null;
  if (metric === 'success') {
    const tolerated = toleratedFraction === null ? '' : `; ${allowedWords(toleratedFraction)}`;
    return `${who} proven worse than ${versions.champion}: ${measuredWords(measured, versions, 'worse')}${tolerated}`;
  }
  if (metric === 'latency') {
    const limit = latencyMargin === null ? '' : `, ${percentFigure(Math.expm1(latencyMargin))} is allowed`;
    return `${who} proven slower than ${versions.champion}: the time of a step is ${percentFigure(Math.expm1(-found.delta))} longer${limit}`;
  }
  if (metric === 'throughput')
    return `${who} proven to finish fewer episodes than ${versions.champion}: ${percentFigure(-found.delta)} fewer than expected`;
  return null;
}

const mostTasks = 2;
const longestTask = 60;

/** Tasks that are proven worse, the worst ones in full. */
export function harmWords({
  versions,
  harm,
  taskMarginFraction,
}: Pick<TickFacts, 'versions' | 'harm' | 'taskMarginFraction'>): string {
  const limit = taskMarginFraction === null ? '' : `; ${allowedWords(taskMarginFraction)} in a task`;
  const shown = harm
    .slice(0, mostTasks)
    .map((one) => `${one.task.slice(0, longestTask)}: ${measuredWords(one, versions, 'worse')}`)
    .join('; and in ');
  const more = harm.length - mostTasks;
  return `proven harm in task ${shown}${more > 0 ? `; and in ${more} more ${more === 1 ? 'task' : 'tasks'}` : ''}${limit}`;
}

/** What proves it, in brackets; nothing where no number does. */
function statistics({ metric, harm, evidence }: TickFacts): string {
  const [first] = harm;
  if (metric === 'task') return first?.statistic == null ? '' : ` (${first.statistic})`;
  const found = evidence.find((one) => one.metric === metric);
  return found === undefined || !(found.logEvidence >= found.threshold)
    ? ''
    : ` (log evidence ${scoreFigure(found.logEvidence)}, limit ${scoreFigure(found.threshold)})`;
}

/** A harmed task's proof by the guard's net. */
export const taskEvidenceWords = (logEvidence: number, threshold: number, tasks: number): string =>
  logEvidence >= threshold
    ? `log evidence ${scoreFigure(logEvidence)}, limit ${scoreFigure(threshold)} for one of ${tasks} tasks`
    : `log evidence ${scoreFigure(logEvidence)}, enough with that of all ${tasks} tasks together`;

/** A harmed task's proof by the net of an A/B test. */
export const taskChanceWords = (p: number, tasks: number): string =>
  `p ${p < 0.0001 ? '< 0.0001' : p.toFixed(4)}, judged together with all ${tasks} tasks`;
