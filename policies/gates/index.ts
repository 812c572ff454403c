import { absoluteGates, type AbsoluteFacts } from './absolute.ts';
import { comparativeGates, type HeldoutFacts, type JudgedType } from './comparative.ts';
import type { GateResult } from './gate.ts';

export type { AbsoluteFacts, RowFacts } from './absolute.ts';
export { bodyVerdicts, type BodyFacts } from './bodies.ts';
export type { HeldoutFacts, Partner } from './comparative.ts';
export type { GateResult } from './gate.ts';
export type { PairedSums } from './paired-bound.ts';
export { pairedRatioCounter, type PairedRatioSums } from './paired-ratio.ts';
export type { ActionError, ErrorFacts } from './errors.ts';
export type { LabelFacts } from './labels.ts';
export type { TaskFacts } from './tasks.ts';

export interface OfflineFacts {
  readonly absolute: AbsoluteFacts;
  /** Undefined when the model failed before held-out data was looked at, or on it. */
  readonly heldout?: HeldoutFacts;
  /** Why there are no facts from held-out data, where it was looked at. */
  readonly heldoutFailure?: string;
  readonly bootstrap?: boolean;
}

/** Every offline gate in the order a person reads them: first what any model must be able to do, then what this one must prove. */
export const offlineGates = (facts: OfflineFacts, type: JudgedType): readonly GateResult[] => [
  ...absoluteGates(facts.absolute, type),
  ...comparativeGates(facts.heldout, type, {
    ...(facts.heldoutFailure === undefined ? {} : { failure: facts.heldoutFailure }),
    ...(facts.bootstrap === undefined ? {} : { bootstrap: facts.bootstrap }),
  }),
];

/** Gates whose partner the champion can stand in for: its own gates are the stricter ones. */
const replaceable = new Set(['anchor.overall', 'baseline.linear']);

/**
 * All gates must pass. One that has nothing to compare with passes in bootstrap only, with two exceptions: without an anchor, or
 * a training set to make a linear model of, the champion stands in for it.
 */
export function gateVerdict(gates: readonly GateResult[], bootstrap: boolean): 'pass' | 'hold' {
  const hasChampion = gates.some((gate) => gate.id === 'champion.overall' && gate.outcome === 'pass');
  const passes = gates.every((gate) => {
    if (gate.outcome !== 'notApplicable') return gate.outcome === 'pass';
    return bootstrap || (replaceable.has(gate.id) && hasChampion);
  });
  return passes && gates.length > 0 ? 'pass' : 'hold';
}
