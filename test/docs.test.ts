import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { failureCatalogue } from '../store/failures.ts';
import { workflowInputSchemas } from '../activities/workflow-inputs.ts';
import { searchAttributes } from '../workflows/shared/search-attributes.ts';
import * as workflows from '../workflows/index.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');
const run = promisify(execFile);

/** The cells of the first column of the table under a heading, without code marks. */
function firstColumn(text: string, heading: string): string[] {
  const section = text.split(/^## /m).find((part) => part.startsWith(heading)) ?? '';
  return [...section.matchAll(/^\| `([^`]+)` +\|/gm)].map((match) => match[1] ?? '');
}

describe('the documents', () => {
  const operations = read('docs/operations.md');
  const readme = read('README.md');

  it('name every setting and no other', () => {
    const inCode = [
      ...new Set([...read('workers/config.ts').matchAll(/^ {2}(FLYWHEEL_\w+):/gm)].map((match) => match[1])),
    ];
    assert.deepEqual(new Set(firstColumn(operations, 'Settings')), new Set(inCode));
  });

  it('name every workflow with every field of its input', () => {
    assert.deepEqual(firstColumn(operations, 'Workflows').toSorted(), Object.keys(workflows).toSorted());
    for (const [name, schema] of Object.entries(workflowInputSchemas)) {
      const row = operations.split('\n').find((line) => line.startsWith(`| \`${name}\``)) ?? '';
      for (const field of Object.keys(schema.shape)) assert.ok(row.includes(`\`${field}\``), `${name}: ${field}`);
    }
    for (const attribute of Object.keys(searchAttributes))
      assert.ok(operations.includes(`\`${attribute}\``), attribute);
  });

  it('name every failure type, and whether it is tried again, as the code does', () => {
    const rows = [...operations.matchAll(/^\| `(\w+)` +\| (yes|no) +\|/gm)].map((match) => [
      match[1],
      match[2] === 'yes',
    ]);
    const inCode = Object.entries(failureCatalogue).map(([type, { retryable }]) => [type, retryable]);
    assert.deepEqual(Object.fromEntries(rows), Object.fromEntries(inCode));
  });

  it('link only to files that exist', () => {
    const files = ['README.md', ...readdirSync(path.join(root, 'docs')).map((file) => `docs/${file}`)];
    for (const file of files.filter((name) => name.endsWith('.md')))
      for (const [, target] of read(file).matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g))
        assert.ok(existsSync(path.join(root, path.dirname(file), target ?? '')), `${file} → ${target}`);
  });

  it('name only npm scripts that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = [...`${readme}${operations}`.matchAll(/npm run (?:-s )?([\w:-]+)/g)].map((match) => match[1] ?? '');
    assert.ok(named.length > 5);
    for (const name of named) assert.ok(name in scripts, name);
  });

  it('give commands that the command line knows', async function () {
    this.timeout(60_000);
    const commands = [...readme.matchAll(/npm run flywheel -- ([a-z]+)/g)].map((match) => match[1] ?? '');
    const { stdout } = await run(process.execPath, ['--import', 'tsx', 'cli/main.ts', '--help'], { cwd: root });
    for (const command of commands) assert.match(stdout, new RegExp(`^  ${command}\\b`, 'm'));
  });

  it('give options that temporal-dev.sh knows', async function () {
    this.timeout(60_000);
    const { stdout } = await run(process.execPath, ['--import', 'tsx', 'demo/main.ts', '--help'], { cwd: root });
    for (const [option] of readme.matchAll(/(?<=temporal-dev\.sh[^`\n]*)--[a-z-]+/g))
      assert.ok(stdout.includes(option), option);
  });
});
