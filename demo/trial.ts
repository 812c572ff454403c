import { setTimeout as sleep } from 'node:timers/promises';

import type { TrialResult } from '../workflows/trial/messages.ts';
import type { World } from './world.ts';

const lookEveryMs = 500;

/**
 * Tells the verdicts of a candidate's trial as it passes from step to step; resolves with its end. Throws when the trial will have
 * none: ended from outside, or another offer took the slot.
 */
export async function followTrial(world: World, candidateVersion: string): Promise<TrialResult> {
  let told = '';
  for (;;) {
    const { stage, step, candidateVersion: now, waitingVersion, result } = await world.trial();
    if (now === candidateVersion && stage === 'ended' && result !== null) {
      world.say(`  the trial of ${candidateVersion} ended: ${result.outcome}: ${result.reason}`);
      return result;
    }
    const isOurs = now === candidateVersion || waitingVersion === candidateVersion;
    if (!isOurs && now !== null)
      throw new Error(`expected ${candidateVersion} on trial, got ${now}: another offer took the slot`);
    const brokenOff = await world.trialBrokenOff();
    if (brokenOff !== undefined) throw new Error(`the trial of ${candidateVersion} was ${brokenOff} from outside`);
    const sentence = step === null ? stage : `${stage} ${step.kind}: ${step.reason}`;
    if (now === candidateVersion && sentence !== told) world.say(`  ${sentence}`);
    told = sentence;
    await sleep(lookEveryMs);
  }
}
