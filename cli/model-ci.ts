import { userInfo } from 'node:os';

import type { Client } from '@temporalio/client';
import { Argument, type Command, type CommanderError } from 'commander';

import { openArrowRows } from '../activities/adapters/arrow-row-source.ts';
import { onnxRuntime } from '../activities/adapters/onnx-runtime.ts';
import { temporalTrialSlot } from '../activities/adapters/temporal-trial-slot.ts';
import { judgeSubmission, type SubmissionVerdict } from '../activities/judge-submission.ts';
import type { TrialSlot } from '../activities/trial-slot-port.ts';
import { submitModel } from '../activities/submit-model.ts';
import { defaultPolicy } from '../activities/default-policy.ts';
import type { GateResult } from '../policies/gates/index.ts';
import type { Settings } from '../workers/config.ts';
import { openFleet } from '../workers/open-fleet.ts';
import { openTrainers } from '../workers/open-trainers.ts';
import { workflowIds } from '../workflows/workflow-ids.ts';
import { openContext, withClient, type CommandContext } from './context.ts';
import { ask, orchestrationQueue } from './ask-workflow.ts';
import { exitCodeOf, reportFailure } from './exit-codes.ts';
import { parseJsonObject } from './parse-json-object.ts';
import { printJson, printTable, say } from './print.ts';

/** What a build server branches on: 0 every gate passes, 1 a gate holds the model back, 2 and above there is no verdict. */
const exitCodes = { pass: 0, hold: 1, noVerdict: 2 } as const;

interface CheckOptions {
  readonly policy: string;
  readonly json: boolean;
}

interface SubmitOptions extends CheckOptions {
  readonly why: string;
  readonly who: string;
  readonly input: string;
}

/** `flywheel models check` and `submit`: the gates of the fleet for a model of any origin, as a step of a build. */
export function registerModelCiCommands(models: Command): void {
  const command = (name: string, description: string): Command =>
    models
      .command(name)
      .description(description)
      .addArgument(new Argument('<file>', 'an ONNX file, made here or not'))
      .option('--policy <name>', 'policy it is meant for', defaultPolicy)
      .option('--json', 'as JSON', false)
      .exitOverride(noVerdict);

  command(
    'check',
    'run every offline gate on an ONNX file; exit code 0: all pass, 1: a gate holds it, 2 or 3: it could not be checked',
  ).action((filePath: string, options: CheckOptions) =>
    withVerdict(async () => {
      const verdict = await judgeSubmission(judging(await openContext()))({ policy: options.policy, filePath });
      if (options.json) printJson(asJson(verdict));
      else printVerdict(verdict);
      return verdict.passed;
    }),
  );

  command(
    'submit',
    'the same, then register the model as a candidate and offer it to the trial slot; exit code 1 unless it is offered',
  )
    .option('--why <text>', 'kept in the manifest and with the trial', 'flywheel models submit')
    .option('--input <json>', 'input of trialPolicy; see docs/operations.md', '{}')
    .option('--who <name>', 'who submits it; kept with it; default: your user name', userInfo().username)
    .action((filePath: string, options: SubmitOptions) => withVerdict(() => submit(filePath, options)));
}

/** What judging needs beside the context of every command. */
function judging(context: CommandContext) {
  const runtime = onnxRuntime({ threads: context.settings.threads });
  return { ...context, runtime, trainers: openTrainers(context.settings, runtime), openRows: openArrowRows };
}

async function submit(filePath: string, options: SubmitOptions): Promise<'pass' | 'hold'> {
  const context = await openContext();
  const { settings, store, clock } = context;
  const request = parseJsonObject('--input', options.input);
  const result = await withClient(settings, (client) =>
    submitModel({
      ...judging(context),
      signer: context.signer(),
      fleet: openFleet({ store, clock }),
      slot: patientSlot(client, settings, options.policy),
    })({ policy: options.policy, filePath, who: options.who, why: options.why, request }),
  );
  const { verdict, version, offer } = result;
  if (options.json) printJson({ ...result, verdict: asJson(verdict) });
  else {
    printVerdict(verdict);
    say(version === null ? 'not registered' : `registered as ${version}; ${offer?.kind}: ${offer?.reason}`);
  }
  return offer?.kind === 'offered' ? 'pass' : 'hold';
}

/** The slot, with what is missing said where nobody answers; the model is registered by then, and can be offered again. */
function patientSlot(client: Client, settings: Settings, policy: string): TrialSlot {
  const slot = temporalTrialSlot({ client, taskQueue: orchestrationQueue(settings) });
  const to = { client, settings, workflowId: workflowIds.trialPolicy(policy) };
  const then = 'the model is registered, and not offered: `flywheel trial offer` does it';
  return { offer: (offer) => ask(to, () => slot.offer(offer), then) };
}

const asJson = (verdict: SubmissionVerdict) => ({ ...verdict, judged: verdict.judged ?? null });

async function withVerdict(work: () => Promise<'pass' | 'hold'>): Promise<void> {
  try {
    process.exitCode = exitCodes[await work()];
  } catch (error) {
    reportFailure(error);
    process.exitCode = Math.max(exitCodes.noVerdict, exitCodeOf(error));
  }
}

/** Wrong arguments are no verdict; asking for help is none either, but nothing is wrong. */
function noVerdict(error: CommanderError): never {
  process.exit(error.exitCode === 0 ? 0 : exitCodes.noVerdict);
}

function printVerdict(verdict: SubmissionVerdict): void {
  printTable(
    ['gate', 'outcome', 'value', 'limit', 'unit', 'samples', ''],
    verdict.gates.map((gate) => [
      gate.id,
      gate.outcome,
      number(gate.value),
      number(gate.limit),
      gate.unit,
      gate.sampleSize,
      gate.sentence,
    ]),
  );
  const failed = verdict.gates.filter(({ outcome }) => outcome === 'fail').map(({ id }) => id);
  say(`\n${verdict.passed}: ${failed.length === 0 ? 'no gate holds the model back' : `held by ${failed.join(', ')}`}`);
  if (verdict.passed === 'pass' && !verdict.mayBeOffered)
    say(`not offered to the fleet yet: ${open(verdict.gates).join(', ')} had nothing to compare with`);
  say(`sha256 ${verdict.modelSha256}`);
}

const open = (gates: readonly GateResult[]): readonly string[] =>
  gates.filter(({ outcome }) => outcome === 'notApplicable').map(({ id }) => id);

const number = (value: number | null): string | number => (value === null ? '–' : Number(value.toPrecision(6)));
