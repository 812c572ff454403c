import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { readOidcSettings } from '../../console/oidc/settings.ts';
import { readMailSettings } from '../../workers/mail-settings.ts';

const secret = 'hunter2-of-the-plant';
const mail = { url: `smtp://robot:${secret}@mail.example`, from: 'a@b.example', receivers: [{ to: 'c@d.example' }] };
const oidc = {
  issuer: 'https://id.example',
  clientId: 'c',
  clientSecret: secret,
  publicUrl: 'https://console.example',
  roles: {},
  sessionSecret: `${secret} and more, to be long enough`,
};

describe('settings in a file of secrets', () => {
  let directory: string;
  let file: string;
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'flywheel-secret-'));
    file = path.join(directory, 'settings.json');
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  for (const [setting, read, good] of [
    ['FLYWHEEL_MAIL', readMailSettings, mail],
    ['FLYWHEEL_CONSOLE_OIDC', readOidcSettings, oidc],
  ] as const) {
    const refusal = (): string => {
      try {
        read(file);
      } catch (error) {
        assert.ok(error instanceof Error);
        return error.message;
      }
      return assert.fail('expected a refusal');
    };
    const write = (text: string, mode = 0o600) => writeFile(file, text, { mode });

    it(`${setting}: are read from a file of its owner`, async () => {
      await write(JSON.stringify(good));
      assert.ok(read(file));
    });

    it(`${setting}: are refused with setting, file and what was expected, and without what stands in it`, async () => {
      const begins = (wanted: RegExp): void => {
        const said = refusal();
        assert.ok(said.startsWith(`settings: ${setting}: `), said);
        assert.ok(said.endsWith(` [file=${file}]`), said);
        assert.match(said, wanted);
        assert.ok(!said.includes(secret), said);
      };
      begins(/expected a JSON file that can be read/);
      for (const text of ['', '{', '\u0000', `${secret} is no JSON`, '\uFEFF{}']) {
        await write(text);
        begins(/expected a JSON file that can be read/);
      }
      for (const text of ['{}', '[]', 'null', '"text"', JSON.stringify({ ...good, more: secret })]) {
        await write(text);
        begins(/expected|Unrecognized/);
      }
      await write(JSON.stringify({ ...good, __proto__: undefined }).replace('{', `{"__proto__":{"a":"${secret}"},`));
      begins(/__proto__/);
      await rm(file);
      await mkdir(file);
      begins(/expected a JSON file that can be read/);
    });

    it(`${setting}: are refused where others may read the file, and beyond a MiB`, async () => {
      await write(JSON.stringify(good));
      for (const mode of [0o640, 0o604, 0o620, 0o777]) {
        await chmod(file, mode);
        assert.match(refusal(), /only its owner can read \(chmod 600\)/, mode.toString(8));
      }
      const mib = 1024 * 1024;
      await rm(file);
      await write(JSON.stringify(good).padEnd(mib));
      assert.ok(read(file));
      await write(JSON.stringify(good).padEnd(mib + 1));
      assert.match(refusal(), /at most 1048576 bytes, got 1048577/);
    });
  }
});
