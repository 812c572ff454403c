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
  /** Parts of a clip of which none came for so long. */
  readonly clipPartDays: number;
  /** A clip whose episode is not in the lake after so long: until then it may come, or wait in quarantine. */
  readonly orphanClipDays: number;
}

export const defaultRetentionRules: RetentionRules = {
  setDays: 14,
  registeredDays: 90,
  checkpointDays: 14,
  compactAfterDays: 2,
  clipPartDays: 7,
  orphanClipDays: 90,
};

/** However fast a fleet's days pass, what is younger than this may be in use: a training, a reader that is behind. */
const leastAgeMs = 3_600_000;

/** Real age, ms, from which something may go: so many fleet days, never less than an hour. */
export const ageMs = (days: number, dayMs: number): number => Math.max(days * dayMs, leastAgeMs);

/**
 * What a person sets a limit for. `frames`: frames with the episodes they belong to, by the day of recording. `media`: clips; without a limit of
 * their own they go with the frames.
 */
export const retentionClasses = [
  'frames',
  'media',
  'telemetry',
  'trainingSets',
  'quarantine',
  'verdicts',
  'reports',
  'imports',
  'agents',
] as const;
export type RetentionClass = (typeof retentionClasses)[number];

/** Fleet days a class is kept; null: for ever. */
export type RetentionLimits = Readonly<Record<RetentionClass, number | null>>;

/** Until a person says otherwise everything stays, but the rows of sets, which can be made again. */
export const defaultRetentionLimits: RetentionLimits = {
  frames: null,
  media: null,
  telemetry: null,
  trainingSets: defaultRetentionRules.setDays,
  quarantine: null,
  verdicts: null,
  reports: null,
  imports: null,
  agents: null,
};

/** Trials, the monitor and the guard of a promotion look back so far, fleet days. */
export const lookBackDays = 56;

/** No limit is shorter: the loop still reads what is younger. */
export const leastRetentionDays: Readonly<Record<RetentionClass, number>> = {
  frames: 7,
  media: 7,
  telemetry: lookBackDays + 1,
  trainingSets: 1,
  quarantine: 7,
  verdicts: 7,
  reports: 7,
  imports: 7,
  agents: 7,
};
export const mostRetentionDays = 36_500;

/** What may not go, and why, in a sentence for a person. */
export interface Needs {
  /** Nothing of these classes that is of this instant or later. */
  readonly from: readonly {
    readonly classes: readonly RetentionClass[];
    readonly fromMs: number;
    readonly why: string;
  }[];
  /** One trial (verdicts), cycle (reports), training set or robot (agents) by its id. */
  readonly named: readonly { readonly class: RetentionClass; readonly id: string; readonly why: string }[];
}

/** Something of a class: when it came to be, and whose it is. */
export interface Keepsake {
  readonly class: RetentionClass;
  readonly atMs: number;
  readonly id?: string | undefined;
}

/**
 * Why something stays: `young` while its limit has not passed or there is none, else the first need that names it; undefined: it may
 * go. What two needs keep is told with the first.
 */
export function whyKept(
  { class: kind, atMs, id }: Keepsake,
  { limits, needs, nowMs, dayMs }: { limits: RetentionLimits; needs: Needs; nowMs: number; dayMs: number },
): string | undefined {
  const days = limits[kind];
  if (days === null || !(atMs < nowMs - ageMs(days, dayMs))) return 'young';
  const named = needs.named.find((need) => need.class === kind && need.id === id);
  return named?.why ?? needs.from.find((need) => need.classes.includes(kind) && atMs >= need.fromMs)?.why;
}
