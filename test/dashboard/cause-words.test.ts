import assert from 'node:assert/strict';

import { wordsOf } from '../../dashboard/cause-words.ts';
import { incidentCauses, noticeCauses } from '../../domain/monitoring/causes.ts';

describe('what pages say of incidents', () => {
  it('is a sentence of its own for every cause, and for an incident what to do', () => {
    for (const cause of incidentCauses) {
      const { title, todo } = wordsOf(cause);
      assert.ok(title.includes(' ') && todo.endsWith('.'), cause);
    }
    for (const cause of noticeCauses) assert.ok(wordsOf(cause).title.includes(' '), cause);
    const titles = [...incidentCauses, ...noticeCauses].map((cause) => wordsOf(cause).title);
    assert.equal(new Set(titles).size, titles.length);
  });
  it('is its name for one of a later version', () => {
    assert.deepEqual(wordsOf('constructor'), { title: 'constructor', todo: '' });
  });
});
