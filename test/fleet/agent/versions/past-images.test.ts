import assert from 'node:assert/strict';

import sharp from 'sharp';

import { isolatedPolicyRuntime } from '../../../../fleet/agent/adapters/isolated-runtime.ts';
import { fedPicture } from '../../../../fleet/agent/versions/robot-images.ts';
import { loadedPolicy, type PolicySession } from '../../../../fleet/agent/versions/policy-runtime.ts';
import { batchingRuntime } from '../../../../fleet/simulator/batching-runtime.ts';
import { plainMapping } from '../../../../policies/body-mapping.ts';
import { exportPolicy } from '../../../../policies/export-policy.ts';
import { policySizes } from '../../../../policies/policy-io.ts';
import { runPolicy } from '../../../../policies/run-policy.ts';
import { float32Tensor, type Tensor } from '../../../../policies/runtime.ts';
import { randomPictures, seeingParts, seeingType, tinyCamera } from '../../../policies/images/tiny-images.ts';
import { runtime as here } from '../../../policies/tiny-training.ts';

// 10 frames a second, gaps of up to 5 periods; images of 14 × 10.
const type = seeingType();
const sizes = policySizes(type)!;
const size = 14 * 10 * 3;
const image = (value: number): Uint8Array => new Uint8Array(size).fill(value);

describe('a robot whose policy sees images of frames before', () => {
  let nowMs: number;
  let bounds: number;
  let shown: number[][];
  let failures: string[];
  beforeEach(() => {
    [nowMs, bounds, shown, failures] = [1000, 0, [], []];
  });

  const note = ({ data }: Tensor): void =>
    void shown.push(Array.from({ length: data.length / size }, (_, at) => Number(data[at * size])));
  /** A model of three images; scales an image `{ rgb }` by taking its first pixel. */
  const modelOf = (steps: number): PolicySession => {
    const scaled = (pictures: Parameters<NonNullable<PolicySession['runSeeing']>>[1]) =>
      pictures.map((feed) => ({ feed, rgb: image('rgb' in feed.image ? (feed.image.rgb[0] ?? 0) : 0) }));
    const rgbOf = (pictures: Parameters<typeof scaled>[0]) =>
      new Map(scaled(pictures).map(({ feed, rgb }) => [feed.port, rgb]));
    const answer = () => ({ probabilities: float32Tensor(new Float32Array(3 * steps).fill(0.3), [1, steps, 3]) });
    return {
      inputs: [
        { name: 'observation', type: 'float32', shape: ['batch', 3] },
        { name: 'task', type: 'int32', shape: ['batch'] },
        { name: 'image.front', type: 'uint8', shape: ['batch', 3, 10, 14, 3] },
      ],
      outputs: [{ name: 'probabilities', type: 'float32', shape: steps === 1 ? ['batch', 3] : ['batch', steps, 3] }],
      run: async (feeds) => (note(feeds['image.front']!), answer()),
      runSeeing: async (_, pictures) => {
        for (const { feed, rgb } of scaled(pictures)) note(fedPicture(feed, rgb));
        return { results: answer(), decodingMs: 2, scaled: rgbOf(pictures) };
      },
      scale: async (pictures) => ({ decodingMs: 1, scaled: rgbOf(pictures) }),
      close: async () => undefined,
    };
  };
  const load = (session: PolicySession) =>
    loadedPolicy(
      {
        runtime: { open: async () => session },
        robotType: type,
        monotonic: () => nowMs,
        decideTimeoutMs: 30_000,
        episodeBounds: () => bounds,
        runBounds: () => bounds,
        onFailed: (_, detail) => void failures.push(detail),
      },
      { policy: 'p', version: '1.0.0', sha256: '0'.repeat(64) },
      { session, sizes, mapping: plainMapping('discrete'), tasks: type.tasks },
    );
  const decide = (policy: ReturnType<typeof load>, value: number | undefined, afterMs = 100) => {
    nowMs += afterMs;
    return policy.decide([0, 0, 0], 'drive', value === undefined ? {} : { front: image(value) });
  };

  it('shows its model windows of one episode, the earliest image for those before', async () => {
    const policy = load(modelOf(1));
    for (const value of [1, 2, 3, 4]) await decide(policy, value);
    await decide(policy, 5, 500);
    await decide(policy, 6, 501);
    bounds += 1;
    await decide(policy, 7);
    await decide(policy, 8);
    assert.deepEqual(shown, [
      [1, 1, 1],
      [1, 1, 2],
      [1, 2, 3],
      [2, 3, 4],
      [3, 4, 5],
      [6, 6, 6],
      [7, 7, 7],
      [7, 7, 8],
    ]);
  });

  it('begins anew after a frame without its image, and keeps copies', async () => {
    const policy = load(modelOf(1));
    await decide(policy, 1);
    await assert.rejects(decide(policy, undefined), /expected an image of camera front/);
    await decide(policy, 3);
    const reused = image(4);
    nowMs += 100;
    await policy.decide([0, 0, 0], 'drive', { front: reused });
    reused.fill(99);
    await decide(policy, 5);
    assert.deepEqual(shown, [
      [1, 1, 1],
      [3, 3, 3],
      [3, 3, 4],
      [3, 4, 5],
    ]);
  });

  it('keeps images that are scaled where the model runs, beside those that came at the learned size', async () => {
    const policy = load(modelOf(1));
    const large = (value: number) => ({ rgb: new Uint8Array(40 * 56 * 3).fill(value), width: 56, height: 40 });
    await decide(policy, 1);
    nowMs += 100;
    assert.equal((await policy.decide([0, 0, 0], 'drive', { front: large(2) })).decodingMs, 2);
    await decide(policy, 3);
    assert.deepEqual(shown, [
      [1, 1, 1],
      [1, 1, 2],
      [1, 2, 3],
    ]);
  });

  it('keeps the images of frames in which a chunk is executed, and executes it without them', async () => {
    const policy = load(modelOf(2));
    await decide(policy, 1);
    await decide(policy, 2);
    await decide(policy, 3);
    await decide(policy, undefined);
    await decide(policy, 5);
    nowMs += 100;
    const scaled = await policy.decide([0, 0, 0], 'drive', {
      front: { rgb: new Uint8Array(40 * 56 * 3).fill(6), width: 56, height: 40 },
    });
    assert.equal(scaled.decodingMs, 1);
    await decide(policy, 7);
    assert.deepEqual(shown, [
      [1, 1, 1],
      [1, 2, 3],
      [5, 5, 5],
      [5, 6, 7],
    ]);
    assert.deepEqual(failures, []);
  });

  it('falls back when what scales its images fails', async () => {
    const broken = { ...modelOf(2), scale: () => Promise.reject(new Error('gone')) };
    const policy = load(broken);
    await decide(policy, 1);
    nowMs += 100;
    await policy.decide([0, 0, 0], 'drive', { front: { rgb: new Uint8Array(3), width: 1, height: 1 } });
    assert.match(failures.join(), /gone/);
  });

  it('decides in a process of its own, and in a fleet in this one, as the gates do', async () => {
    const camera = tinyCamera('front', { history: 3 });
    const model = exportPolicy(seeingParts([camera], 3), type);
    const pictures = [1, 2, 3, 4].map((seed) => randomPictures(1, tinyCamera('front'), seed));
    const session = await here.open(model);
    const expected = await Promise.all(
      pictures.map((_, frame) => {
        const window = Buffer.concat(pictures.slice(Math.max(0, frame - 2), frame + 1));
        return runPolicy(session, sizes, new Float32Array(3), new Int32Array(1), new Map([['front', window]]));
      }),
    );
    await session.close();
    const png = await Promise.all(
      pictures.map((rgb) =>
        sharp(rgb, { raw: { width: 14, height: 10, channels: 3 } })
          .png()
          .toBuffer(),
      ),
    );
    const { scaledRgb } = await import('../../../../fleet/agent/adapters/sharp-pictures.ts');
    for (const open of [
      () => isolatedPolicyRuntime({ memoryBytes: 600e6 }).open(model),
      () => batchingRuntime(here, scaledRgb).open(model),
    ]) {
      const answers: Float32Array[] = [];
      const opened = await open();
      const looking: PolicySession = {
        ...opened,
        run: async (feeds) => {
          const results = await opened.run(feeds);
          answers.push(results['probabilities']!.data as Float32Array);
          return results;
        },
        runSeeing: async (feeds, pictured) => {
          const seen = await opened.runSeeing!(feeds, pictured);
          answers.push(seen.results['probabilities']!.data as Float32Array);
          return seen;
        },
      };
      const policy = load(looking);
      for (const [frame, rgb] of pictures.entries()) {
        nowMs += 100;
        // Encoded ones and those of the learned size in turn.
        await policy.decide([0, 0, 0], 'drive', { front: frame % 2 === 0 ? { encoded: png[frame]! } : rgb });
      }
      await policy.close();
      answers.forEach((values, frame) =>
        values.forEach((value, at) => assert.ok(Math.abs(value - expected[frame]![at]!) < 1e-5, `${frame}`)),
      );
      assert.equal(answers.length, 4);
    }
    assert.notDeepEqual(expected[2], expected[3]);
  });
});
