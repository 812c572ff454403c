import assert from 'node:assert/strict';

import { array, assert as holds, asyncProperty, constantFrom, integer } from 'fast-check';

import { guessTextEncoding, inUtf8, type TableEncoding } from '../../../datasets/importers/text-encoding.ts';

/** The same words as the encodings write them. */
const written = new Map<TableEncoding, readonly [string, string]>([
  ['utf-8', ['4772c3bcc39f65', 'Grüße']],
  ['utf-16le', ['fffe47007200fc00df006500', 'Grüße']],
  ['utf-16be', ['feff0047007200fc00df0065', 'Grüße']],
  ['windows-1250', ['b9ea9c', 'ąęś']],
  ['windows-1251', ['ebe8f7', 'лич']],
  ['windows-1252', ['4772fcdf6520b046', 'Grüße °F']],
  ['shift_jis', ['91ac9378', '速度']],
  ['gb18030', ['cbd9b6c8', '速度']],
  ['euc-kr', ['bcd3b5b5', '속도']],
]);

async function read(bytes: Buffer, cuts: readonly number[], encoding?: TableEncoding): Promise<string> {
  async function* pieces() {
    let from = 0;
    for (const cut of cuts.toSorted((a, b) => a - b)) {
      yield bytes.subarray(from, Math.max(from, cut));
      from = Math.max(from, cut);
    }
    yield bytes.subarray(from);
  }
  const parts: Buffer[] = [];
  for await (const part of inUtf8(pieces(), encoding)) parts.push(part);
  return Buffer.concat(parts).toString();
}

describe('encoding of a text table', () => {
  it('gives the same text wherever the file is cut into pieces', () =>
    holds(
      asyncProperty(
        constantFrom(...written.entries()),
        array(integer({ min: 0, max: 12 }), { maxLength: 4 }),
        async ([encoding, [hex, text]], cuts) => {
          assert.equal(await read(Buffer.from(hex, 'hex'), cuts, encoding), text);
        },
      ),
    ));

  it('is that of a byte order mark, UTF-8, or else that of Windows; a character that is cut is no other encoding', async () => {
    for (const [encoding, [hex, text]] of written) {
      const bytes = Buffer.from(hex, 'hex');
      const isMarked = encoding.startsWith('utf');
      assert.equal(guessTextEncoding(bytes), isMarked ? encoding : 'windows-1252');
      if (isMarked) assert.equal(await read(bytes, [1]), text, 'a mark that is cut, too');
    }
    assert.equal(guessTextEncoding(Buffer.from('Grüße').subarray(0, 3)), 'utf-8');
    assert.equal(guessTextEncoding(Buffer.from([0x47, 0xe4])), 'utf-8', 'it may be cut');
    assert.equal(guessTextEncoding(Buffer.from([])), 'utf-8');
  });
});
