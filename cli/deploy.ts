import type { Command } from 'commander';

import type { Build, BuildDesk } from '../activities/ports/builds.ts';
import { openBuilds } from '../workers/compose.ts';
import type { Settings } from '../workers/config.ts';
import { orchestrationQueue } from '../acts/ask-workflow.ts';
import { openSettings, withClient } from './context.ts';
import { CommandError } from './exit-codes.ts';
import { whoOption } from './person.ts';
import { printJson, printTable, say } from './print.ts';

/** `flywheel deploy`: builds of our own code side by side; docs/upgrading.md. */
export function registerDeployCommands(program: Command): void {
  const deploy = program.command('deploy').description('builds of the workflow code that run side by side');
  deploy
    .command('status')
    .description(
      'list builds, newest first: the one for new workflows, what still runs on the others, which workers may stop',
    )
    .option('--json', 'as JSON', false)
    .action(status);
  whoOption(
    deploy
      .command('current')
      .description(
        'start new workflows on a build from now on; running ones stay on their build, monitors move by themselves',
      )
      .argument('<build>', 'build id, as `deploy status` prints it')
      .requiredOption('--reason <text>', 'why; `deploy status` shows it with who'),
  ).action(current);
  deploy
    .command('check')
    .description(
      'replay the histories of all running workflows with the code of this checkout: can it replace the running code?',
    )
    .option('--json', 'as JSON', false)
    .action(check);
}

async function withBuilds(work: (desk: BuildDesk, deployment: string) => Promise<void>): Promise<void> {
  const settings: Settings = openSettings();
  const { deployment } = settings.temporal;
  if (deployment === undefined)
    throw new CommandError(
      'wrong',
      'expected a deployment, got none: workers of all builds share the work unless FLYWHEEL_DEPLOYMENT names one (docs/upgrading.md)',
    );
  await withClient(settings, async (client) =>
    work(await openBuilds({ client, deployment, taskQueue: orchestrationQueue(settings) }), deployment),
  );
}

const status = ({ json }: { readonly json: boolean }): Promise<void> =>
  withBuilds(async (desk, deployment) => {
    const nowMs = Date.now();
    const { builds, lastChange } = await desk.read(nowMs);
    if (json)
      return printJson({
        deployment,
        lastChange,
        builds: builds.map((build) => ({ ...build, advice: adviceOf(build) })),
      });
    printTable(
      ['build', 'since', 'worker heard', 'running', 'what to do'],
      builds.map((build) => [
        build.isCurrent ? `${build.buildId} (current)` : build.buildId,
        new Date(build.createdMs).toISOString(),
        build.lastPolledMs === null ? 'no' : `${Math.max(0, Math.round((nowMs - build.lastPolledMs) / 1000))} s ago`,
        build.running,
        adviceOf(build),
      ]),
    );
    if (lastChange !== null) say(`last changed by ${lastChange}`);
    if (!builds.some(({ isCurrent }) => isCurrent)) say('no build is current: no workflow can start');
  });

/** What an operator should do with a build's workers. */
function adviceOf({ isCurrent, lastPolledMs, running, examples }: Build): string {
  const runs = `${running} running, as ${examples.slice(0, 3).join(', ')}`;
  if (lastPolledMs !== null) {
    if (isCurrent) return 'keep: new workflows start on it';
    return running > 0 ? `keep until they end: ${runs}` : 'may stop';
  }
  if (isCurrent) return 'start a worker of it, or make another build current: nothing can run now';
  return running > 0 ? `start a worker of it: ${runs}` : 'nothing: it has ended';
}

const current = (buildId: string, { who, reason }: { readonly who: string; readonly reason: string }): Promise<void> =>
  withBuilds(async (desk, deployment) => {
    const { builds, conflictToken } = await desk.read(Date.now());
    const found = builds.find((build) => build.buildId === buildId);
    if (found === undefined)
      throw new CommandError(
        'wrong',
        `expected a build of ${deployment}, got ${buildId}; known are ${builds.map((build) => build.buildId).join(', ') || 'none'}`,
      );
    if (found.isCurrent) return say(`${buildId} is current already`);
    if (found.lastPolledMs === null)
      throw new CommandError(
        'missing',
        `expected a running worker of ${buildId}, got none: start one first, because workflows could not run without it`,
      );
    await desk.makeCurrent(buildId, conflictToken, { who, why: reason });
    say(
      `new workflows start on ${buildId}; \`flywheel deploy status\` shows when workers of the other builds may stop`,
    );
  });

/** Replays with the workflow code of this checkout what runs on the server. Changes nothing. */
async function check({ json }: { readonly json: boolean }): Promise<void> {
  const settings = openSettings();
  const [{ bundleWorkflows }, { replayRunning, withoutRuntimeLog }] = await Promise.all([
    import('../workers/bundle.ts'),
    import('../workers/replay-running.ts'),
  ]);
  withoutRuntimeLog();
  const { bundle, replayed } = await withClient(settings, async (client) => {
    const code = await bundleWorkflows(say);
    const taskQueue = orchestrationQueue(settings);
    return {
      bundle: code,
      replayed: await replayRunning({
        client,
        taskQueue,
        bundle: code,
        progress: json ? () => undefined : sayProgress,
      }),
    };
  });
  const problems = replayed.filter(({ problem }) => problem !== null);
  if (json) printJson({ buildId: bundle.buildId, replayed });
  else {
    printTable(
      ['workflow', 'type', 'with this code'],
      replayed.map(({ workflowId, type, problem }) => [workflowId, type, problem ?? 'can continue']),
    );
    say(
      `${replayed.length - problems.length} of ${replayed.length} running workflows can continue with build ${bundle.buildId}`,
    );
  }
  if (problems.length > 0)
    throw new CommandError(
      'no',
      `${problems.length} of ${replayed.length} running workflows cannot continue with this code: let them end on their build (FLYWHEEL_DEPLOYMENT, docs/upgrading.md)`,
    );
}

function sayProgress(done: number): void {
  if (done % 20 === 0) say(`replayed ${done} …`);
}
