import type { Client } from '@temporalio/client';

import { searchAttributes } from '../../workflows/shared/search-attributes.ts';
import { queues, type Queue, type Settings } from '../../workers/config.ts';
import { openBuilds } from '../../workers/compose.ts';
import { orchestrationQueue } from '../../acts/ask-workflow.ts';
import { ok, problem, someOf, warning, type Check, type Found } from './finding.ts';
import { isBefore } from './machine.ts';

/** The release line of the server that the tests ran with: of the binary that tools/temporal pins. */
export const testedServers = { from: '1.31.0', before: '1.32.0' } as const;

const limitMs = 8_000;
/** A worker that polls is heard of this often at least. */
const pollEveryMs = 90_000;
/** What a queue hands out, as the server numbers it. */
const taskTypes = { workflow: 1, activity: 2 } as const;

const inTime = <T>(client: Client, work: () => Promise<T>): Promise<T> =>
  client.withDeadline(Date.now() + limitMs, work);

/** Server and namespace, workers of each queue, and their builds. */
export const serverChecks = (client: Client, settings: Settings): readonly Check[] => [
  versionCheck(client, settings),
  namespaceCheck(client, settings),
  ...queues.map((queue) => workersCheck(client, settings, queue)),
  ...(settings.temporal.deployment === undefined ? [] : [buildsCheck(client, settings, settings.temporal.deployment)]),
];

const versionCheck = (client: Client, { temporal }: Settings): Check => ({
  name: 'Temporal server',
  expected: 'a server that tells its version',
  mend: 'check FLYWHEEL_TEMPORAL_ADDRESS and what answers there',
  async look() {
    const { serverVersion } = await inTime(client, () => client.workflowService.getSystemInfo({}));
    const { from, before } = testedServers;
    const found = `${temporal.address} answers, version ${serverVersion || 'unknown'}`;
    const isTested = serverVersion !== '' && !isBefore(serverVersion, from) && isBefore(serverVersion, before);
    return [isTested ? ok(found) : warning(found, `from ${from} to before ${before}, which were tested`, upgrade)];
  },
});
const upgrade = 'run the tests against this server, or use a tested one (docs/upgrading.md)';

const namespaceCheck = (client: Client, { temporal: { namespace } }: Settings): Check => ({
  name: 'Temporal namespace',
  expected: `the namespace ${namespace}`,
  mend: `\`temporal operator namespace create --namespace ${namespace}\`, or set FLYWHEEL_TEMPORAL_NAMESPACE`,
  async look() {
    await inTime(client, () => client.workflowService.describeNamespace({ namespace }));
    return [ok(`${namespace} is there`), ...(await missingAttributes(client, namespace))];
  },
});

/** Not every server lets everybody ask for them. */
async function missingAttributes(client: Client, namespace: string): Promise<readonly Found[]> {
  const { operatorService } = client.connection as Partial<{ operatorService: OperatorService }>;
  const known = await inTime(client, async () => operatorService?.listSearchAttributes({ namespace })).catch(
    () => undefined,
  );
  if (known === undefined) return [];
  const missing = Object.entries(searchAttributes).filter(([name]) => !(name in (known.customAttributes ?? {})));
  return missing.map(([name, type]) =>
    problem(
      `no search attribute ${name}`,
      `the search attribute ${name} (${type})`,
      `\`temporal operator search-attribute create --namespace ${namespace} --name ${name} --type ${type}\``,
    ),
  );
}
interface OperatorService {
  listSearchAttributes(request: {
    namespace: string;
  }): Promise<{ readonly customAttributes?: Readonly<Record<string, unknown>> | null }>;
}

function workersCheck(client: Client, { temporal }: Settings, queue: Queue): Check {
  const name = `${temporal.queuePrefix}${queue}`;
  const expected = 'a worker that polls it';
  const mend = `\`npm run worker -- --queues ${queue}\` with the settings of \`flywheel context\``;
  return {
    name: `workers of ${name}`,
    expected,
    mend,
    async look() {
      const pollers = await pollersOf(client, name, queue === 'orchestration' ? 'workflow' : 'activity');
      if (pollers.length === 0) return [await withoutPollers(client, queue, expected, mend)];
      const builds = [...new Set(pollers.flatMap(({ build }) => (build === undefined ? [] : [build])))];
      const found = `${pollers.length} ${pollers.length === 1 ? 'poller' : 'pollers'} (${someOf(pollers.map(({ identity }) => identity))}), build ${someOf(builds.map(shortBuild)) || 'unknown'}`;
      return [
        builds.length > 1 && temporal.deployment === undefined
          ? warning(
              found,
              'workers of one build',
              'stop the older workers, or set FLYWHEEL_DEPLOYMENT (docs/upgrading.md)',
            )
          : ok(found),
      ];
    },
  };
}

/** Workers of these queues take one step at a time, and ask for no other one meanwhile. */
const busyTypes: Readonly<Partial<Record<Queue, string>>> = {
  data: "'collectExperience', 'trainPolicy', 'eraseData', 'releaseQuarantine', 'keepStore', 'keepFacts'",
  training: "'trainPolicy'",
};
const mostDescribed = 12;
const started = 2;

async function withoutPollers(client: Client, queue: Queue, expected: string, mend: string): Promise<Found> {
  const types = busyTypes[queue];
  const step = types === undefined ? undefined : await inTime(client, () => startedStep(client, types));
  return step === undefined
    ? problem('no worker polls', expected, mend)
    : warning(`no worker polls; one may be busy with ${step}`, expected, `${mend}, unless it is`);
}

/** A step of these workflows that a worker has begun. */
async function startedStep(client: Client, types: string): Promise<string | undefined> {
  let described = 0;
  for await (const { workflowId } of client.workflow.list({
    query: `ExecutionStatus = 'Running' AND WorkflowType IN (${types})`,
    pageSize: mostDescribed,
  })) {
    if (++described > mostDescribed) return undefined;
    const { raw } = await client.workflow.getHandle(workflowId).describe();
    const step = raw.pendingActivities?.find(({ state }) => Number(state) === started);
    if (step !== undefined) return `${step.activityType?.name ?? 'a step'} of ${workflowId}`;
  }
  return undefined;
}

/** `@temporalio/worker@1.24.0+65008d57bbb8…` by the part that tells builds apart. */
const shortBuild = (build: string): string =>
  build.includes('+') ? build.slice(build.lastIndexOf('+') + 1).slice(0, 12) : build.slice(0, 60);

interface Poller {
  readonly identity: string;
  readonly build: string | undefined;
}

async function pollersOf(client: Client, name: string, type: keyof typeof taskTypes): Promise<readonly Poller[]> {
  const question: object = {
    namespace: client.options.namespace,
    taskQueue: { name },
    taskQueueType: taskTypes[type],
  };
  const { pollers } = await inTime(client, () => client.workflowService.describeTaskQueue(question));
  return (pollers ?? [])
    .filter(({ lastAccessTime }) => Date.now() - 1_000 * Number(lastAccessTime?.seconds ?? 0) < pollEveryMs)
    .map(({ identity, workerVersionCapabilities, deploymentOptions }) => ({
      identity: identity || 'unnamed',
      build: deploymentOptions?.buildId || workerVersionCapabilities?.buildId || undefined,
    }));
}

const buildsCheck = (client: Client, settings: Settings, deployment: string): Check => ({
  name: `builds of ${deployment}`,
  expected: 'a deployment that the server knows',
  mend: '`flywheel deploy status`',
  async look() {
    const desk = await openBuilds({ client, deployment, taskQueue: orchestrationQueue(settings) });
    const { builds } = await inTime(client, () => desk.read(Date.now()));
    const current = builds.find(({ isCurrent }) => isCurrent);
    if (current === undefined)
      return [
        problem(
          `${builds.length} builds, none for new workflows`,
          'one build on which new workflows start',
          '`flywheel deploy status`, then `flywheel deploy current BUILD --reason …`',
        ),
      ];
    return [ok(`${builds.length} builds; new workflows start on ${current.buildId}`)];
  },
});
