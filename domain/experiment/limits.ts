import { z } from 'zod';

const alpha = (value: number) => z.number().gt(0).lt(0.5).default(value);
const fraction = (value: number) => z.number().min(0).max(1).default(value);
const positive = (value: number) => z.number().gt(0).default(value);
/** Of two latencies, as a logarithm: 0.05 is 5 % slower, 4 is 55 times as slow. */
const logRatio = (value: number) => z.number().min(0).max(4).default(value);
const count = (value: number) => z.number().int().min(0).default(value);

const stage = z.strictObject({
  /** Share of the fleet on the candidate. */
  fleetFraction: z.number().gt(0).max(1),
  minimumRobots: z.number().int().min(1).default(1),
  /** The candidate may be this much worse with confidence 1 - advance.alpha; null: time without alarm is enough. */
  marginFraction: z.number().gt(0).max(1).nullable(),
  minimumHours: z.number().min(0),
  /** Hours since the start of the rollout. */
  minimumTotalHours: z.number().min(0).default(0),
  maximumHours: z.number().gt(0),
  /** The same for fleets below `smallFleetRobots`. */
  smallFleetMaximumHours: z.number().gt(0).optional(),
});

const defaultStages = [
  { fleetFraction: 0.05, minimumRobots: 5, marginFraction: 0.03, minimumHours: 4, maximumHours: 48 },
  { fleetFraction: 0.25, marginFraction: 0.02, minimumHours: 6, maximumHours: 96 },
  {
    fleetFraction: 0.5,
    marginFraction: 0.01,
    minimumHours: 14,
    minimumTotalHours: 24,
    maximumHours: 48,
    smallFleetMaximumHours: 96,
  },
  { fleetFraction: 1, marginFraction: null, minimumHours: 48, maximumHours: 96 },
];

const stages = z
  .array(stage)
  .length(4)
  .superRefine((list, context) => {
    for (const [index, { fleetFraction, minimumHours, maximumHours }] of list.entries()) {
      const before = list[index - 1]?.fleetFraction ?? 0;
      if (fleetFraction <= before) {
        const message = `expected more than ${before} of the fleet: every stage is larger than the one before`;
        context.addIssue({ code: 'custom', path: [index, 'fleetFraction'], message, input: fleetFraction });
      }
      if (maximumHours < minimumHours) {
        const message = `expected at least minimumHours ${minimumHours}`;
        context.addIssue({ code: 'custom', path: [index, 'maximumHours'], message, input: maximumHours });
      }
    }
  });

const guard = z.strictObject({
  /** Harm the evidence is most sensitive to. */
  tau: positive(0.05),
  /** Harm that is tolerated. */
  marginFraction: fraction(0.005),
  successAlpha: alpha(0.005),
  latencyAlpha: alpha(0.0025),
  /** Slow-down that is tolerated, in log latency: 0.05 = 5 %. */
  latencyMargin: logRatio(0.05),
  throughputAlpha: alpha(0.0025),
  /** Prior events of the throughput evidence. */
  throughputPrior: positive(20),
  minimumEpisodes: count(30),
});

const fault = z.strictObject({
  /** A robot explains an alarm when it is this many standard errors below the other treated robots. */
  outlierDeviations: positive(2.5),
  minimumRobots: count(3),
  /** Faults allowed in one rollout: the larger of the two. */
  faultsFraction: fraction(0.02),
  faultsMinimum: count(1),
  ownMissingFraction: fraction(0.5),
});

const silence = z.strictObject({
  missingMinutes: positive(15),
  missingFraction: fraction(0.2),
  /** Control is alike when its silent share is at least this part of the treated silent share. */
  controlAlikeFraction: fraction(0.5),
  controlReportingFraction: fraction(0.8),
});

const advance = z.strictObject({
  tau: positive(0.02),
  alpha: alpha(0.01),
  reportingFraction: fraction(0.5),
  minimumEpisodes: count(30),
  /** From when on too few episodes hold the stage. */
  episodesAfterHours: positive(1),
});

const rolloutLimits = z.strictObject({
  blockMinutes: positive(5),
  guard: guard.prefault({}),
  fault: fault.prefault({}),
  silence: silence.prefault({}),
  advance: advance.prefault({}),
  stages: stages.prefault(defaultStages),
  holdbackFraction: fraction(0.05),
  holdbackMinimumRobots: z.number().int().min(1).default(5),
  smallFleetRobots: count(80),
});

const abTestLimits = z.strictObject({
  blockMinutes: positive(60),
  /** One-sided, each way, over all looks. */
  alpha: alpha(0.005),
  lookHours: positive(6),
  firstLook: z.number().int().min(1).default(2),
  maximumDays: positive(7),
  /** An equivalent candidate may be this much worse. */
  equivalenceMarginFraction: fraction(0.01),
  /** Loss against the best champion so far that a chain of equivalents may add up to. */
  anchorLossFraction: fraction(0.01),
  sampleRatioP: z.number().gt(0).lt(0.5).default(0.0001),
  /** Below this many robots an arm: model variance, one look. */
  smallArmRobots: count(10),
  missingFraction: fraction(0.2),
  guardrailAlpha: alpha(0.005),
  /** Slow-down that is not inferior, in log latency. */
  latencyMargin: logRatio(0.05),
  /** More interventions per episode that are not inferior. */
  interventionMarginFraction: fraction(0.01),
});

const taskLimits = z.strictObject({
  /** Drop of one task that is tolerated. */
  marginFraction: fraction(0.02),
  /** Fewer episodes an arm than this prove nothing. */
  minimumEpisodes: count(30),
  blockAlpha: alpha(0.01),
  warnFraction: fraction(0.1),
  tau: positive(0.05),
  /** Mean e-value over all tasks that blocks. */
  meanEvidence: positive(100),
});

/** Every number of the guard and the advance rule (hours, minutes, fractions 0–1, one-sided alphas). */
export type RolloutLimits = Readonly<z.output<typeof rolloutLimits>>;
/** Every number of the A/B gate. */
export type AbTestLimits = Readonly<z.output<typeof abTestLimits>>;
/** Every number of the nets against forgetting single tasks. */
export type TaskLimits = Readonly<z.output<typeof taskLimits>>;
/** What a caller may write: anything left out has its default, anything unknown is refused. */
export type RolloutLimitsInput = z.input<typeof rolloutLimits>;
export type AbTestLimitsInput = z.input<typeof abTestLimits>;
export type TaskLimitsInput = z.input<typeof taskLimits>;

/** Limits of a rollout; throws with field and expectation when a value makes no sense or a key is unknown. */
export const parseRolloutLimits = (input: unknown): RolloutLimits => parsed('rollout limits', rolloutLimits, input);
/** Limits of an A/B test, parsed as {@link parseRolloutLimits} does. */
export const parseAbTestLimits = (input: unknown): AbTestLimits => parsed('A/B test limits', abTestLimits, input);
/** Limits of the per-task nets, parsed as {@link parseRolloutLimits} does. */
export const parseTaskLimits = (input: unknown): TaskLimits => parsed('task limits', taskLimits, input);

export const defaultRolloutLimits: RolloutLimits = parseRolloutLimits({});
export const defaultAbTestLimits: AbTestLimits = parseAbTestLimits({});
export const defaultTaskLimits: TaskLimits = parseTaskLimits({});

function parsed<Output>(what: string, schema: z.ZodType<Output>, input: unknown): Output {
  const result = schema.safeParse(input ?? {}, { reportInput: true });
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message, input: got }) => {
    const field = path.length > 0 ? path.join('.') : '(the whole)';
    return `${field}: ${message}, got ${JSON.stringify(got)}`;
  });
  throw new RangeError(`${what} refused: ${problems.join('; ')}`);
}

/** The hours after which a stage can no longer wait for proof. */
export function maximumHours(limits: RolloutLimits, stage: number, fleetRobots: number): number {
  const { maximumHours, smallFleetMaximumHours } = stageLimits(limits, stage);
  return fleetRobots < limits.smallFleetRobots ? (smallFleetMaximumHours ?? maximumHours) : maximumHours;
}

/** The limits of one stage, 0–3; throws on any other number. */
export function stageLimits(limits: RolloutLimits, stage: number): RolloutLimits['stages'][number] {
  const found = limits.stages[stage];
  if (found === undefined) throw new RangeError(`expected stage 0 to ${limits.stages.length - 1}, got ${stage}`);
  return found;
}

/**
 * Robots on the candidate in a stage: its share rounded up, at least its minimum, more than in the stage before;
 * the last stage leaves the holdback on the champion.
 */
export function stageRobots(limits: RolloutLimits, stage: number, fleetRobots: number): number {
  const holdback = Math.max(limits.holdbackMinimumRobots, Math.ceil(limits.holdbackFraction * fleetRobots));
  const ceiling = Math.max(0, fleetRobots - holdback);
  let robots = 0;
  for (let index = 0; index <= stage; index += 1) {
    const { fleetFraction, minimumRobots } = stageLimits(limits, index);
    robots = Math.max(robots + 1, minimumRobots, Math.ceil(fleetFraction * fleetRobots));
  }
  return Math.min(robots, ceiling);
}
