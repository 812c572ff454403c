import type { TrialIntent } from '../trial/intent.ts';
import { exposureOf, isTerminal, wantsExposure } from './questions.ts';
import type { RolloutState } from './state.ts';

/** What is to be done in this state; `transition` says what comes of it. */
export function intentOf(state: RolloutState): TrialIntent {
  if (isTerminal(state)) return { kind: 'end' };
  const { reason } = state;
  if (state.kind === 'returning')
    return { kind: 'return', urgency: state.end === 'rolledBack' ? 'safeStop' : 'whenIdle', reason };
  if (!wantsExposure(state)) return { kind: 'wait' };
  return {
    kind: 'expose',
    exposure: state.wantedExposure,
    robots: exposureOf(state).robots,
    isLastStage: state.stage === 3,
    what: `stage ${state.stage}`,
    reason,
  };
}
