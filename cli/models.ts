import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';

import type { Command } from 'commander';

import { readAliases, readAliasHistory } from '../store/records/aliases.ts';
import type { ModelManifest } from '../policies/model-manifest.ts';
import { readManifest } from '../store/records/manifests.ts';
import { defaultPolicy } from '../activities/default-policy.ts';
import { readTaughtType } from '../store/records/robot-types.ts';
import { openContext, signOrdersOf, type CommandContext } from './context.ts';
import { digestText } from './digest-text.ts';
import { registerModelBodyCommands } from './model-bodies.ts';
import { registerModelCiCommands } from './model-ci.ts';
import { registerModelViews } from './model-views.ts';
import { openPolicy } from './open-policy.ts';
import { printJson, printTable, say } from './print.ts';
import { parseRobotType } from './parse-robot-type.ts';

/** `flywheel models …`: the registry from the command line. */
export function registerModelCommands(program: Command): void {
  const models = program.command('models').description('registered policies and their aliases');
  registerModelCiCommands(models);
  registerModelViews(models);
  registerModelBodyCommands(models);

  registerBaselineCommand(models);
  registerList(models);
  registerHistory(models);
}

function registerBaselineCommand(models: Command): void {
  models
    .command('baseline')
    .description(
      'register an ONNX file as the safe fallback of a policy if it passes the absolute gates; the first one is also champion',
    )
    .argument('[file]', 'an ONNX file')
    .option(
      '--untrained',
      'instead of a file: a small model that has learned nothing, of any robot type with actions',
      false,
    )
    .option('--policy <name>', 'policy of the model', defaultPolicy)
    .option('--robot-type <id@version>', 'robot type of a new policy', 'scitos-g5@1')
    .option('--reason <text>', 'kept in the alias history', 'registered by hand')
    .option('--json', 'as JSON', false)
    .action(async (file: string | undefined, options: BaselineOptions) => {
      const context = await openContext();
      const robotType = parseRobotType(options.robotType);
      const model = await baselineModel(context, file, options.policy, robotType, options.untrained);
      const { registerBaseline } = await import('../activities/registry/register-baseline.ts');
      const registered = await registerBaseline({ ...context, signer: context.signer() })({
        policy: options.policy,
        robotType,
        model,
        who: userInfo().username,
        why: options.reason,
      });
      await signOrdersOf(context, options.policy);
      if (options.json) printJson(registered);
      else say(`baseline of ${options.policy}: ${registered.version} (${registered.modelSha256})`);
    });
}

interface BaselineOptions {
  readonly policy: string;
  readonly robotType: string;
  readonly reason: string;
  readonly untrained: boolean;
  readonly json: boolean;
}

/** The seed of what `--untrained` makes: the same type gives the same bytes, and so the same version. */
const untrainedSeed = 1;

async function baselineModel(
  { store }: CommandContext,
  file: string | undefined,
  policy: string,
  robotType: ReturnType<typeof parseRobotType>,
  isUntrained: boolean,
): Promise<Uint8Array> {
  if (isUntrained === (file !== undefined))
    throw new Error('expected an ONNX file or --untrained, got both or neither');
  if (file !== undefined) return readFile(file);
  const { tinyPolicy } = await import('../policies/tiny-policy.ts');
  const { pinnedTasks } = await import('../activities/registry/policy-document.ts');
  const reference = { ...robotType, ...(await pinnedTasks(store, policy, robotType)) };
  return tinyPolicy(await readTaughtType(store, reference), untrainedSeed);
}

function registerList(models: Command): void {
  models
    .command('list')
    .description('list the versions of a policy, newest last, with their aliases')
    .option('--policy <name>', 'policy', defaultPolicy)
    .option('--json', 'as JSON', false)
    .action(async (options: { policy: string; json: boolean }) => {
      const context = await openPolicy(options.policy);
      const aliases = await readAliases(context)(options);
      const versions: string[] = [];
      for await (const { key } of context.store.list(`models/${options.policy}/`)) {
        const version = /^models\/[^/]+\/([^/]+)\/manifest\.json$/.exec(key)?.[1];
        if (version !== undefined) versions.push(version);
      }
      const ports = { store: context.store, signer: context.signer() };
      const manifests = await Promise.all(versions.map((version) => readManifest(ports, options.policy, version)));
      const rows = manifests.toSorted((a, b) => a.registeredAtMs - b.registeredAtMs);
      if (options.json) return printJson({ aliases, models: rows });
      printTable(
        ['version', 'aliases', 'agreement', 'registered', 'sha256', 'parents'],
        rows.map((manifest) => [
          manifest.version,
          Object.entries(aliases)
            .filter(([, version]) => version === manifest.version)
            .map(([alias]) => alias)
            .join(', '),
          manifest.metrics['accuracyFraction']?.toFixed(4) ?? '–',
          new Date(manifest.registeredAtMs).toISOString(),
          digestOf(manifest),
          manifest.parents.join(', '),
        ]),
      );
    });
}

function digestOf({ files }: ModelManifest): string {
  const sha256 = files['model.onnx']?.sha256;
  return sha256 === undefined ? 'unknown' : digestText(sha256);
}

function registerHistory(models: Command): void {
  models
    .command('history')
    .description('list every change of the aliases: who, when, why')
    .option('--policy <name>', 'policy', defaultPolicy)
    .option('--json', 'as JSON', false)
    .action(async (options: { policy: string; json: boolean }) => {
      const history = await readAliasHistory(await openPolicy(options.policy))(options);
      if (options.json) return printJson(history);
      printTable(
        ['when', 'moved', 'who', 'why'],
        history.map((record) => [
          new Date(record.atMs).toISOString(),
          Object.entries(record.set)
            .map(([alias, version]) => `${alias} → ${version}`)
            .join(', '),
          record.who,
          record.why,
        ]),
      );
    });
}
