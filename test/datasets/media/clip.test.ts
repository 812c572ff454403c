import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import { ClipError, maxClipImages } from '../../../datasets/media/clip-format.ts';
import { readClip } from '../../../datasets/media/read-clip.ts';
import { clipHead, writeClip } from '../../../datasets/media/write-clip.ts';
import { boxAt, clipOf, fault, fullBox, memorySource, patched, withBox } from './clips.ts';

const format = { width: 640, height: 480, periodUs: 33_333 };
const seconds = (count: number): number => count * 1_000_000;
const jpegs = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    atUs: 1_764_000_000_000_000 + index * 33_333 + (index % 3),
    jpeg: Uint8Array.from({ length: 5 + (index % 4) }, (_unused, at) => index + at),
  }));
const read = (bytes: Uint8Array) => readClip(memorySource(bytes));
/** Boxes around the tables of a clip, from the outside. */
const aroundTables = ['moov', 'trak', 'mdia', 'minf', 'stbl'];

const images = fc.array(
  fc.record({
    gapUs: fc.oneof(fc.constant(33_333), fc.integer({ min: 1, max: 2 ** 32 - 1 })),
    jpeg: fc.uint8Array({ minLength: 1, maxLength: 40 }),
  }),
  { minLength: 1, maxLength: 20 },
);
const clips = fc
  .record({ startUs: fc.integer({ min: 0, max: 2 ** 51 }), images })
  .map(({ startUs, images: gaps }) => {
    let atUs = startUs;
    return gaps.map(({ gapUs, jpeg }) => ({ atUs: (atUs += gapUs), jpeg }));
  })
  .filter((all) => (all.at(-1)?.atUs ?? 0) - (all[0]?.atUs ?? 0) <= seconds(86_400));

describe('clips of a camera', () => {
  it('give back the instants and bytes that were written', async () => {
    await fc.assert(
      fc.asyncProperty(clips, async (all) => {
        const bytes = await clipOf(format, all);
        const clip = await read(bytes);
        assert.deepEqual([clip.codec, clip.width, clip.height], ['jpeg', 640, 480]);
        const found = clip.samples.map(({ atUs, offset, sizeBytes, isKey }) => {
          assert.ok(isKey);
          return { atUs: atUs + (all[0]?.atUs ?? 0), jpeg: bytes.slice(offset, offset + sizeBytes) };
        });
        assert.deepEqual(found, all);
        assert.equal(bytes.length, (clip.samples.at(-1)?.offset ?? 0) + (clip.samples.at(-1)?.sizeBytes ?? 0));
      }),
      { numRuns: 60 },
    );
  });

  it('are the same bytes for the same images', async () => {
    assert.deepEqual(await clipOf(format, jpegs(40)), await clipOf(format, jpegs(40)));
  });

  it('hold more than 4 GiB: places of images have 64 bits', async () => {
    const big = Array.from({ length: 100 }, (_, index) => ({ atUs: index * 33_333, sizeBytes: 60_000_000 }));
    const head = clipHead(format, big);
    const clip = await readClip({
      sizeBytes: head.length + 6_000_000_000,
      read: async (start, end) => head.slice(start, end),
    });
    assert.equal(clip.samples[99]?.offset, head.length + 99 * 60_000_000);
    const one = await readClip({ ...memorySource(head), sizeBytes: head.length + 6_000_000_000 });
    assert.equal(one.samples.length, 100);
  });

  it('refuse what no clip holds, before a byte is written', () => {
    const image = { atUs: 5, sizeBytes: 10 };
    const cases: readonly (readonly [() => unknown, ClipError['fault'], RegExp])[] = [
      [() => clipHead(format, []), 'tooLarge', /expected 1 to 200000 images, got 0/],
      [
        () =>
          clipHead(
            format,
            Array.from({ length: maxClipImages + 1 }, () => image),
          ),
        'tooLarge',
        /got 200001/,
      ],
      [() => clipHead(format, [image, image]), 'damaged', /expected image 1 1 to \d+ µs after the one before, got 0/],
      [() => clipHead(format, [image, { ...image, atUs: 5 + 2 ** 32 }]), 'damaged', /got 4294967296 µs/],
      [() => clipHead(format, [{ ...image, sizeBytes: 0 }]), 'tooLarge', /expected an image of 1 to \d+ bytes, got 0/],
      [() => clipHead({ ...format, width: 4097 }, [image]), 'tooLarge', /expected a side .* got 4097/],
      [() => clipHead({ ...format, periodUs: 0.5 }, [image]), 'damaged', /expected a period/],
    ];
    for (const [make, expected, says] of cases) assert.throws(make, fault(expected, says));
  });

  it('refuse an image of another size than announced, and too few or too many', async () => {
    const all = async (pieces: readonly Uint8Array[]) => {
      let bytes = 0;
      for await (const piece of writeClip(format, [{ atUs: 0, sizeBytes: 2 }], pieces)) bytes += piece.length;
      return bytes;
    };
    await assert.rejects(all([Uint8Array.of(1)]), fault('damaged', /expected 2 bytes of image 0 of 1, got 1/));
    await assert.rejects(
      all([Uint8Array.of(1, 2), Uint8Array.of(3)]),
      fault('damaged', /expected no bytes of image 1/),
    );
    await assert.rejects(all([]), fault('truncated', /expected 1 images, got 0/));
  });
});

describe('reading a clip from outside', () => {
  let clip: Uint8Array;
  before(async () => {
    clip = await clipOf(format, jpegs(30));
  });

  it('says what else lies there under its name', async () => {
    const text = (value: string) => new TextEncoder().encode(value);
    await assert.rejects(
      read(text('version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n')),
      fault('notMp4', /a pointer of Git LFS: fetch the file itself/),
    );
    await assert.rejects(read(text('<!doctype html><title>404</title>')), fault('notMp4', /expected an MP4 file/));
    await assert.rejects(read(new Uint8Array(0)), fault('truncated', /got none/));
  });

  it('refuses what it cannot read rightly, with a sentence for each', async () => {
    const { at: mdat } = boxAt(clip, 'mdat');
    const track = clip.slice(boxAt(clip, 'trak').at, boxAt(clip, 'trak').at + boxAt(clip, 'trak').size);
    const cases: readonly (readonly [string, Uint8Array, ClipError['fault'], RegExp])[] = [
      ['cut in its images', clip.slice(0, -1), 'truncated', /expected \d+ bytes for the box "mdat"/],
      ['cut before its images', clip.slice(0, mdat), 'truncated', /expected image 0 within/],
      ['cut in its table', clip.slice(0, 200), 'truncated', /for the box "moov"/],
      ['fragment', withBox(clip, [], 'mdat', fullBox('moof')), 'unsupported', /in fragments/],
      ['fragments to come', withBox(clip, ['moov'], 'trak', fullBox('mvex')), 'unsupported', /in fragments/],
      ['two tracks', withBox(clip, ['moov'], 'trak', track), 'unsupported', /expected one track, got 2/],
      ['no track', patched(clip, 'trak', 4, 0x66_72_65_65), 'unsupported', /expected one track, got 0/],
      ['sound', patched(clip, 'hdlr', 16, 0x73_6f_75_6e), 'unsupported', /expected a track of images/],
      ['unknown codec', patched(clip, 'mp4v', 4, 0x68_76_63_31), 'unsupported', /got the codec "hvc1"/],
      ['another MPEG codec', patched(clip, 'esds', 18, 0x20_11_00_00), 'unsupported', /got the codec "mp4v"/],
      ['no timescale', patched(clip, 'mdhd', 28, 0), 'damaged', /got 0 a second/],
      ['zero distance', patched(clip, 'stts', 20, 0), 'damaged', /expected image 1 later than the one before/],
      ['too few times', patched(clip, 'stts', 16, 0), 'damaged', /expected times of 30 images, got those of 28/],
      ['too many times', patched(clip, 'stts', 16, 2 ** 32 - 1), 'damaged', /expected times of 30 images, got more/],
      ['2^32 - 1 runs', patched(clip, 'stts', 12, 2 ** 32 - 1), 'tooLarge', /at most 200000 runs of times/],
      ['2^32 - 1 images', patched(clip, 'stsz', 16, 2 ** 32 - 1), 'tooLarge', /at most 200000 images, got 4294967295/],
      ['images without sizes', patched(clip, 'stsz', 16, 200_000), 'truncated', /expected 800000 bytes/],
      ['an image of 4 GiB', patched(clip, 'stsz', 20, 2 ** 32 - 1), 'tooLarge', /expected an image of 1 to/],
      ['an image of nothing', patched(clip, 'stsz', 20, 0), 'damaged', /got 0/],
      ['all of one size', patched(clip, 'stsz', 12, 400), 'truncated', /within/],
      ['images outside', patched(clip, 'co64', 16, 1), 'truncated', /expected image 0 within/],
      ['images beyond 2^53', patched(clip, 'co64', 16, 2 ** 31), 'damaged', /below 2\^53/],
      ['two descriptions', patched(clip, 'stsc', 24, 2), 'unsupported', /expected one description/],
      ['chunks from 2', patched(clip, 'stsc', 16, 2), 'damaged', /runs of chunks in order/],
      ['parts elsewhere', patched(clip, 'url ', 8, 0), 'unsupported', /a reference to others/],
      ['a side of nothing', patched(clip, 'mp4v', 32, 480), 'tooLarge', /got 0×480/],
      ['B-frames', withBox(clip, aroundTables, 'stts', fullBox('ctts', 1, 30, 7)), 'unsupported', /B-frames/],
      [
        'a shift',
        withBox(clip, ['moov', 'trak'], 'mdia', edits(fullBox('elst', 1, 1000, 33_333, 0x1_0000))),
        'unsupported',
        /edit list, got one that starts at 33333/,
      ],
      ['two edits', withBox(clip, ['moov', 'trak'], 'mdia', edits(fullBox('elst', 2))), 'tooLarge', /at most 1 edits/],
    ];
    for (const [what, bytes, expected, says] of cases) {
      const got: unknown = await read(bytes).then(
        () => undefined,
        (error: unknown) => error,
      );
      assert.ok(got instanceof ClipError, `${what}: ${String(got)}`);
      assert.deepEqual([got.fault, says.test(got.message)], [expected, true], `${what}: ${got.message}`);
    }
  });

  it('refuses images that overlap: each would be decoded as often as it is named', async () => {
    // Thirty chunks of one image that all start at the same place.
    const chunks = fullBox('stco', 30, ...Array.from({ length: 30 }, () => clip.length));
    const bytes = withBox(
      patched(patched(clip, 'stsc', 20, 1), 'co64', 4, 0x66_72_65_65),
      aroundTables,
      'stsz',
      chunks,
    );
    await assert.rejects(read(bytes), fault('damaged', /expected image 1 behind the one before, got it within/));
  });

  it('honours an edit list and a table of shifts that change nothing, and chunks of several images', async () => {
    const plain = withBox(clip, ['moov', 'trak'], 'mdia', edits(fullBox('elst', 1, 1000, 0, 0x1_0000)));
    const instants = (await read(clip)).samples.map(({ atUs }) => atUs);
    assert.deepEqual(
      (await read(plain)).samples.map(({ atUs }) => atUs),
      instants,
    );
    const chunked = withBox(
      patched(clip, 'co64', 4, 0x66_72_65_65),
      aroundTables,
      'stsc',
      Buffer.concat([fullBox('stsc', 2, 1, 10, 1, 3, 5, 1), fullBox('stco', 4, 900, 1000, 1100, 1200)]),
    );
    const withoutOld = patched(chunked.slice(), 'stsc', 4, 0x73_74_73_63);
    const second = Buffer.from(withoutOld).lastIndexOf('stsc', undefined, 'latin1');
    withoutOld.set(new TextEncoder().encode('free'), second);
    const padded = new Uint8Array(Buffer.concat([withoutOld, new Uint8Array(2000)]));
    padded.set(Uint8Array.of(0, 0, 0, 0), boxAt(padded, 'mdat').at);
    const { samples } = await read(padded);
    assert.deepEqual([samples.length, samples[9]?.offset], [30, 900 + 9 * 6 + 3]);
    assert.deepEqual([samples[10]?.offset, samples[20]?.offset, samples[25]?.offset], [1000, 1100, 1200]);
  });

  it('reads at most its table and the headers, and nothing of a bomb of boxes', async () => {
    const source = memorySource(clip);
    await readClip(source);
    assert.ok(
      source.reads() <= 5 && source.readBytes() < 1_500,
      `${source.reads()} reads, ${source.readBytes()} bytes`,
    );
    const bomb = memorySource(
      new Uint8Array(Buffer.concat([clip.subarray(0, 28), ...Array.from({ length: 5_000 }, () => fullBox('free'))])),
    );
    await assert.rejects(readClip(bomb), fault('damaged', /at most 64 boxes in a file/));
    assert.ok(bomb.reads() <= 64);
    const inside = withBox(clip, ['moov'], 'trak', Buffer.concat(Array.from({ length: 5_000 }, () => fullBox('free'))));
    await assert.rejects(read(inside), fault('damaged', /at most 64 boxes within one/));
    const huge = clipHead(format, [{ atUs: 0, sizeBytes: 1 }]);
    new DataView(huge.buffer).setUint32(boxAt(huge, 'moov').at, 2 ** 31);
    const zeros = (length: number) => new Uint8Array(length);
    const large = {
      sizeBytes: 2 ** 32,
      read: async (start: number, end: number) =>
        Buffer.concat([huge.slice(start, end), zeros(16)]).subarray(0, end - start),
    };
    await assert.rejects(readClip(large), fault('tooLarge', /a table of at most 8388608 bytes/));
  });

  it('throws nothing but its one error for any changed file, and makes no more than the file is long', async () => {
    const change = fc.record({ at: fc.nat(clip.length - 1), value: fc.nat(255), length: fc.constantFrom(1, 4) });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), fc.nat(clip.length), async (changes, cut) => {
        const bytes = clip.slice(0, cut < 100 ? clip.length - cut : clip.length);
        for (const { at, value, length } of changes) bytes.fill(value, at, at + length);
        const source = memorySource(bytes);
        const result = await readClip(source).catch((error: unknown) => error);
        if (!(result instanceof ClipError)) {
          assert.ok(typeof result === 'object' && result !== null && 'samples' in result, String(result));
          assert.ok((result.samples as readonly unknown[]).length <= 30);
        }
        assert.ok(source.readBytes() <= bytes.length + 64 * 16);
      }),
      { numRuns: 1_500 },
    );
  });
});

function edits(list: Uint8Array): Uint8Array {
  const box = fullBox('edts').slice(0, 8);
  new DataView(box.buffer).setUint32(0, 8 + list.length);
  return new Uint8Array(Buffer.concat([box, list]));
}
