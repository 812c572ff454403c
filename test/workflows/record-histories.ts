import assert from 'node:assert/strict';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';

import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { WorkflowFailedError, type Client } from '@temporalio/client';

import { sharedTemporal, stopTemporal } from '../support/temporal.ts';
import { withWorker } from './harness.ts';
import type { Scenario } from './scenario.ts';
import { scenarios } from './scenarios.ts';
import { stubs } from './stubs.ts';

type History = Parameters<typeof historyToJSON>[0];

const folder = new URL('../fixtures/histories/', import.meta.url);

/** What the names of the scenarios to record begin with; without it all are recorded. */
const [wanted = ''] = process.argv.slice(2);

/** Runs every scenario on a real server and keeps the history of each run in it, children and continued runs included. */
async function main(): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const file of (await readdir(folder)).filter((name) => name.startsWith(wanted))) await rm(new URL(file, folder));
  const { client } = await sharedTemporal();
  for (const scenario of scenarios.filter(({ name }) => name.startsWith(wanted))) {
    const runs = await record(client, scenario);
    for (const [index, run] of runs.entries()) {
      const name = index === 0 ? scenario.name : `${scenario.name}-${index}`;
      const content = { name, workflowId: run.workflowId, history: JSON.parse(historyToJSON(run.history)) };
      await writeFile(new URL(`${name}.json`, folder), `${JSON.stringify(content)}\n`);
      process.stdout.write(`${name}: ${run.history.events?.length ?? 0} events\n`);
    }
  }
}

async function record(
  client: Client,
  scenario: Scenario,
): Promise<readonly { workflowId: string; history: History }[]> {
  const { activities, calls } = stubs(scenario.changes);
  return withWorker(activities, async ({ start }) => {
    const handle = await start(scenario.workflow, scenario.input, scenario.workflowId);
    await scenario.drive?.(handle, calls);
    if (scenario.isEndless === true) {
      await client.workflow.getHandle(handle.workflowId).cancel();
      if (scenario.workflow === 'cycleTurn') await handle.result();
      else await assert.rejects(handle.result(), WorkflowFailedError);
    } else await handle.result();
    const runs: { workflowId: string; history: History }[] = [];
    let runId: string | undefined = handle.firstExecutionRunId;
    while (runId !== undefined) {
      const history: History = await client.workflow.getHandle(handle.workflowId, runId).fetchHistory();
      runs.push({ workflowId: handle.workflowId, history });
      runId = history.events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId ?? undefined;
    }
    return runs;
  });
}

try {
  await main();
} finally {
  await stopTemporal();
}
