import { waitFor } from '../wait-for.ts';
import type { World } from '../world.ts';
import { expectSame } from './end-state.ts';
import { expectBackSoon, watchReturn } from './steps.ts';

/** Somebody else's trial may be before it, and has its time. */
const turnPatienceMs = 1_800_000;

/**
 * Submits a policy that is bad on purpose but passes every offline gate, and watches how it is caught on the fleet: every robot
 * back within a minute of the alarm. `request`: of the trial, beside the profile. Resolves with its version.
 */
export async function catchBadPolicy(
  world: World,
  name: string,
  model: Uint8Array,
  request: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const bad = await world.submit(name, model);
  world.say(`${bad}, ${name}, passed every offline gate`);
  await world.offer(bad, request);
  await onTrial(world, bad);
  const offeredMs = Date.now();
  const { alarmMs, backMs } = await watchReturn(world, offeredMs);
  const { outcome, reason, candidateVersion } = await world.trialEnd();
  world.say(`alarm ${((alarmMs - offeredMs) / 1_000).toFixed(1)} s after the offer: ${outcome}: ${reason}`);
  world.say(`last robot back ${(backMs / 1_000).toFixed(1)} s after the alarm`);
  expectSame('candidate of the trial', bad, candidateVersion);
  // A task's net is read by guard and A/B test alike: whose next tick or look comes first is chance.
  const isTaskBlock = outcome === 'blocked' && reason.includes('proven harm in task');
  if (!isTaskBlock) expectSame('end of the trial', 'rolledBack', outcome);
  expectBackSoon(backMs);
  return bad;
}

/** Waits for the turn of a version that was offered; throws when it will have none. */
async function onTrial(world: World, version: string): Promise<void> {
  await waitFor({
    what: `the turn of ${version}`,
    say: world.say,
    lookEveryMs: 100,
    patienceMs: turnPatienceMs,
    async look() {
      const { candidateVersion, waitingVersion, stage } = await world.trial();
      const isOurs = candidateVersion === version && stage !== 'starting';
      if (!isOurs && candidateVersion !== null && candidateVersion !== version && waitingVersion !== version)
        throw new Error(`expected ${version} on trial, got ${candidateVersion}: another offer took the slot`);
      const brokenOff = await world.trialBrokenOff();
      if (brokenOff !== undefined) throw new Error(`the trial slot was ${brokenOff} from outside`);
      return { isDone: isOurs, state: `${candidateVersion ?? 'nothing'} has the slot: ${stage}` };
    },
  });
}
