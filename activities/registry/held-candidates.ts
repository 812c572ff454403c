import type { GateResult } from '../../policies/gates/index.ts';
import { readEvaluation } from '../evaluation/evaluation-document.ts';
import type { ObjectStore } from '../../store/object-store.ts';

/** A model that was judged and is no version: the gates that do not pass, in words. */
export interface HeldCandidate {
  /** The cycle's or training's id, or `submission <sha256>`. */
  readonly from: string;
  readonly evaluationKey: string;
  readonly accuracyFraction: number | null;
  readonly gates: readonly GateResult[];
}

/** Longest list; the oldest are left out. */
const mostHeld = 200;

/** Candidates of cycles and submitted models that a gate held back, in the order of their keys. Only reads. */
export async function listHeldCandidates(store: ObjectStore, policy: string): Promise<readonly HeldCandidate[]> {
  const held: HeldCandidate[] = [];
  for (const prefix of [`submissions/${policy}/`, 'evaluations/'])
    for await (const { key } of store.list(prefix)) {
      if (!key.endsWith('/evaluation.json')) continue;
      const evaluation = await readEvaluation(store, key);
      if (evaluation?.passed !== 'hold' || evaluation.input['policy'] !== policy) continue;
      const [kind, id = '', sha256 = ''] = key.split('/');
      held.push({
        from: kind === 'submissions' ? `submission ${sha256.slice(0, 16)}` : id,
        evaluationKey: key,
        accuracyFraction: evaluation.accuracyFraction,
        gates: evaluation.gates.filter(({ outcome }) => outcome === 'fail'),
      });
    }
  return held.slice(-mostHeld);
}
