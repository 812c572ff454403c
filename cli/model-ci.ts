import { Argument, type Command, type CommanderError } from 'commander';

import { openArrowRows } from '../activities/adapters/arrow-row-source.ts';
import { onnxRuntime } from '../activities/adapters/onnx-runtime.ts';
import { judgeSubmission, type SubmissionVerdict } from '../activities/judge-submission.ts';
import { defaultPolicy } from '../activities/workflow-inputs.ts';
import type { GateResult } from '../policies/gates/index.ts';
import { openTrainers } from '../workers/open-trainers.ts';
import { openContext, type CommandContext } from './context.ts';
import { printJson, printTable, say } from './print.ts';

/** What a build server branches on: 0 every gate passes, 1 a gate holds the model back, 2 there is no verdict. */
const exitCodes = { pass: 0, hold: 1, noVerdict: 2 } as const;

interface CheckOptions {
  readonly policy: string;
  readonly json: boolean;
}

/** `flywheel models check`: the gates of the fleet for a model of any origin, as a step of a build. */
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
    'run every offline gate on an ONNX file; exit code 0: all pass, 1: a gate holds it, 2: it could not be checked',
  ).action((filePath: string, options: CheckOptions) =>
    withVerdict(async () => {
      const verdict = await judge(await openContext(), filePath, options.policy);
      if (options.json) printJson({ ...verdict, judged: verdict.judged ?? null });
      else printVerdict(verdict);
      return verdict.passed;
    }),
  );
}

const judge = (context: CommandContext, filePath: string, policy: string): Promise<SubmissionVerdict> => {
  const runtime = onnxRuntime({ threads: context.settings.threads });
  const trainers = openTrainers(context.settings, runtime);
  return judgeSubmission({ ...context, runtime, trainers, openRows: openArrowRows })({ policy, filePath });
};

async function withVerdict(work: () => Promise<'pass' | 'hold'>): Promise<void> {
  try {
    process.exitCode = exitCodes[await work()];
  } catch (error) {
    process.stderr.write(`flywheel: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = exitCodes.noVerdict;
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
