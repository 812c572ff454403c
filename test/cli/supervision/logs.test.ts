import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { logTail } from '../../../demo/supervision/log-tail.ts';
import { trimLogs } from '../../../demo/supervision/trim-logs.ts';

describe('logs of the development installation', () => {
  let directory: string;
  beforeEach(async () => (directory = await mkdtemp(path.join(tmpdir(), 'flywheel-logs-'))));
  afterEach(() => rm(directory, { recursive: true }));

  it('begin anew when they are too long, the last one kept; what is appended then is told', async () => {
    const file = path.join(directory, 'gateway.log');
    await writeFile(file, `${'x'.repeat(2_000)}\n`);
    await writeFile(path.join(directory, 'short.log'), 'short\n');
    trimLogs(directory, 1_000);
    assert.equal(await readFile(file, 'utf8'), '');
    assert.equal((await readFile(`${file}.1`, 'utf8')).length, 2_001);
    assert.equal(await readFile(path.join(directory, 'short.log'), 'utf8'), 'short\n');
    await appendFile(file, 'after\n');
    assert.deepEqual(logTail(file, 2_001), ['after']);
  });

  it('are told by their last lines: five, short, printable, and none of before', async () => {
    const file = path.join(directory, 'a.log');
    assert.deepEqual(logTail(file), []);
    await writeFile(file, 'before\n');
    await appendFile(file, `${[1, 2, 3, 4, 5, 6].map((line) => `line ${line}`).join('\n')}\u001b[31m\u0007\n`);
    assert.deepEqual(logTail(file, 7), ['line 2', 'line 3', 'line 4', 'line 5', 'line 6 [31m']);
    await writeFile(file, 'y'.repeat(10_000));
    const [line = ''] = logTail(file);
    assert.equal(line, `${'y'.repeat(300)} …`);
  });
});
