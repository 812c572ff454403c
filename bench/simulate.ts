import { readFile, writeFile } from 'node:fs/promises';
import { SingleBar } from 'cli-progress';
import { Command } from 'commander';
import { drawPicture } from './simulation/picture.ts';
import { runInPool } from './simulation/pool.ts';
import { betweenMarks, markdownTable, missed, resultsOf } from './simulation/report.ts';
import { scenarios } from './simulation/scenarios.ts';
import { measureTickSpeed } from './simulation/speed.ts';

const documentFile = new URL('../docs/experiments.md', import.meta.url);
const pictureFile = new URL('../docs/images/wrong-ends.svg', import.meta.url);

interface Options {
  readonly full?: true;
  readonly json?: true;
  readonly speed?: true;
  readonly seed: string;
  readonly only: string;
  readonly workers: string;
}

const { full, json, speed, seed, only, workers } = new Command('simulate')
  .description('Simulate whole rollouts and A/B tests against the acceptance table; exit code 1 when a bar is missed.')
  .option('--full', 'all runs; writes the table and the picture of docs/experiments.md')
  .option('--seed <text>', 'seed of all runs', '1')
  .option('--only <pattern>', 'only scenarios whose id matches', '')
  .option('--workers <count>', 'worker processes', '2')
  .option('--speed', 'measure a guard tick of 500 robots × 2,016 blocks instead')
  .option('--json', 'print one JSON document')
  .parse()
  .opts<Options>();

if (speed === true) printSpeed();
else process.exitCode = (await simulate()) === 0 ? 0 : 1;

/** Runs the scenarios and prints their table; how many bars are missed. */
async function simulate(): Promise<number> {
  const chosen = scenarios.filter(({ id }) => new RegExp(only, 'u').test(id));
  const runsOf = (scenario: { runs: number; reducedRuns: number }): number =>
    full === true ? scenario.runs : scenario.reducedRuns;
  const total = chosen.reduce((sum, scenario) => sum + runsOf(scenario), 0);

  const bar = new SingleBar({
    format: '{bar} {percentage} % | {value} of {total} runs | {eta_formatted} | {scenario}',
  });
  if (json !== true) bar.start(total, 0, { scenario: '' });
  const started = performance.now();
  const outcomes = await runInPool({
    scenarios: chosen,
    runsOf,
    seed,
    workers: Number(workers),
    onRuns: (runs, scenario) => bar.increment(runs, { scenario }),
  });
  bar.stop();
  const minutes = (performance.now() - started) / 60_000;

  const results = resultsOf(chosen, outcomes);
  const misses = missed(results);
  if (json === true) {
    process.stdout.write(`${JSON.stringify({ seed, full: full === true, minutes, results, misses }, undefined, 2)}\n`);
  } else {
    process.stdout.write(`${markdownTable(results)}\n\n${minutes.toFixed(1)} min, ${misses.length} bars missed\n`);
  }
  if (full === true && only === '') {
    const date = new Date().toISOString().slice(0, 10);
    const heading = `${total} runs with seed \`${seed}\` on ${date}, ${minutes.toFixed(1)} minutes in ${workers} processes (\`npm run simulate -- --full\`).`;
    const document = await readFile(documentFile, 'utf8');
    await writeFile(documentFile, betweenMarks(document, `${heading}\n\n${markdownTable(results)}`));
    await writeFile(pictureFile, drawPicture(outcomes));
  }
  return misses.length;
}

function printSpeed(): void {
  const speeds = measureTickSpeed();
  if (json === true) process.stdout.write(`${JSON.stringify(speeds, undefined, 2)}\n`);
  else {
    for (const { name, tickMs, evidenceMs, readMs } of speeds) {
      process.stdout.write(
        `${name}: ${tickMs.toFixed(0)} ms a tick, ${evidenceMs.toFixed(0)} ms for making its evidence from cells, ${readMs.toFixed(0)} ms for reading the blocks\n`,
      );
    }
  }
}
