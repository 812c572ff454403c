/** What is kept how long; ages in fleet days, so that a compressed fleet's store stays small too. */
export interface RetentionRules {
  /** Rows of training and held-out sets. Their manifests stay: a set is made again from its dataset version and seed, byte for byte. */
  readonly setDays: number;
  /** Sets of models that were registered within so many days stay whole: a trial of one may run. */
  readonly registeredDays: number;
  /** Checkpoints of trainings. */
  readonly checkpointDays: number;
  /** Telemetry of hours that are over for so long is put together. */
  readonly compactAfterDays: number;
}

export const defaultRetentionRules: RetentionRules = {
  setDays: 14,
  registeredDays: 90,
  checkpointDays: 14,
  compactAfterDays: 2,
};

/** However fast a fleet's days pass, what is younger than this may be in use: a training, a reader that is behind. */
const leastAgeMs = 3_600_000;

/** Real age, ms, from which something may go: so many fleet days, never less than an hour. */
export const ageMs = (days: number, dayMs: number): number => Math.max(days * dayMs, leastAgeMs);

export interface RegisteredSet {
  readonly trainingSetDigest: string;
  readonly registeredAtMs: number;
  /** Whether an alias names the version: champion, previous, baseline and the like. */
  readonly isAliased: boolean;
}

/** Digests of training sets that stay whole: of every version with an alias, and of what was registered of late. */
export function neededSets(
  models: readonly RegisteredSet[],
  { nowMs, dayMs, rules }: { readonly nowMs: number; readonly dayMs: number; readonly rules: RetentionRules },
): ReadonlySet<string> {
  const sinceMs = nowMs - ageMs(rules.registeredDays, dayMs);
  return new Set(
    models
      .filter(({ isAliased, registeredAtMs }) => isAliased || registeredAtMs >= sinceMs)
      .map(({ trainingSetDigest }) => trainingSetDigest),
  );
}
