import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../../.github/workflows', import.meta.url));

describe('the workflows of the repository', () => {
  it('name every action by its commit, with its version beside it: a tag can be moved', () => {
    const uses = readdirSync(folder).flatMap((file) =>
      [...readFileSync(path.join(folder, file), 'utf8').matchAll(/^\s*(?:- )?uses: (.*)$/gm)].map(
        (match) => match[1] ?? '',
      ),
    );
    assert.ok(uses.length >= 5);
    for (const action of uses.filter((name) => !name.startsWith('./')))
      assert.match(action, /^[\w-]+\/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });
});
