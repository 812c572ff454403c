import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import sharp from 'sharp';

import { clipDecoderProcess } from '../../../activities/adapters/clip-decoder-process.ts';
import type { ClipDecoder, DecodedClip } from '../../../activities/ports/clip-decoder.ts';
import { ClipError } from '../../../datasets/media/clip-format.ts';
import { isPlainJpeg } from '../../../datasets/media/jpeg-segments.ts';
import { transcodeArguments } from '../../../datasets/media/transcode-arguments.ts';
import { scaledRgb } from '../../../fleet/agent/adapters/sharp-pictures.ts';
import { isFailure } from '../../../store/failures.ts';
import { clipOf, patched, rampImages, type TimedImage } from '../../datasets/media/clips.ts';
import { isAlive } from '../../support/is-alive.ts';
import { toolForTest } from '../../support/tool.ts';

const quiet = (): void => undefined;
const size = { width: 64, height: 48 };
const format = { ...size, periodUs: 100_000 };
const learned = { width: 32, height: 24 };

describe('decoding clips', function () {
  this.timeout(60_000);
  let folder: string;
  let ffmpeg: string;
  let decoder: ClipDecoder;
  let images: readonly TimedImage[];
  let files = 0;

  before(async function () {
    ffmpeg = await toolForTest(this, 'ffmpeg');
    folder = await mkdtemp(join(tmpdir(), 'flywheel-clips-'));
    decoder = clipDecoderProcess({ ffmpeg });
    images = await rampImages({ ...size, count: 6 });
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const fileOf = async (bytes: Uint8Array): Promise<string> => {
    const path = join(folder, `${(files += 1)}.mp4`);
    await writeFile(path, bytes);
    return path;
  };
  const program = async (script: string): Promise<string> => {
    const path = join(folder, `program-${(files += 1)}`);
    await writeFile(path, `#!/bin/sh\n${script}\n`);
    await chmod(path, 0o755);
    return path;
  };
  interface Decoded extends DecodedClip {
    readonly images: readonly Uint8Array[];
  }
  const decode = async (
    clipPath: string,
    {
      form = 'jpeg',
      images: wanted,
      by = decoder,
    }: { form?: 'jpeg' | 'rgb'; images?: number[]; by?: ClipDecoder } = {},
  ): Promise<Decoded> => {
    const outPath = join(folder, `${(files += 1)}.out`);
    const job = { clipPath, outPath, ...learned, form, ...(wanted === undefined ? {} : { images: wanted }) };
    const decoded = await by.decode(job, quiet);
    const bytes = await readFile(outPath);
    let at = 0;
    const cut = decoded.sizes.map((length) => bytes.subarray(at, (at += length)));
    assert.equal(at, bytes.length);
    return { ...decoded, images: cut };
  };
  const refusal = async (clipPath: string, by = decoder, what = clipPath): Promise<ClipError> => {
    const error: unknown = await decode(clipPath, { by }).then(quiet, (caught: unknown) => caught);
    assert.ok(error instanceof ClipError, `${what}: ${String(error)}`);
    return error;
  };

  it('scales to the very pixels that a policy sees on a robot', async () => {
    const large = { width: 640, height: 480 };
    // Edges at many places of the blocks that a decoder could take together.
    const rgb = Uint8Array.from({ length: large.width * large.height * 3 }, (_, index) => {
      const [column, row] = [Math.floor(index / 3) % large.width, Math.floor(index / 3 / large.width)];
      return (column % 23) * (row % 17) > (index % 3) * 40 + 60 ? 240 : 20;
    });
    const jpeg = await sharp(rgb, { raw: { ...large, channels: 3 } })
      .jpeg({ quality: 90 })
      .toBuffer();
    const path = await fileOf(await clipOf({ ...large, periodUs: 100_000 }, [{ atUs: 0, jpeg }]));
    const [outPath, shape] = [join(folder, 'as-on-a-robot.out'), { width: 96, height: 72 }];
    await decoder.decode({ clipPath: path, outPath, ...shape, form: 'rgb' }, quiet);
    const onRobot = await scaledRgb({ encoded: jpeg }, shape.width, shape.height);
    assert.ok(Buffer.from(onRobot).equals(await readFile(outPath)));
  });

  describe('of large clips', () => {
    const large = { width: 640, height: 480 };
    const shape = { width: 96, height: 72 };
    const count = 31;
    /** Colours with edges everywhere, other ones in each image. */
    const jpegOf = (image: number): Promise<Buffer> => {
      const rgb = Uint8Array.from({ length: large.width * large.height * 3 }, (_, index) => {
        const [column, row] = [Math.floor(index / 3) % large.width, Math.floor(index / 3 / large.width)];
        return (column + image) % 23 > row % 17 ? (index % 3) * 90 + 40 : 200 - (index % 3) * 80;
      });
      return sharp(rgb, { raw: { ...large, channels: 3 } })
        .jpeg({ quality: 90 })
        .toBuffer();
    };
    let shown: readonly TimedImage[];
    before(async () => {
      const distinct = await Promise.all([0, 1, 2].map(jpegOf));
      shown = Array.from({ length: count }, (_, image) => ({
        atUs: image * 100_000,
        jpeg: distinct[image % 3] ?? Buffer.alloc(0),
      }));
    });
    const rgbOf = async (timed: readonly TimedImage[], by: ClipDecoder): Promise<Buffer> => {
      const path = await fileOf(await clipOf({ ...large, periodUs: 100_000 }, timed));
      const outPath = join(folder, `${(files += 1)}.out`);
      await by.decode({ clipPath: path, outPath, ...shape, form: 'rgb' }, quiet);
      return readFile(outPath);
    };

    it('through ffmpeg they have the pixels that a policy sees on a robot, but for three levels of 255', async () => {
      const [own, onRobot] = await Promise.all([
        rgbOf(shown, decoder),
        Promise.all(shown.map(({ jpeg }) => scaledRgb({ encoded: jpeg }, shape.width, shape.height))),
      ]);
      const expected = Buffer.concat(onRobot);
      assert.equal(own.length, expected.length);
      let [most, sum] = [0, 0];
      for (let at = 0; at < own.length; at += 1) {
        const apart = Math.abs((own[at] ?? 0) - (expected[at] ?? 0));
        most = Math.max(most, apart);
        sum += apart;
      }
      assert.ok(most > 0, 'ffmpeg decoded it');
      assert.ok(most <= 3 && sum / own.length < 0.5, `at most ${most}, on average ${sum / own.length} of 255 apart`);
      assert.ok((await rgbOf(shown, decoder)).equals(own), 'the same again');
    });

    it('ffmpeg writes them as JPEG, as near to their pixels as sharp does', async () => {
      const path = await fileOf(await clipOf({ ...large, periodUs: 100_000 }, shown));
      const outPath = join(folder, `${(files += 1)}.out`);
      const { sizes } = await decoder.decode({ clipPath: path, outPath, ...shape, form: 'jpeg' }, quiet);
      const [bytes, pixels] = [await readFile(outPath), await rgbOf(shown, decoder)];
      assert.equal(sizes.length, count);
      assert.equal(
        sizes.reduce((sum, length) => sum + length, 0),
        bytes.length,
      );
      const pixelBytes = shape.width * shape.height * 3;
      let at = 0;
      for (const [index, length] of sizes.entries()) {
        const [jpeg, of] = [bytes.subarray(at, (at += length)), pixels.subarray(index * pixelBytes)];
        assert.ok(isPlainJpeg(jpeg), `image ${index}`);
        const raw = { raw: { ...shape, channels: 3 } } as const;
        const bySharp = await sharp(of.subarray(0, pixelBytes), raw)
          .jpeg({ quality: 90, chromaSubsampling: '4:4:4' })
          .toBuffer();
        const [own, other] = [await apartOf(jpeg, of), await apartOf(bySharp, of)];
        assert.ok(own > 0 && own < 1.1 * other, `image ${index}: ${own} of 255 apart, by sharp ${other}`);
      }
    });

    const apartOf = async (jpeg: Uint8Array, pixels: Uint8Array): Promise<number> => {
      const decoded = await sharp(jpeg).raw().toBuffer();
      return decoded.reduce((sum, value, at) => sum + Math.abs(value - (pixels[at] ?? 0)), 0) / decoded.length;
    };

    it('has sharp judge what ffmpeg refuses, and images of another size', async () => {
      const broken = clipDecoderProcess({ ffmpeg: await program('echo no >&2; exit 1') });
      const plain = clipDecoderProcess({ ffmpeg: undefined });
      assert.ok((await rgbOf(shown, broken)).equals(await rgbOf(shown, plain)));
      const silent = clipDecoderProcess({ ffmpeg: await program('head -c 20736 /dev/zero') });
      assert.ok((await rgbOf(shown, silent)).equals(await rgbOf(shown, plain)), 'one image of 31 is not enough');
      const small = await sharp({ create: { width: 64, height: 48, channels: 3, background: '#fff' } })
        .jpeg()
        .toBuffer();
      const odd = shown.map((image, index) => (index === 7 ? { ...image, jpeg: small } : image));
      await assert.rejects(rgbOf(odd, decoder), /expected image 7 of 640×480 pixels as the clip says, got 64×48/);
      const cut = shown.map(({ atUs, jpeg }, index) => ({
        atUs,
        jpeg: index === 9 ? jpeg.slice(0, jpeg.length / 2) : jpeg,
      }));
      await assert.rejects(rgbOf(cut, decoder), /expected image 9 to decode/);
    });
  });

  it('gives each image as JPEG of the learned size, RGB also of a grey camera, the same bytes each time', async () => {
    const clip = await fileOf(await clipOf(format, images));
    const decoded = await decode(clip);
    assert.deepEqual([decoded.codec, decoded.width, decoded.height], ['jpeg', 64, 48]);
    assert.deepEqual(decoded.atUs, [0, 100_000, 200_000, 300_000, 400_000, 500_000]);
    const { format: kind, width, height, channels } = await sharp(decoded.images[5]).metadata();
    assert.deepEqual([kind, width, height, channels], ['jpeg', 32, 24, 3]);
    assert.deepEqual((await decode(clip)).images, decoded.images);
    const grey = await fileOf(await clipOf(format, await rampImages({ ...size, count: 2, grey: true })));
    assert.equal((await sharp((await decode(grey)).images[1]).metadata()).channels, 3);
  });

  it('gives those that are wanted, as pixels where that is asked', async () => {
    const clip = await fileOf(await clipOf(format, images));
    const decoded = await decode(clip, { form: 'rgb', images: [1, 4] });
    assert.deepEqual(
      [decoded.atUs, decoded.sizes],
      [
        [100_000, 400_000],
        [2_304, 2_304],
      ],
    );
    const expected = await sharp(images[4]?.jpeg).resize(32, 24, { fit: 'fill' }).raw().toBuffer();
    assert.deepEqual(decoded.images[1], expected);
  });

  it('gives the images of H.264 and AV1 through ffmpeg, near to what was recorded', async () => {
    const large = await rampImages(
      { width: 96, height: 64, count: 6 },
      (at, index) => (Math.floor(at / 3) + index * 20) % 200,
    );
    const from = await fileOf(await clipOf({ width: 96, height: 64, periodUs: 100_000 }, large));
    for (const codec of ['h264', 'av1'] as const) {
      const to = join(folder, `to-${codec}.mp4`);
      await promisify(execFile)(ffmpeg, [...transcodeArguments({ from, to, codec, width: 96, height: 64 })]);
      const decoded = await decode(to, { form: 'rgb', images: [0, 5] });
      const original = await decode(from, { form: 'rgb', images: [0, 5] });
      assert.deepEqual([decoded.codec, decoded.atUs, decoded.sizes], [codec, original.atUs, original.sizes]);
      const apart = decoded.images[1]?.reduce(
        (sum, value, at) => sum + Math.abs(value - (original.images[1]?.[at] ?? 0)),
        0,
      );
      assert.ok((apart ?? 0) / 2_304 < 12, `${codec}: ${(apart ?? 0) / 2_304} of 255 apart`);
      assert.equal((await sharp((await decode(to)).images[5]).metadata()).width, 32);
    }
  });

  describe('of small clips, several at once', () => {
    const count = 67;
    let small: readonly TimedImage[];
    before(async () => {
      small = await rampImages({ ...learned, count }, (at, index) => (at * 7 + index * 13) % 256);
    });
    const bytesOf = (pixels: Uint8Array): Buffer => Buffer.from(pixels);
    const pathOf = async (timed: readonly TimedImage[]): Promise<string> =>
      fileOf(await clipOf({ ...learned, periodUs: 100_000 }, timed));
    const changed = (which: number, jpeg: Uint8Array): Promise<string> =>
      pathOf(small.map((image, index) => (index === which ? { ...image, jpeg } : image)));

    it('gives each the pixels that it has alone', async () => {
      const decoded = await decode(await pathOf(small), { form: 'rgb' });
      const alone = await Promise.all(
        small.map(({ jpeg }) => scaledRgb({ encoded: jpeg }, learned.width, learned.height)),
      );
      assert.deepEqual(decoded.images.map(bytesOf), alone.map(bytesOf));
      const path = await pathOf(small);
      const jpegs = (await decode(path)).images;
      for (const index of [0, 40, 66])
        assert.deepEqual((await decode(path, { images: [index] })).images, [jpegs[index]]);
      const some = await decode(path, { form: 'rgb', images: [0, 5, 66] });
      assert.deepEqual(
        some.images.map(bytesOf),
        [0, 5, 66].map((index) => bytesOf(alone[index] ?? new Uint8Array())),
      );
    });

    it('gives plain ones as they are, and others as pixels alone', async () => {
      const { images: given } = await decode(await pathOf(small));
      assert.deepEqual(
        given.map(bytesOf),
        small.map(({ jpeg }) => bytesOf(jpeg)),
      );
      const told = await sharp(small[4]?.jpeg)
        .withExif({ IFD0: { Copyright: 'where it was taken' } })
        .jpeg()
        .toBuffer();
      assert.ok(told.includes('where it was taken'));
      for (const others of [small, small.slice(3, 5)]) {
        const path = await pathOf(others.map((image) => (image === small[4] ? { ...image, jpeg: told } : image)));
        const at = others === small ? 4 : 1;
        const [all, alone] = [(await decode(path)).images[at], (await decode(path, { images: [at] })).images[0]];
        assert.ok(!bytesOf(all ?? assert.fail()).includes('where it was taken') && isPlainJpeg(all ?? assert.fail()));
        assert.deepEqual(all, alone);
      }
      const cut = Buffer.concat([(small[66]?.jpeg ?? assert.fail()).subarray(0, -60), Buffer.of(0xff, 0xd9)]);
      assert.ok(isPlainJpeg(cut));
      for (const path of [await changed(66, cut), await pathOf([{ atUs: 0, jpeg: cut }])])
        assert.equal((await refusal(path)).fault, 'undecodable');
    });

    it('names the one that is broken, or of another size, and takes a grey one', async () => {
      const jpeg = Buffer.from(small[66]?.jpeg ?? []);
      const large = Buffer.from((await rampImages({ ...size, count: 1 }))[0]?.jpeg ?? []);
      for (const [path, fault, says] of [
        [await changed(66, jpeg.subarray(0, jpeg.length - 200)), 'undecodable', /image 66/],
        [await changed(3, jpeg.subarray(0, jpeg.length - 200)), 'undecodable', /image 3/],
        [await changed(65, large), 'otherSize', /image 65 of 32×24 pixels as the clip says, got 64×48/],
      ] as const) {
        const error: unknown = await decode(path, { form: 'rgb' }).then(quiet, (caught: unknown) => caught);
        assert.ok(error instanceof ClipError && error.fault === fault && says.test(error.message), String(error));
      }
      const pixels = Uint8Array.from({ length: learned.width * learned.height }, () => 90);
      const grey = await sharp(pixels, { raw: { ...learned, channels: 1 } })
        .jpeg()
        .toBuffer();
      const { dark, unchanged, appearance } = await decoder.look(await changed(10, grey), quiet);
      assert.deepEqual([dark, unchanged], [0, 0]);
      assert.ok(appearance.brightness > 60, String(appearance.brightness));
    });
  });

  it('sees what is dark and what does not move', async () => {
    const look = async (valueAt: (at: number, index: number) => number) =>
      decoder.look(await fileOf(await clipOf(format, await rampImages({ ...size, count: 5 }, valueAt))), quiet);
    assert.deepEqual(
      { ...(await look((at, index) => (at * 3 + index * 17) % 256)), atUs: [], appearance: null },
      {
        codec: 'jpeg',
        ...size,
        atUs: [],
        dark: 0,
        unchanged: 0,
        appearance: null,
      },
    );
    assert.deepEqual(await look(() => 5).then(({ dark, unchanged }) => [dark, unchanged]), [5, 4]);
    assert.deepEqual(await look((at) => at % 200).then(({ dark, unchanged }) => [dark, unchanged]), [0, 4]);
    assert.deepEqual(
      await look((_, index) => (index === 2 ? 0 : 60)).then(({ dark, unchanged }) => [dark, unchanged]),
      [1, 2],
    );
  });

  it('says how bright, rich in contrast and sharp the images of a clip are on average', async () => {
    const appearance = async (valueAt: (at: number, index: number) => number) => {
      const path = await fileOf(await clipOf(format, await rampImages({ ...size, count: 4 }, valueAt)));
      const { brightness, contrast, sharpness } = (await decoder.look(path, quiet)).appearance;
      return [brightness, contrast, sharpness].map(Math.round);
    };
    assert.deepEqual(await appearance((_, index) => 40 + 20 * index), [70, 0, 0]);
    const [brightness = 0, contrast = 0, sharpness = 0] = await appearance((at) => (at % 8 < 4 ? 50 : 150));
    assert.ok(
      Math.abs(brightness - 100) < 5 && contrast > 30 && sharpness > 5,
      `${brightness} ${contrast} ${sharpness}`,
    );
  });

  it('refuses each hostile clip by name, and goes on with the next', async () => {
    const good = await clipOf(format, images);
    const holding = async (jpeg: Uint8Array) => fileOf(await clipOf(format, [{ atUs: 0, jpeg }]));
    const sized = (width: number, height: number) => {
      const jpeg = Buffer.from(images[0]?.jpeg ?? []);
      const frame = jpeg.indexOf(Buffer.of(0xff, 0xc0));
      jpeg.writeUInt16BE(height, frame + 5);
      jpeg.writeUInt16BE(width, frame + 7);
      return jpeg;
    };
    const [first] = images;
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="48"><image href="/etc/passwd"/></svg>';
    const pixels = { create: { width: 64, height: 48, channels: 3, background: '#fff' } } as const;
    const cases: readonly (readonly [string, string, ClipError['fault'], RegExp])[] = [
      ['a pointer', await fileOf(Buffer.from('version https://git-lfs.github.com/spec/v1\n')), 'notMp4', /Git LFS/],
      ['one pixel', await holding(sized(1, 1)), 'otherSize', /of 64×48 pixels as the clip says, got 1×1/],
      ['100 megapixels', await holding(sized(10_000, 10_000)), 'otherSize', /got 10000×10000/],
      [
        '16 megapixels of nothing',
        await fileOf(await clipOf({ width: 4096, height: 4096, periodUs: 1 }, [{ atUs: 0, jpeg: sized(4096, 4096) }])),
        'undecodable',
        /expected image 0 to decode/,
      ],
      ['a cut file', await fileOf(good.slice(0, -7)), 'truncated', /mdat/],
      [
        'a cut image',
        await holding((first?.jpeg ?? new Uint8Array()).slice(0, 700)),
        'undecodable',
        /expected image 0/,
      ],
      ['an SVG', await holding(Buffer.from(svg)), 'undecodable', /FF D8 first/],
      ['a PNG', await holding(await sharp(pixels).png().toBuffer()), 'undecodable', /FF D8 first/],
      [
        'four channels',
        await holding(await sharp(pixels).toColourspace('cmyk').jpeg().toBuffer()),
        'undecodable',
        /1 or 3 channels, got 4/,
      ],
      ['JPEG that says H.264', await fileOf(asH264(good)), 'undecodable', /expected/],
    ];
    for (const [what, clip, expected, says] of cases) {
      const { fault, message } = await refusal(clip, decoder, what);
      assert.deepEqual([fault, says.test(message)], [expected, true], `${what}: ${fault}: ${message}`);
    }
    assert.equal((await decode(await fileOf(good))).images.length, 6);
  });

  it('ends what takes too long, too much memory or its process with it, and everything that it started', async () => {
    const h264 = await fileOf(asH264(await clipOf(format, images)));
    const pidFile = join(folder, 'pid');
    const ffmpeg = await program(`echo $$ > ${pidFile}; sleep 600`);
    // A busy machine may take longer to start it than the first limits.
    for (const silenceLimitMs of [2_000, 10_000, 60_000]) {
      const late = await refusal(h264, clipDecoderProcess({ ffmpeg, silenceLimitMs }));
      assert.equal(late.fault, 'timeLimit');
      if (existsSync(pidFile)) break;
    }
    const pid = Number(await readFile(pidFile, 'utf8'));
    for (let waits = 0; isAlive(pid) && waits < 100; waits += 1)
      await new Promise((resolve) => setTimeout(resolve, 50));
    assert.ok(!isAlive(pid), 'the decoder was ended too');
    const deadly = clipDecoderProcess({ ffmpeg: await program('kill -9 $PPID') });
    assert.equal((await refusal(h264, deadly)).fault, 'crashed');
    const jpeg = await sharp({ create: { width: 4096, height: 4096, channels: 3, background: '#123' } })
      .jpeg()
      .toBuffer();
    const large = await fileOf(await clipOf({ width: 4096, height: 4096, periodUs: 1 }, [{ atUs: 0, jpeg }]));
    const small = clipDecoderProcess({ ffmpeg, memoryLimitMiB: 64 });
    const { fault } = await refusal(large, small);
    assert.ok(['memoryLimit', 'undecodable', 'crashed'].includes(fault), fault);
    assert.equal((await decode(large)).images.length, 1);
  });

  it('says that a decoder is missing, which is no fault of the clip; and stops when it is told to', async () => {
    const h264 = await fileOf(asH264(await clipOf(format, images)));
    const none = clipDecoderProcess({ ffmpeg: undefined });
    await assert.rejects(decode(h264, { by: none }), (error) => isFailure(error, 'DecoderMissing'));
    const slow = clipDecoderProcess({ ffmpeg: await program('sleep 600') });
    const cancelled = slow.look(h264, () => {
      throw new Error('cancelled');
    });
    await assert.rejects(cancelled, /cancelled/);
  });
});

/** The same clip under the name of another codec. */
const asH264 = (clip: Uint8Array): Uint8Array => patched(clip, 'mp4v', 4, 0x61_76_63_31);
