import type { ConsoleErrorType, RefusalAnswer } from '../console/answers/refusal.ts';

/** Why something could not be read. `gone`: the server did not answer at all. */
export type Problem =
  | { readonly kind: 'refused'; readonly type: ConsoleErrorType; readonly message: string }
  | { readonly kind: 'gone'; readonly message: string };

export type Answer<T> = { readonly kind: 'read'; readonly data: T } | Problem;

/** What a page knows of one thing that it asks for: what was read last, when by the viewer's clock, and why not again. */
export interface Reading<T> {
  readonly data: T | null;
  readonly readMs: number | null;
  readonly problem: Problem | null;
  /** It was read when the page was shown before, and not since it is shown now: nothing is acted on by it. */
  readonly isFromBefore?: true;
}

export const unread: Reading<never> = { data: null, readMs: null, problem: null };

/** Refusals after which nothing that was read before may be shown any more: it is not the viewer's, or there is no such thing. */
const final: ReadonlySet<ConsoleErrorType> = new Set(['unauthenticated', 'forbidden', 'notFound', 'malformed']);

/** What is known after one more answer. */
export function heard<T>(before: Reading<T>, answer: Answer<T>, nowMs: number): Reading<T> {
  if (answer.kind === 'read') return { data: answer.data, readMs: nowMs, problem: null };
  if (answer.kind === 'refused' && final.has(answer.type)) return { data: null, readMs: null, problem: answer };
  return { ...before, problem: answer };
}

/** Older than this it is said how old it is: three times the time after which pages read anew by themselves. */
export const staleAfterMs = 90_000;

/**
 * How something looks. `shown`: read, and fresh. `stale`: read, but old or not to be had again. The others have nothing to show: `loading`: nobody answered yet ·
 * `forbidden`: not for this viewer · `refused`: it cannot be read · `gone`: no server answers.
 */
export type Look = 'loading' | 'shown' | 'stale' | 'forbidden' | 'refused' | 'gone';

export function lookOf({ data, readMs, problem }: Reading<unknown>, nowMs: number): Look {
  if (data !== null) return problem !== null || nowMs - (readMs ?? 0) > staleAfterMs ? 'stale' : 'shown';
  if (problem === null) return 'loading';
  if (problem.kind === 'gone') return 'gone';
  return problem.type === 'unauthenticated' || problem.type === 'forbidden' ? 'forbidden' : 'refused';
}

/** The problem that an answer of the server tells; whatever it sends, this is one. */
export function problemOf(status: number, body: unknown): Problem {
  const error = (body as Partial<RefusalAnswer> | null)?.error;
  if (typeof error?.type === 'string' && typeof error.message === 'string')
    return { kind: 'refused', type: error.type, message: error.message };
  // A proxy in between says that nobody is behind it.
  if (status === 502 || status === 503 || status === 504)
    return { kind: 'gone', message: `a server in between answered ${status}` };
  return { kind: 'refused', type: 'internal', message: `expected an answer of the console, got status ${status}` };
}
