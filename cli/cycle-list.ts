import type { Command } from 'commander';

import { defaultPolicy } from '../activities/default-policy.ts';
import { listEndedCycles } from '../activities/report/list-cycles.ts';
import type { OnDamage } from '../store/damaged-objects.ts';
import { openCyclesPort } from '../workers/compose.ts';
import type { Settings } from '../workers/config.ts';
import { orchestrationQueue } from '../acts/ask-workflow.ts';
import { withClient } from './context.ts';
import { CommandError } from './exit-codes.ts';
import { openPolicy } from './open-policy.ts';
import { printJson, printTable, say } from './print.ts';
import { printable } from './printable.ts';

interface ListOptions {
  readonly policy: string;
  readonly limit: string;
  readonly json: boolean;
}

/** The server has this long to say whether a cycle runs; what ended is in the store. */
const answerWithinMs = 3_000;

/** `flywheel cycle list`: what became of the cycles of a policy, and which one runs. */
export function registerCycleList(cycle: Command): void {
  cycle
    .command('list')
    .description('list ended cycles, newest last, with outcome and reason, and the running one')
    .option('--policy <name>', 'policy', defaultPolicy)
    .option('--limit <count>', 'maximum number of cycles', '20')
    .option('--json', 'as JSON', false)
    .action(list);
}

async function list({ policy, limit, json }: ListOptions): Promise<void> {
  const most = Number(limit);
  if (!Number.isInteger(most) || most < 1 || most > 10_000)
    throw new CommandError('wrong', `--limit: expected a whole number from 1 to 10000, got ${limit}`);
  const { settings, store } = await openPolicy(policy);
  const ended = await listEndedCycles(store, policy, most, sayDamaged);
  const running = await runningCycle(settings, policy);
  if (json) return printJson({ policy, running: running.known, ended });
  printTable(
    ['cycle', 'ended', 'outcome', 'candidate', 'reason', 'report'],
    ended.map((cycle) => [
      cycle.cycleId,
      new Date(cycle.writtenAtMs).toISOString(),
      cycle.outcome,
      cycle.candidateVersion ?? '–',
      cycle.reason,
      cycle.reportKey,
    ]),
  );
  say(running.sentence);
}

/** Which cycle runs, where the server says so; `known` is null where nobody can tell. */
async function runningCycle(
  settings: Settings,
  policy: string,
): Promise<{ readonly known: readonly string[] | null; readonly sentence: string }> {
  try {
    const holder = await withClient(settings, (client) =>
      client.withDeadline(Date.now() + answerWithinMs, async () => {
        const desk = await openCyclesPort({ client, taskQueue: orchestrationQueue(settings) });
        return desk.turnHolder(policy);
      }),
    );
    return holder === null
      ? { known: [], sentence: 'no cycle runs now' }
      : { known: [holder], sentence: `${holder} runs now` };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { known: null, sentence: `it is unknown whether a cycle runs now: ${why}` };
  }
}

const sayDamaged: OnDamage = ({ key, why }) =>
  void process.stderr.write(`${printable(`${key}: a report that cannot be read: ${why}`)}\n`);
