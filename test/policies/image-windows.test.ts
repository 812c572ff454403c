import assert from 'node:assert/strict';

import { array, assert as check, boolean, integer, property, record } from 'fast-check';

import { FollowingImages, imageHistoryOf, imageWindows } from '../../policies/image-windows.ts';
import { executedAnswers, imagesReadBy } from '../../policies/evaluation/executed.ts';
import { ioProblems, policySizes } from '../../policies/policy-io.ts';
import { runPolicy } from '../../policies/run-policy.ts';
import type { GraphSession, ModelPort, Tensors } from '../../policies/runtime.ts';
import { MissingImage } from '../../policies/seen-images.ts';
import { seeingType } from './images/tiny-images.ts';

const type = seeingType();
const sizes = policySizes(type)!;
const size = 14 * 10 * 3;
const image = (value: number): Uint8Array => new Uint8Array(size).fill(value);
const imagesOf = (values: readonly number[]): Uint8Array => Buffer.concat(values.map(image));
/** The first pixels of images one after the other. */
const valuesIn = (bytes: ArrayLike<number>): number[] =>
  Array.from({ length: bytes.length / size }, (_, at) => bytes[at * size]!);

const input = (name: string, shape: ModelPort['shape'], kind = 'float32'): ModelPort => ({ name, type: kind, shape });
const front = (images: number): ModelPort =>
  input('image.front', images === 1 ? ['batch', 10, 14, 3] : ['batch', images, 10, 14, 3], 'uint8');

/** A model that sees so many images and answers so many actions; what it was shown comes out in `asked`. Its answer in step s is 10 × the value of its present image + s. */
function model(
  images: number,
  steps: number,
  asked: number[][] = [],
): Pick<GraphSession, 'inputs' | 'outputs' | 'run'> {
  return {
    inputs: [input('observation', ['batch', 3]), input('task', ['batch'], 'int32'), front(images)],
    outputs: [input('probabilities', steps === 1 ? ['batch', 3] : ['batch', steps, 3])],
    run: async (feeds: Tensors) => {
      const { data, shape } = feeds['image.front']!;
      assert.deepEqual(shape, images === 1 ? [shape[0], 10, 14, 3] : [shape[0], images, 10, 14, 3]);
      const rows = shape[0]!;
      const answers = new Float32Array(rows * steps * 3);
      for (let row = 0; row < rows; row += 1) {
        const values = valuesIn(data.subarray(row * images * size, (row + 1) * images * size) as Uint8Array);
        asked.push(values);
        for (let at = 0; at < steps * 3; at += 1)
          answers[row * steps * 3 + at] = 10 * values.at(-1)! + Math.floor(at / 3);
      }
      return { probabilities: { type: 'float32', data: answers, shape: [rows, steps, 3] } };
    },
  };
}

describe('images of frames before', () => {
  it('are the last ones, and the earliest stands for those that are not there', () => {
    const windows = (has: readonly number[], wanted: number) => valuesIn(imageWindows(imagesOf(has), 1, size, wanted));
    assert.deepEqual(windows([7], 3), [7, 7, 7]);
    assert.deepEqual(windows([6, 7], 3), [6, 6, 7]);
    assert.deepEqual(windows([5, 6, 7, 8], 3), [6, 7, 8]);
    assert.deepEqual(valuesIn(imageWindows(imagesOf([1, 2, 3, 4]), 2, size, 3)), [1, 1, 2, 3, 3, 4]);
    assert.equal(imageWindows(new Uint8Array(0), 0, size, 3).length, 0);
  });

  it('are those since the last frame that does not follow, or has no image', () => {
    const frame = record({ has: boolean(), follows: boolean() });
    check(
      property(integer({ min: 1, max: 5 }), array(frame, { maxLength: 30 }), (most, frames) => {
        const following = new FollowingImages<number>(most);
        frames.forEach(({ has, follows }, index) => {
          const expected: number[] = [];
          for (let at = index; at >= 0 && frames[at]!.has && expected.length < most; at -= 1) {
            expected.unshift(at);
            if (!frames[at]!.follows) break;
          }
          assert.ok(following.before(follows).length < most);
          assert.deepEqual(following.next(has ? index : undefined, follows), expected);
        });
      }),
    );
  });

  it('reach a model as many as it takes', async () => {
    const asked: number[][] = [];
    const run = (images: number, given: readonly number[], rows = 1) =>
      runPolicy(
        model(images, 1, asked),
        sizes,
        new Float32Array(3 * rows),
        new Int32Array(rows),
        new Map([['front', imagesOf(given)]]),
      );
    await run(3, [4, 5]);
    await run(1, [4, 5]);
    await run(2, [1, 2, 3, 4], 2);
    assert.deepEqual(asked, [[4, 4, 5], [5], [1, 2], [3, 4]]);
    await assert.rejects(run(2, [1, 2, 3], 2), MissingImage);
    await assert.rejects(run(2, []), MissingImage);
    assert.deepEqual([imageHistoryOf(model(3, 1)), imageHistoryOf(model(1, 4)), imagesReadBy(model(3, 4))], [3, 1, 6]);
  });

  it('make a model that takes 2 to 16 of a camera fit, and no other', () => {
    const problems = (shape: ModelPort['shape']) =>
      ioProblems(
        {
          ...model(1, 1),
          inputs: [
            input('observation', ['batch', 3]),
            input('task', ['batch'], 'int32'),
            input('image.front', shape, 'uint8'),
          ],
        },
        sizes,
      );
    for (const images of [2, 16]) assert.deepEqual(problems(['batch', images, 10, 14, 3]), []);
    for (const shape of [
      ['batch', 1, 10, 14, 3],
      ['batch', 17, 10, 14, 3],
      ['batch', 'images', 10, 14, 3],
      ['batch', 2, 14, 10, 3],
      [1, 2, 10, 14, 3],
      ['batch', 2, 2, 10, 14, 3],
    ])
      assert.match(problems(shape).join(), /or \[batch, images, 10, 14, 3\] of 2 to 16 at once/, JSON.stringify(shape));
  });

  it('are those of the frame at which a robot asked, where a chunk is executed', async () => {
    const asked: number[][] = [];
    // A run of five frames and one of two; rows have three images, those before a run are never looked at.
    const runFrames = Int32Array.of(0, 1, 2, 3, 4, 0, 1);
    const rows = runFrames.length;
    const images = imagesOf(
      [...runFrames].flatMap((frame, row) => [2, 1, 0].map((back) => (frame >= back ? 10 + row - back : 99))),
    );
    const met = {
      observation: new Float32Array(3 * rows),
      past: new Float32Array(3 * 2 * rows),
      task: new Int32Array(rows),
      images: new Map([['front', images]]),
      runFrames,
    };
    const executed = async (seen: number, steps: number) => {
      const answers = await executedAnswers(model(seen, steps, asked), sizes, met);
      return Array.from({ length: rows }, (_, row) => answers[3 * row]);
    };
    assert.deepEqual(await executed(1, 2), [100, 101, 120, 121, 140, 150, 151]);
    assert.deepEqual(await executed(1, 3), [100, 101, 102, 130, 131, 150, 151]);
    asked.length = 0;
    assert.deepEqual(await executed(2, 2), [100, 101, 120, 121, 140, 150, 151]);
    assert.deepEqual(asked.slice(2, 5), [
      [11, 12],
      [11, 12],
      [13, 14],
    ]);
    await assert.rejects(executed(2, 3), /expected rows with 4 images of camera front, got 3/);
    const blind = { ...met, images: new Map() };
    await assert.rejects(executedAnswers(model(1, 2), sizes, blind), MissingImage);
  });
});
