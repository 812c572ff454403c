import assert from 'node:assert/strict';

import { withReason } from '../../cli/person.ts';

describe('the reason of an act', () => {
  it('may be called --why, as some commands of earlier versions had it; words after -- stay', () => {
    assert.deepEqual(withReason(['robots', 'revoke', 'r1', '--why', 'stolen']), [
      'robots',
      'revoke',
      'r1',
      '--reason',
      'stolen',
    ]);
    assert.deepEqual(withReason(['--why=--why', '--whys', 'why', '--', '--why']), [
      '--reason=--why',
      '--whys',
      'why',
      '--',
      '--why',
    ]);
  });
});
