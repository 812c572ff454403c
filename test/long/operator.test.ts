import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { Client, Connection } from '@temporalio/client';

import { fileObjectStore } from '../../store/adapters/file-object-store.ts';
import { readAliases } from '../../store/records/aliases.ts';
import type { ContextFile } from '../../cli/context-file.ts';
import { freePort, waitUntil } from '../../demo/processes.ts';
import { weeklyScheduleId } from '../../activities/schedule-id.ts';
import { openFleetReader } from '../../fleet/desk/index.ts';
import { randomStream } from '../../policies/random.ts';
import { acts, pick, type Act, type Desk } from './operator/acts.ts';
import { RunningScript } from './operator/running-script.ts';

/** OPERATOR_RUNS × OPERATOR_WEEKS (`npm run operator`: ten) fleet weeks of seven minutes, from OPERATOR_SEED on. */
const setting = (name: string, fallback: number): number => Number(process.env[name] ?? fallback);
const runs = setting('OPERATOR_RUNS', 1);
const weeks = setting('OPERATOR_WEEKS', 1);
const seed = setting('OPERATOR_SEED', 1);
/** Processes that keep the cores busy; 0 where other work does. */
const burnersWanted = setting('OPERATOR_BURNERS', 2);
const weekMs = 7 * 60_000;
const policy = 'wall-follower';
const pauseMs = { least: 4_000, most: 20_000 };
/** A page waits no longer for its answer. A command is a process that has to start on two cores that have no time. */
const answerMs = { ui: 5_000, command: 10_000, kill: 360_000 } as const;
/** So long after a kill nobody is blamed for not answering. */
const recoveryMs = 60_000;

describe('an operator at work, with both cores busy', function () {
  this.timeout((weeks * weekMs + 30 * 60_000) * runs);

  for (let number = 1; number <= runs; number += 1)
    it(`${weeks} weeks, run ${number}: nothing ends by itself, every act has an answer, robots are where they should be`, () =>
      operate(seed + number - 1));
});

async function operate(runSeed: number): Promise<void> {
  const home = await mkdtemp(path.join(tmpdir(), 'flywheel-operator-'));
  const state = path.join(home, '.flywheel');
  const environment = {
    ...process.env,
    HOME: home,
    XDG_CACHE_HOME: cacheHome(),
    XDG_CONFIG_HOME: path.join(home, 'c'),
  };
  const ports = ['--port', String(await freePort()), '--ui-port', String(await freePort())];
  const script = new RunningScript(state, [...ports, '--seed', String(runSeed)], environment);
  const burners = Array.from({ length: burnersWanted }, (): ChildProcess =>
    spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }),
  );
  let connection: Connection | undefined;
  try {
    await script.says('Temporal UI', 300_000);
    const context = JSON.parse(readFileSync(path.join(state, 'context.json'), 'utf8')) as ContextFile;
    connection = await Connection.connect({ address: context.settings.FLYWHEEL_TEMPORAL_ADDRESS ?? '' });
    const client = new Client({ connection });
    const desk: Desk = {
      script,
      client,
      policy,
      taskQueue: 'orchestration',
      environment: { ...environment, FLYWHEEL_CONTEXT: path.join(state, 'context.json') },
    };
    const slow = await work(desk, runSeed);
    assert.deepEqual(script.exits, [], script.output.slice(-6_000));
    await atRest(desk, state);
    assert.deepEqual(slow, [], 'acts without an answer in time');
    assert.equal(await script.stop(), 0, script.output.slice(-6_000));
  } catch (error) {
    process.stderr.write(`${script.output.slice(-20_000)}\n`);
    throw error;
  } finally {
    for (const burner of burners) burner.kill('SIGKILL');
    await script.stop().catch(() => undefined);
    await connection?.close();
    await rm(home, { recursive: true, force: true });
  }
}

const cacheHome = (): string => process.env['XDG_CACHE_HOME'] ?? path.join(process.env['HOME'] ?? '/', '.cache');

/** Acts until the weeks are over; gives those that had no answer in time though nothing was down. */
async function work(desk: Desk, runSeed: number): Promise<readonly string[]> {
  const random = randomStream(runSeed, 'operator');
  const endMs = Date.now() + weeks * weekMs;
  const slow: string[] = [];
  let killedMs = Number.NEGATIVE_INFINITY;
  let count = 0;
  while (Date.now() < endMs && desk.script.exits.length === 0) {
    await sleep(pauseMs.least + random() * (pauseMs.most - pauseMs.least));
    const act = pick(random);
    count += 1;
    const { durationMs, answer } = await answered(act, desk);
    if (act.kind === 'kill') killedMs = Date.now();
    const line = `${String(count).padStart(4)} ${act.name}: ${(durationMs / 1_000).toFixed(1)} s, ${answer}`;
    process.stdout.write(`    ${line}\n`);
    if (durationMs > answerMs[act.kind] && Date.now() - killedMs > recoveryMs) slow.push(line);
  }
  process.stdout.write(`    ${count} acts of ${acts.length} kinds\n`);
  return slow;
}

/** How long it took until there was an answer, of whatever kind. */
async function answered(act: Act, desk: Desk): Promise<{ durationMs: number; answer: string }> {
  const startedMs = performance.now();
  const said = async (): Promise<string> => {
    try {
      await act.do(desk);
      return 'done';
    } catch (error) {
      const { stderr } = error as { stderr?: string };
      const reason = stderr === undefined || stderr === '' ? String(error) : stderr;
      return `refused: ${reason.split('\n')[0]?.slice(0, 160) ?? ''}`;
    }
  };
  const answer = await Promise.race([said(), sleep(2 * answerMs[act.kind], 'no answer', { ref: false })]);
  return { durationMs: performance.now() - startedMs, answer };
}

/** The operator goes home: what was paused goes on, what waits is answered; then every robot runs what it was ordered. */
async function atRest({ client, script }: Desk, state: string): Promise<void> {
  const quiet = (asked: Promise<unknown>): Promise<unknown> => asked.catch(() => undefined);
  const handle = client.workflow.getHandle(`trial/${policy}`);
  await quiet(client.schedule.getHandle(weeklyScheduleId(policy)).pause('the test ends'));
  await quiet(handle.executeUpdate('abort', { args: [{ reason: 'the test ends' }] }));
  await quiet(
    client.workflow.getHandle(`rollback/${policy}`).executeUpdate('reject', { args: [{ reason: 'the end' }] }),
  );
  const store = fileObjectStore({ root: path.join(state, 'store') });
  const reader = openFleetReader({ store, clock: Date.now });
  let last = '';
  await waitUntil(
    async () => {
      const { champion = '' } = await readAliases({ store })({ policy });
      const { robots } = await reader.readFleet(policy);
      const orders = await reader.readOrders(policy);
      const others = robots.filter(
        ({ robotId, version, contact }) => contact !== 'online' || version !== (orders?.(robotId)?.version ?? champion),
      );
      last = others.map(({ robotId, version, contact }) => `${robotId} ${contact} ${version ?? '–'}`).join(', ');
      return robots.length > 0 && others.length === 0;
    },
    () => `every robot on what it was ordered, got ${last}\n${script.output.slice(-4_000)}`,
    600_000,
    1_000,
  );
}
