import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { Worker } from '@temporalio/worker';
import { Command } from 'commander';

import { fileObjectStore } from '../../store/adapters/file-object-store.ts';
import { jsonBytes } from '../../store/json-objects.ts';
import { createPolicyDocument } from '../../activities/registry/policy-document.ts';
import { exitCodeOf } from '../../cli/exit-codes.ts';
import { queues } from '../../workers/config.ts';
import { sharedTemporal } from '../support/temporal.ts';
import { stubs, type ActivityName, type AllActivities } from '../workflows/stubs.ts';

/** An installation whose workers answer with stubbed activities, with a policy and its version 1.1.0 in the store. */
export interface StubbedInstallation {
  readonly policy: string;
  /** Workflows that run go on with these answers. */
  answerWith(changes: Parameters<typeof stubs>[0]): void;
  stop(): Promise<void>;
}

export async function stubbedInstallation(): Promise<StubbedInstallation> {
  const { address, connection, bundle, client } = await sharedTemporal();
  const policy = `wall-${randomUUID().slice(0, 8)}`;
  const prefix = `${policy}-`;
  const directory = await mkdtemp(path.join(tmpdir(), 'flywheel-cli-'));
  const store = fileObjectStore({ root: path.join(directory, 'store') });
  await createPolicyDocument(store, { policy, robotType: { id: 'scitos-g5', version: 1 } });
  await store.put(`models/${policy}/1.1.0/manifest.json`, jsonBytes({}));
  const before = { ...process.env };
  Object.assign(process.env, {
    FLYWHEEL_STORE: path.join(directory, 'store'),
    FLYWHEEL_SCRATCH: path.join(directory, 'scratch'),
    FLYWHEEL_TEMPORAL_ADDRESS: address,
    FLYWHEEL_QUEUE_PREFIX: prefix,
  });
  let current: AllActivities = stubs().activities;
  const activities = Object.fromEntries(
    (Object.keys(current) as ActivityName[]).map((name) => [
      name,
      (input: never) => (current[name] as (input: never) => unknown)(input),
    ]),
  );
  const workers = await Promise.all(
    queues.map((queue) =>
      Worker.create({
        connection,
        taskQueue: `${prefix}${queue}`,
        activities,
        ...(queue === 'orchestration' ? { workflowBundle: bundle } : {}),
      }),
    ),
  );
  const running = Promise.all(workers.map((worker) => worker.run()));
  return {
    policy,
    answerWith: (changes) => void (current = stubs(changes).activities),
    async stop() {
      // Whatever a test that failed left behind would keep others of its robot type or policy waiting.
      const query = `ExecutionStatus = 'Running' AND TaskQueue = '${prefix}orchestration'`;
      for await (const { workflowId } of client.workflow.list({ query }))
        await client.workflow
          .getHandle(workflowId)
          .terminate()
          .catch(() => undefined);
      for (const worker of workers) worker.shutdown();
      await running;
      for (const name of Object.keys(process.env)) if (name.startsWith('FLYWHEEL_')) delete process.env[name];
      Object.assign(process.env, before);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** What a command prints and ends with, in this process. */
export async function runCommand(
  register: (program: Command) => void,
  args: readonly string[],
): Promise<{ readonly out: string; readonly exitCode: number; readonly message: string }> {
  const program = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
  register(program);
  const write = process.stdout.write.bind(process.stdout);
  let out = '';
  process.stdout.write = (text: string | Uint8Array) => {
    out += String(text);
    return true;
  };
  const codeBefore = process.exitCode;
  process.exitCode = 0;
  try {
    await program.parseAsync(args, { from: 'user' });
    return { out, exitCode: process.exitCode, message: '' };
  } catch (error) {
    return { out, exitCode: exitCodeOf(error), message: error instanceof Error ? error.message : String(error) };
  } finally {
    process.exitCode = codeBefore;
    process.stdout.write = write;
  }
}
