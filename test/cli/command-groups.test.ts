import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { Command } from 'commander';

import { commandGroups, groupOf, type CommandGroup } from '../../cli/command-groups.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Packages that a file loads by its imports, those of what it imports included; dynamic imports wait. */
function packagesOf(file: string, seen = new Set<string>()): ReadonlySet<string> {
  const packages = new Set<string>();
  if (seen.has(file)) return packages;
  seen.add(file);
  const text = readFileSync(path.join(root, file), 'utf8');
  for (const [, typeOnly, target = ''] of text.matchAll(/^(?:import|export)\s+(type\s)?[^;]*?from\s+'([^']+)'/gm)) {
    if (typeOnly !== undefined || target.startsWith('node:')) continue;
    if (!target.startsWith('.')) packages.add(target);
    else for (const name of packagesOf(path.posix.join(path.posix.dirname(file), target), seen)) packages.add(name);
  }
  return packages;
}

/** Each takes a tenth of a second of processor or more to load; the statistics are 400 files of `@stdlib`. */
const heavy = ['@duckdb/node-api', 'onnxruntime-node', 'fastify', 'apache-arrow', '@aws-sdk/client-s3', '@stdlib/'];

function heavyOf(file: string, names: readonly string[]): readonly string[] {
  const packages = [...packagesOf(file)];
  assert.ok(packages.length > 0, file);
  return packages.filter((loaded) => names.some((name) => loaded.startsWith(name)));
}

describe('the commands', () => {
  for (const names of Object.keys(commandGroups) as CommandGroup[])
    it(`of the group ${names} are just these`, async () => {
      const program = new Command();
      const register = await commandGroups[names]();
      register(program);
      assert.deepEqual(program.commands.map((command) => command.name()).toSorted(), names.split(' ').toSorted());
    }).timeout(120_000);

  it('are found by their first word; anything else loads all', () => {
    assert.equal(groupOf(['rollback', '--policy', 'x']), 'rollback');
    for (const args of [[], ['--help'], ['help'], ['nope'], ['constructor']]) assert.equal(groupOf(args), undefined);
  });

  it('load no engine, runtime, server or client before they need one', () => {
    for (const file of [
      'cli/main.ts',
      'cli/context.ts',
      'cli/context-command.ts',
      'cli/robots.ts',
      'cli/incidents.ts',
      'cli/models.ts',
      'cli/data.ts',
    ])
      assert.deepEqual(heavyOf(file, ['@temporalio/client', ...heavy]), [], file);
  });

  it('of an operator load the client and nothing else that is heavy: 5 s must do on a busy machine', () => {
    for (const file of [
      'cli/trials.ts',
      'cli/offer-trial.ts',
      'cli/cycle.ts',
      'cli/start-cycle.ts',
      'cli/rollback.ts',
      'cli/monitor.ts',
      'cli/schedule-command.ts',
      // What an installation with files is opened with.
      'store/adapters/file-object-store.ts',
      'activities/adapters/file-signer.ts',
    ])
      assert.deepEqual(heavyOf(file, heavy), [], file);
  });
});
