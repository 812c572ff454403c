import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { scenarioNames } from '../../demo/scenarios/names.ts';

const script = fileURLToPath(new URL('../../temporal-dev.sh', import.meta.url));

describe('temporal-dev.sh --scenario', () => {
  for (const name of scenarioNames)
    it(`${name} ends as it should`, async () => {
      const state = await mkdtemp(path.join(tmpdir(), 'flywheel-scenario-'));
      try {
        const options = ['--state', state, '--port', '17233', '--ui-port', '18233'];
        const child = spawn(script, ['--scenario', name, ...options], { stdio: ['ignore', 'pipe', 'pipe'] });
        let output = '';
        for (const stream of [child.stdout, child.stderr])
          stream.on('data', (bytes: Buffer) => (output += bytes.toString()));
        const [code] = (await once(child, 'exit')) as [number | null];
        assert.equal(code, 0, output);
        assert.match(output, /end state as it should be/);
      } finally {
        await rm(state, { recursive: true, force: true });
      }
    });
});
