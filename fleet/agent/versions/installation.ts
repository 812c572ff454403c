import { z } from 'zod';

import { desiredAnswerSchema, installReasons, seqSchema } from '../../protocol/index.ts';
import { elapsedSince, type MachineMoment } from '../local/times.ts';

const momentSchema = z.object({ machineBootId: z.string(), monotonicMs: z.number() });

/** One version on the disk. */
export const slotSchema = z.object({ policy: z.string(), version: z.string(), sha256: z.string() });
export type Slot = z.infer<typeof slotSchema>;

/** What went wrong with a version here, so that it is not tried over and over. */
const troubleSchema = z.object({
  version: z.string(),
  trialId: z.string().nullable(),
  /** Times the robot left it by itself, or refused it for its self-test. */
  fallBacks: z.int(),
  /** Times it was refused for anything else. */
  refusals: z.int(),
  reason: z.enum(installReasons),
  since: momentSchema,
});
export type Trouble = z.infer<typeof troubleSchema>;

/** The one small file that says what the robot runs; replaced whole at every switch. */
export const installationSchema = z.object({
  current: slotSchema.nullable(),
  /** Trial that `current` is on; null outside. */
  trialId: z.string().nullable(),
  /** Whether `current` holds only while its lease lives. */
  isLeased: z.boolean(),
  /** `seq` of the order that was last obeyed. */
  orderSeq: z.int().min(-1).nullable(),
  /** Place of the last order that stopped the robot in the middle of an episode; an order does so once. */
  stoppedSeq: z.int().min(-1).nullable().default(null),
  /** What ran before, and never a candidate. */
  previous: slotSchema.nullable(),
  /** `previous` of the champion that a candidate took the place of, to be it again when the candidate is taken back. */
  beforePrevious: slotSchema.nullable().default(null),
  baseline: slotSchema.nullable(),
  /** Until when the lease lives at least; null when nothing is known. */
  leaseEnds: momentSchema.nullable(),
  /** When a switch that can wait may be made, as a gateway said; null: always. */
  updateWindow: z.object({ opens: momentSchema, closes: momentSchema.nullable() }).nullable().default(null),
  /** How long the order of this place has waited for its window, as measured at a moment. */
  windowWait: z
    .object({ seq: z.int().min(-1).nullable(), forMs: z.number().min(0), at: momentSchema })
    .nullable()
    .default(null),
  /** The last order, for a robot that starts without contact. */
  order: desiredAnswerSchema.nullable(),
  /** Set while a version is loaded for the first time: if the process dies, it was that version. */
  trying: slotSchema.nullable(),
  /** Set while an agent runs; found at the start, the last one died. */
  life: momentSchema.nullable(),
  crashes: z.array(z.object({ version: z.string(), at: momentSchema })),
  troubles: z.array(troubleSchema),
  policy: z.string().nullable(),
  site: z.string().nullable(),
  /** Robot clock minus gateway clock, as last known. */
  skewMs: z.number().nullable(),
});
export type Installation = z.infer<typeof installationSchema>;

export const emptyInstallation: Installation = {
  current: null,
  trialId: null,
  isLeased: false,
  orderSeq: null,
  stoppedSeq: null,
  previous: null,
  beforePrevious: null,
  baseline: null,
  leaseEnds: null,
  updateWindow: null,
  windowWait: null,
  order: null,
  trying: null,
  life: null,
  crashes: [],
  troubles: [],
  policy: null,
  site: null,
  skewMs: null,
};

/**
 * Takes the first order of another policy. Its numbers and versions are others: what was known against versions is forgotten. A candidate of the
 * former policy is left at once, for what ran before, until the ordered version has come.
 */
export const moved = (state: Installation, order: NonNullable<Installation['order']>): Installation => ({
  ...state,
  order: state.isLeased ? { ...order, urgency: 'safeStop' } : order,
  stoppedSeq: null,
  windowWait: null,
  leaseEnds: null,
  crashes: [],
  troubles: [],
});

export const isSeq = (seq: number | null): seq is number => seq !== null && seqSchema.safeParse(seq).success;

export const isSame = (a: Slot | null, b: Slot | null): boolean =>
  a !== null && b !== null && a.sha256 === b.sha256 && a.version === b.version;

/** Crashes of one version that make the robot leave it, and the span they must lie in. */
export const crashLimit = 3;
export const crashSpanMs = 5 * 60_000;

/** Notes the death of the last process, if it died, against the version it ran or tried. A power cut is nobody's fault. */
export function withDeath(state: Installation, now: MachineMoment): Installation {
  const { life, trying, current } = state;
  const version = (trying ?? current)?.version;
  const recent = state.crashes.filter(({ at }) => (elapsedSince(at, now) ?? Number.POSITIVE_INFINITY) <= crashSpanMs);
  const died = life !== null && elapsedSince(life, now) !== undefined && version !== undefined;
  return { ...state, crashes: died ? [...recent, { version, at: now }] : recent };
}

export const isCrashLooping = (state: Installation, version: string): boolean =>
  state.crashes.filter((crash) => crash.version === version).length >= crashLimit;

/** Falling back twice from a candidate is a safety event, and the end of it on this robot. */
export const fallBackLimit = 2;
const firstWaitMs = 10 * 60_000;
const longestWaitMs = 24 * 3_600_000;

const isAbout = (trouble: Trouble, version: string, trialId: string | null): boolean =>
  trouble.version === version && trouble.trialId === trialId;

/** The wait after the n-th trouble: 10 min, then six times as long each, at most a day. */
const waitAfter = ({ fallBacks, refusals }: Trouble): number =>
  Math.min(longestWaitMs, firstWaitMs * 6 ** (fallBacks + refusals - 1));

/** True while a version must not be tried (again) here under this trial. */
export function isBlocked(state: Installation, version: string, trialId: string | null, now: MachineMoment): boolean {
  const trouble = state.troubles.find((each) => isAbout(each, version, trialId));
  if (trouble === undefined) return false;
  if (trialId !== null && trouble.fallBacks >= fallBackLimit) return true;
  return (elapsedSince(trouble.since, now) ?? 0) < waitAfter(trouble);
}

export interface NewTrouble {
  readonly version: string;
  readonly trialId: string | null;
  readonly reason: Trouble['reason'];
  readonly isFallBack: boolean;
}

const mostTroubles = 20;

/** Adds to what is known against a version; the oldest versions are forgotten beyond 20. */
export function withTrouble(state: Installation, trouble: NewTrouble, now: MachineMoment): Installation {
  const { version, trialId, reason, isFallBack } = trouble;
  const known = state.troubles.find((each) => isAbout(each, version, trialId));
  const next: Trouble = {
    version,
    trialId,
    reason,
    fallBacks: (known?.fallBacks ?? 0) + (isFallBack ? 1 : 0),
    refusals: (known?.refusals ?? 0) + (isFallBack ? 0 : 1),
    since: now,
  };
  const others = state.troubles.filter((each) => each !== known);
  return {
    ...state,
    crashes: state.crashes.filter((crash) => crash.version !== version),
    troubles: [...others, next].slice(-mostTroubles),
  };
}

export const fallBacksOf = (state: Installation, version: string, trialId: string | null): number =>
  state.troubles.find((each) => isAbout(each, version, trialId))?.fallBacks ?? 0;

/** Of a boot of the machine that nobody knows. */
const unknownMoment: MachineMoment = { machineBootId: '', monotonicMs: 0 };

/**
 * Moments that lie ahead in this boot were measured by a clock that has begun anew since: what they say of spans, leases and update
 * windows included, is as unknown as across boots.
 */
export function ofThisClock(state: Installation, now: MachineMoment): Installation {
  const { life, windowWait, crashes } = state;
  const past = [
    life,
    windowWait?.at ?? null,
    ...crashes.map(({ at }) => at),
    ...state.troubles.map(({ since }) => since),
  ];
  const isAhead = past.some((moment) => moment !== null && (elapsedSince(moment, now) ?? 0) < 0);
  if (!isAhead) return state;
  const troubles = state.troubles.map((each) => ({ ...each, since: now }));
  const updateWindow = state.updateWindow === null ? null : { opens: unknownMoment, closes: null };
  const wait = windowWait === null ? null : { ...windowWait, at: now };
  return { ...state, life: null, crashes: [], leaseEnds: null, updateWindow, windowWait: wait, troubles };
}

/** Waits that were measured in another boot of the machine begin again: nothing is known of the time between. */
export const inThisBoot = (state: Installation, now: MachineMoment): Installation => ({
  ...state,
  troubles: state.troubles.map((each) =>
    each.since.machineBootId === now.machineBootId ? each : { ...each, since: now },
  ),
});

/** What the robot goes back to by itself: what ran before, else the baseline; undefined when there is neither. */
export function fallBackSlot(state: Installation, now: MachineMoment): Slot | undefined {
  const { current, previous, baseline } = state;
  const isUsable = (slot: Slot | null): slot is Slot =>
    slot !== null && !isSame(slot, current) && !isBlocked(state, slot.version, null, now);
  if (isUsable(previous)) return previous;
  return baseline !== null && !isSame(baseline, current) ? baseline : undefined;
}

/**
 * The state after a switch. What a candidate leaves, and what is left by other than a plain order, is never `previous`. Whoever comes back from a candidate
 * has the `previous` that he had, so that a fleet that tried one is still a step away from its last champion.
 */
export function switched(
  state: Installation,
  to: Pick<Installation, 'trialId' | 'isLeased' | 'orderSeq'> & { readonly slot: Slot; readonly isPlainOrder: boolean },
): Installation {
  const { current, beforePrevious } = state;
  const { slot, isPlainOrder, ...facts } = to;
  const keepsCurrent = isPlainOrder && current !== null && !state.isLeased && !isSame(current, slot);
  const before = keepsCurrent ? current : state.previous;
  const beforeThat = keepsCurrent ? state.previous : beforePrevious;
  return {
    ...state,
    ...facts,
    current: slot,
    previous: previousAfter(state, slot, before),
    beforePrevious: to.isLeased ? beforeThat : null,
  };
}

function previousAfter({ beforePrevious, baseline }: Installation, slot: Slot, before: Slot | null): Slot | null {
  if (isSame(before, slot)) return beforePrevious ?? baseline;
  // The champion itself was rolled back while its candidate ran here.
  return isSame(beforePrevious, slot) ? baseline : before;
}
