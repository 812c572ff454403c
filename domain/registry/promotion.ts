import type { Aliases } from './aliases.ts';

export interface PromotionDecision {
  readonly kind: 'promote' | 'notOffered';
  /** One sentence for people: why. */
  readonly reason: string;
}

/**
 * Whether a candidate that passed its offline gates may become champion without a trial on the fleet. Only the first
 * step away from the baseline may, and only when asked: everything else needs a trial. Unknown is never yes.
 */
export function decidePromotionWithoutTrial(input: {
  readonly aliases: Aliases;
  readonly bootstrap: boolean;
  readonly gates: 'pass' | 'hold';
}): PromotionDecision {
  const { champion, baseline } = input.aliases;
  if (input.gates !== 'pass') return { kind: 'notOffered', reason: 'an offline gate holds the candidate back' };
  if (champion === undefined || baseline === undefined)
    return { kind: 'notOffered', reason: 'the policy has no champion and no baseline to fall back to' };
  if (champion !== baseline)
    return {
      kind: 'notOffered',
      reason: `the champion is ${champion}, not the baseline: a promotion needs a trial on the fleet`,
    };
  if (!input.bootstrap)
    return {
      kind: 'notOffered',
      reason: `the champion is the baseline ${baseline}, and the cycle was started without "bootstrap": true`,
    };
  return {
    kind: 'promote',
    reason: `first champion after the baseline ${baseline}: promoted on its offline gates, without a trial (bootstrap)`,
  };
}
