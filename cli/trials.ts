import type { Command } from 'commander';

import { defaultPolicy } from '../activities/default-policy.ts';
import type { TrialStatus } from '../workflows/trial/messages.ts';
import { workflowIds } from '../domain/contract/workflow-ids.ts';
import { steering, type TrialMessage } from '../acts/steering.ts';
import { requireNotFrozen } from '../acts/not-frozen.ts';
import { actByCommand } from './act.ts';
import { openContext, openSettings, withClient } from './context.ts';
import { whoOption, type PersonalWord } from './person.ts';
import { printJson, say } from './print.ts';
import type { OfferOptions } from './offer-trial.ts';
import { statusOf } from './run-status.ts';

/** `flywheel trial …`: what an operator does with trials on the fleet. */
export function registerTrialCommands(program: Command): void {
  const trial = program.command('trial').description('trials on the fleet: offer, watch and control them');

  whoOption(
    trial
      .command('offer')
      .description('offer a registered version to the trial slot of its policy')
      .argument('<version>', 'policy version like 1.2.3')
      .option('--policy <name>', 'policy', defaultPolicy)
      .option('--input <json>', 'input of trialPolicy; see docs/operations.md', '{}')
      .option('--reason <text>', 'why; kept with the trial', 'flywheel trial offer'),
  ).action(async (version: string, options: OfferOptions) =>
    (await import('./offer-trial.ts')).offerTrial(version, options),
  );

  trial
    .command('status')
    .description('show what the trial of a policy is doing, or how its last one ended, as JSON')
    .option('--policy <name>', 'policy', defaultPolicy)
    .action(async ({ policy }: { policy: string }) => {
      const settings = openSettings();
      await withClient(settings, async (client) =>
        printJson(await statusOf<TrialStatus>({ client, settings, workflowId: workflowIds.trialPolicy(policy) })),
      );
    });

  for (const [name, description] of [
    ['pause', 'stop advancing; the guard stays active'],
    ['resume', 'continue after a pause'],
    ['approve', 'approve the pending stage'],
    ['reject', 'reject the pending stage; the robots return to the champion'],
    ['abort', 'end the trial; the robots return to the champion'],
  ] as const)
    whoOption(
      trial
        .command(name)
        .description(description)
        .option('--policy <name>', 'policy', defaultPolicy)
        .requiredOption('--reason <text>', 'why; kept with the trial'),
    ).action((word: PersonalWord) => tellTrial(name, word));
}

async function tellTrial(name: TrialMessage, { policy, reason, who }: PersonalWord): Promise<void> {
  const { settings, ...ports } = await openContext();
  await withClient(settings, async (client) => {
    const steer = steering({ client: async () => client, settings });
    const isProtective = name !== 'resume' && name !== 'approve';
    const act = { act: `trial.${name}`, policy, subject: '', reason, who, isProtective };
    const tell = async (actId: string): Promise<string> => {
      if (name === 'approve') await requireNotFrozen(ports, policy);
      return steer.tellTrial(policy, name, { reason, who, actId });
    };
    say(await actByCommand(ports, act, tell, String));
  });
}
