import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import * as fc from 'fast-check';

import { printJson, printTable, say } from '../../cli/print.ts';
import { printable, printableJson } from '../../cli/printable.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const evil = 'ok\u001b[2J\u001b]0;title\u0007\r\u009b31m\u202egnp\u200b\u0000';
const isObeyed = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

/** What went to standard output meanwhile. */
function printed(work: () => void): string {
  const write = process.stdout.write.bind(process.stdout);
  let text = '';
  process.stdout.write = (chunk: string | Uint8Array) => ((text += String(chunk)), true);
  try {
    work();
  } finally {
    process.stdout.write = write;
  }
  return text;
}

describe('text of others on a terminal', () => {
  it('has nothing in it that a terminal obeys, in lines, tables and JSON', () => {
    const texts = [
      printed(() => say(`robot-01: ${evil}`)),
      printed(() => printTable(['robot', 'reason'], [['robot-01', `${evil}\nrobot-02 fine`]])),
      printed(() => printJson({ reason: evil })),
    ];
    for (const text of texts) assert.doesNotMatch(text.replaceAll('\n', ''), isObeyed, JSON.stringify(text));
    // One robot is one line: it cannot write another's.
    assert.equal(texts[1]?.trim().split('\n').length, 2);
  });

  it('stays the same value in JSON, and the same text where it is harmless', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string({ unit: 'binary' }), (value, text) => {
        const document = { value, text, [text]: 1 };
        const json = printableJson(document, 2);
        assert.equal(JSON.stringify(JSON.parse(json)), JSON.stringify(document));
        assert.doesNotMatch(json.replaceAll('\n', ''), isObeyed);
      }),
    );
    assert.equal(printable('a line\nanother – 障害物'), 'a line\nanother – 障害物');
  });

  it('is written by the functions that clean it, and by nothing else of the command line', () => {
    const files = ['cli', 'demo'].flatMap((folder) =>
      (readdirSync(path.join(root, folder), { recursive: true }) as string[])
        .filter((file) => file.endsWith('.ts'))
        .map((file) => path.posix.join(folder, file)),
    );
    const raw = files.flatMap((file) =>
      readFileSync(path.join(root, file), 'utf8')
        .split('\n')
        .filter((line) => /\b(?:stdout|stderr|out)\.write\(|console\.\w+\(/.test(line) && !/printable|Usage/.test(line))
        .map((line) => `${file}: ${line.trim()}`),
    );
    assert.deepEqual(raw.toSorted(), [
      // The line protocol speaks to the robot's own program, and its log is the robot's own.
      'cli/agent.ts: const lines = createLineProtocol((line) => process.stdout.write(`${line}\\n`), {',
      'cli/agent.ts: log: (line) => void process.stderr.write(`${line}\\n`),',
      "cli/agent.ts: process.stdout.write(`${JSON.stringify({ event: 'ready', version: agent.policy()?.version ?? null })}\\n`);",
      "cli/print.ts: process.stdout.write('(none)\\n');",
      'cli/print.ts: process.stdout.write(`${table.toString()}\\n`);',
      // Its sentences are its own: nothing of others is there yet.
      'demo/first-look/main.ts: for (const sentence of wrong) process.stderr.write(`temporal-dev.sh: ${sentence}\\n`);',
      'demo/main.ts: process.stderr.write(',
    ]);
  });
});
