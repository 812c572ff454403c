import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { openContact } from '../../../fleet/agent/link/contact.ts';
import type { MachineMoment } from '../../../fleet/agent/local/times.ts';
import { temporaryDirectory } from './robot.ts';

describe('how long no gateway has answered', () => {
  let folder: Awaited<ReturnType<typeof temporaryDirectory>>;
  let file: string;
  let moment: MachineMoment;
  const open = (onMade = () => {}) => openContact(file, () => moment, onMade);
  const at = (monotonicMs: number, machineBootId = 'one'): void => void (moment = { machineBootId, monotonicMs });
  beforeEach(async () => {
    folder = await temporaryDirectory();
    file = path.join(folder.directory, 'contact.json');
    at(1_000);
  });
  afterEach(() => folder.remove());

  it('begins with the agent, ends with an answer, and says so', async () => {
    let answers = 0;
    const contact = await open(() => (answers += 1));
    assert.equal(contact.contactlessMs(), 0);
    at(5_000);
    assert.equal(contact.contactlessMs(), 4_000);
    contact.made();
    assert.deepEqual([contact.contactlessMs(), answers], [0, 1]);
  });

  it('goes on while the agent is down, also right after an answer, and is written every ten minutes', async () => {
    const first = await open();
    first.made();
    await first.keep();
    at(61_000);
    assert.equal((await open()).contactlessMs(), 60_000);
    // Kept a minute ago: not yet again.
    await first.keep();
    assert.equal((JSON.parse(await readFile(file, 'utf8')) as { contactlessMs: number }).contactlessMs, 0);
    at(1_000 + 600_000 - 1);
    await first.keep();
    assert.equal((JSON.parse(await readFile(file, 'utf8')) as { contactlessMs: number }).contactlessMs, 0);
    at(1_000 + 600_000);
    await first.keep();
    assert.equal((JSON.parse(await readFile(file, 'utf8')) as { contactlessMs: number }).contactlessMs, 600_000);
  });

  it('does not count the time in which the machine was off, nor a clock that runs backwards', async () => {
    const before = await open();
    at(31_000);
    await before.keep();
    at(7_000, 'two');
    assert.equal((await open()).contactlessMs(), 30_000);
    at(500);
    assert.equal((await open()).contactlessMs(), 30_000);
  });

  it('is nothing where what was kept is none', async () => {
    for (const text of ['', '{}', '{"contactlessMs":-1,"at":{"machineBootId":"one","monotonicMs":0}}', 'null']) {
      await writeFile(file, text);
      assert.equal((await open()).contactlessMs(), 0, text);
    }
  });
});
