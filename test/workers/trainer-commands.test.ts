import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { isFailure } from '../../store/failures.ts';
import { readSettings } from '../../workers/config.ts';
import { openTrainers } from '../../workers/compose.ts';
import { allowedCommand, readTrainerCommands } from '../../workers/trainer-commands.ts';

describe('the commands that may train', () => {
  let directory: string;
  before(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'flywheel-trainers-'));
  });
  after(() => rmSync(directory, { recursive: true, force: true }));
  const document = (value: unknown): string => {
    const file = path.join(directory, 'trainers.json');
    writeFileSync(file, typeof value === 'string' ? value : JSON.stringify(value));
    return file;
  };
  const trainers = [
    { command: ['python3', '/opt/train.py'] },
    {
      command: ['python3', '/opt/train.py', '--large'],
      environment: { SIZE: 'large' },
      inherit: ['CUDA_VISIBLE_DEVICES'],
    },
  ];

  it('are whole beginnings of a command, word by word', () => {
    const listed = readTrainerCommands(document({ trainers }), '/opt/submit');
    const allowed = (...command: string[]) => allowedCommand(listed, command)?.command;
    assert.deepEqual(allowed('python3', '/opt/train.py', '--fast'), trainers[0]!.command);
    assert.deepEqual(allowed('python3', '/opt/train.py', '--large'), trainers[1]!.command);
    assert.deepEqual(allowed('/opt/submit', 'anything'), ['/opt/submit']);
    for (const other of [
      ['python3'],
      ['python3', '-c', 'import os'],
      ['python3', '/opt/train.py.evil'],
      ['python3', '/opt/../opt/train.py'],
      ['/usr/bin/python3', '/opt/train.py'],
      ['submit'],
      [],
    ])
      assert.equal(allowed(...other), undefined, other.join(' '));
  });

  it('are never an interpreter that runs what the input says', () => {
    for (const program of ['python3', '/usr/bin/python3.11', 'bash', 'env', 'torchrun', 'npx', 'node', 'Rscript'])
      assert.throws(
        () => readSettings({ FLYWHEEL_TRAINER_PROGRAMS: `/opt/submit,${program}` }),
        /settings: FLYWHEEL_TRAINER_PROGRAMS: expected a whole command, got .* FLYWHEEL_TRAINERS names/,
        program,
      );
    for (const command of [['python3'], ['python3', '-u'], ['bash', '-c']])
      assert.throws(
        () => readTrainerCommands(document({ trainers: [{ command }] }), ''),
        /FLYWHEEL_TRAINERS: expected a whole/,
      );
  });

  it('come from a document that is as it must be', () => {
    const read = (value: unknown) => () => readSettings({ FLYWHEEL_TRAINERS: document(value) });
    assert.throws(read('{'), /FLYWHEEL_TRAINERS: .*trainers\.json: expected a JSON file/);
    assert.throws(read({ trainers: [{ command: [] }] }), /trainers\.0\.command/);
    assert.throws(read({ trainers: [{ command: ['x'], environment: { 'A=B': '1' } }] }), /environment\.A=B/);
    assert.throws(() => readSettings({ FLYWHEEL_TRAINERS: path.join(directory, 'none.json') }), /ENOENT/);
    assert.deepEqual(readSettings({}).trainerCommands, []);
  });

  it('are named when another is asked for', async () => {
    const trainersOf = await openTrainers({
      threads: 1,
      trainerCommands: readTrainerCommands(document({ trainers }), ''),
    });
    assert.throws(
      () => trainersOf.command(['python3', '-c', 'print(1)']),
      (error) =>
        isFailure(error, 'TrainingImpossible') && /\["python3","\/opt\/train\.py"\]/.test((error as Error).message),
    );
  });
});
