import { outcomes, type Outcome } from '../columns.ts';
import type { ImportMap } from './import-map.ts';

/** Judges one episode by its rows. */
export interface OutcomeRule {
  /** Texts of the rule's cells in one row, in the order of the rule. */
  see(texts: readonly string[]): void;
  verdict(): { readonly outcome: Outcome; readonly reason: string | null };
}

const succeeded = { outcome: 'success', reason: null } as const;

/** Begins judging an episode by the success rule of a map. */
export function outcomeRule(rule: ImportMap['success']): OutcomeRule {
  if (rule.kind === 'always') return { see: () => undefined, verdict: () => succeeded };
  if (rule.kind === 'failedWhen') {
    const seen = rule.any.map(() => false);
    return {
      see: (texts) => {
        for (const [index, { equals }] of rule.any.entries()) if (texts[index] === equals) seen[index] = true;
      },
      verdict: () => {
        const reasons = rule.any.filter((_, index) => seen[index]).map(({ reason }) => reason);
        return reasons.length === 0 ? succeeded : { outcome: 'failure', reason: reasons.join(', ') };
      },
    };
  }
  if (rule.kind === 'said') {
    let last: readonly string[] = [];
    return { see: (texts) => (last = texts), verdict: () => saidVerdict(last) };
  }
  let isSuccess = false;
  return {
    see: ([text]) => {
      isSuccess = text === rule.equals || (rule.row === 'any' && isSuccess);
    },
    verdict: () => (isSuccess ? succeeded : { outcome: 'failure', reason: rule.otherwise }),
  };
}

/** What is no outcome is an episode that was aborted: nobody knows how it ended. */
function saidVerdict([said = '', reason = '']: readonly string[]): ReturnType<OutcomeRule['verdict']> {
  const outcome = outcomes.find((known) => known === said);
  if (outcome === undefined) return { outcome: 'aborted', reason: 'no outcome in the recording' };
  return { outcome, reason: outcome === 'success' ? null : reason || 'unspecified' };
}
