import assert from 'node:assert/strict';
import { deflateRawSync } from 'node:zlib';

import { batchingRuntime } from '../../../fleet/simulator/batching-runtime.ts';
import { servedBody } from '../../../policies/body-mapping.ts';
import { exportPolicy } from '../../../policies/export-policy.ts';
import { goldenImagesOf, packGoldenImage } from '../../../policies/golden-images.ts';
import { createGraph } from '../../../policies/onnx/graph.ts';
import { checkModelFile } from '../../../policies/onnx/file-problems.ts';
import { readingDependence } from '../../../policies/onnx/reading-dependence.ts';
import { ioProblems, networkShape, policySizes } from '../../../policies/policy-io.ts';
import { runPolicy } from '../../../policies/run-policy.ts';
import type { GraphSession } from '../../../policies/runtime.ts';
import { camerasSeenBy, MissingImage, rowsAtOnce } from '../../../policies/seen-images.ts';
import { robotTypeDigest } from '../../../datasets/robot-type-digest.ts';
import { testRobotType } from '../../activities/training/arrow-sets.ts';
import { runtime } from '../tiny-training.ts';
import { randomPictures, seeingParts, seeingType, tinyCamera } from './tiny-images.ts';

const cameras = [tinyCamera('front'), tinyCamera('rear', { height: 13, width: 11, planes: 'average' })];
const type = seeingType(cameras);
const sizes = policySizes(type)!;
const rows = 6;
const observation = Float32Array.from({ length: 3 * rows }, (_, index) => Math.cos(index));
const task = Int32Array.from({ length: rows }, (_, row) => row % 2);
const images = new Map(cameras.map((camera, index) => [camera.camera, randomPictures(rows, camera, index)]));

async function withModel<T>(model: Uint8Array, work: (session: GraphSession) => Promise<T>): Promise<T> {
  const session = await runtime.open(model);
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}

describe('a model that sees', () => {
  it('may take any of the cameras of its robot type, and none', async () => {
    for (const seen of [[], [cameras[0]!], [cameras[1]!], cameras])
      await withModel(exportPolicy(seen.length === 0 ? blind() : seeingParts(seen), type), async (session) => {
        assert.deepEqual(ioProblems(session, sizes), []);
        assert.deepEqual(
          camerasSeenBy(session),
          seen.map(({ camera }) => camera),
        );
        const answers = await runPolicy(session, sizes, observation, task, images);
        assert.equal(answers.length, 3 * rows);
      });
  });

  it('is refused with what was expected for other cameras, sizes, types and a fixed batch', () => {
    const good = {
      inputs: [
        { name: 'observation', type: 'float32', shape: ['batch', 3] },
        { name: 'task', type: 'int32', shape: ['batch'] },
      ],
      outputs: [{ name: 'probabilities', type: 'float32', shape: ['batch', 3] }],
    };
    const problems = (name: string, shape: readonly (number | string)[], elements = 'uint8') =>
      ioProblems({ ...good, inputs: [...good.inputs, { name, type: elements, shape }] }, sizes);
    const front =
      'expected input image.front uint8 [batch, 10, 14, 3] with an open batch size, or [batch, images, 10, 14, 3] of 2 to 16 at once, got';
    assert.deepEqual(problems('image.front', ['batch', 10, 14, 3]), []);
    assert.deepEqual(problems('image.left', ['batch', 10, 14, 3]), [
      'expected images of front, rear, got an input image.left',
    ]);
    assert.deepEqual(problems('image.front', ['batch', 14, 10, 3]), [`${front} uint8 [batch, 14, 10, 3]`]);
    assert.deepEqual(problems('image.front', ['batch', 3, 10, 14]), [`${front} uint8 [batch, 3, 10, 14]`]);
    assert.deepEqual(problems('image.front', ['batch', 'h', 'w', 3]), [`${front} uint8 [batch, h, w, 3]`]);
    assert.deepEqual(problems('image.front', [1, 10, 14, 3]), [`${front} uint8 [1, 10, 14, 3]`]);
    assert.deepEqual(problems('image.front', ['batch', 10, 14, 3], 'float32'), [`${front} float32 [batch, 10, 14, 3]`]);
    assert.deepEqual(problems('pixels', ['batch', 10, 14, 3]), [
      'expected inputs observation, task, got one more: pixels',
    ]);
  });

  it('is not asked without an image that it needs, nor with one of another size', () =>
    withModel(exportPolicy(seeingParts(cameras), type), async (session) => {
      const without = new Map([...images].slice(0, 1));
      await assert.rejects(runPolicy(session, sizes, observation, task, without), MissingImage);
      await assert.rejects(
        runPolicy(session, sizes, observation, task, new Map([...images, ['rear', new Uint8Array(rows * 13 * 11)]])),
        /expected 6 images of camera rear, RGB of 11 × 13 pixels \(2574 bytes\), got 858 bytes/,
      );
      await assert.rejects(runPolicy(session, sizes, observation, task), /got none/);
    }));

  it('is run on the cameras of the robot that it serves, whose readings may be another body', () => {
    const own = { id: type.id, version: type.version, digest: robotTypeDigest(type) };
    const served = servedBody({ model: own, bodies: undefined }, type, own);
    assert.deepEqual('sizes' in served && served.sizes.cameras, [
      { name: 'front', width: 14, height: 10 },
      { name: 'rear', width: 11, height: 13 },
    ]);
  });

  it('is one call for many simulated robots', async () => {
    const shared = await batchingRuntime(runtime).open(exportPolicy(seeingParts(cameras), type));
    const ask = (row: number): Promise<Float32Array> =>
      runPolicy(
        shared,
        sizes,
        observation.subarray(3 * row, 3 * row + 3),
        task.subarray(row, row + 1),
        new Map(
          [...images].map(([name, bytes]) => {
            const size = bytes.length / rows;
            return [name, bytes.subarray(row * size, (row + 1) * size)];
          }),
        ),
      );
    const together = await Promise.all(Array.from({ length: rows }, (_, row) => ask(row)));
    for (let row = 0; row < rows; row += 1) {
      const alone = await ask(row);
      alone.forEach((value, at) => assert.ok(Math.abs(value - together[row]![at]!) < 1e-5));
    }
    await shared.close();
  });

  it('of another framework passes: convolutions, normalisations, pooling, and resizing by the size of a plane', () => {
    const graph = createGraph('torch');
    const picture = graph.input('image.front', 'uint8', ['batch', 10, 14, 3]);
    const planes = graph.node('Transpose', [picture], ['batch', 3, 10, 14], { perm: [0, 3, 1, 2] });
    const scaled = graph.node('Cast', [planes], planes.shape, { to: 1 }, 'float32');
    const weight = graph.constant('weight', new Float32Array(4 * 3 * 9), [4, 3, 3, 3]);
    const seen = graph.node('Conv', [scaled, weight], ['batch', 4, 8, 12]);
    const each = ['a', 'b', 'c', 'd'].map((name) => graph.constant(name, new Float32Array(4).fill(1), [4]));
    const normal = graph.node('BatchNormalization', [seen, ...each], seen.shape);
    const pooled = graph.node('MaxPool', [normal], ['batch', 4, 4, 6], { kernel_shape: [2, 2], strides: [2, 2] });
    const shape = graph.node('Shape', [normal], [4], {}, 'int64');
    const none = graph.constant('none', new Float32Array(0), [0]);
    const resized = graph.node('Resize', [pooled, none, none, shape], normal.shape);
    graph.output('planes', graph.node('GlobalAveragePool', [resized], ['batch', 4, 1, 1]));
    const checked = checkModelFile(graph.encode());
    assert.equal(checked.kind, 'whole');
    if (checked.kind === 'whole') assert.deepEqual(readingDependence(checked.structure), []);
  });

  it('whose picture says how large a plane becomes does not pass', () => {
    const graph = createGraph('hostile');
    const picture = graph.input('image.front', 'uint8', ['batch', 10, 14, 3]);
    const sizesRead = graph.node('Cast', [picture], ['batch', 10, 14, 3], { to: 7 }, 'int64');
    const none = graph.constant('none', new Float32Array(0), [0]);
    graph.output('planes', graph.node('Resize', [picture, none, none, sizesRead], ['batch', 10, 14, 3]));
    const checked = checkModelFile(graph.encode());
    assert.ok(checked.kind === 'whole');
    assert.match(
      readingDependence(checked.structure).join(),
      /got Resize .*the size of its output comes from readings/,
    );
  });

  it('gets fewer rows at once the larger its images are, and at least one', () => {
    assert.equal(rowsAtOnce([], 4096), 4096);
    assert.equal(rowsAtOnce([{ name: 'a', width: 64, height: 48 }], 4096), 455);
    const large = { width: 512, height: 512 };
    assert.equal(
      rowsAtOnce(
        Array.from({ length: 8 }, () => ({ name: 'a', ...large })),
        4096,
      ),
      1,
    );
  });

  it('shapes a network as before where the robot type has cameras and the training asks for none', () => {
    const specification = { hiddenWidths: [4], taskEmbeddingSize: 2 };
    const plain = policySizes(testRobotType())!;
    assert.equal(JSON.stringify(networkShape(sizes, specification)), JSON.stringify({ ...plain, ...specification }));
  });
});

describe('golden images', () => {
  const [camera] = sizes.cameras!;
  const pictures = [0, 1].map((seed) => randomPictures(1, tinyCamera('front'), seed));

  it('come out as they went in, by row', () => {
    const packed = packGoldenImage(camera!, pictures, [0, 1, 1]);
    const rowsOfImages = goldenImagesOf([packed], [camera!], 3);
    assert.deepEqual(
      rowsOfImages.map((each) => Buffer.from(each.get('front')!)),
      [0, 1, 1].map((index) => Buffer.from(pictures[index]!)),
    );
    assert.deepEqual(goldenImagesOf([], [], 2), [new Map(), new Map()]);
  });

  it('are refused where a camera, a size, a row or a byte is missing, and unpack to no more than a picture', () => {
    const packed = packGoldenImage(camera!, pictures, [0, 1, 1]);
    const refused = (changes: object, what: RegExp, count = 3): void =>
      assert.throws(() => goldenImagesOf([{ ...packed, ...changes }], [camera!], count), what);
    refused({ camera: 'rear' }, /expected golden images of camera front, got none/);
    refused({ width: 10, height: 14 }, /expected 3 golden images of camera front of 14 × 10 pixels/);
    refused({}, /expected 4 golden images/, 4);
    refused({ rows: [0, 1, 7] }, /expected a picture of camera front for golden row 2, got none/);
    const packedOf = (bytes: Uint8Array): string => deflateRawSync(bytes).toString('base64');
    refused({ pictures: [packedOf(new Uint8Array(7)), ''] }, /expected 420 bytes of a golden image/);
    refused({ pictures: [packedOf(new Uint8Array(1e6))] }, /Cannot create a Buffer larger than 420 bytes/);
  });
});

/** A policy of readings alone for the same robots. */
function blind() {
  const { shape, ...parts } = seeingParts([]);
  const { images: _, ...plain } = shape;
  return { ...parts, shape: plain };
}
