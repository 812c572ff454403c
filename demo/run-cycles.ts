import { readAliases } from '../store/records/aliases.ts';
import { followCycle, runningCycle, startCycle } from './cycles.ts';
import type { CycleOutcome } from '../workflows/cycle/messages.ts';
import type { TrialResult } from '../workflows/trial/messages.ts';
import type { Experience } from './experience.ts';
import type { Installation } from './installation.ts';
import { toldSteps } from './told-steps.ts';

/** How a cycle, or the trial of its candidate, may end when nothing went wrong. */
const fineOutcomes: readonly string[] = [
  ...(['promoted', 'notOffered', 'gatesHold', 'nothingNew'] satisfies CycleOutcome[]),
  ...(['rejected', 'blocked'] satisfies TrialResult['outcome'][]),
];

/**
 * Brings experience and runs `count` cycles on it by the weekly schedule, one after the other, each with the trial of its
 * candidate. Resolves with what did not go as it should, which does not keep the next one from its turn: the first one away from
 * the baseline must give a champion. `done`: how many the scenario told before.
 */
export async function runCycles(
  installation: Installation,
  experience: Experience,
  count: number,
  done = 0,
): Promise<readonly string[]> {
  const { context, policy, say } = installation;
  const { step, missed } = toldSteps(say);
  for (let number = done + 1; number <= done + count; number += 1)
    await step(`cycle ${number}`, async () => {
      const { champion, baseline } = await readAliases(context)({ policy });
      say(`Cycle ${number}:`);
      say(`  ${await experience.bring(champion === baseline)}`);
      await seeThrough(installation, experience, number);
    });
  return missed;
}

/** A cycle that an earlier start left running is followed to its end. */
export async function finishCycle(installation: Installation, experience: Experience): Promise<readonly string[]> {
  const { step, missed } = toldSteps(installation.say);
  await step('the cycle of before', async () => {
    if ((await runningCycle(installation)) === undefined) return;
    installation.say('A cycle continues where it stopped …');
    await seeThrough(installation, experience, 0);
  });
  return missed;
}

/** Throws with what should have been when it ends otherwise. */
async function seeThrough(installation: Installation, experience: Experience, number: number): Promise<void> {
  const { context, policy, say } = installation;
  const { champion, baseline } = await readAliases(context)({ policy });
  const { outcome, candidateVersion } = await followCycle(await startCycle(installation), installation);
  const end =
    outcome === 'offered' && candidateVersion !== undefined ? await experience.tried(candidateVersion) : outcome;
  const versions = [champion, candidateVersion].filter((version) => version !== undefined);
  if (number > 0 && experience.compare !== undefined) say(`  ${await experience.compare(versions)}`);
  const wanted = champion === baseline ? ['promoted'] : fineOutcomes;
  if (!wanted.includes(end)) throw new Error(`expected an end as ${wanted.join(', ')}, got ${end}`);
}
