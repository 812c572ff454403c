import { isGrpcServiceError, type Client } from '@temporalio/client';

import type { Build, BuildDesk, Builds } from '../ports/builds.ts';

const mostExamples = 5;
const longestIdentity = 700;
const notFound = 5;
const workflowTasks = 1;
/** The server lists pollers of the last five minutes; one that lives asks at least every minute. */
const polledWithinMs = 150_000;

const millis = (time: { seconds?: unknown; nanos?: number | null } | null | undefined): number =>
  Number(time?.seconds ?? 0) * 1_000 + Math.floor((time?.nanos ?? 0) / 1_000_000);

export interface Deployment {
  readonly client: Client;
  readonly deployment: string;
  /** Where its workflows run. */
  readonly taskQueue: string;
}

/** The builds of one deployment on a Temporal server (Worker Versioning). */
export class TemporalBuilds implements BuildDesk {
  readonly #of: Deployment;

  constructor(deployment: Deployment) {
    this.#of = deployment;
  }

  async read(nowMs: number): Promise<Builds> {
    const { client, deployment } = this.#of;
    const { namespace } = client.options;
    const described = await unlessUnknown(
      client.workflowService.describeWorkerDeployment({ namespace, deploymentName: deployment }),
    );
    if (described === undefined) return { builds: [], conflictToken: new Uint8Array(), lastChange: null };
    const { versionSummaries, routingConfig, lastModifierIdentity } = described.workerDeploymentInfo ?? {};
    const current = routingConfig?.currentDeploymentVersion?.buildId;
    const polled = await this.#lastPolls(nowMs);
    const builds = await Promise.all(
      (versionSummaries ?? []).filter(isOurs).map(async ({ deploymentVersion, createTime }): Promise<Build> => {
        const buildId = deploymentVersion?.buildId ?? '';
        return {
          buildId,
          isCurrent: buildId === current,
          createdMs: millis(createTime),
          lastPolledMs: polled.get(buildId) ?? null,
          ...(await this.#runningOn(buildId)),
        };
      }),
    );
    return {
      builds: builds.toSorted((a, b) => b.createdMs - a.createdMs),
      conflictToken: described.conflictToken ?? new Uint8Array(),
      lastChange: (lastModifierIdentity ?? '') === '' ? null : (lastModifierIdentity ?? null),
    };
  }

  async makeCurrent(...[buildId, conflictToken, { who, why }]: Parameters<BuildDesk['makeCurrent']>): Promise<void> {
    const { client, deployment } = this.#of;
    await client.workflowService.setWorkerDeploymentCurrentVersion({
      namespace: client.options.namespace,
      deploymentName: deployment,
      buildId,
      conflictToken,
      // The one text that the server keeps with the change.
      identity: `${who}: ${why}`.slice(0, longestIdentity),
    });
  }

  async #lastPolls(nowMs: number): Promise<ReadonlyMap<string, number>> {
    const { client, deployment, taskQueue } = this.#of;
    const { namespace } = client.options;
    const question: object = { namespace, taskQueue: { name: taskQueue }, taskQueueType: workflowTasks };
    const { pollers } = await client.workflowService.describeTaskQueue(question);
    const polled = new Map<string, number>();
    for (const { deploymentOptions, lastAccessTime } of pollers ?? []) {
      const { deploymentName, buildId } = deploymentOptions ?? {};
      const atMs = millis(lastAccessTime);
      if (deploymentName !== deployment || buildId === null || buildId === undefined) continue;
      if (nowMs - atMs <= polledWithinMs) polled.set(buildId, Math.max(atMs, polled.get(buildId) ?? 0));
    }
    return polled;
  }

  async #runningOn(buildId: string): Promise<Pick<Build, 'running' | 'examples'>> {
    const { client, deployment } = this.#of;
    const query = `TemporalWorkerDeploymentVersion = '${deployment}:${buildId}' AND ExecutionStatus = 'Running'`;
    const { count } = await client.workflow.count(query);
    const examples: string[] = [];
    if (count > 0)
      for await (const { workflowId } of client.workflow.list({ query, pageSize: mostExamples })) {
        examples.push(workflowId);
        if (examples.length >= mostExamples) break;
      }
    return { running: count, examples: examples.toSorted() };
  }
}

/** A query quotes ids: what needs quoting itself is no build of ours. */
const isOurs = ({ deploymentVersion }: { deploymentVersion?: { buildId?: string | null } | null }): boolean =>
  /^[A-Za-z0-9._-]{1,200}$/.test(deploymentVersion?.buildId ?? '');

async function unlessUnknown<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    const code: number | undefined = isGrpcServiceError(error) ? error.code : undefined;
    if (code === notFound) return undefined;
    throw error;
  }
}
