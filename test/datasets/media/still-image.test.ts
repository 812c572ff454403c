import assert from 'node:assert/strict';
import { crc32, deflateSync } from 'node:zlib';

import * as fc from 'fast-check';
import sharp from 'sharp';

import { stillImage } from '../../../datasets/media/still-image.ts';

const [width, height] = [20, 12];
const picture = sharp({ create: { width, height, channels: 3, background: { r: 9, g: 99, b: 199 } } });

describe('an image by what it says', () => {
  let png: Buffer;
  let jpeg: Buffer;
  before(async () => {
    [png, jpeg] = await Promise.all([picture.clone().png().toBuffer(), picture.clone().jpeg().toBuffer()]);
  });

  function chunk(name: string, body: Uint8Array): Buffer {
    const named = Buffer.concat([Buffer.from(name, 'latin1'), body]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(body.length);
    sum.writeUInt32BE(crc32(named));
    return Buffer.concat([length, named, sum]);
  }

  it('has format and size of its header', () => {
    for (const [bytes, format] of [
      [png, 'png'],
      [jpeg, 'jpeg'],
    ] as const) {
      const image = stillImage(bytes);
      assert.ok(typeof image !== 'string');
      assert.deepEqual([image.format, image.width, image.height], [format, width, height]);
    }
  });

  it('keeps nothing of a PNG but what its pixels are made of', async () => {
    // A text of 100 MB, a profile and an animation, behind the header of 33 bytes.
    const bomb = Buffer.concat([
      chunk('zTXt', Buffer.concat([Buffer.from('note\0\0'), deflateSync(Buffer.alloc(100_000_000))])),
      chunk('iCCP', Buffer.from('profile\0\0none')),
      chunk('acTL', Buffer.alloc(8)),
    ]);
    const image = stillImage(Buffer.concat([png.subarray(0, 33), bomb, png.subarray(33), Buffer.from('more')]));
    assert.ok(typeof image !== 'string');
    assert.ok(image.bytes.length <= png.length);
    assert.deepEqual(await sharp(image.bytes).raw().toBuffer(), await sharp(png).raw().toBuffer());
  });

  it('is none with a second header, without pixels, or with a length that goes beyond its end', () => {
    const header = png.subarray(8, 33);
    const endless = Buffer.from(png);
    endless.writeUInt32BE(0xffff_ffff, 33);
    const end = chunk('IEND', new Uint8Array());
    const cases: readonly (readonly [Uint8Array, RegExp])[] = [
      [Buffer.concat([png.subarray(0, 33), header, png.subarray(33)]), /without a header, or with two/],
      [Buffer.concat([png.subarray(0, 8), end]), /without a header/],
      [Buffer.concat([png.subarray(0, 33), end]), /without pixels/],
      [endless, /cut off/],
      [new Uint8Array(), /neither a PNG nor a JPEG image/],
      [Uint8Array.of(0xff, 0xd8), /JPEG/],
    ];
    for (const [bytes, reason] of cases) {
      const image = stillImage(bytes);
      assert.ok(typeof image === 'string');
      assert.match(image, reason);
    }
  });

  it('is an image or a reason, whatever its bytes are, and never a PNG that was changed or cut', () => {
    const spoiled = fc.record({
      isPng: fc.boolean(),
      at: fc.nat(),
      bit: fc.nat(7),
      end: fc.option(fc.nat(), { nil: undefined }),
      behind: fc.uint8Array({ maxLength: 40 }),
    });
    fc.assert(
      fc.property(spoiled, ({ isPng, at, bit, end, behind }) => {
        const whole = isPng ? png : jpeg;
        const bytes = Buffer.from(end === undefined ? whole : whole.subarray(0, end % whole.length));
        if (bytes.length > 0) bytes[at % bytes.length]! ^= 1 << bit;
        const image = stillImage(Buffer.concat([bytes, behind]));
        // A PNG that is changed anywhere up to its end has a wrong signature, length or checksum.
        if (isPng) assert.equal(typeof image, 'string');
      }),
    );
  });
});
