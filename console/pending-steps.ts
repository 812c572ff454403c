import { z } from 'zod';

/** An activity of a workflow that runs or waits to be tried, and how far it said it is with its last heartbeat. */
export interface RunStep {
  /** Of the activity, e.g. `trainModel`. */
  readonly name: string;
  /** From 1. */
  readonly attempt: number;
  /** When this attempt began; null: it waits for a worker. */
  readonly startedMs: number | null;
  /** When it was heard of last; null: not yet. */
  readonly beatMs: number | null;
  readonly stage: string | null;
  /** Steps of training done; null: it counts none. */
  readonly step: number | null;
  /** How many there are at most; null: nobody says. */
  readonly plannedSteps: number | null;
  /** The step that this attempt went on from. */
  readonly fromStep: number | null;
  /** Why the attempt before failed. */
  readonly failure: string | null;
}

/** As much of what the server tells of a pending activity as is read here; all of it may be missing. */
export interface PendingActivity {
  readonly activityType?: { readonly name?: string | null } | null;
  readonly state?: unknown;
  readonly attempt?: number | null;
  readonly lastStartedTime?: Timestamp | null;
  readonly lastHeartbeatTime?: Timestamp | null;
  readonly heartbeatDetails?: { readonly payloads?: readonly Payload[] | null } | null;
  readonly lastFailure?: { readonly message?: string | null } | null;
}

interface Timestamp {
  readonly seconds?: unknown;
  readonly nanos?: number | null;
}

interface Payload {
  readonly metadata?: Readonly<Record<string, Uint8Array>> | null;
  readonly data?: Uint8Array | null;
}

const longestText = 300;
const count = z.int().min(0).nullable().catch(null).default(null);

/** What trainings and other long activities say with a heartbeat; what does not fit is not said. */
const detailsSchema = z.object({
  stage: z
    .string()
    .transform((text) => text.slice(0, longestText))
    .nullable()
    .catch(null)
    .default(null),
  step: count,
  maxSteps: count,
  untilStep: count,
  fromStep: count,
});

/** As Temporal numbers the states of a pending activity: a worker has it. */
const started = 2;

/** Pending activities by name, at most `most`. Nothing is made up: what was not told is null. */
export const pendingSteps = (pending: readonly PendingActivity[], most: number): readonly RunStep[] =>
  pending
    .map(stepOf)
    .toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : (a.startedMs ?? 0) - (b.startedMs ?? 0)))
    .slice(0, most);

function stepOf(activity: PendingActivity): RunStep {
  const { activityType, state, attempt, lastStartedTime, lastHeartbeatTime, heartbeatDetails, lastFailure } = activity;
  const { untilStep, maxSteps, ...told } = detailsSchema.parse(detailsOf(heartbeatDetails?.payloads?.[0]));
  return {
    ...told,
    name: activityType?.name ?? 'an activity',
    attempt: attempt ?? 1,
    startedMs: Number(state) === started ? millisecondsOf(lastStartedTime) : null,
    beatMs: millisecondsOf(lastHeartbeatTime),
    plannedSteps: untilStep ?? maxSteps,
    failure: lastFailure?.message?.slice(0, longestText) ?? null,
  };
}

function millisecondsOf(time: Timestamp | null | undefined): number | null {
  const seconds = Number(time?.seconds ?? 0);
  return Number.isFinite(seconds) && seconds > 0 ? 1_000 * seconds + Math.floor((time?.nanos ?? 0) / 1e6) : null;
}

const text = (bytes: Uint8Array | null | undefined): string => new TextDecoder().decode(bytes ?? new Uint8Array());

/** The value of a payload in JSON; `{}` for any other. */
function detailsOf(payload: Payload | undefined): object {
  const [form, kind] = text(payload?.metadata?.['encoding']).split('/');
  if (form !== 'json' || kind !== 'plain') return {};
  try {
    const value: unknown = JSON.parse(text(payload?.data));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
  } catch {
    return {};
  }
}
