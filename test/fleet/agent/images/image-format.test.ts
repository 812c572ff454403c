import assert from 'node:assert/strict';

import * as fc from 'fast-check';
import sharp from 'sharp';

import { imageFormatOf, rawBytes } from '../../../../fleet/agent/images/image-format.ts';
import { front, jpegImage, pngImage, rawImage, side } from './camera-robot.ts';

describe('what an image of a camera is', () => {
  it('is seen by its first bytes or its size', async () => {
    for (const camera of [front, side]) {
      assert.equal(imageFormatOf(camera, await jpegImage(camera, 1)), 'jpeg');
      assert.equal(imageFormatOf(camera, await pngImage(camera, 1)), 'png');
      assert.equal(imageFormatOf(camera, rawImage(camera, 1)), 'raw');
    }
    const progressive = await sharp(await pngImage(front, 1))
      .jpeg({ progressive: true })
      .toBuffer();
    assert.equal(imageFormatOf(front, progressive), 'jpeg');
    const described = await sharp(await pngImage(front, 1))
      .withExif({ IFD0: { Artist: 'a'.repeat(3_000) } })
      .jpeg()
      .toBuffer();
    assert.equal(imageFormatOf(front, described), 'jpeg');
  });

  it('raw pixels may begin like a JPEG or a PNG', async () => {
    for (const start of [[0xff, 0xd8, 0xff, 0xc0], (await pngImage(side, 1)).subarray(0, 33)]) {
      const pixels = rawImage(front, 1);
      pixels.set(start);
      assert.equal(imageFormatOf(front, pixels), 'raw');
    }
  });

  it('anything else is refused, in words', async () => {
    const jpeg = await jpegImage(front, 1);
    const wrong: readonly (readonly [Uint8Array, RegExp])[] = [
      [
        new Uint8Array(0),
        /expected an image of camera front: JPEG or PNG of 32 × 24 pixels, or 2304 bytes of raw rgb; got 0 bytes/,
      ],
      [await jpegImage(side, 1), /got jpeg of 16 × 16/],
      [await pngImage(side, 1), /got png of 16 × 16/],
      [rawImage(front, 1).subarray(1), /got 2303 bytes/],
      [jpeg.subarray(0, 20), /got 20 bytes/],
      [await sharp(jpeg).webp().toBuffer(), /got \d+ bytes/],
    ];
    for (const [bytes, said] of wrong)
      assert.throws(() => imageFormatOf(front, bytes), { name: 'TypeError', message: said });
    for (const none of ['text', null, 7, [1, 2], new ArrayBuffer(4)])
      assert.throws(() => imageFormatOf(front, none as unknown as Uint8Array), TypeError);
  });

  it('hostile bytes end in an answer', async () => {
    const jpeg = await jpegImage(front, 1);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(jpeg.length - 1), fc.nat(255)), { maxLength: 30 }),
        fc.nat(jpeg.length),
        (flips, end) => {
          const bytes = Uint8Array.from(jpeg.subarray(0, end));
          for (const [at, byte] of flips) if (at < end) bytes[at] = byte;
          try {
            assert.ok(['jpeg', 'raw'].includes(imageFormatOf(front, bytes)));
          } catch (cause) {
            assert.ok(cause instanceof TypeError);
          }
        },
      ),
    );
    assert.equal(rawBytes(front), 2304);
  });
});
