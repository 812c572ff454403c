import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

import { footerKeys } from '../../datasets/columns.ts';
import { knownRecordings } from '../../datasets/importers/known-recordings.ts';
import { clipRules } from '../../datasets/media/clip-rules.ts';
import { allRules } from '../../datasets/validation/rules.ts';

const doc = readFileSync(new URL('../../docs/data.md', import.meta.url), 'utf8');

describe('docs/data.md', () => {
  it('lists every rule with its sentence and whether it can be released, and no other', () => {
    const listed = [...doc.matchAll(/^\| `([a-z]+\.[a-z-]+)` *\| (.+?) *\| (yes|never) *\|$/gm)].map(
      ([, id, sentence, released]) => ({ id, doc: sentence, waivable: released === 'yes' }),
    );
    assert.deepEqual(
      listed,
      [...allRules, ...clipRules].map(({ id, doc, waivable }) => ({ id, doc, waivable })),
    );
  });

  it('names every key of the footer and every known recording', () => {
    for (const key of Object.values(footerKeys)) assert.ok(doc.includes(`\`${key}\``), key);
    for (const { name } of knownRecordings) assert.ok(doc.includes(`- \`${name}\``), name);
  });
});
