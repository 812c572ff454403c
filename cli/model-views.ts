import { type Command } from 'commander';

import { defaultPolicy } from '../activities/default-policy.ts';
import { readDataStanding } from '../activities/registry/data-standing.ts';
import { readManifest } from '../store/records/manifests.ts';
import { mendedFileName, mendedFileSchema } from '../activities/submissions/mended-file.ts';
import { modelFile, type ModelManifest } from '../policies/model-manifest.ts';
import { requireJson } from '../store/json-objects.ts';
import type { CommandContext } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { openPolicy } from './open-policy.ts';
import { printJson, printTable, say } from './print.ts';

interface ViewOptions {
  readonly policy: string;
  readonly json: boolean;
}

/** `flywheel models show|compare|held|reproduce`: what is known of versions, and of candidates that never became one. */
export function registerModelViews(models: Command): void {
  const command = (name: string, description: string): Command =>
    models
      .command(name)
      .description(description)
      .option('--policy <name>', 'policy', defaultPolicy)
      .option('--json', 'as JSON', false);

  command('show <version>', 'show the signed manifest of a version').action(show);
  command('compare <version> <other>', 'compare two versions: how they were made and what was measured').action(
    compare,
  );
  command('held', 'list rejected candidates and submissions, newest last, with the gates that rejected them').action(
    listHeld,
  );
  command(
    'reproduce <version>',
    'train a version again from its signed manifest; exit code 0: the same bytes, 1: different bytes, 2: it cannot be trained again',
  ).action(reproduce);
}

async function show(version: string, { policy, json }: ViewOptions): Promise<void> {
  const context = await openPolicy(policy);
  const manifest = await readManifest({ store: context.store, signer: context.signer() }, policy, version);
  if (json) return printJson(manifest);
  const { sentence } = await readDataStanding(context, manifest);
  printTable(['fact', 'value'], [...factsOf(manifest), ...(await mendedFact(context, manifest)), ['data', sentence]]);
  printTable(
    ['gate', 'outcome', 'value', 'limit'],
    manifest.gates.map(({ id, outcome, value, limit }) => [id, outcome, shown(value), shown(limit)]),
  );
}

/** What was changed in a submitted file so that it has the ports of the policy. */
async function mendedFact(
  { store }: CommandContext,
  { policy, version, files }: ModelManifest,
): Promise<readonly [string, string][]> {
  if (files[mendedFileName] === undefined) return [];
  const { fileSha256, changes } = await requireJson(
    store,
    modelFile(policy, version, mendedFileName),
    mendedFileSchema,
    'the manifest names it',
  );
  return [['mended', `${changes.join('; ')} (submitted: ${fileSha256})`]];
}

async function compare(version: string, other: string, { policy, json }: ViewOptions): Promise<void> {
  const [left, right] = [await manifestOf(policy, version), await manifestOf(policy, other)];
  if (json) return printJson([left, right]);
  const [ours, theirs] = [new Map(factsOf(left)), new Map(factsOf(right))];
  const names = [...new Set([...ours.keys(), ...theirs.keys()])];
  printTable(
    ['fact', version, other, ''],
    names.map((name) => {
      const [a, b] = [ours.get(name) ?? '–', theirs.get(name) ?? '–'];
      return [name, a, b, a === b ? '' : '≠'];
    }),
  );
}

async function listHeld({ policy, json }: ViewOptions): Promise<void> {
  const { store } = await openPolicy(policy);
  const { listHeldCandidates } = await import('../activities/registry/held-candidates.ts');
  const held = await listHeldCandidates(store, policy);
  if (json) return printJson(held);
  printTable(
    ['from', 'agreement', 'held by', ''],
    held.flatMap(({ from, accuracyFraction, gates }) =>
      gates.map(({ id, sentence }, index) => [
        index === 0 ? from : '',
        index === 0 ? shown(accuracyFraction) : '',
        id,
        sentence,
      ]),
    ),
  );
}

async function reproduce(version: string, { policy, json }: ViewOptions): Promise<void> {
  const context = await openPolicy(policy);
  const { reproduceVersion } = await import('./judge-file.ts');
  const result = await reproduceVersion(context, { policy, version });
  if (json) printJson(result);
  else
    say(
      result.isSame
        ? `${version}: the same bytes (sha256 ${result.trainedSha256})`
        : `${version}: expected sha256 ${result.registeredSha256}, got ${result.trainedSha256}; another build, number of threads or processor gives other bytes`,
    );
  process.exitCode = result.isSame ? exitCodes.done : exitCodes.no;
}

async function manifestOf(policy: string, version: string): Promise<ModelManifest> {
  const context = await openPolicy(policy);
  return readManifest({ store: context.store, signer: context.signer() }, policy, version);
}

/** Name and value of every fact of a manifest but its gates, in its order. */
const factsOf = (manifest: ModelManifest): [string, string][] =>
  Object.entries(manifest).flatMap(([name, value]) => (name === 'gates' ? [] : flat(name, value)));

function flat(name: string, value: unknown): [string, string][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return [[name, typeof value === 'string' ? value : JSON.stringify(value)]];
  return Object.entries(value).flatMap(([key, inner]) => flat(`${name}.${key}`, inner));
}

const shown = (value: number | null): string | number => (value === null ? '–' : Number(value.toPrecision(6)));
