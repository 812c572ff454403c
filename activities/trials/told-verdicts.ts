import { z } from 'zod';

import type { BothArms } from '../../domain/experiment/arm-figures.ts';
import { taskInterval } from '../../domain/experiment/task-interval.ts';
import { aroundBound, type ArmFigures, type Measured } from '../../domain/words/effect-words.ts';
import { lookSentence, type LookFacts } from '../../domain/words/look-words.ts';
import { plainReason } from '../../domain/words/plain-reason.ts';
import {
  taskChanceWords,
  taskEvidenceWords,
  tickSentence,
  type HarmedTask,
  type TickFacts,
  type TrialPlace,
} from '../../domain/words/verdict-words.ts';

/** What the guard bears. */
export const guardShape = {
  guard: z.object({ marginFraction: z.number(), latencyMargin: z.number() }).optional().catch(undefined),
};

/** Of a plan, whichever version wrote it, what is needed to name what it compares and by which limits. */
export const toldPlanSchema = z.object({
  kind: z.enum(['abTest', 'rollout']),
  policy: z.string(),
  candidateVersion: z.string(),
  championVersion: z.string(),
  createdAtMs: z.number(),
  robots: z.array(z.object({ robotId: z.string() })),
  stages: z.array(z.unknown()).default([]),
  taskLimits: z
    .object({ marginFraction: z.number(), minimumEpisodes: z.number().optional(), blockAlpha: z.number().optional() })
    .optional()
    .catch(undefined),
  rolloutLimits: z.object(guardShape).optional().catch(undefined),
  abTestLimits: z.object({ equivalenceMarginFraction: z.number() }).optional().catch(undefined),
});
export type ToldPlan = z.infer<typeof toldPlanSchema>;

/** As the judges write it a number that is no finite one; JSON has null. */
const number = z.number().nullable().default(null);
const figures = z.object({ successes: z.number(), episodes: z.number(), robots: z.number() });
const counts = z.object({ candidate: z.number(), control: z.number() });
const tasksSchema = z.object({
  block: z.array(z.string()).default([]),
  unproven: z.array(z.string()).default([]),
  perTask: z
    .array(
      z.object({
        task: z.string(),
        delta: number,
        variance: number,
        p: number,
        logEvidence: number,
        episodes: counts,
        robots: counts.optional(),
      }),
    )
    .default([]),
});

/** Of a verdict of the guard or a look of an A/B test, whichever version wrote it, what its sentence is made of. */
export const toldVerdictSchema = z.object({
  asked: z
    .object({
      nowMs: z.number(),
      stage: z.int().optional(),
      exposures: z.array(z.object({ robots: z.int() })).default([]),
      faultyRobots: z.array(z.string()).default([]),
    })
    .optional(),
  /** The rule that decided, in its own words; left out by earlier versions, whose `reason` begins with it. */
  because: z.string().optional(),
  result: z.object({
    verdict: z.string().optional(),
    decision: z.string().optional(),
    suspectRobotId: z.string().optional(),
    reason: z.string(),
    delta: number,
    low: number,
    high: number,
    lowerBound: number,
    marginFraction: number,
    logEvidence: number,
    threshold: number,
    z: number,
    bound: number,
    information: number,
    robots: number,
    episodes: number,
    candidateEpisodes: number,
    controlEpisodes: number,
    candidateRobots: number,
    controlRobots: number,
  }),
  verdict: z
    .object({
      verdict: z.string().optional(),
      metric: z.string().optional(),
      rejection: z.string().optional(),
      reasons: z.array(z.string()).default([]),
      controlEpisodes: number,
      controlRobots: number,
      evidence: z
        .array(z.object({ metric: z.string(), delta: z.number(), logEvidence: z.number(), threshold: z.number() }))
        .max(20)
        .default([])
        .catch([]),
    })
    .optional(),
  /** Plain success of both arms, and of tasks that decided; left out by earlier versions. */
  arms: z.object({ candidate: figures, control: figures }).optional(),
  taskArms: z.array(z.object({ task: z.string(), candidate: figures, control: figures })).optional(),
  tasks: tasksSchema.optional(),
});
export type ToldVerdict = z.infer<typeof toldVerdictSchema>;
type ToldTask = z.infer<typeof tasksSchema>['perTask'][number];

const armOf = ({ successes, episodes, robots }: BothArms['candidate']): ArmFigures => ({
  success: episodes > 0 ? Math.min(1, successes / episodes) : null,
  episodes: Math.round(episodes),
  robots,
});
const untold = (episodes: number | null, robots: number | null): ArmFigures => ({ success: null, episodes, robots });

type PlanPlace = Pick<ToldPlan, 'kind' | 'stages'>;
const placeOf = (plan: PlanPlace, { asked }: ToldVerdict): TrialPlace =>
  plan.kind === 'abTest'
    ? { kind: 'abTest' }
    : { kind: 'rollout', stage: asked?.stage ?? 0, stages: Math.max(1, plan.stages.length) };

/** What a verdict measured of all tasks together. */
export function measuredOf(plan: PlanPlace, told: ToldVerdict): Measured {
  const { result, verdict, arms } = told;
  const effect =
    result.low === null && result.high === null
      ? aroundBound(result.delta, result.lowerBound)
      : { delta: result.delta, low: result.low, high: result.high };
  if (arms !== undefined) return { ...effect, candidate: armOf(arms.candidate), champion: armOf(arms.control) };
  const [treated, others] = [
    untold(result.candidateEpisodes ?? result.episodes, result.candidateRobots ?? result.robots),
    untold(
      result.controlEpisodes ?? verdict?.controlEpisodes ?? null,
      result.controlRobots ?? verdict?.controlRobots ?? null,
    ),
  ];
  // In the last stage the holdback is the treated side.
  const place = placeOf(plan, told);
  const isTurned = place.kind === 'rollout' && place.stage >= 3 && (others.episodes ?? 0) > 0;
  return { ...effect, candidate: isTurned ? others : treated, champion: isTurned ? treated : others };
}

function harmOf(plan: ToldPlan, { tasks, taskArms = [], result }: ToldVerdict): readonly HarmedTask[] {
  const { block = [], perTask = [] } = tasks ?? {};
  const blocked = new Set(block);
  const figuresOf = new Map(taskArms.map((one) => [one.task, one]));
  const isLook = result.decision !== undefined;
  const proofOf = ({ p, logEvidence }: ToldTask): string | null => {
    if (isLook) return p === null ? null : taskChanceWords(p, perTask.length);
    const alpha = plan.taskLimits?.blockAlpha;
    return logEvidence === null || alpha === undefined
      ? null
      : taskEvidenceWords(logEvidence, Math.log(perTask.length / alpha), perTask.length);
  };
  return perTask
    .filter(({ task }) => blocked.has(task))
    .toSorted((a, b) => (a.delta ?? 0) - (b.delta ?? 0))
    .map((one): HarmedTask => {
      const { task, delta, variance, episodes, robots } = one;
      const interval = delta === null ? null : taskInterval({ delta, variance, episodes });
      const own = figuresOf.get(task);
      return {
        task,
        delta,
        low: interval?.low ?? null,
        high: interval?.high ?? null,
        candidate: own ? armOf(own.candidate) : untold(episodes.candidate, robots?.candidate ?? null),
        champion: own ? armOf(own.control) : untold(episodes.control, robots?.control ?? null),
        statistic: proofOf(one),
      };
    });
}

/** The rule that decided: of verdicts of earlier versions the first of the guard's reasons, and all of them where something else held it. */
const longestBecause = 240;

function becauseOf({ because, result, verdict }: ToldVerdict): string {
  if (because !== undefined) return shortened(plainReason(because));
  const isOwn = verdict?.verdict === undefined || verdict.verdict === result.verdict;
  return shortened(plainReason((isOwn ? verdict?.reasons[0] : undefined) ?? result.reason));
}

/** A rule may name a whole fleet: what follows from it must still have its place. */
const shortened = (text: string): string =>
  text.length <= longestBecause ? text : `${text.slice(0, longestBecause - 1)}…`;

const versionsOf = ({ candidateVersion: candidate, championVersion: champion }: ToldPlan) => ({ candidate, champion });

function tickFacts(plan: ToldPlan, told: ToldVerdict): TickFacts {
  const { result, verdict } = told;
  return {
    versions: versionsOf(plan),
    place: placeOf(plan, told),
    verdict: result.verdict ?? 'unknown',
    metric: verdict?.metric ?? null,
    suspectRobotId: result.suspectRobotId ?? null,
    because: becauseOf(told),
    measured: measuredOf(plan, told),
    marginFraction: result.marginFraction,
    toleratedFraction: plan.rolloutLimits?.guard?.marginFraction ?? null,
    latencyMargin: plan.rolloutLimits?.guard?.latencyMargin ?? null,
    evidence: verdict?.evidence ?? [],
    harm: harmOf(plan, told),
    taskMarginFraction: plan.taskLimits?.marginFraction ?? null,
  };
}

const lookFacts = (plan: ToldPlan, told: ToldVerdict): LookFacts => ({
  versions: versionsOf(plan),
  decision: told.result.decision ?? 'unknown',
  rejection: told.verdict?.rejection ?? null,
  because: told.because ?? told.result.reason,
  measured: measuredOf(plan, told),
  z: told.result.z,
  bound: told.result.bound,
  information: told.result.information,
  harm: harmOf(plan, told),
  taskMarginFraction: plan.taskLimits?.marginFraction ?? null,
  equalMarginFraction: plan.abTestLimits?.equivalenceMarginFraction ?? null,
});

/** The one sentence of a verdict, made of what is stored of it: the same when it is judged and whenever it is read. */
export const sentenceOf = (plan: ToldPlan, told: ToldVerdict): string =>
  told.result.decision === undefined ? tickSentence(tickFacts(plan, told)) : lookSentence(lookFacts(plan, told));

/** What a verdict gives as its reason: its sentence, with the remarks behind it; of verdicts of earlier versions, whose reason was none, the sentence alone. */
export const reasonOf = (plan: ToldPlan, told: ToldVerdict): string =>
  told.because === undefined ? sentenceOf(plan, told) : plainReason(told.result.reason);

/**
 * The sentence of a verdict that is being judged, made of its document as it will be stored. Words never keep a guard from judging: a document that has none says why it
 * was decided so, and no more.
 */
export function tellVerdict(plan: ToldPlan, document: unknown, because: string): string {
  const told = toldVerdictSchema.safeParse(JSON.parse(JSON.stringify(document)));
  return told.success ? sentenceOf(plan, told.data) : because;
}
