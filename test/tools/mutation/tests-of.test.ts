import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { indexTests } from '../../../tools/mutation/tests-of.ts';

describe('the tests of a source file', () => {
  it('come nearest first, within reach, without the long ones', () => {
    const root = mkdtempSync(path.join(tmpdir(), 'flywheel-tests-of-'));
    const sources = {
      'domain/inner.ts': 'export const inner = 1;',
      'domain/outer.ts': "export { inner } from './inner.ts';",
      'test/domain/inner.test.ts': "import '../../domain/inner.ts';",
      'test/domain/outer.test.ts': "import '../../domain/outer.ts';",
      'test/domain/other.test.ts': 'export {};',
      'test/long/inner.test.ts': "import '../../domain/inner.ts';",
    };
    try {
      for (const [file, text] of Object.entries(sources)) {
        mkdirSync(path.join(root, path.dirname(file)), { recursive: true });
        writeFileSync(path.join(root, file), text);
      }
      const index = indexTests(root, Object.keys(sources));
      assert.deepEqual(index.testsOf('domain/inner.ts', 1), ['test/domain/inner.test.ts']);
      assert.deepEqual(index.testsOf('domain/inner.ts', 2), ['test/domain/inner.test.ts', 'test/domain/outer.test.ts']);
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });
});
