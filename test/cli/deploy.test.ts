import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { fileURLToPath } from 'node:url';

import { Worker } from '@temporalio/worker';

import { registerDeployCommands } from '../../cli/deploy.ts';
import type { MonitorLimits } from '../../domain/monitoring/monitor-limits.ts';
import { workflowIds } from '../../domain/contract/workflow-ids.ts';
import { openBuilds } from '../../workers/compose.ts';
import { announceBuild } from '../../workers/announce-build.ts';
import { bundleWorkflows, type WorkflowBundle } from '../../workers/bundle.ts';
import { queues, readSettings } from '../../workers/config.ts';
import { replayRunning } from '../../workers/replay-running.ts';
import { versioningOf } from '../../workers/run-workers.ts';
import { sharedTemporal } from '../support/temporal.ts';
import { stubs } from '../workflows/stubs.ts';
import { holdAt } from '../workflows/trial-stubs.ts';
import { runCommand } from './stubbed-workers.ts';

const laterBuild = fileURLToPath(new URL('../workflows/later-build/index.ts', import.meta.url));

interface Advised {
  readonly buildId: string;
  readonly isCurrent: boolean;
  readonly running: number;
  readonly examples: readonly string[];
  readonly advice: string;
}

/** However long one look takes. */
const withinMs = 40_000;

async function eventually(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  const endMs = Date.now() + withinMs;
  while (Date.now() < endMs) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`expected within ${withinMs} ms: ${what}`);
}

describe('builds side by side', function () {
  this.timeout(120_000);

  const id = randomUUID().slice(0, 8);
  const prefix = `builds-${id}-`;
  const deployment = `flywheel-${id}`;
  const policy = `wall-${id}`;
  const held = holdAt(0);
  let isProven = false;
  const { activities, calls } = stubs({
    judgeTick: async (input) => (isProven ? stubs().activities.judgeTick(input) : held.judgeTick(input)),
  });
  const said: string[] = [];
  const logger = {
    info: (_: unknown, sentence?: string) => void said.push(sentence ?? ''),
    warn: (_: unknown, sentence?: string) => void said.push(sentence ?? ''),
  };
  const stops: (() => Promise<void>)[] = [];
  let directory = '';
  const before = { ...process.env };

  async function startWorker(queue: string, bundle?: WorkflowBundle): Promise<() => Promise<void>> {
    const { connection } = await sharedTemporal();
    const settings = readSettings(process.env);
    const worker = await Worker.create({
      connection,
      taskQueue: `${prefix}${queue}`,
      activities,
      ...(bundle === undefined ? {} : { workflowBundle: bundle, ...versioningOf(settings, bundle) }),
    });
    const running = worker.run();
    const stop = async (): Promise<void> => {
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await running;
    };
    stops.push(stop);
    return stop;
  }

  const announce = async ({ buildId }: WorkflowBundle): Promise<void> => {
    const { client } = await sharedTemporal();
    const builds = await openBuilds({ client, deployment, taskQueue: `${prefix}orchestration` });
    await announceBuild({ buildId, builds, logger: logger as never });
  };
  const buildOf = async (workflowId: string): Promise<string | undefined> => {
    const { client } = await sharedTemporal();
    const { raw } = await client.workflow.getHandle(workflowId).describe();
    return raw.workflowExecutionInfo?.versioningInfo?.deploymentVersion?.buildId ?? undefined;
  };
  const deploy = (...args: string[]) => runCommand(registerDeployCommands, ['deploy', ...args]);
  const statusOf = async (buildId: string): Promise<Advised | undefined> => {
    const { builds } = JSON.parse((await deploy('status', '--json')).out) as { builds: Advised[] };
    return builds.find((build) => build.buildId === buildId);
  };

  after(async () => {
    const { client } = await sharedTemporal();
    for (const workflowId of [
      workflowIds.fleetMonitor(policy),
      workflowIds.rolloutPolicy(workflowIds.trialPolicy(policy)),
    ])
      await client.workflow
        .getHandle(workflowId)
        .terminate()
        .catch(() => undefined);
    for (const stop of stops) await stop();
    for (const name of Object.keys(process.env)) if (name.startsWith('FLYWHEEL_')) delete process.env[name];
    Object.assign(process.env, before);
    await rm(directory, { recursive: true, force: true });
  });

  it('let a trial end on the build it began on while the monitor goes on with the one that takes over', async () => {
    const { address, client, bundle } = await sharedTemporal();
    directory = await mkdtemp(path.join(tmpdir(), 'flywheel-builds-'));
    await mkdir(path.join(directory, 'store'));
    Object.assign(process.env, {
      FLYWHEEL_STORE: path.join(directory, 'store'),
      FLYWHEEL_TEMPORAL_ADDRESS: address,
      FLYWHEEL_QUEUE_PREFIX: prefix,
      FLYWHEEL_DEPLOYMENT: deployment,
    });
    const later = await bundleWorkflows((message) => process.stderr.write(`${message}\n`), laterBuild);
    assert.notEqual(later.buildId, bundle.buildId);

    for (const queue of queues.filter((name) => name !== 'orchestration')) await startWorker(queue);
    const stopEarlier = await startWorker('orchestration', bundle);
    await announce(bundle);
    assert.equal(said.at(-1), 'new workflows start on this build');

    const taskQueue = `${prefix}orchestration`;
    const monitor = workflowIds.fleetMonitor(policy);
    const rollout = workflowIds.rolloutPolicy(workflowIds.trialPolicy(policy));
    const looks = () => calls.filter(({ name }) => name === 'observeFleet').length;
    await client.workflow.start('fleetMonitor', {
      taskQueue,
      workflowId: monitor,
      args: [{ policy, dayMs: 24, tickMs: 50, drift: false }],
    });
    await client.workflow.start('rolloutPolicy', { taskQueue, workflowId: rollout, args: [{ policy }] });
    await client.workflow.getHandle(monitor).executeUpdate('setLimits', { args: [{ openAfterTicks: 7 }] });
    await eventually('a stage that waits', () => calls.filter(({ name }) => name === 'judgeTick').length >= 2);
    assert.deepEqual([await buildOf(monitor), await buildOf(rollout)], [bundle.buildId, bundle.buildId]);

    const replayedWith = async (code: WorkflowBundle) => {
      const found = await replayRunning({ client, taskQueue, bundle: code, progress: () => undefined });
      const words = found.map(({ workflowId, problem }): [string, string] => {
        const word = /nondeterminism/i.exec(problem ?? '')?.[0].toLowerCase();
        return [workflowId, word ?? problem ?? 'goes on'];
      });
      return new Map(words);
    };
    const both = (word: string) => new Map([monitor, rollout].map((workflowId) => [workflowId, word]));
    await eventually('both on the list, and both go on', async () =>
      isDeepStrictEqual(await replayedWith(bundle), both('goes on')),
    );
    // At the first step of a new run any code goes on.
    await eventually('a run that later code cannot go on with', async () =>
      [...(await replayedWith(later)).values()].includes('nondeterminism'),
    );
    // Has one event only, until it is due.
    const asleep = `asleep-${id}`;
    await client.workflow.start('fleetMonitor', { taskQueue, workflowId: asleep, args: [{}], startDelay: '1 hour' });
    await eventually('an answer on it', async () => (await replayedWith(bundle)).get(asleep) === 'goes on');
    await client.workflow.getHandle(asleep).terminate();

    await startWorker('orchestration', later);
    await announce(later);
    assert.match(
      said.at(-1) ?? '',
      new RegExp(`new workflows start on build ${bundle.buildId}; .flywheel deploy current`),
    );
    // A worker of a build that nobody made current takes nothing over.
    assert.equal((await statusOf(later.buildId))?.running, 0);
    const unknown = await deploy('current', 'cafe', '--reason', 'a test');
    assert.equal(unknown.exitCode, 2);
    assert.match(
      unknown.message,
      new RegExp(`expected a build of ${deployment}, got cafe; known are .*${bundle.buildId}`),
    );
    assert.equal((await deploy('current', later.buildId, '--reason', 'the autumn release')).exitCode, 0);
    assert.match((await deploy('status')).out, /last changed by [^\n]+: the autumn release\n/);

    await eventually('the monitor on the later build', async () => (await buildOf(monitor)) === later.buildId);
    const looksBefore = looks();
    await eventually('looks of the monitor', () => looks() > looksBefore + 2);
    const { limits } = await client.workflow.getHandle(monitor).query<{ limits: MonitorLimits }>('status');
    assert.equal(limits.openAfterTicks, 7, 'what an operator had changed went with it');
    assert.equal(await buildOf(rollout), bundle.buildId);
    await eventually('the trial alone on its build', async () => {
      const earlier = await statusOf(bundle.buildId);
      return earlier?.running === 1 && earlier.examples[0] === rollout && /keep until they end/.test(earlier.advice);
    });
    isProven = true;
    const result = (await client.workflow.getHandle(rollout).result()) as { outcome: string };
    assert.equal(result.outcome, 'promoted');
    assert.equal(await buildOf(rollout), bundle.buildId);
    await eventually(
      'the earlier build out of work',
      async () => (await statusOf(bundle.buildId))?.advice === 'may stop',
    );
    await stopEarlier();
    assert.match((await deploy('current', later.buildId, '--reason', 'the autumn release')).out, /is current already/);
    const looksWithout = looks();
    await eventually('looks without the earlier workers', () => looks() > looksWithout + 2);
  });

  it('say what is missing without a deployment', async () => {
    delete process.env['FLYWHEEL_DEPLOYMENT'];
    for (const command of [['status'], ['current', 'cafe', '--reason', 'a test']]) {
      const { exitCode, message } = await deploy(...command);
      assert.equal(exitCode, 2);
      assert.match(message, /expected a deployment, got none: .* FLYWHEEL_DEPLOYMENT/);
    }
    process.env['FLYWHEEL_DEPLOYMENT'] = 'no name: with a colon';
    assert.match((await deploy('status')).message, /FLYWHEEL_DEPLOYMENT: expected up to 100 letters/);
    process.env['FLYWHEEL_DEPLOYMENT'] = `unknown-${id}`;
    const nobody = await deploy('status');
    assert.deepEqual([nobody.exitCode, nobody.out], [0, '(none)\nno build is current: no workflow can start\n']);
  });
});
