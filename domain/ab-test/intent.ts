import type { TrialIntent } from '../trial/intent.ts';
import type { AbProgress } from './progress.ts';

/** What is to be done in this state; `abTransition` says what comes of it. `robots`: those of the candidate's arm. */
export function abIntentOf(state: AbProgress, robots: number): TrialIntent {
  const { kind, reason, wantedExposure } = state;
  if (kind === 'ended') return { kind: 'end' };
  if (kind === 'returning')
    return { kind: 'return', urgency: state.end === 'harmful' ? 'safeStop' : 'whenIdle', reason };
  if (state.writtenExposure >= wantedExposure) return { kind: 'wait' };
  return { kind: 'expose', exposure: wantedExposure, robots, isLastStage: false, what: 'A/B test', reason };
}
