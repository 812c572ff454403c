import { readAliases } from '../../activities/registry/aliases.ts';
import { followCycle, runningCycle, startCycle } from './cycles.ts';
import type { CycleOutcome } from '../../workflows/messages.ts';
import type { TrialResult } from '../../workflows/trial-messages.ts';
import type { Experience } from './experience.ts';
import type { Installation } from './installation.ts';

/** How a cycle, or the trial of its candidate, may end when nothing went wrong. */
const fineOutcomes: readonly string[] = [
  ...(['promoted', 'notOffered', 'gatesHold', 'nothingNew'] satisfies CycleOutcome[]),
  ...(['rejected', 'blocked'] satisfies TrialResult['outcome'][]),
];

/**
 * Brings experience and runs `count` cycles on it by the weekly schedule, one after the other, each with the trial of its
 * candidate. True when every one did what it should: the first one away from the baseline must give a champion. `done`: how
 * many the story told before.
 */
export async function runCycles(
  installation: Installation,
  experience: Experience,
  count: number,
  done = 0,
): Promise<boolean> {
  const { context, policy, say } = installation;
  let allFine = true;
  for (let number = done + 1; number <= done + count; number += 1) {
    const { champion, baseline } = await readAliases(context)({ policy });
    say(`Cycle ${number}:`);
    say(`  ${await experience.bring(champion === baseline)}`);
    allFine = (await seenThrough(installation, experience, number)) && allFine;
  }
  return allFine;
}

/** A cycle that an earlier start left running is followed to its end. */
export async function finishCycle(installation: Installation, experience: Experience): Promise<boolean> {
  if ((await runningCycle(installation)) === undefined) return true;
  installation.say('A cycle goes on where it stopped …');
  return seenThrough(installation, experience, 0);
}

async function seenThrough(installation: Installation, experience: Experience, number: number): Promise<boolean> {
  const { context, policy, say } = installation;
  const { champion, baseline } = await readAliases(context)({ policy });
  const result = await followCycle(await startCycle(installation), installation);
  if (result === undefined) return false;
  const { candidateVersion } = result;
  const outcome =
    result.outcome === 'offered' && candidateVersion !== undefined
      ? await experience.tried(candidateVersion)
      : result.outcome;
  const versions = [champion, candidateVersion].filter((version) => version !== undefined);
  if (number > 0 && experience.compare !== undefined) say(`  ${await experience.compare(versions)}`);
  return champion === baseline ? outcome === 'promoted' : fineOutcomes.includes(outcome);
}
