import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../../.github/workflows', import.meta.url));
const documents = fileURLToPath(new URL('../../docs', import.meta.url));
const textOf = (directory: string, file: string): string => readFileSync(path.join(directory, file), 'utf8');
const pinned = /^[\w-]+\/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/;

describe('the workflows of the repository', () => {
  it('name every action by its commit, with its version beside it: a tag can be moved', () => {
    const uses = readdirSync(folder).flatMap((file) =>
      [...textOf(folder, file).matchAll(/^\s*(?:- )?uses: (.*)$/gm)].map((match) => match[1] ?? ''),
    );
    assert.ok(uses.length >= 5);
    for (const action of uses.filter((name) => !name.startsWith('./'))) assert.match(action, pinned);
  });

  it('are shown like that in the documents, and under the same commits', () => {
    const inWorkflows = new Map<string, string>();
    for (const file of readdirSync(folder))
      for (const [, action = '', rest = ''] of textOf(folder, file).matchAll(/uses: ([\w-]+\/[\w-]+)@(.*)$/gm))
        inWorkflows.set(action, rest);
    const shown = readdirSync(documents)
      .filter((file) => file.endsWith('.md'))
      .flatMap((file) => [...textOf(documents, file).matchAll(/^\s*(?:- )?uses: (\S+\/\S+@.*)$/gm)])
      .map((match) => match[1] ?? '');
    assert.ok(shown.length > 0);
    for (const action of shown) {
      // The reader's own copy of this repository, at a commit that only the reader knows.
      if (action.startsWith('OWNER/flywheel/')) assert.match(action, /@COMMIT\b/);
      else {
        assert.match(action, pinned);
        const [name = '', rest] = action.split('@');
        assert.equal(inWorkflows.get(name) ?? rest, rest, name);
      }
    }
  });
});
