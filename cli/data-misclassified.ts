import type { Command } from 'commander';

import { defaultPolicy } from '../activities/default-policy.ts';
import { openContext } from './context.ts';
import { printJson, printTable, say } from './print.ts';

interface MisclassifiedOptions {
  readonly policy: string;
  readonly version?: string;
  readonly cycle?: string;
  readonly json: boolean;
}

/** `flywheel data misclassified`: held-out frames that a model got wrong, for a person to review. */
export function registerMisclassifiedCommand(data: Command): void {
  data
    .command('misclassified')
    .description('list held-out frames that a model got wrong, those of which it was surest first')
    .option('--policy <name>', 'policy of the model', defaultPolicy)
    .option('--version <version>', 'the model; default: the champion')
    .option('--cycle <id>', 'instead: the candidate of this cycle, also one that a gate held back')
    .option('--json', 'as JSON, with images', false)
    .action(async ({ policy, version, cycle, json }: MisclassifiedOptions) => {
      const { store } = await openContext();
      const { listMisclassified } = await import('../activities/evaluation/list-misclassified.ts');
      const result = await listMisclassified({ store })({
        policy,
        ...(version === undefined ? {} : { version }),
        ...(cycle === undefined ? {} : { cycleId: cycle }),
      });
      if (json) return printJson(result);
      say(`${result.of}: ${result.frames} of ${result.heldoutFrames} held-out frames are wrong`);
      printTable(
        ['recorded', 'model', 'probability', 'task', 'robot', 'episode', 'frame'],
        result.listed.map((miss) => [
          miss.recorded,
          miss.chosen,
          `${(100 * miss.probability).toFixed(1)} %`,
          miss.task,
          miss.robotId ?? 'unknown',
          miss.episodeId ?? 'unknown',
          miss.frame ?? 'unknown',
        ]),
      );
    });
}
