import type { Command } from 'commander';

import { defaultPolicy } from '../activities/default-policy.ts';
import { openPolicy } from './open-policy.ts';
import { printJson, printTable, say } from './print.ts';

interface QualityOptions {
  readonly policy: string;
  readonly cycle?: string;
  readonly json: boolean;
}

/** `flywheel data quality`: what the new episodes of a cycle are like, and which lie far out. */
export function registerQualityCommand(data: Command): void {
  data
    .command('quality')
    .description('show measures of the new episodes of a cycle as distributions, and the episodes that lie far out')
    .option('--policy <name>', 'policy that was trained', defaultPolicy)
    .option('--cycle <id>', 'default: the newest cycle that trained')
    .option('--json', 'as JSON', false)
    .action(async ({ policy, cycle, json }: QualityOptions) => {
      const { store } = await openPolicy(policy);
      const { readQuality } = await import('../activities/report/read-quality.ts');
      const found = await readQuality(store, policy, cycle);
      if (json) return printJson(found);
      const { cycleId, quality } = found;
      say(
        `${cycleId}: ${quality.measuredEpisodes} of ${quality.newEpisodes} new episodes of ${quality.robotType} were measured`,
      );
      printTable(
        ['measure', 'episodes', '5 %', 'half', '95 %', 'outliers', 'usual from', 'to'],
        quality.measures.map(({ measure, episodes, quantiles, outliers, low, high }) => {
          const at = (fraction: number): number | string => {
            const told = quantiles.find((one) => one.fraction === fraction);
            return told === undefined ? '–' : rounded(told.value);
          };
          return [measure, episodes, at(0.05), at(0.5), at(0.95), outliers, fence(low), fence(high)];
        }),
      );
      printTable(
        ['outlier in', 'episode', 'robot', 'value'],
        quality.measures.flatMap(({ measure, listed }) =>
          listed.map(({ episodeId, robotId, value }) => [measure, episodeId, robotId, rounded(value)]),
        ),
      );
    });
}

const rounded = (value: number): number => Number(value.toPrecision(4));
const fence = (value: number | null): number | string => (value === null ? '–' : rounded(value));
