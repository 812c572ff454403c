import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { allowTrainers, pytorchOf } from '../../demo/pytorch.ts';
import { allowedCommand, readTrainerCommands } from '../../workers/trainer-commands.ts';

describe('trainers of scenarios', () => {
  let directory: string;
  before(async () => (directory = await mkdtemp(path.join(tmpdir(), 'flywheel-trainers-'))));
  after(() => rm(directory, { recursive: true, force: true }));

  it('are those that workers accept, as whole commands', () => {
    const trainer = pytorchOf('/opt/python/bin/python');
    const { FLYWHEEL_TRAINERS } = allowTrainers(directory, [trainer]);
    const listed = readTrainerCommands(FLYWHEEL_TRAINERS, '');
    assert.deepEqual(listed, [trainer]);
    assert.deepEqual(allowedCommand(listed, trainer.command), trainer);
    assert.equal(allowedCommand(listed, ['/opt/python/bin/python', '-c', 'print()']), undefined);
  });

  it('find the source of the package that they run', () => {
    const { command, environment } = pytorchOf('python');
    const source = environment['PYTHONPATH'] ?? '';
    assert.ok(existsSync(path.join(source, command.at(-1) ?? '', '__main__.py')), source);
  });
});
