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
    const heavy = ['@temporalio/client', '@duckdb/node-api', 'onnxruntime-node', 'fastify', 'apache-arrow'];
    for (const file of ['cli/main.ts', 'cli/context.ts', 'cli/context-command.ts', 'cli/robots.ts', 'cli/models.ts']) {
      const packages = packagesOf(file);
      assert.ok(packages.size > 0, file);
      assert.deepEqual(
        heavy.filter((name) => packages.has(name)),
        [],
        file,
      );
    }
  });
});
