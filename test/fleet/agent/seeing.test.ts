import assert from 'node:assert/strict';

import sharp from 'sharp';

import { isolatedPolicyRuntime } from '../../../fleet/agent/adapters/isolated-runtime.ts';
import { onnxPolicyRuntime } from '../../../fleet/agent/adapters/onnx-runtime.ts';
import { loadedPolicy, type LoadedPolicy, type PolicySession } from '../../../fleet/agent/versions/policy-runtime.ts';
import type { RobotImages } from '../../../fleet/agent/versions/robot-images.ts';
import { selfTest } from '../../../fleet/agent/versions/self-test.ts';
import { plainMapping } from '../../../policies/body-mapping.ts';
import { exportPolicy } from '../../../policies/export-policy.ts';
import type { GoldenAnswers } from '../../../policies/golden-answers.ts';
import { packGoldenImage } from '../../../policies/golden-images.ts';
import { policySizes } from '../../../policies/policy-io.ts';
import { runPolicy } from '../../../policies/run-policy.ts';
import { randomPictures, seeingParts, seeingType, tinyCamera } from '../../policies/images/tiny-images.ts';

const cameras = [tinyCamera('front'), tinyCamera('rear', { height: 13, width: 11 })];
const type = seeingType(cameras);
const sizes = policySizes(type)!;
/* The answer is the action of the highest value: the picture must have a say in it. */
const parts = seeingParts(cameras, 3);
const model = exportPolicy({ ...parts, parameters: parts.parameters.map((value) => 3 * value) }, type);
const readings = [0.1, -0.2, 0.3];
const [front, rear] = cameras.map((camera, seed) => randomPictures(1, camera, seed));

function load(session: PolicySession, failures: string[] = []): LoadedPolicy {
  const ports = {
    runtime: isolatedPolicyRuntime(),
    robotType: type,
    monotonic: () => performance.now(),
    decideTimeoutMs: 30_000,
    onFailed: (_: unknown, detail: string) => void failures.push(detail),
  };
  const slot = { policy: 'p', version: '1.0.0', sha256: '0'.repeat(64) };
  const opened = { session, sizes, mapping: plainMapping('discrete'), tasks: type.tasks };
  return loadedPolicy(ports, slot, opened);
}

const largePng = (rgb: Uint8Array, width: number, height: number): Promise<Buffer> =>
  sharp(rgb, { raw: { width, height, channels: 3 } })
    .resize(4 * width, 4 * height, { kernel: 'nearest' })
    .png()
    .toBuffer();

describe('a robot whose policy sees', () => {
  let session: PolicySession;
  before(async () => (session = await isolatedPolicyRuntime({ memoryBytes: 600e6 }).open(model)));
  after(() => session.close());

  it('decides by images of the learned size, and by those that are decoded and scaled where the model runs', async () => {
    const policy = load(session);
    const whole = await policy.decide(readings, 'drive', { front: front!, rear: rear!, other: new Uint8Array(1) });
    assert.equal(whole.decodingMs, undefined);
    const here = await onnxPolicyRuntime().open(model);
    const expected = await runPolicy(
      here,
      sizes,
      Float32Array.from(readings),
      Int32Array.of(0),
      new Map([
        ['front', front!],
        ['rear', rear!],
      ]),
    );
    await here.close();
    assert.equal(whole.action[0], expected.indexOf(Math.max(...expected)));
    const flat = new Uint8Array(40 * 56 * 3).fill(90);
    const small = new Uint8Array(10 * 14 * 3).fill(90);
    const decided = await policy.decide(readings, 'drive', {
      front: { rgb: flat, width: 56, height: 40 },
      rear: { encoded: await largePng(new Uint8Array(11 * 13 * 3).fill(30), 11, 13) },
    });
    const same = await policy.decide(readings, 'drive', { front: small, rear: new Uint8Array(11 * 13 * 3).fill(30) });
    assert.deepEqual(decided.action, same.action);
    assert.ok(decided.decodingMs! > 0 && decided.decodingMs! <= decided.latencyMs, JSON.stringify(decided));
  });

  it('scales JPEG and PNG, grey and with alpha, to the very pixels that the model sees', async () => {
    const seen: Uint8Array[] = [];
    const looking: PolicySession = {
      ...session,
      run: (feeds) => {
        seen.push(feeds['image.front']!.data as Uint8Array);
        return session.run(feeds);
      },
    };
    const { scaledRgb } = await import('../../../fleet/agent/adapters/sharp-pictures.ts');
    const grey = sharp({ create: { width: 56, height: 40, channels: 3, background: '#808080' } });
    for (const encoded of [
      await grey.clone().greyscale().jpeg().toBuffer(),
      await grey.clone().png().toBuffer(),
      await grey.clone().ensureAlpha(0.5).png().toBuffer(),
    ]) {
      const rgb = await scaledRgb({ encoded }, 14, 10);
      assert.equal(rgb.length, 14 * 10 * 3);
      assert.ok(rgb.every((value) => Math.abs(value - 128) <= 2));
      await load(looking).decide(readings, 'drive', { front: rgb, rear: rear! });
    }
    assert.equal(seen.length, 3);
  });

  it('does not decide without an image that its model needs, or by one that is none, and no black one takes its place', async () => {
    const failures: string[] = [];
    const policy = load(session, failures);
    const refused = (images: RobotImages, what: RegExp): Promise<void> =>
      assert.rejects(policy.decide(readings, 'drive', { rear: rear!, ...images }), what);
    await refused({}, /expected an image of camera front, which the model sees, got none/);
    await refused({ front: new Uint8Array(3) }, /RGB of 14 × 10 pixels has 420 bytes, got 3/);
    await refused({ front: { encoded: Buffer.from('<svg xmlns="x"/>') } }, /neither the marks of a JPEG nor of a PNG/);
    await refused({ front: { rgb: new Uint8Array(9), width: 2, height: 2 } }, /RGB of 2 × 2 pixels has 12 bytes/);
    await refused({ front: { rgb: new Uint8Array(0), width: 1e9, height: 0 } }, /1 to 4096 pixels along a side/);
    const jpeg = await sharp({ create: { width: 64, height: 48, channels: 3, background: 'red' } })
      .jpeg()
      .toBuffer();
    await refused({ front: { encoded: jpeg.subarray(0, jpeg.length / 2) } }, /expected images that can be decoded/);
    await refused({ front: { encoded: await bomb() } }, /expected images that can be decoded.*pixel limit/);
    assert.deepEqual(failures, []);
    assert.equal((await policy.decide(readings, 'drive', { front: front!, rear: rear! })).action.length, 1);
  });

  it('falls back when its camera is gone, not when it hiccups', async () => {
    const failures: string[] = [];
    const policy = load({ ...session, close: async () => undefined }, failures);
    const blind = async (times: number): Promise<void> => {
      for (let time = 0; time < times; time += 1)
        await assert.rejects(policy.decide(readings, 'drive', { rear: rear! }));
    };
    await blind(24);
    await policy.decide(readings, 'drive', { front: front!, rear: rear! });
    await blind(24);
    assert.deepEqual(failures, []);
    await blind(1);
    assert.match(failures.join(), /no image that the model sees in 25 decisions in a row: .*camera front/);
    await assert.rejects(policy.decide(readings, 'drive', { front: front!, rear: rear! }), /in a row/);
  });

  it('tries a version out on its golden images, and refuses one whose answers or images are others', async () => {
    const images = new Map([
      ['front', front!],
      ['rear', rear!],
    ]);
    const outputs = [...(await runPolicy(session, sizes, Float32Array.from(readings), Int32Array.of(1), images))];
    const golden: GoldenAnswers = {
      observations: [readings],
      tasks: [1],
      outputs: [outputs],
      tolerances: [1e-3, 1e-3, 1e-3],
      images: sizes.cameras!.map((camera) => packGoldenImage(camera, [images.get(camera.name)!], [0])),
    };
    const tried = (changes: Partial<GoldenAnswers> | 'none'): Promise<void> =>
      selfTest(
        session,
        sizes,
        changes === 'none' ? undefined : { ...golden, ...changes },
        new AbortController().signal,
      );
    await tried({});
    await tried('none');
    const { images: _, ...without } = golden;
    const { signal } = new AbortController();
    await assert.rejects(selfTest(session, sizes, without, signal), /expected golden images of camera front, got none/);
    const black = packGoldenImage(sizes.cameras![0]!, [new Uint8Array(420)], [0]);
    await assert.rejects(tried({ images: [black, golden.images![1]!] }), /expected .* within 0.001, got/);
  });
});

/** A PNG of few bytes that says it has 60,000 × 60,000 pixels. */
async function bomb(): Promise<Buffer> {
  const png = await sharp({ create: { width: 16, height: 16, channels: 3, background: 'red' } })
    .png()
    .toBuffer();
  png.writeUInt32BE(60_000, 16);
  png.writeUInt32BE(60_000, 20);
  const { crc32 } = await import('node:zlib');
  png.writeUInt32BE(crc32(png.subarray(12, 29)), 29);
  return png;
}
