import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import type { Chunk, ChunkResult } from './chunk.ts';
import type { Outcome, Scenario } from './scenario.ts';

const chunkRuns = 10;

/**
 * Runs scenarios in worker processes; the outcomes come back in the order of their runs, so they do not depend on which worker
 * was faster. `onRuns` hears of finished runs.
 */
export async function runInPool(input: {
  scenarios: readonly Scenario[];
  runsOf: (scenario: Scenario) => number;
  seed: string;
  workers: number;
  onRuns: (runs: number, scenarioId: string) => void;
}): Promise<Map<string, readonly Outcome[]>> {
  const chunks = input.scenarios.flatMap((scenario) => chunksOf(scenario, input.runsOf(scenario), input.seed));
  const outcomes = new Map(input.scenarios.map(({ id }) => [id, [] as Outcome[]]));
  const queue = chunks.toReversed();
  const take = async (worker: ChildProcess): Promise<void> => {
    for (let chunk = queue.pop(); chunk !== undefined; chunk = queue.pop()) {
      const result = await ask(worker, chunk);
      for (const [index, outcome] of result.outcomes.entries()) {
        const list = outcomes.get(chunk.scenarioId);
        if (list) list[chunk.from + index] = outcome;
      }
      input.onRuns(chunk.to - chunk.from, chunk.scenarioId);
    }
  };
  const program = fileURLToPath(new URL('simulation-worker.ts', import.meta.url));
  const workers = Array.from({ length: input.workers }, () => fork(program, { execArgv: [] }));
  try {
    await Promise.all(workers.map(take));
  } finally {
    for (const worker of workers) worker.kill();
  }
  return outcomes;
}

function chunksOf({ id }: Scenario, runs: number, seed: string): Chunk[] {
  return Array.from({ length: Math.ceil(runs / chunkRuns) }, (_, index) => ({
    scenarioId: id,
    seed,
    from: index * chunkRuns,
    to: Math.min(runs, (index + 1) * chunkRuns),
  }));
}

const ask = (worker: ChildProcess, chunk: Chunk): Promise<ChunkResult> =>
  new Promise((resolve, reject) => {
    const done = (result: ChunkResult): void => {
      worker.off('exit', gone);
      resolve(result);
    };
    const gone = (code: number | null): void => {
      worker.off('message', done);
      reject(
        new Error(
          `expected a result, the worker ended with code ${code} [scenario=${chunk.scenarioId}, from=${chunk.from}]`,
        ),
      );
    };
    worker.once('message', done);
    worker.once('exit', gone);
    worker.send(chunk);
  });
