import type { JudgeLookResult } from '../../activities/trials/judge-look.ts';
import type { JudgeTickResult } from '../../activities/trials/judge-tick.ts';
import type { PlannedTrial } from '../../activities/trials/plan-trial.ts';
import { comingStageOf, guardClock, type RolloutState } from '../../domain/rollout/index.ts';
import { allowedWords, aroundBound, effectWords } from '../../domain/words/effect-words.ts';
import { pointsFigure } from '../../domain/words/figures.ts';
import { plainReason } from '../../domain/words/plain-reason.ts';
import { stageWords } from '../../domain/words/stage-words.ts';
import type { AbProgress } from '../../domain/ab-test/progress.ts';
import type { RollbackResult, StageRow, TrialStatus } from './messages.ts';

/** The live story of a trial as Markdown, for the details panel of the Temporal UI. Pure: status in, text out. */
export function describeTrial(status: TrialStatus): string {
  const { result, step, abTest } = status;
  const lines = [
    `**${result?.outcome ?? status.stage}** · ${status.policy} · candidate ${status.candidateVersion ?? 'none'}`,
    result === null ? undefined : `> ${result.reason}`,
    '',
    abTest === null ? undefined : `A/B test: ${abTest.decision}: ${abTest.reason}`,
    step === null ? undefined : `${status.stage}: ${step.kind}: ${step.reason}`,
    status.waitingVersion === null ? undefined : `Next: ${status.waitingVersion}`,
  ];
  return lines.filter((line) => line !== undefined).join('\n');
}

export function describeAbTest(
  plan: PlannedTrial,
  progress: AbProgress,
  tick: JudgeTickResult | undefined,
  look: JudgeLookResult | undefined,
): string {
  const { abTest, stages, championVersion, candidateVersion, robots } = plan;
  const candidates = stages[0]?.robots ?? 0;
  const lines = [
    `**${progress.end ?? progress.kind}** · A/B test of ${candidateVersion} against ${championVersion}`,
    `> ${progress.reason}`,
    '',
    `${candidates} robots on the candidate, ${robots - candidates} on the champion; ${abTest?.looks ?? 0} looks, ${abTest?.lookHours ?? 0} fleet hours apart; ${progress.looksDone} done, ${hours(progress.watchedMs / 3_600_000)} watched`,
    plan.remarks === '' ? undefined : `Plan: ${plan.remarks}`,
    look === undefined
      ? undefined
      : `Last look: ${look.decision}, ${effectWords(look)}, z ${look.z.toFixed(2)} against ±${look.bound.toFixed(2)}, ${look.candidateEpisodes} and ${look.controlEpisodes} episodes`,
    tick === undefined ? undefined : `Guard: ${tick.verdict}: ${tick.reason}`,
    progress.faultyRobots.length === 0 ? undefined : `Faulty: ${progress.faultyRobots.join(', ')}`,
  ];
  return lines.filter((line) => line !== undefined).join('\n');
}

/** Value, threshold, robots, episodes and time left of every stage, as a list: the Temporal UI runs the cells of tables together. */
export function describeRollout(
  plan: PlannedTrial,
  state: RolloutState,
  rows: readonly StageRow[],
  tick: JudgeTickResult | undefined,
): string {
  const { hoursInStage, hoursTotal } = guardClock(state);
  const lines = [
    `**${state.kind}** · rollout of ${plan.candidateVersion} over ${plan.championVersion}, ${stageWords(state.stage, plan.stages.length)}`,
    `> ${plainReason(state.reason)}`,
    '',
    ...plan.stages.map(({ robots, minimumHours, maximumHours, marginFraction }, stage) => {
      const row = rows.find((one) => one.stage === stage);
      const seen =
        row === undefined
          ? 'nobody reports yet'
          : `${seenWords(row.lowerBound, stage === state.stage ? tick : undefined)}, ${row.reportingRobots} robots report, ${row.episodes} episodes`;
      const allowed = marginFraction === null ? 'no alarm' : allowedWords(marginFraction);
      const left = timeLeft(state, stage, hoursInStage, { minimumHours, maximumHours });
      return `- **${stageWords(stage, plan.stages.length)}** · ${robots} robots · ${allowed} · ${seen} · ${left}`;
    }),
    '',
    `${hours(hoursTotal)} since the first exposure.`,
    plan.remarks === '' ? undefined : `Plan: ${plan.remarks}`,
    tick === undefined ? undefined : `Guard: ${tick.verdict}: ${tick.reason}`,
    state.faultyRobots.length === 0 ? undefined : `Faulty: ${state.faultyRobots.join(', ')}`,
  ];
  return lines.filter((line) => line !== undefined).join('\n');
}

function timeLeft(
  state: RolloutState,
  stage: number,
  hoursInStage: number,
  { minimumHours, maximumHours }: { minimumHours: number; maximumHours: number },
): string {
  if (state.proven.some((proven) => proven === stage)) return 'proven';
  if (isAwaited(state, stage)) return 'waits for a person: flywheel trial approve or reject, with --reason';
  if (stage > state.stage) return `at least ${hours(minimumHours)}, once it begins`;
  const [least, most] = [minimumHours - hoursInStage, 2 * maximumHours - hoursInStage];
  if (least > 0) return `at least ${hours(least)} more`;
  return most > 0 ? `until proven, ${hours(most)} at most` : 'over: it ends unless it is proven now';
}

/** This stage begins when a person lets it. */
const isAwaited = (state: RolloutState, stage: number): boolean =>
  (state.kind === 'awaitingApproval' || (state.kind === 'paused' && state.from === 'awaitingApproval')) &&
  stage === comingStageOf(state);

export function describeRollback(reason: string, result: RollbackResult | undefined): string {
  if (result === undefined) return reason;
  const { confirmed, offline, failed } = result;
  return [
    `**${result.outcome}** · ${result.version ?? 'nowhere'}`,
    `> ${result.reason}`,
    '',
    `${confirmed.length} robots confirmed`,
    offline.length === 0 ? undefined : `Offline, ordered back: ${offline.join(', ')}`,
    failed.length === 0 ? undefined : `Failed: ${failed.join(', ')}`,
  ]
    .filter((line) => line !== undefined)
    .join('\n');
}

/** What a stage has shown: by the newest verdict of it, or else by its last bound, below which the effect is not. */
function seenWords(lowerBound: number, tick: JudgeTickResult | undefined): string {
  if (lowerBound <= -1) return 'not judged yet';
  if (tick !== undefined) return effectWords(aroundBound(tick.delta, tick.lowerBound));
  return lowerBound > 0 ? `at least ${pointsFigure(lowerBound)} better` : `at most ${pointsFigure(lowerBound)} worse`;
}

const hours = (value: number): string => `${value.toFixed(1)} h`;
