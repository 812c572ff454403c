import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { WorkflowNotFoundError, type Client, type WorkflowHandle } from '@temporalio/client';

import { readAliases } from '../../activities/registry/aliases.ts';
import type { Settings } from '../../workers/config.ts';
import { openStore } from '../../workers/open-store.ts';
import type { CycleOutcome, CycleResult, CycleStatus } from '../../workflows/messages.ts';
import type { Experience } from './experience.ts';
import type { DevOptions } from './options.ts';

export interface RunCyclesOptions {
  readonly client: Client;
  readonly settings: Settings;
  readonly options: DevOptions;
  readonly policy: string;
  readonly experience: Experience;
  readonly queue: string;
  readonly say: (line: string) => void;
}

/** How a cycle may end when nothing went wrong. */
const fine: readonly CycleOutcome[] = ['promoted', 'offered', 'notOffered', 'gatesHold', 'nothingNew'];
const followEveryMs = 1_000;

/**
 * Brings experience and runs cycles on it, one after the other; a cycle that an earlier start left running is followed to
 * its end first. True when every cycle did what it should: the first one away from the baseline must promote.
 */
export async function runCycles(run: RunCyclesOptions): Promise<boolean> {
  const { client, experience, options, policy, say } = run;
  const store = openStore(run.settings);
  const workflowId = (number: number): string => `cycle/${policy}-dev-${number}`;
  const counter = cycleCounter(options.stateDirectory, policy);
  const started = counter.read();
  let allFine = true;
  const last = client.workflow.getHandle(workflowId(started));
  if (started > 0 && (await isRunning(last))) {
    say(`Cycle ${started} goes on where it stopped …`);
    allFine = (await follow(last, run)).isFine;
  }
  const wanted = options.cycles ?? (started === 0 ? 1 : 0);
  for (let number = started + 1; number <= started + wanted; number += 1) {
    say(`Cycle ${number}:`);
    say(`  ${await experience.bring()}`);
    const { champion, baseline } = await readAliases({ store })({ policy });
    const handle = await client.workflow.start('weeklyCycle', {
      workflowId: workflowId(number),
      workflowIdConflictPolicy: 'USE_EXISTING',
      taskQueue: run.queue,
      staticSummary: `cycle ${number} of ${policy}`,
      args: [
        {
          policy,
          training: { seed: options.seed },
          bootstrap: champion === baseline,
          cause: `temporal-dev.sh, cycle ${number}`,
        },
      ],
    });
    counter.write(number);
    const result = await follow(handle, run, champion === baseline ? 'promoted' : undefined);
    allFine = result.isFine && allFine;
    const versions = [champion, result.candidateVersion].filter((version) => version !== undefined);
    if (experience.compare !== undefined) say(`  ${await experience.compare(versions)}`);
  }
  return allFine;
}

async function isRunning(handle: WorkflowHandle): Promise<boolean> {
  try {
    return (await handle.describe()).status.name === 'RUNNING';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

/** How many cycles this state folder has started; the server forgets ended workflows after a day. */
function cycleCounter(directory: string, policy: string): { read(): number; write(count: number): void } {
  const file = path.join(directory, `cycles-${policy}.txt`);
  return {
    read: () => (existsSync(file) ? Number(readFileSync(file, 'utf8')) || 0 : 0),
    write: (count) => writeFileSync(file, `${count}\n`),
  };
}

interface Followed {
  readonly isFine: boolean;
  readonly candidateVersion?: string;
}

/** Prints the stages of a cycle as it passes them, and how it ended. */
async function follow(handle: WorkflowHandle, run: RunCyclesOptions, expected?: CycleOutcome): Promise<Followed> {
  const { say } = run;
  let stage = '';
  const startedMs = Date.now();
  const ended = handle.result().then(
    (result) => ({ result: result as CycleResult }),
    (error: unknown) => ({ error }),
  );
  for (;;) {
    const end = await Promise.race([ended, sleep(followEveryMs)]);
    if (end === undefined) {
      const status = await handle.query<CycleStatus>('status').catch(() => undefined);
      if (status !== undefined && status.stage !== stage) {
        stage = status.stage;
        say(`  ${stage} …`);
      }
      continue;
    }
    if ('error' in end) {
      const status = await handle.query<CycleStatus>('status').catch(() => undefined);
      say(`  failed: ${status?.reason ?? String(end.error)}`);
      if (status?.reportKey !== undefined) say(`  report    ${reportPlace(run.settings, status.reportKey)}`);
      return { isFine: false };
    }
    const { result } = end;
    say(`  ${result.outcome}: ${result.reason}`);
    if (result.candidateVersion !== undefined)
      say(
        `  candidate ${result.candidateVersion}, held-out agreement ${percent(result.accuracyFraction)}, sha256 ${result.modelSha256 ?? 'unknown'}`,
      );
    say(`  report    ${reportPlace(run.settings, result.reportKey)}`);
    say(`  took      ${((Date.now() - startedMs) / 1_000).toFixed(1)} s`);
    const isFine = fine.includes(result.outcome) && (expected === undefined || result.outcome === expected);
    return { isFine, ...(result.candidateVersion === undefined ? {} : { candidateVersion: result.candidateVersion }) };
  }
}

const percent = (fraction: number | null | undefined): string =>
  fraction === null || fraction === undefined ? 'unknown' : `${(fraction * 100).toFixed(1)} %`;

const reportPlace = (settings: Settings, key: string): string =>
  settings.store.kind === 'file' ? path.join(settings.store.directory, key) : `s3://${settings.store.bucket}/${key}`;
