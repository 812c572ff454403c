import assert from 'node:assert/strict';

import { assert as check, nat, property, uint8Array } from 'fast-check';
import sharp from 'sharp';

import { isPlainJpeg, jpegEnd, jpegSegments } from '../../../datasets/media/jpeg-segments.ts';

const noise = (width: number, height: number, channels: 1 | 3) =>
  sharp(
    Uint8Array.from({ length: width * height * channels }, (_, at) => (at * 7919 + (at >> 3) * 104_729) % 256),
    { raw: { width, height, channels } },
  );

describe('segments of a JPEG image', () => {
  let plain: Buffer;
  before(async () => {
    plain = await noise(48, 32, 3).jpeg().toBuffer();
  });
  /** With something behind SOI. */
  const having = (segment: Uint8Array): Buffer => Buffer.concat([plain.subarray(0, 2), segment, plain.subarray(2)]);
  const segment = (marker: number, text: string): Buffer =>
    Buffer.concat([Buffer.of(0xff, marker, 0, text.length + 2), Buffer.from(text)]);

  it('cover its bytes, and say where it ends among others', () => {
    const segments = [...jpegSegments(plain)];
    assert.equal(segments[0]?.start, 2);
    for (const [index, { end }] of segments.entries()) assert.equal(segments[index + 1]?.start ?? plain.length, end);
    assert.equal(jpegEnd(plain), plain.length);
    assert.equal(jpegEnd(Buffer.concat([plain, plain]), plain.length), 2 * plain.length);
    for (let length = 0; length < plain.length; length += 1)
      assert.equal(jpegEnd(plain.subarray(0, length)), undefined);
  });

  it('are not fooled by an end within a segment', () => {
    const bytes = having(Buffer.of(0xff, 0xfe, 0, 4, 0xff, 0xd9));
    assert.equal(jpegEnd(bytes), bytes.length);
  });

  it('end for whatever bytes, and never behind them with EOI', () => {
    check(
      property(uint8Array({ maxLength: 300 }), nat(300), (bytes, at) => {
        const image = Uint8Array.from([...plain.subarray(0, at), ...bytes]);
        const end = jpegEnd(image);
        assert.ok(end === undefined || end <= image.length);
        isPlainJpeg(image);
      }),
    );
  });

  it('of a plain image are pixels and their tables alone', async () => {
    for (const jpeg of [
      plain,
      having(segment(0xe0, 'JFIF and so on')),
      await noise(48, 32, 3).jpeg({ chromaSubsampling: '4:4:4', quality: 100 }).toBuffer(),
      await noise(8, 8, 3).jpeg({ optimiseCoding: false }).toBuffer(),
    ])
      assert.equal(isPlainJpeg(jpeg), true);
    for (const [what, jpeg] of [
      ['grey', await noise(48, 32, 1).toColourspace('b-w').jpeg().toBuffer()],
      ['progressive', await noise(48, 32, 3).jpeg({ progressive: true }).toBuffer()],
      ['four channels', await noise(48, 32, 3).toColourspace('cmyk').jpeg().toBuffer()],
      ['with a profile', await noise(48, 32, 3).withIccProfile('p3').jpeg().toBuffer()],
      [
        'with a place',
        await noise(48, 32, 3)
          .withExif({ IFD3: { GPSLatitude: '51/1 30/1 0/1' } })
          .jpeg()
          .toBuffer(),
      ],
      ['with a comment', having(segment(0xfe, 'said'))],
      ['with a thumbnail', having(segment(0xe0, 'JFXX and more than an APP0 without'))],
      ['with two APP0', having(Buffer.concat([segment(0xe0, 'JFIF'), segment(0xe0, 'JFIF')]))],
      ['with something behind', Buffer.concat([plain, Buffer.of(0)])],
      ['cut', plain.subarray(0, -1)],
      ['of two images', Buffer.concat([plain, plain])],
      ['none', Buffer.from('GIF89a')],
      ['empty', Buffer.alloc(0)],
    ] as const)
      assert.equal(isPlainJpeg(jpeg), false, what);
  });
});
