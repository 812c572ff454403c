import { ApplicationFailure } from '@temporalio/common';

/**
 * Every failure an activity may end with, and whether trying again can help. Callers branch on the type, never on
 * the text. A type that is not listed here cannot be thrown by `failure`.
 */
export const failureCatalogue = {
  /** A person or program asked for something that cannot be: names the field, what was expected and what was got. */
  InvalidInput: { retryable: false },
  /** The object asked for is not there and waiting will not bring it. */
  NotFound: { retryable: false },
  /** Stored bytes do not hold what their name or digest promises. */
  CorruptData: { retryable: false },
  /** Somebody else wrote first; the caller must read again and decide anew. */
  Conflict: { retryable: false },
  /** The object store did not do what was asked, for now: disk full, 5xx, time-out. */
  StoreUnavailable: { retryable: true },
  /** The SQL engine failed, for now: out of memory, temporary folder full. */
  EngineFailed: { retryable: true },
  /** The thread that judges ended under its work; the next attempt begins in a new one. */
  JudgingFailed: { retryable: true },
  /** The trainer's process or runtime died; the next attempt goes on from the last checkpoint. */
  TrainerFailed: { retryable: true },
  /** The trainer cannot do this job at all: not enough rows, a command that does not exist. */
  TrainingImpossible: { retryable: false },
  /** A signature or digest is wrong: nothing that carries it may be used. */
  UntrustedArtifact: { retryable: false },
  /** The key that must sign is not here or has expired; a person has to bring it or replace it, then it goes on. */
  KeysUnavailable: { retryable: true },
  /** A clip's codec has no decoder on this machine; a person has to install ffmpeg, or a worker with one takes the task. */
  DecoderMissing: { retryable: true },
  /** The receiver of notifications cannot be reached or is busy. */
  NotificationFailed: { retryable: true },
  /** The receiver of notifications does not want this one. */
  NotificationRefused: { retryable: false },
  /** The tracker of experiments cannot be reached or is busy. */
  TrackerUnavailable: { retryable: true },
  /** The tracker of experiments does not want this. */
  TrackerRefused: { retryable: false },
} as const satisfies Record<string, { retryable: boolean }>;

export type FailureType = keyof typeof failureCatalogue;

export interface FailureOptions {
  readonly cause?: unknown;
  /** Where it happened, e.g. `{ bucket: 'lake', key: 'models/…' }`; printed at the end of the message. */
  readonly coordinates?: Readonly<Record<string, string | number>>;
  /** Small structured facts for programs. */
  readonly details?: readonly unknown[];
  /** When the other side wants to be asked again. */
  readonly retryAfterMs?: number;
}

/** Builds a failure of the catalogue. The message ends with the coordinates: `… [key=models/a]`. */
export function failure(type: FailureType, message: string, options: FailureOptions = {}): ApplicationFailure {
  const coordinates = Object.entries(options.coordinates ?? {}).map(([name, value]) => `${name}=${value}`);
  return ApplicationFailure.create({
    type,
    message: coordinates.length === 0 ? message : `${message} [${coordinates.join(', ')}]`,
    nonRetryable: !failureCatalogue[type].retryable,
    ...(options.cause instanceof Error ? { cause: options.cause } : {}),
    ...(options.retryAfterMs === undefined ? {} : { nextRetryDelay: options.retryAfterMs }),
    ...(options.details === undefined ? {} : { details: [...options.details] }),
  });
}

/** True when `error` is a failure of exactly this type. */
export function isFailure(error: unknown, type: FailureType): error is ApplicationFailure {
  return error instanceof ApplicationFailure && error.type === type;
}

/** Codes and names under which file systems and S3 servers say that there is no room. */
const fullCodes = new Set(['ENOSPC', 'EDQUOT', 'QuotaExceeded', 'XMinioStorageFull', 'InsufficientStorage']);
/** Errors of errors are looked at no deeper. */
const maxCauses = 10;

/** True when an error, or one that caused it, says that the disk, the quota or the bucket is full. */
export function isStoreFull(error: unknown): boolean {
  let at: unknown = error;
  for (let depth = 0; depth < maxCauses && at instanceof Error; depth += 1) {
    const { code, name, cause, $metadata } = at as Error & { code?: unknown; $metadata?: { httpStatusCode?: unknown } };
    if (fullCodes.has(String(code)) || fullCodes.has(name) || $metadata?.httpStatusCode === 507) return true;
    at = cause;
  }
  return false;
}
