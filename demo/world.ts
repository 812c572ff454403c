import { mkdir } from 'node:fs/promises';
import path from 'node:path';

import { workflowIds } from '../domain/contract/workflow-ids.ts';
import { openFleetReader, type FleetReader } from '../fleet/desk/index.ts';
import { readAliases } from '../store/records/aliases.ts';
import { publishRobotType } from '../store/records/robot-types.ts';
import type { CollectionOutcome, CycleResult } from '../workflows/cycle/messages.ts';
import { openDevFleet, type DevFleet, type FleetOptions } from './fleet.ts';
import type { Installation } from './installation.ts';
import { waitFor } from './wait-for.ts';
import { worldModels, type WorldModels } from './world-models.ts';
import { worldTrial, type WorldTrial } from './world-trial.ts';

/** An installation with a simulated fleet, and what one does with it: everything by the same doors as people and cycles. */
export interface World extends Installation, WorldModels, WorldTrial {
  readonly fleet: DevFleet;
  readonly reader: FleetReader;
  readonly startedMs: number;
  readonly seed: number;
  /** Takes what robots uploaded into the lake. */
  collect(): Promise<CollectionOutcome>;
  /** Runs a cycle to its end, its candidate offered in the compressed profile. */
  cycle(name: string): Promise<CycleResult>;
  /** Waits until every robot is online and runs what it was ordered, as long as robots still move. */
  everyRobotFollows(): Promise<void>;
  stop(): Promise<void>;
}

const who = 'temporal-dev.sh';
/** How many of those that are waited for are named. */
const mostNamed = 5;

/** Opens a fleet on an installation; its robots do not live yet. */
export async function openWorld(installation: Installation, options: FleetOptions): Promise<World> {
  const { context, client, policy, robotType, taskQueue } = installation;
  const { seed } = options;
  const startedMs = Date.now();
  const say = (line: string): void =>
    installation.say(`[${((Date.now() - startedMs) / 1_000).toFixed(1).padStart(6)} s] ${line}`);
  await mkdir(path.join(installation.stateDirectory, 'logs'), { recursive: true });
  await publishRobotType(context.store, robotType);
  const fleet = await openDevFleet(installation, options);
  const reader = openFleetReader(context);
  return {
    ...installation,
    ...worldModels(installation, say, who),
    ...worldTrial(installation, say, who),
    say,
    fleet,
    reader,
    startedMs,
    seed,
    collect: () =>
      client.workflow.execute('collectExperience', {
        workflowId: workflowIds.collectExperience(robotType.id),
        taskQueue,
        args: [{ policy }],
      }) as Promise<CollectionOutcome>,
    cycle: (name) =>
      client.workflow.execute('weeklyCycle', {
        workflowId: workflowIds.weeklyCycle(policy, name),
        taskQueue,
        args: [{ policy, training: { seed }, cause: `scenario, ${name}`, trial: { profile: 'compressed' } }],
      }) as Promise<CycleResult>,
    everyRobotFollows: () =>
      waitFor({
        what: `${fleet.robotIds.length} robots that run what they were ordered`,
        say,
        lookEveryMs: 200,
        look: () => whoFollows(installation, reader),
      }),
    stop: () => fleet.stop(),
  };
}

/** Whether every robot runs what it was ordered, and who does not. */
async function whoFollows({ context, policy }: Installation, reader: FleetReader) {
  const { champion = '' } = await readAliases(context)({ policy });
  const { robots } = await reader.readFleet(policy);
  const orders = await reader.readOrders(policy);
  const others = robots.flatMap(({ robotId, version, contact }) => {
    const wanted = orders?.(robotId)?.version ?? champion;
    if (contact === 'online' && version === wanted) return [];
    return [`${robotId} is ${contact} with ${version ?? 'no version'}, ordered ${wanted}`];
  });
  const more = others.length > mostNamed ? `; and ${others.length - mostNamed} more` : '';
  return { isDone: others.length === 0, state: `${others.slice(0, mostNamed).join('; ')}${more}` };
}
