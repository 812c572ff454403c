import { createHash } from 'node:crypto';

import { z } from 'zod';

import { cleanText } from '../../domain/clean-text.ts';

/** How an act came: by the console, by the command, or as a workflow's own record of who and why. */
export const actRoutes = ['page', 'command', 'temporal'] as const;

/**
 * What is written of an act. `asked` stands before it is done, one of the others after: `refused` with why, `unanswered` where nobody said what became of
 * it. An act that has `asked` alone was cut off: what became of it, the workflow or the robot's log says.
 */
export const actOutcomes = ['asked', 'done', 'refused', 'unanswered'] as const;
export type ActOutcome = (typeof actOutcomes)[number];

export const longestReason = 500;
const longestAnswer = 1_000;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'expected a SHA-256 digest in hexadecimal');

/** One entry of `audit/log/<seq>.json`. Acts and roles are names that later versions may add to. */
export const auditEntrySchema = z.object({
  /** From 1, without a gap. */
  seq: z.int().min(1),
  /** When it was written, Unix ms by the writer's clock. */
  atMs: z.int().min(0),
  actId: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/),
  outcome: z.enum(actOutcomes),
  who: z.string().min(1).max(200),
  /** Role of an operator of the console; null where the shell or a workflow acted. */
  role: z.string().min(1).max(20).nullable(),
  via: z.enum(actRoutes),
  act: z.string().regex(/^[a-z][A-Za-z.]{0,39}$/),
  policy: z.string().min(1).max(63).nullable(),
  /** What it is done to: a version, a robot, a target. */
  subject: z.string().max(300),
  reason: z.string().min(1).max(longestReason),
  /** What the workflow or the store said; empty before. */
  answer: z.string().max(longestAnswer),
  /** SHA-256 of the bytes of the entry before; of the first one 64 zeros. */
  previous: sha256,
});
export type AuditEntry = z.infer<typeof auditEntrySchema>;

/** What an entry says beside its place in the chain. */
export type AuditWord = Omit<AuditEntry, 'seq' | 'previous' | 'atMs'>;

/** An act as it may be recorded: text of people without what moves a cursor, and no longer than it may be. */
export const auditWord = (word: AuditWord): AuditWord => ({
  ...word,
  who: cleanText(word.who).slice(0, 200) || 'nobody',
  subject: cleanText(word.subject).slice(0, 300),
  reason: cleanText(word.reason).slice(0, longestReason) || 'none given',
  answer: cleanText(word.answer).slice(0, longestAnswer),
});

/** What the first entry has in place of the digest of the one before it. */
export const firstPrevious = '0'.repeat(64);

export const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const logPrefix = 'audit/log/';
export const auditKeys = {
  log: logPrefix,
  entry: (seq: number): string => `${logPrefix}${String(seq).padStart(20, '0')}.json`,
  /** Which entry was the last one when the act was first asked for: its own entries come after. */
  acts: 'audit/acts/',
  act: (actId: string): string => `audit/acts/${actId}.json`,
  /** Number and digest of an entry that was the last one lately. */
  tail: 'audit/tail.json',
} as const;

/** Places beyond are none: nobody writes so many, and whoever plants such a key would leave no place behind it. */
const mostEntries = 1e12;

/** The place of an entry by its key; undefined for a key that is none. */
export function seqOfKey(key: string): number | undefined {
  const seq = Number(/^audit\/log\/(\d{20})\.json$/.exec(key)?.[1] ?? Number.NaN);
  return seq > 0 && seq < mostEntries ? seq : undefined;
}
