import { Command, InvalidArgumentError } from 'commander';

import { ingestLeg } from './ingest.ts';
import type { BenchLeg, BenchResult } from './leg.ts';
import { mixLeg } from './mix.ts';
import { trainLeg } from './train.ts';

const legs: readonly BenchLeg[] = [ingestLeg, mixLeg, trainLeg];

const number = (least: number, most: number) => (text: string) => {
  const value = Number(text);
  if (!(value >= least && value <= most)) throw new InvalidArgumentError(`expected a number from ${least} to ${most}`);
  return value;
};

const program = new Command('bench')
  .description('Measures one leg of the loop against a reference in the same run, as a ratio (larger is better).')
  .argument('<leg>', `one of ${legs.map((leg) => leg.name).join(', ')}`)
  .option('--scale <fraction>', 'size of the work; 1 = the week of 700,000 episodes', number(0.0001, 100), 0.05)
  .option('--frames <count>', 'frames an episode', number(1, 10_000), 20)
  .option('--seed <number>', 'seed of the generated data', number(0, 2 ** 31 - 1), 1)
  .option('--json', 'one JSON object on stdout', false)
  .action(async (name: string, options: { scale: number; frames: number; seed: number; json: boolean }) => {
    const leg = legs.find((candidate) => candidate.name === name);
    if (leg === undefined)
      return program.error(`expected a leg, one of ${legs.map((candidate) => candidate.name).join(', ')}, got ${name}`);
    const progress = (line: string): void => void process.stderr.write(`bench ${name}: ${line}\n`);
    const result = await leg.run({ ...options, progress });
    process.stdout.write(options.json ? `${JSON.stringify(result)}\n` : `${describe(result)}\n`);
  });

const describe = (result: BenchResult): string =>
  `${result.leg} at scale ${result.scale}: ours ${round(result.ours)} ${result.unit}, reference ${round(result.reference)} ${result.unit}, ratio ${result.ratio.toFixed(2)}, peak memory ${Math.round(result.peakRssBytes / 2 ** 20)} MiB`;

const round = (value: number): string => (value >= 100 ? String(Math.round(value)) : value.toFixed(2));

await program.parseAsync();
