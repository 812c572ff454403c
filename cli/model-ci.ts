import { userInfo } from 'node:os';

import { Argument, type Command } from 'commander';

import type { SubmissionVerdict } from '../activities/submissions/judge-submission.ts';
import { defaultPolicy } from '../activities/default-policy.ts';
import type { PortMap } from '../policies/fit-model.ts';
import type { GateResult } from '../policies/gates/index.ts';
import { withClient } from './context.ts';
import { exitCodeOf, exitCodes, reportFailure } from './exit-codes.ts';
import { openPolicy } from './open-policy.ts';
import { parseJsonObject } from './parse-json-object.ts';
import { parsePortMap } from './parse-port-map.ts';
import { printJson, printTable, say } from './print.ts';

interface CheckOptions {
  readonly policy: string;
  readonly mapPorts?: PortMap;
  readonly json: boolean;
}

interface SubmitOptions extends CheckOptions {
  readonly reason: string;
  readonly who: string;
  readonly input: string;
}

/** `flywheel models check` and `submit`: the gates of the fleet for a model of any origin, as a step of a build. */
export function registerModelCiCommands(models: Command): void {
  const command = (name: string, description: string): Command =>
    models
      .command(name)
      .description(description)
      .addArgument(new Argument('<file>', 'an ONNX file of any origin'))
      .option('--policy <name>', 'policy of the model', defaultPolicy)
      .option(
        '--map-ports <map>',
        'what the model calls its inputs and outputs, where it has other names: observation=input_0,action=output',
        parsePortMap,
      )
      .option('--json', 'as JSON', false);

  command(
    'check',
    'run every offline gate on an ONNX file; exit code 0: all pass, 1: a gate rejects it, 2 or 3: the check was not possible',
  ).action((filePath: string, options: CheckOptions) =>
    withVerdict(async () => {
      const context = await openPolicy(options.policy);
      const { judgeFile } = await import('./judge-file.ts');
      const { policy, mapPorts: portMap } = options;
      const verdict = await judgeFile(context, { policy, filePath, portMap });
      if (options.json) printJson(asJson(verdict));
      else printVerdict(verdict);
      return verdict.passed;
    }),
  );

  command(
    'submit',
    'run every offline gate, then register the model as a candidate and offer it to the trial slot; exit code 1 unless it is offered',
  )
    .option('--reason <text>', 'kept in the manifest and with the trial', 'flywheel models submit')
    .option('--input <json>', 'input of trialPolicy; see docs/operations.md', '{}')
    .option('--who <name>', 'who submits it; recorded; default: your user name', userInfo().username)
    .action((filePath: string, options: SubmitOptions) => withVerdict(() => submit(filePath, options)));
}

async function submit(filePath: string, options: SubmitOptions): Promise<'pass' | 'hold'> {
  const request = parseJsonObject('--input', options.input);
  const context = await openPolicy(options.policy);
  const { settings } = context;
  const { submitFile } = await import('./judge-file.ts');
  const { policy, mapPorts: portMap, who, reason: why } = options;
  const result = await withClient(settings, (client) =>
    submitFile(context, client, { policy, filePath, portMap, who, why, request }),
  );
  const { verdict, version, offer } = result;
  if (options.json) printJson({ ...result, verdict: asJson(verdict) });
  else {
    printVerdict(verdict);
    say(version === null ? 'not registered' : `registered as ${version}; ${offer?.kind}: ${offer?.reason}`);
  }
  return offer?.kind === 'offered' ? 'pass' : 'hold';
}

const asJson = (verdict: SubmissionVerdict) => ({
  ...verdict,
  mended: verdict.mended ?? null,
  judged: verdict.judged ?? null,
});

/** A build server branches on it: 0 every gate passes, 1 a gate holds the model back, 2 and above there is no verdict. */
async function withVerdict(work: () => Promise<'pass' | 'hold'>): Promise<void> {
  try {
    process.exitCode = (await work()) === 'pass' ? exitCodes.done : exitCodes.no;
  } catch (error) {
    reportFailure(error);
    process.exitCode = Math.max(exitCodes.wrong, exitCodeOf(error));
  }
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
  if (verdict.mended !== undefined)
    say(`\njudged was a mended copy of ${verdict.mended.fileSha256}: ${verdict.mended.changes.join('; ')}`);
  const failed = verdict.gates.filter(({ outcome }) => outcome === 'fail').map(({ id }) => id);
  say(`\n${verdict.passed}: ${failed.length === 0 ? 'the model passes every gate' : `held by ${failed.join(', ')}`}`);
  if (verdict.passed === 'pass' && !verdict.mayBeOffered)
    say(`not offered to the fleet yet: ${open(verdict.gates).join(', ')} had nothing to compare with`);
  say(`sha256 ${verdict.modelSha256}`);
}

const open = (gates: readonly GateResult[]): readonly string[] =>
  gates.filter(({ outcome }) => outcome === 'notApplicable').map(({ id }) => id);

const number = (value: number | null): string | number => (value === null ? '–' : Number(value.toPrecision(6)));
