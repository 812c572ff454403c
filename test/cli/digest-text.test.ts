import assert from 'node:assert/strict';

import { digestText } from '../../cli/digest-text.ts';
import { digestText as onPages } from '../../dashboard/format.ts';

describe('a digest for people', () => {
  it('is its first 16 digits, in a terminal and on a page', () => {
    const digest = `0123456789abcdef${'f'.repeat(48)}`;
    assert.equal(digestText(digest), '0123456789abcdef');
    assert.equal(onPages(digest), '0123456789abcdef');
  });
});
