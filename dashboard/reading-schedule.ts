/** Read anew by itself after so long, whatever was told of changes. */
export const everyMs = 30_000;
/** Changes that come within so long, and keys that are typed, are one question. */
export const calmMs = 250;

/** When to read next. `nextMs`: by the clock that the times are of; null while a read is under way. */
export interface Schedule {
  readonly nextMs: number | null;
  /** Something changed while a read was under way: what it answers may be from before. */
  readonly isOutdated: boolean;
}

/** A schedule whose first read is due at `atMs`. */
export const scheduled = (atMs: number): Schedule => ({ nextMs: atMs, isOutdated: false });

/** A read began: no other one does until it ended. */
export const begun: Schedule = { nextMs: null, isOutdated: false };

/**
 * Something changed: it is read a moment later, with what else changes until then, and no change puts a read off; what is being read is read again when it
 * ended.
 */
export const changed = ({ nextMs }: Schedule, nowMs: number): Schedule =>
  nextMs === null ? { nextMs, isOutdated: true } : scheduled(Math.min(nextMs, nowMs + calmMs));

/** The read under way ended, however it did. */
export const ended = ({ isOutdated }: Schedule, nowMs: number): Schedule =>
  scheduled(nowMs + (isOutdated ? calmMs : everyMs));
