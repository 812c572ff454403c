import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { z } from 'zod';

import { readJsonFile } from '../../cli/read-json-file.ts';

describe('a JSON file that a person names', () => {
  const schema = z.array(z.strictObject({ token: z.string() }));
  let directory: string;
  let file: string;

  before(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'flywheel-json-'));
    file = path.join(directory, 'robots.json');
  });

  after(() => rm(directory, { recursive: true }));

  it('is read as its schema says', async () => {
    await writeFile(file, '[{"token":"t"}]');
    assert.deepEqual(await readJsonFile(file, schema), [{ token: 't' }]);
  });

  it('is named when it holds other text, of which nothing is shown', async () => {
    await writeFile(file, 'secret');
    await assert.rejects(readJsonFile(file, schema), ({ message }: Error) => {
      assert.equal(message, `${file}: expected a JSON document, got other text`);
      return true;
    });
  });

  it('is named with the field when it holds another document', async () => {
    await writeFile(file, '[{"token":7}]');
    await assert.rejects(readJsonFile(file, schema), /robots\.json: 0\.token: .*expected string/);
    await writeFile(file, '{}');
    await assert.rejects(readJsonFile(file, schema), /robots\.json: input: .*expected array/);
  });

  it('is named when it is missing', () =>
    assert.rejects(readJsonFile(`${file}.gone`, schema), /ENOENT.*robots\.json\.gone/));
});
