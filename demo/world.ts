import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { WorkflowNotFoundError } from '@temporalio/client';

import { openArrowRows } from '../activities/adapters/arrow-row-source.ts';
import { onnxRuntime } from '../activities/adapters/onnx-runtime.ts';
import { temporalTrialSlot } from '../activities/adapters/temporal-trial-slot.ts';
import { judgeSubmission, type SubmissionVerdict } from '../activities/submissions/judge-submission.ts';
import { publishRobotType } from '../store/records/robot-types.ts';
import { readAliases } from '../store/records/aliases.ts';
import { registerBaseline } from '../activities/registry/register-baseline.ts';
import { registerSubmission } from '../activities/submissions/register-submission.ts';
import { openFleetReader, type FleetReader } from '../fleet/desk/index.ts';
import { openTrainers } from '../workers/open-trainers.ts';
import type { CollectionOutcome, CycleResult } from '../workflows/cycle/messages.ts';
import type { RolloutStatus, TrialResult, TrialStatus } from '../workflows/trial/messages.ts';
import { signOrdersOf } from '../cli/context.ts';
import { openDevFleet, type DevFleet, type FleetOptions } from './fleet.ts';
import type { Installation } from './installation.ts';
import { waitUntil } from './processes.ts';
import { waitFor } from './wait-for.ts';
import { workflowIds } from '../domain/contract/workflow-ids.ts';
import { messageNames } from '../domain/contract/message-names.ts';

/** An installation with a simulated fleet, and what one does with it: everything by the same doors as people and cycles. */
export interface World extends Installation {
  readonly fleet: DevFleet;
  readonly reader: FleetReader;
  readonly startedMs: number;
  readonly seed: number;
  /** Makes a model the safe fallback, and the champion where there is none. */
  baseline(model: Uint8Array, why: string): Promise<string>;
  /** Takes what robots uploaded into the lake. */
  collect(): Promise<CollectionOutcome>;
  /** What the offline gates say of a model. */
  judge(name: string, model: Uint8Array): Promise<SubmissionVerdict>;
  /** Registers a model that passed; throws with the gates that held it otherwise. */
  register(name: string, verdict: SubmissionVerdict): Promise<string>;
  /** Both. */
  submit(name: string, model: Uint8Array): Promise<string>;
  /** Offers a version to the trial slot, in the compressed profile. */
  offer(candidateVersion: string, request?: Readonly<Record<string, unknown>>): Promise<string>;
  trial(): Promise<TrialStatus>;
  /** How the slot's trial was ended from outside, e.g. `terminated`; undefined when it was not. */
  trialBrokenOff(): Promise<string | undefined>;
  /** The rollout of the trial; undefined while there is none. */
  rollout(): Promise<RolloutStatus | undefined>;
  /** Runs a cycle to its end, its candidate offered in the compressed profile. */
  cycle(name: string): Promise<CycleResult>;
  /** Waits until the trial's status is as asked. */
  trialIs(what: string, condition: (status: TrialStatus) => boolean, limitMs?: number): Promise<TrialStatus>;
  /** An operator's word to the trial. */
  operate(update: 'pause' | 'resume' | 'abort' | 'approve' | 'reject', reason: string): Promise<string>;
  /** How the slot's last trial ended. */
  trialEnd(): Promise<TrialResult>;
  /** Waits until every robot is online and runs what it was ordered, as long as robots still move. */
  everyRobotFollows(): Promise<void>;
  stop(): Promise<void>;
}

const who = 'temporal-dev.sh';
const trialLimitMs = 1_200_000;
const brokenOff: readonly string[] = ['TERMINATED', 'CANCELLED', 'FAILED', 'TIMED_OUT'];
/** How many of those that are waited for are named. */
const mostNamed = 5;

/** Opens a fleet on an installation; its robots do not live yet. */
export async function openWorld(installation: Installation, options: FleetOptions): Promise<World> {
  const { context, client, policy, robotType, taskQueue } = installation;
  const startedMs = Date.now();
  const say = (line: string): void =>
    installation.say(`[${((Date.now() - startedMs) / 1_000).toFixed(1).padStart(6)} s] ${line}`);
  await mkdir(path.join(installation.stateDirectory, 'logs'), { recursive: true });
  await publishRobotType(context.store, robotType);
  const runtime = onnxRuntime({ threads: context.settings.threads });
  const signed = { ...context, signer: context.signer() };
  const slot = temporalTrialSlot({ client, taskQueue });
  const fleet = await openDevFleet(installation, options);
  const reader = openFleetReader(context);
  const handle = client.workflow.getHandle(workflowIds.trialPolicy(policy));
  let offers = 0;

  async function judge(name: string, model: Uint8Array): Promise<SubmissionVerdict> {
    const filePath = path.join(installation.stateDirectory, `${name}.onnx`);
    await writeFile(filePath, model);
    const trainers = openTrainers(context.settings, runtime);
    return judgeSubmission({ ...context, runtime, trainers, openRows: openArrowRows })({ policy, filePath });
  }

  async function register(name: string, verdict: SubmissionVerdict): Promise<string> {
    for (const { id, outcome, sentence } of verdict.gates) say(`  ${outcome.padEnd(5)} ${id}: ${sentence}`);
    return (await registerSubmission(signed)({ verdict, who, why: name })).version;
  }

  const trial = (): Promise<TrialStatus> => handle.query<TrialStatus>(messageNames.status);
  return {
    ...installation,
    say,
    fleet,
    reader,
    startedMs,
    seed: options.seed,
    trial,
    async trialBrokenOff() {
      const { name } = (await handle.describe()).status;
      return brokenOff.includes(name) ? name.toLowerCase().replace('_', ' ') : undefined;
    },
    async baseline(model, why) {
      const type = { id: robotType.id, version: robotType.version };
      const { version } = await registerBaseline(signed)({ policy, robotType: type, model, who, why });
      await signOrdersOf(context, policy);
      return version;
    },
    collect: () =>
      client.workflow.execute('collectExperience', {
        workflowId: workflowIds.collectExperience(robotType.id),
        taskQueue,
        args: [{ policy }],
      }) as Promise<CollectionOutcome>,
    judge,
    register,
    submit: async (name, model) => register(name, await judge(name, model)),
    async offer(candidateVersion, request = {}) {
      offers += 1;
      const { kind, answer } = await slot.offer({
        policy,
        candidateVersion,
        who,
        why: 'shown by temporal-dev.sh',
        request: { profile: 'compressed', ...request },
        operationId: `dev-${startedMs}-${offers}`,
      });
      if (kind === 'refused') throw new Error(`the slot refused ${candidateVersion}: ${answer}`);
      say(`offered ${candidateVersion}: ${answer}`);
      return answer;
    },
    async rollout() {
      const rollout = client.workflow.getHandle(workflowIds.rolloutPolicy(workflowIds.trialPolicy(policy)));
      try {
        return await rollout.query<RolloutStatus>(messageNames.status);
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return undefined;
        throw error;
      }
    },
    cycle: (name) =>
      client.workflow.execute('weeklyCycle', {
        workflowId: workflowIds.weeklyCycle(policy, name),
        taskQueue,
        args: [
          { policy, training: { seed: options.seed }, cause: `scenario, ${name}`, trial: { profile: 'compressed' } },
        ],
      }) as Promise<CycleResult>,
    async trialIs(what, condition, limitMs = trialLimitMs) {
      let last = await trial();
      await waitUntil(
        async () => {
          last = await trial();
          return condition(last);
        },
        () => `a trial that is ${what}; at last it was ${JSON.stringify(last)}`,
        limitMs,
      );
      return last;
    },
    operate: (update, reason) => handle.executeUpdate<string, [unknown]>(update, { args: [{ reason, who }] }),
    trialEnd: () => handle.result() as Promise<TrialResult>,
    everyRobotFollows: () =>
      waitFor({
        what: `${fleet.robotIds.length} robots that run what they were ordered`,
        say,
        lookEveryMs: 200,
        async look() {
          const { champion = '' } = await readAliases(context)({ policy });
          const { robots } = await reader.readFleet(policy);
          const orders = await reader.readOrders(policy);
          const others = robots.flatMap(({ robotId, version, contact }) => {
            const wanted = orders?.(robotId).version ?? champion;
            if (contact === 'online' && version === wanted) return [];
            return [`${robotId} is ${contact} with ${version ?? 'no version'}, ordered ${wanted}`];
          });
          const more = others.length > mostNamed ? `; and ${others.length - mostNamed} more` : '';
          return { isDone: others.length === 0, state: `${others.slice(0, mostNamed).join('; ')}${more}` };
        },
      }),
    stop: () => fleet.stop(),
  };
}
