import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import { cleanText } from '../../domain/clean-text.ts';

describe('clean text', () => {
  it('has no character that moves a cursor, turns the writing or hides', () => {
    const dirty = [
      '\u001b[2J',
      '\u0000',
      '\r\n',
      '\u009b31m',
      '\u202eevil',
      '\u200bx',
      '\ud800',
      '\u2028',
      '\ue000',
      '\u007f',
    ];
    for (const text of dirty) assert.match(cleanText(text), /^\ufffd/, JSON.stringify(text));
    assert.equal(cleanText('a\u001b[2Jb'), 'a\ufffd[2Jb');
  });

  it('leaves what people write as it is', () => {
    const text = 'Möbel im Weg – 障害物, قف, 🤖 (60 %) "a/b"';
    assert.equal(cleanText(text), text);
  });

  it('never grows, and stays the same when cleaned again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const clean = cleanText(text);
        assert.ok(clean.length <= text.length);
        assert.equal(cleanText(clean), clean);
        assert.doesNotMatch(clean, /[\p{Cc}\p{Cf}\p{Cs}]/u);
      }),
    );
  });
});
