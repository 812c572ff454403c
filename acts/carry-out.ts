import { setTimeout as sleep } from 'node:timers/promises';

import type { Clock } from '../store/clock.ts';
import { isFailure } from '../store/failures.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { auditWord, type ActOutcome, type AuditEntry, type AuditWord } from '../store/records/audit-entry.ts';
import { readAct, recordAct } from '../store/records/audit-log.ts';
import { ActError } from './act-error.ts';

interface ActPorts {
  readonly store: ObjectStore;
  readonly clock: Clock;
  /** Told why an act is not, or not wholly, in the audit log. */
  readonly onUnrecorded: (why: string) => void;
}

/** An act as it is asked for. */
export interface Act extends Omit<AuditWord, 'outcome' | 'answer'> {
  /** Takes robots back, stops or leaves out: done also where the store does not answer, and nothing can be written of it. */
  readonly isProtective?: boolean;
}

export interface ActEnd {
  readonly outcome: Extract<ActOutcome, 'done' | 'refused'>;
  /** What the workflow or the store said. */
  readonly answer: string;
  /** It was asked for before, and this is what was said then. */
  readonly isRepeated: boolean;
}

/** The same act id was used for another act. */
export class ActReused extends ActError {
  constructor() {
    super('wrong', 'expected a key of its own for each act, got one that was used for another act');
  }
}

/** What protects waits so long for the audit log. */
const auditWithinMs = 1_500;

/**
 * Does an act that somebody asked for, once, and keeps in the audit log who asked for what and why before it is done, and what came of it after. The one
 * way for the command and the console. An act that ended is answered by what was said then; one that was cut off is done again under the same id. Throws
 * where nobody answered: what became of it is not known then, and the log says so.
 */
export async function carryOut(
  ports: ActPorts,
  { isProtective = false, ...act }: Act,
  work: (askedAtMs: number) => Promise<string>,
): Promise<ActEnd> {
  const begun = await begin(ports, act, isProtective);
  if ('outcome' in begun) return begun;
  const end = async (outcome: Exclude<ActOutcome, 'asked'>, answer: string): Promise<void> => {
    const written = conclude(ports, { ...act, outcome, answer });
    // Who took robots back is not kept waiting by the log; what is not written in time says so by itself, if it fails.
    await (isProtective ? Promise.race([written, sleep(auditWithinMs, undefined, { ref: false })]) : written);
  };
  try {
    const answer = await work(begun.askedAtMs);
    await end('done', answer);
    return { outcome: 'done', answer, isRepeated: false };
  } catch (error) {
    const answer = error instanceof Error ? error.message : String(error);
    if (!isRefusal(error)) {
      await end('unanswered', answer);
      throw error;
    }
    await end('refused', answer);
    return { outcome: 'refused', answer, isRepeated: false };
  }
}

/** An answer that is no, in words; anything else says nothing about whether it was done. */
const isRefusal = (error: unknown): boolean =>
  error instanceof ActError
    ? error.kind !== 'missing'
    : (['Conflict', 'NotFound', 'InvalidInput'] as const).some((type) => isFailure(error, type));

async function begin(
  ports: ActPorts,
  act: Omit<Act, 'isProtective'>,
  isProtective: boolean,
): Promise<ActEnd | { readonly askedAtMs: number }> {
  const asking = ask(ports, act);
  if (!isProtective) return asking;
  const late = sleep(auditWithinMs, 'late' as const, { ref: false });
  try {
    const begun = await Promise.race([asking, late]);
    if (begun !== 'late') return begun;
    asking.catch(() => undefined);
  } catch (error) {
    if (error instanceof ActError || isFailure(error, 'InvalidInput')) throw error;
  }
  ports.onUnrecorded(`${act.act} by ${act.who} is done all the same: the store does not take it into the audit log`);
  return { askedAtMs: ports.clock() };
}

async function ask(ports: ActPorts, act: Omit<Act, 'isProtective'>): Promise<ActEnd | { readonly askedAtMs: number }> {
  const known = await readAct(ports.store, act.actId);
  const asked = auditWord({ ...act, outcome: 'asked', answer: '' });
  if (known.some((entry) => !isSame(entry, asked))) throw new ActReused();
  for (const outcome of ['done', 'refused'] as const) {
    const ended = known.find((entry) => entry.outcome === outcome);
    if (ended !== undefined) return { outcome, answer: ended.answer, isRepeated: true };
  }
  const { atMs } = await recordAct(ports, asked);
  return { askedAtMs: atMs };
}

const isSame = (one: AuditEntry, other: AuditWord): boolean =>
  (['who', 'act', 'policy', 'subject', 'reason'] as const).every((field) => one[field] === other[field]);

/** It is done: where that cannot be written, whoever asks again under the same id is told what is. */
async function conclude(ports: ActPorts, word: AuditWord): Promise<void> {
  try {
    await recordAct(ports, word);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    ports.onUnrecorded(`what came of ${word.act} by ${word.who} is not in the audit log: ${why}`);
  }
}
