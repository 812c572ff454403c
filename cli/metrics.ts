import { Option, type Command } from 'commander';

import { defaultPolicy } from '../activities/default-policy.ts';
import { groupings, type Grouping } from '../activities/metrics/fact-sums.ts';
import type { MetricsAnswer } from '../activities/metrics/read-metrics.ts';
import { metricText } from '../activities/metrics/metric-text.ts';
import { metricNames, metrics } from '../domain/metrics/index.ts';
import { openContext } from './context.ts';
import { printJson, printTable, say } from './print.ts';

interface MetricsOptions {
  readonly policy: string;
  readonly by?: Grouping;
  readonly from?: string;
  readonly to?: string;
  readonly json: boolean;
}

/** `flywheel metrics`: how well a fleet does, by the facts that were made of its telemetry. */
export function registerMetricsCommand(program: Command): void {
  program
    .command('metrics')
    .description('success, uptime, latency, cost and other metrics over whole UTC days; definitions: docs/metrics.md')
    .addOption(new Option('--by <what>', 'group by this').choices([...groupings]))
    .option('--from <day>', 'first UTC day, e.g. 2026-11-22; default: six days ago')
    .option('--to <day>', 'UTC day after the last day; default: tomorrow')
    .option('--policy <name>', 'policy', defaultPolicy)
    .option('--json', 'as JSON', false)
    .action(print);
}

async function print({ policy, by, json, ...days }: MetricsOptions): Promise<void> {
  const { store, engine, clock, scratchDirectory } = await openContext();
  const { openFactTables } = await import('../activities/facts/fact-tables.ts');
  const { readMetrics, spanOf } = await import('../activities/metrics/read-metrics.ts');
  const facts = openFactTables({ store, engine, clock, stagingDirectory: scratchDirectory });
  const answer = await readMetrics({ store, engine, facts }, { policy, by, ...spanOf(days, clock()) });
  if (json) return printJson(answer);
  const [only] = answer.groups;
  if (by === undefined && only !== undefined)
    printTable(
      ['metric', 'value', '95 % interval', 'n', 'definition'],
      only.metrics.map(({ name, metric }) => {
        const { value, interval, n } = metricText(name, metric, answer.currency);
        return [name, value, interval, n, metrics[name].sentence];
      }),
    );
  else if (answer.groups.length > 0)
    printTable(
      [by ?? '', ...metricNames],
      answer.groups.map((group) => [
        group.name,
        ...group.metrics.map(({ name, metric }) => metricText(name, metric, answer.currency).short),
      ]),
    );
  say(footOf(answer));
  for (const key of answer.damaged) say(`left out because it cannot be read: ${key}`);
}

function footOf({ state, policy, from, to, asOfMs }: MetricsAnswer): string {
  if (state === 'noFacts')
    return `no facts yet: \`flywheel monitor --policy ${policy}\` starts the workflow that compacts telemetry into facts every hour`;
  const asOf = `as of ${new Date(asOfMs ?? 0).toISOString()}`;
  if (state === 'empty') return `robots of ${policy} reported nothing from ${from} to ${to}, ${asOf}`;
  return `${policy}, ${from} to ${to} (UTC days, the last one excluded), ${asOf}; (n) is the sample size, – means no value`;
}
