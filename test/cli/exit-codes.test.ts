import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { Command } from 'commander';

import { fileObjectStore } from '../../store/adapters/file-object-store.ts';
import { jsonBytes } from '../../store/json-objects.ts';
import { createPolicyDocument } from '../../activities/registry/policy-document.ts';
import { registerCycleCommands } from '../../cli/cycle.ts';
import { exitCodeOf, exitCodes } from '../../cli/exit-codes.ts';
import { registerIncidentCommands } from '../../cli/incidents.ts';
import { registerMonitorCommand } from '../../cli/monitor.ts';
import { registerPlanCommands } from '../../cli/plan.ts';
import { registerRobotCommands } from '../../cli/robots.ts';
import { registerRollbackCommands } from '../../cli/rollback.ts';
import { registerScheduleCommand } from '../../cli/schedule-command.ts';
import { registerTrialCommands } from '../../cli/trials.ts';
import { sharedTemporal } from '../support/temporal.ts';

const { done, wrong, missing } = exitCodes;
const reason = ['--reason', 'a test'];

/**
 * Every command of an operator × what may be wrong. `-`: that cannot be wrong with it. Without a worker nothing answers; what a
 * schedule or the store says needs none.
 */
const table: readonly {
  readonly command: readonly string[];
  readonly bad: readonly string[] | '-';
  readonly unknownPolicy: number | '-';
  readonly noServer: number | '-';
  readonly noWorker: number | '-';
  readonly noStore: number | '-';
}[] = [
  {
    command: ['cycle', 'start'],
    bad: ['cycle', 'start', '--input', '{"canidate": 1}'],
    unknownPolicy: wrong,
    noServer: missing,
    noWorker: missing,
    noStore: missing,
  },
  {
    command: ['cycle', 'start', '--follow'],
    bad: ['cycle', 'start', '--input', 'no json'],
    unknownPolicy: wrong,
    noServer: missing,
    noWorker: missing,
    noStore: missing,
  },
  {
    command: ['schedule'],
    bad: ['schedule', '--input', '{"training": {"seed": -1}}'],
    unknownPolicy: wrong,
    noServer: missing,
    noWorker: done,
    noStore: missing,
  },
  {
    command: ['trial', 'offer', '1.1.0'],
    bad: ['trial', 'offer', '9.9.9'],
    unknownPolicy: wrong,
    noServer: missing,
    noWorker: missing,
    noStore: missing,
  },
  ...['pause', 'resume', 'approve', 'reject', 'abort'].map((name) => ({
    command: ['trial', name, ...reason],
    bad: ['trial', name],
    unknownPolicy: wrong,
    noServer: missing,
    noWorker: missing,
    noStore: '-' as const,
  })),
  {
    command: ['trial', 'status'],
    bad: ['trial', 'status', '--what'],
    unknownPolicy: wrong,
    noServer: missing,
    noWorker: missing,
    noStore: '-',
  },
  {
    command: ['rollback', ...reason],
    bad: ['rollback'],
    unknownPolicy: '-',
    noServer: missing,
    noWorker: missing,
    noStore: '-',
  },
  ...['approve', 'reject'].map((name) => ({
    command: ['rollback', name, ...reason],
    bad: ['rollback', name],
    unknownPolicy: wrong,
    noServer: missing,
    noWorker: missing,
    noStore: '-' as const,
  })),
  {
    command: ['rollback', 'status'],
    bad: ['rollback', 'status', '--what'],
    unknownPolicy: wrong,
    noServer: missing,
    noWorker: missing,
    noStore: '-',
  },
  {
    command: ['monitor'],
    bad: ['monitor', '--what'],
    unknownPolicy: wrong,
    noServer: missing,
    noWorker: missing,
    noStore: missing,
  },
  {
    command: ['incidents', 'list'],
    bad: ['incidents', 'list', '--history', '--limit', 'all'],
    unknownPolicy: wrong,
    noServer: '-',
    noWorker: '-',
    noStore: missing,
  },
  {
    command: ['incidents', 'acknowledge', 'silent.r1.1', ...reason],
    bad: ['incidents', 'acknowledge'],
    unknownPolicy: wrong,
    noServer: missing,
    noWorker: missing,
    noStore: '-',
  },
  {
    command: ['robots', 'list'],
    bad: ['robots', 'list', '--what'],
    unknownPolicy: wrong,
    noServer: '-',
    noWorker: '-',
    noStore: missing,
  },
  {
    command: [
      'plan',
      'ab',
      '--baseline',
      '0.9',
      '--candidate',
      '0.92',
      '--robots',
      '100',
      '--episodes-per-day',
      '1000',
    ],
    bad: ['plan', 'ab', '--baseline', '9'],
    unknownPolicy: '-',
    noServer: '-',
    noWorker: '-',
    noStore: '-',
  },
];

describe('exit codes of the commands', function () {
  this.timeout(120_000);
  const policy = `wall-${randomUUID().slice(0, 8)}`;
  const environment = { ...process.env };
  let directory: string;
  let address: string;

  before(async () => {
    ({ address } = await sharedTemporal());
    directory = await mkdtemp(path.join(tmpdir(), 'flywheel-codes-'));
    const store = fileObjectStore({ root: path.join(directory, 'store') });
    await createPolicyDocument(store, { policy, robotType: { id: 'scitos-g5', version: 1 } });
    await store.put(`models/${policy}/1.1.0/manifest.json`, jsonBytes({}));
    const { client } = await sharedTemporal();
    // A run that nobody works on answers nothing, whatever it is asked.
    for (const [type, workflowId] of [
      ['trialPolicy', `trial/${policy}`],
      ['rollbackPolicy', `rollback/${policy}`],
      ['fleetMonitor', `monitor/${policy}`],
    ] as const)
      await client.workflow.start(type, {
        workflowId,
        taskQueue: `${policy}-orchestration`,
        args: [{ policy }],
        workflowExecutionTimeout: '2 minutes',
      });
  });
  beforeEach(() => {
    Object.assign(process.env, {
      FLYWHEEL_STORE: path.join(directory, 'store'),
      FLYWHEEL_SCRATCH: path.join(directory, 'scratch'),
      FLYWHEEL_TEMPORAL_ADDRESS: address,
      FLYWHEEL_QUEUE_PREFIX: `${policy}-`,
    });
  });
  afterEach(() => {
    for (const name of Object.keys(process.env)) if (name.startsWith('FLYWHEEL_')) delete process.env[name];
    Object.assign(process.env, environment);
  });
  after(async () => {
    const { client } = await sharedTemporal();
    await client.schedule.getHandle(`weekly-sync-${policy}`).delete();
    await rm(directory, { recursive: true, force: true });
  });

  const takesPolicy = ([command]: readonly string[]): boolean => command !== 'plan';
  const of = (command: readonly string[], name = policy): readonly string[] =>
    takesPolicy(command) ? [...command, '--policy', name] : command;

  it('are 2 for input that is wrong', async () => {
    for (const { bad } of table) if (bad !== '-') assert.equal((await ended(of(bad))).exitCode, wrong, bad.join(' '));
  });

  it('are 2 for a policy that nobody knows', async () => {
    for (const { command, unknownPolicy } of table)
      if (unknownPolicy !== '-')
        assert.equal((await ended(of(command, 'nope'))).exitCode, unknownPolicy, command.join(' '));
  });

  it('are 3 without a server, and say where it was expected', async () => {
    process.env['FLYWHEEL_TEMPORAL_ADDRESS'] = '127.0.0.1:1';
    for (const answer of await all(({ noServer }) => noServer)) {
      assert.equal(answer.exitCode, answer.expected, answer.name);
      assert.match(answer.message, /expected a Temporal server on 127\.0\.0\.1:1, got none/, answer.name);
    }
  });

  it('are 3 without a worker, within seconds, and name the queue nobody serves', async () => {
    for (const answer of await all(({ noWorker }) => noWorker)) {
      assert.equal(answer.exitCode, answer.expected, `${answer.name}: ${answer.message}`);
      if (answer.expected === missing)
        assert.ok(
          answer.message.includes(`no worker serves the queue ${policy}-orchestration`),
          `${answer.name}: ${answer.message}`,
        );
      // 5 s on a machine that has time for it.
      assert.ok(answer.durationMs < 20_000, `${answer.name}: ${answer.durationMs} ms`);
    }
  });

  it('are 3 without a store, which reading does not make', async () => {
    process.env['FLYWHEEL_STORE'] = path.join(directory, 'nowhere');
    for (const answer of await all(({ noStore }) => noStore)) {
      assert.equal(answer.exitCode, answer.expected, answer.name);
      assert.match(answer.message, /expected a store in .*nowhere, there is none/, answer.name);
    }
  });

  async function all(expectedOf: (row: (typeof table)[number]) => number | '-') {
    const rows = table.flatMap((row) => {
      const expected = expectedOf(row);
      return expected === '-' ? [] : [{ command: row.command, expected }];
    });
    return Promise.all(
      rows.map(async ({ command, expected }) => ({ expected, name: command.join(' '), ...(await ended(of(command))) })),
    );
  }
});

/** What a command ends with, in this process. */
async function ended(args: readonly string[]): Promise<{ exitCode: number; message: string; durationMs: number }> {
  const program = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
  for (const register of [
    registerCycleCommands,
    registerScheduleCommand,
    registerTrialCommands,
    registerRollbackCommands,
    registerMonitorCommand,
    registerIncidentCommands,
    registerRobotCommands,
    registerPlanCommands,
  ])
    register(program);
  const startedMs = performance.now();
  const answer = (exitCode: number, message: string) => ({
    exitCode,
    message,
    durationMs: performance.now() - startedMs,
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return answer(done, '');
  } catch (error) {
    return answer(exitCodeOf(error), error instanceof Error ? error.message : String(error));
  }
}
