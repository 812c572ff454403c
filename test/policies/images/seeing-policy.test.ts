import assert from 'node:assert/strict';

import { exportPolicy, type PolicyParts } from '../../../policies/export-policy.ts';
import { checkModelFile } from '../../../policies/onnx/file-problems.ts';
import { decodeModel } from '../../../policies/onnx/wire-format.ts';
import { readingDependence } from '../../../policies/onnx/reading-dependence.ts';
import { ioProblems, policyMetadataKey, policySizes } from '../../../policies/policy-io.ts';
import { float32Tensor, int32Tensor, uint8Tensor, type Tensors } from '../../../policies/runtime.ts';
import { buildScoring } from '../../../policies/training-graph.ts';
import { warmStart } from '../../../policies/warm-start.ts';
import { testRobotType } from '../../activities/training/arrow-sets.ts';
import { runtime } from '../tiny-training.ts';
import { referenceAnswer } from './reference-network.ts';
import { randomPictures, seeingParts, tinyCamera } from './tiny-images.ts';

const type = testRobotType();
const cameras = [tinyCamera('front'), tinyCamera('rear', { height: 13, width: 11, planes: 'average' })];
const rows = 12;
const readings = Float32Array.from({ length: 3 * rows }, (_, index) => Math.sin(index));
const tasks = Int32Array.from({ length: rows }, (_, row) => row % 2);
const pictures = cameras.map((camera, index) => randomPictures(rows, camera, index));
const pictureOf = (index: number, row: number): Uint8Array => {
  const bytes = pictures[index]!.length / rows;
  return pictures[index]!.subarray(row * bytes, (row + 1) * bytes);
};
const feedsOf = (start: number, end: number): Tensors => ({
  observation: float32Tensor(readings.subarray(3 * start, 3 * end), [end - start, 3]),
  task: int32Tensor(tasks.subarray(start, end), [end - start]),
  ...Object.fromEntries(
    cameras.map(({ camera, height, width }, index) => {
      const size = height * width * 3;
      const bytes = pictures[index]!.subarray(start * size, end * size);
      return [`image.${camera}`, uint8Tensor(bytes, [end - start, height, width, 3])];
    }),
  ),
});

async function answers(model: Uint8Array, feeds: Tensors): Promise<Float32Array> {
  const session = await runtime.open(model);
  try {
    const results = await session.run(feeds);
    return (results['probabilities'] ?? results['prediction'])!.data as Float32Array;
  } finally {
    await session.close();
  }
}

const near = (a: Iterable<number>, b: Iterable<number>, tolerance: number): void => {
  const [left, right] = [[...a], [...b]];
  assert.equal(left.length, right.length);
  left.forEach((value, index) =>
    assert.ok(Math.abs(value - right[index]!) <= tolerance, `${index}: ${value} ${right[index]}`),
  );
};

describe('a policy that sees', () => {
  const parts = seeingParts(cameras);
  const model = exportPolicy(parts, type);

  it('answers readings and pictures as its definition in double precision', async () => {
    const expected = Array.from({ length: rows }, (_, row) =>
      referenceAnswer(parts, [...readings.subarray(3 * row, 3 * row + 3)], tasks[row]!, [
        pictureOf(0, row),
        pictureOf(1, row),
      ]),
    );
    near(await answers(model, feedsOf(0, rows)), expected.flat(), 1e-4);
    assert.ok(expected.some((row, index) => index > 1 && Math.abs(row[0]! - expected[index - 2]![0]!) > 0.01));
  });

  it('answers a row alone as in a batch', async () => {
    const all = await answers(model, feedsOf(0, rows));
    for (const row of [0, 5, rows - 1])
      near(await answers(model, feedsOf(row, row + 1)), all.subarray(3 * row, 3 * row + 3), 1e-5);
  });

  it('answers as the network that was trained', async () => {
    const feeds = { ...feedsOf(0, rows), parameters: float32Tensor(parts.parameters, [parts.parameters.length]) };
    const scores = await answers(buildScoring(parts), feeds);
    const expected = Array.from({ length: rows }, (_, row) => {
      const powers = [...scores.subarray(3 * row, 3 * row + 3)].map(Math.exp);
      return powers.map((power) => power / powers.reduce((sum, value) => sum + value, 0));
    });
    near(await answers(model, feedsOf(0, rows)), expected.flat(), 1e-5);
  });

  it('is the same bytes for the same parts, of plain operators, and does the same work whatever it sees', () => {
    assert.deepEqual(exportPolicy(seeingParts(cameras), type), model);
    const check = checkModelFile(model);
    assert.equal(check.kind, 'whole');
    if (check.kind !== 'whole') return;
    assert.deepEqual(readingDependence(check.structure), []);
    assert.deepEqual(
      decodeModel(model).graph.input.map(({ name, type: { tensorType } }) => [
        name,
        tensorType.elemType,
        tensorType.shape.dim.map(({ dimValue, dimParam }) => dimParam ?? dimValue),
      ]),
      [
        ['observation', 1, ['batch', 3]],
        ['task', 6, ['batch']],
        ['image.front', 2, ['batch', 10, 14, 3]],
        ['image.rear', 2, ['batch', 13, 11, 3]],
      ],
    );
  });

  it('names its cameras and blocks, and is no model for a robot type without them', async () => {
    const text = decodeModel(model).metadataProps.find(({ key }) => key === policyMetadataKey)!.value;
    assert.deepEqual((JSON.parse(text) as { images: unknown }).images, cameras);
    const session = await runtime.open(model);
    const problems = ioProblems(session, policySizes(type)!);
    await session.close();
    assert.deepEqual(problems, [
      'expected no images: the robot type has no cameras, got an input image.front',
      'expected no images: the robot type has no cameras, got an input image.rear',
    ]);
  });

  it('is started from where cameras and blocks are the same, and only there', async () => {
    const target = seeingParts(cameras, 2);
    const startOf = (of: PolicyParts) => warmStart({ ...of, model, type, fresh: of.parameters });
    const start = startOf(target);
    assert.equal(start.kind, 'warm');
    if (start.kind !== 'warm') return;
    const warm = exportPolicy({ ...target, parameters: start.parameters }, type);
    near(await answers(warm, feedsOf(0, rows)), await answers(model, feedsOf(0, rows)), 1e-4);
    const { images: _, ...blind } = target.shape;
    for (const other of [
      seeingParts([tinyCamera('front')]),
      seeingParts([tinyCamera('front', { features: 6 }), cameras[1]!]),
      { ...target, shape: blind },
    ])
      assert.deepEqual(startOf(other), { kind: 'cold', reason: 'other cameras, or seen by other blocks' });
  });
});
