import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import type { Client } from '@temporalio/client';

import { weeklyScheduleId } from '../../../activities/schedule-id.ts';
import type { RunningScript } from './running-script.ts';

const run = promisify(execFile);
const command = fileURLToPath(new URL('../../../cli/start.mjs', import.meta.url));
const who = 'the seeded operator';

export interface Desk {
  readonly script: RunningScript;
  readonly client: Client;
  readonly policy: string;
  readonly taskQueue: string;
  readonly environment: NodeJS.ProcessEnv;
}

export interface Act {
  readonly name: string;
  readonly weight: number;
  /** `ui`: what a page does · `command`: a process that starts first · `kill`: nobody answers for a while afterwards. */
  readonly kind: 'ui' | 'command' | 'kill';
  readonly do: (desk: Desk) => Promise<unknown>;
}

/** What operators do. Each may be refused: a refusal is an answer. */
export const acts: readonly Act[] = [
  ...[
    ['incidents', 'list'],
    ['trial', 'status'],
    ['robots', 'list'],
    ['models', 'list'],
    ['context'],
    ['monitor'],
    ['data', 'retention', '--dry-run'],
    ['rollback', '--no-wait', '--reason', 'an emergency, by command'],
    ['cycle', 'start'],
    ['nonsense'],
  ].map((words): Act => ({
    name: `flywheel ${words.join(' ')}`,
    weight: 2,
    kind: 'command',
    do: ({ environment }) => run(process.execPath, [command, ...words], { env: environment, timeout: 60_000 }),
  })),
  ...(['pause', 'resume', 'approve', 'reject', 'abort'] as const).map((update): Act => ({
    name: `trial ${update}`,
    weight: update === 'abort' ? 1 : 3,
    kind: 'ui',
    do: ({ client, policy }) =>
      client.workflow
        .getHandle(`trial/${policy}`)
        .executeUpdate(update, { args: [{ reason: 'as operators do', who }] }),
  })),
  {
    name: 'weeklyCycle {} from the UI',
    weight: 2,
    kind: 'ui',
    do: ({ client, taskQueue }) =>
      client.workflow.start('weeklyCycle', { workflowId: `cycle/by-hand-${Date.now()}`, taskQueue, args: [{}] }),
  },
  {
    name: 'terminate the trial',
    weight: 1,
    kind: 'ui',
    do: ({ client, policy }) => terminate(client, `trial/${policy}`),
  },
  {
    name: 'terminate a cycle',
    weight: 1,
    kind: 'ui',
    async do({ client }) {
      const running = client.workflow.list({ query: `WorkflowType = 'weeklyCycle' AND ExecutionStatus = 'Running'` });
      for await (const { workflowId } of running) return terminate(client, workflowId);
      return undefined;
    },
  },
  {
    name: 'planned rollback, to wait for approval',
    weight: 1,
    kind: 'ui',
    do: ({ client, policy, taskQueue }) =>
      client.workflow.start('rollbackPolicy', {
        workflowId: `rollback/${policy}`,
        taskQueue,
        args: [{ policy, target: '1.0.0', reason: 'planned', who }],
      }),
  },
  ...(['approve', 'reject'] as const).map((update): Act => ({
    name: `rollback ${update}`,
    weight: 1,
    kind: 'ui',
    do: ({ client, policy }) =>
      client.workflow.getHandle(`rollback/${policy}`).executeUpdate(update, { args: [{ reason: 'decided', who }] }),
  })),
  ...(['pause', 'unpause', 'trigger'] as const).map((change): Act => ({
    name: `schedule ${change}`,
    weight: 1,
    kind: 'ui',
    do({ client, policy }) {
      const schedule = client.schedule.getHandle(weeklyScheduleId(policy));
      return change === 'trigger' ? schedule.trigger() : schedule[change]('as operators do');
    },
  })),
  {
    name: 'schedule edit',
    weight: 1,
    kind: 'ui',
    do: ({ client, policy }) =>
      client.schedule
        .getHandle(weeklyScheduleId(policy))
        .update((before) => ({ ...before, spec: { intervals: [{ every: '6 minutes' }] } })),
  },
  ...['gateway', 'orchestration worker', 'data worker', 'training worker', 'simulated robots', 'temporal server'].map(
    (name): Act => ({
      name: `kill ${name}`,
      weight: 1,
      kind: 'kill',
      async do({ script }) {
        const victim = script.pids().find((child) => child.name === name);
        if (victim !== undefined) process.kill(victim.pid, 'SIGKILL');
      },
    }),
  ),
  ...(['SIGKILL', 'SIGHUP'] as const).map((signal): Act => ({
    name: `${signal} to the supervisor`,
    weight: 0.3,
    kind: 'kill',
    do: ({ script }) => script.killSupervisor(signal),
  })),
];

const terminate = (client: Client, workflowId: string): Promise<unknown> =>
  client.workflow.getHandle(workflowId).terminate(who);

/** One of the acts by their weights; `random` from 0 to 1. */
export function pick(random: () => number): Act {
  let left = random() * acts.reduce((sum, { weight }) => sum + weight, 0);
  const found = acts.find(({ weight }) => (left -= weight) < 0) ?? acts[0];
  if (found === undefined) throw new Error('expected acts, got none');
  return found;
}
