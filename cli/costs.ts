import type { Command } from 'commander';

import { defaultPolicy } from '../activities/default-policy.ts';
import { economicsSchema, readEconomics, setEconomics } from '../store/records/economics.ts';
import { openPolicy } from './open-policy.ts';
import { whoOption, type PersonalWord } from './person.ts';
import { printJson, say } from './print.ts';
import { readJsonFile } from './read-json-file.ts';

/** `flywheel costs …`: what a fleet costs and brings, for `flywheel metrics`. */
export function registerCostCommands(program: Command): void {
  const costs = program.command('costs').description('costs of a fleet, for the metrics cost per item and savings');
  whoOption(
    costs
      .command('set')
      .description('set the costs, which apply to all periods: a JSON file, see docs/metrics.md')
      .argument('<file>', 'JSON file with currency, perRobotDay, perOnlineHour, …')
      .option('--policy <name>', 'policy', defaultPolicy)
      .requiredOption('--reason <text>', 'why; kept in the log'),
  ).action(async (file: string, { policy, reason, who }: PersonalWord) => {
    const { store, clock } = await openPolicy(policy);
    const economics = await readJsonFile(file, economicsSchema);
    await setEconomics({ store, clock }, { policy, economics, who, why: reason });
    say(`metrics of ${policy} use these costs in ${economics.currency}, for all periods`);
  });
  costs
    .command('show')
    .description('show the current costs, who set them and why, as JSON')
    .option('--policy <name>', 'policy', defaultPolicy)
    .action(async ({ policy }: { policy: string }) => {
      const { store } = await openPolicy(policy);
      const said = await readEconomics(store, policy);
      if (said === undefined) say('no costs are set: use `flywheel costs set`');
      else printJson(said);
    });
}
