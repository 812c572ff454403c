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
  const documents = [
    'README.md',
    'CONTRIBUTING.md',
    ...['docs', 'docs/tutorials'].flatMap((folder) =>
      readdirSync(path.join(root, folder)).map((file) => `${folder}/${file}`),
    ),
  ].filter((name) => name.endsWith('.md'));

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

  it('name every setting of the gateway and no other', () => {
    const inCode = [
      ...new Set(
        [...read('fleet/gateway/settings.ts').matchAll(/^ {4}(FLYWHEEL_GATEWAY_\w+):/gm)].map((match) => match[1]),
      ),
    ];
    assert.ok(inCode.length > 20);
    assert.deepEqual(new Set(firstColumn(read('docs/gateway.md'), 'Settings')), new Set(inCode));
  });

  it('name every setting of the console and no other', () => {
    const inCode = [...read('console/settings.ts').matchAll(/^ {2}(FLYWHEEL_CONSOLE_\w+):/gm)].map((match) => match[1]);
    assert.ok(inCode.length > 1);
    assert.deepEqual(new Set(firstColumn(read('docs/console.md'), 'Settings')), new Set(inCode));
  });

  it('name every variable that any process reads', () => {
    const told = documents.map(read).join('\n');
    // From one process to its child, by which the child knows what it is.
    const internal = new Set(['FLYWHEEL_SEGMENT_JUDGE']);
    const rooms = [
      'activities',
      'acts',
      'bench',
      'cli',
      'console',
      'demo',
      'fleet',
      'policies',
      'store',
      'tools',
      'workers',
    ];
    const seen = new Set<string>();
    for (const room of rooms)
      for (const file of readdirSync(path.join(root, room), { recursive: true, encoding: 'utf8' }))
        if (/\.(ts|mjs)$/.test(file))
          for (const [name] of read(`${room}/${file}`).matchAll(/\bFLYWHEEL_[A-Z0-9_]*[A-Z0-9](?![A-Z0-9_])/g))
            seen.add(name);
    assert.ok(seen.size > 40, `${seen.size}`);
    assert.deepEqual(
      [...seen].filter((name) => !internal.has(name) && !told.includes(name)),
      [],
    );
  });

  it('name as proofs only tests that exist', () => {
    const tests = readdirSync(path.join(root, 'test'), { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('.ts'),
    );
    const titles = tests.map((file) => read(`test/${file}`)).join('\n');
    const proofs = { files: 0, titles: 0 };
    for (const file of documents) {
      const text = read(file);
      for (const [name] of text.matchAll(/\btest\/[\w/-]+(?:\.test)?\.ts\b/g)) {
        assert.ok(existsSync(path.join(root, name)), `${file}: ${name}`);
        proofs.files += 1;
      }
      // In a table the pipe between two titles is written \|.
      for (const [, , named = ''] of text.matchAll(/ -[gf] (["'])(.+?)\1/g))
        for (const title of named.split(/\\?\|/)) {
          assert.ok(titles.includes(title), `${file}: no test is called ${title}`);
          proofs.titles += 1;
        }
    }
    assert.ok(proofs.files > 50 && proofs.titles > 10, JSON.stringify(proofs));
  });

  it('link only to files that exist', () => {
    for (const file of documents)
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
    const { stdout } = await run(process.execPath, ['cli/main.ts', '--help'], { cwd: root });
    for (const command of commands) assert.match(stdout, new RegExp(`^  ${command}\\b`, 'm'));
  });

  it('give options that temporal-dev.sh knows', async function () {
    this.timeout(60_000);
    const { stdout } = await run(process.execPath, ['demo/main.ts', '--help'], { cwd: root });
    for (const [option] of readme.matchAll(/(?<=temporal-dev\.sh[^`\n]*)--[a-z-]+/g))
      assert.ok(stdout.includes(option), option);
  });
});
