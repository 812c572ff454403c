import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';

import { sharpPictures } from '../../../activities/adapters/sharp-pictures.ts';
import { evaluateCandidate } from '../../../activities/evaluation/evaluate-candidate.ts';
import { evaluationSchema } from '../../../activities/evaluation/evaluation-document.ts';
import { unseenBy } from '../../../activities/evaluation/seen-rows.ts';
import { trainModel } from '../../../activities/training/train-model.ts';
import { augmentImages, varyRows } from '../../../policies/images/augment.ts';
import { probeModel } from '../../../policies/evaluation/probe-model.ts';
import { mirrorRows } from '../../../policies/mirror.ts';
import { exportPolicy } from '../../../policies/export-policy.ts';
import { imageWindows } from '../../../policies/image-windows.ts';
import { cameraCost } from '../../../policies/images/camera-layers.ts';
import { parameterLayout } from '../../../policies/network.ts';
import { policySizes } from '../../../policies/policy-io.ts';
import { randomStream } from '../../../policies/random.ts';
import { runPolicy } from '../../../policies/run-policy.ts';
import type { RowBlock } from '../../../policies/rows.ts';
import { tinyPolicy } from '../../../policies/tiny-policy.ts';
import { seeingParts, seeingType, tinyCamera, randomPictures } from '../../policies/images/tiny-images.ts';
import { runtime } from '../../policies/tiny-training.ts';
import type { SetRows } from './arrow-sets.ts';
import { camerasType, setCameras } from './image-rows.ts';
import { storeSets } from './stored-sets.ts';
import { trainingWorld } from './training-world.ts';

const type = camerasType();
const [front] = setCameras;
const size = 16 * 12 * 3;
const episodeFrames = 6;

/** A bright square on a dark picture; places 0 to 4 from left to right. */
function square(place: number, top: number, dark: number): Uint8Array {
  const picture = new Uint8Array(size).fill(dark);
  for (let y = top; y < top + 6; y += 1) {
    const start = 3 * (y * 16 + 3 * place);
    picture.fill(220, start, start + 3 * 4);
  }
  return picture;
}

/**
 * Episodes in which a square jumps to another place each frame. The label is where it moved (left, stayed, right), so that only the image before tells it. A chunk
 * of two: the second label is that of the next frame. Rows have the images of `images` frames, by the rule of sets. A pure function of its input.
 */
function movingRows(episodes: number, seed: number, images: number): SetRows & { readonly episodes: Int32Array } {
  const random = randomStream(seed, 'moving rows');
  const rows = episodes * episodeFrames;
  const label = new Int32Array(rows);
  const pictures = new Uint8Array(rows * images * size);
  for (let episode = 0; episode < episodes; episode += 1) {
    const dark = 60 * random();
    const seen: Uint8Array[] = [];
    let place = Math.floor(5 * random());
    for (let frame = 0; frame < episodeFrames; frame += 1) {
      const row = episode * episodeFrames + frame;
      const moved = frame === 0 ? place : Math.floor(5 * random());
      label[row] = 1 + Math.sign(moved - place);
      place = moved;
      seen.push(square(place, Math.floor(6 * random()), dark));
      pictures.set(imageWindows(Buffer.concat(seen), 1, size, images), row * images * size);
    }
  }
  return {
    rows,
    observation: Float32Array.from({ length: 3 * rows }, () => 2 * random() - 1),
    task: Int32Array.from({ length: rows }, (_, row) => Math.floor(row / episodeFrames) % 2),
    label,
    weight: new Float32Array(rows).fill(1),
    pictures: [pictures],
    runFrames: Int32Array.from({ length: rows }, (_, row) => row % episodeFrames),
    episodes: Int32Array.from({ length: rows }, (_, row) => Math.floor(row / episodeFrames)),
  };
}

/**
 * Episodes in which a square goes from place to place, around, a frame each; the label is where it is. A chunk of three is told by one image, and the image of another frame
 * tells another. Held-out rows have the image at which a policy of three actions is asked, beside their own, and no other.
 */
function cyclingRows(episodes: number, seed: number, isHeldout: boolean): SetRows & { readonly episodes: Int32Array } {
  const random = randomStream(seed, 'cycling rows');
  const rows = episodes * episodeFrames;
  const images = isHeldout ? 3 : 1;
  const [label, future, futureFrames] = [new Int32Array(rows), new Int32Array(2 * rows), new Int32Array(2 * rows)];
  const pictures = new Uint8Array(rows * images * size);
  for (let episode = 0; episode < episodes; episode += 1) {
    const [begin, dark] = [Math.floor(3 * random()), 1 + 60 * random()];
    const seen: Uint8Array[] = [];
    for (let frame = 0; frame < episodeFrames; frame += 1) {
      const row = episode * episodeFrames + frame;
      label[row] = (begin + frame) % 3;
      for (const ahead of [1, 2]) {
        future[2 * row + ahead - 1] = (begin + frame + ahead) % 3;
        futureFrames[2 * row + ahead - 1] = frame + ahead < episodeFrames ? frame + ahead : -1;
      }
      seen.push(square(2 * label[row] - (label[row] === 2 ? 1 : 0), Math.floor(6 * random()), dark));
      const asked = frame - (frame % 3);
      pictures.set(seen[frame]!, (row * images + images - 1) * size);
      if (isHeldout && asked < frame) pictures.set(seen[asked]!, (row * images + images - 1 - (frame - asked)) * size);
    }
  }
  return { ...movingRows(episodes, seed, 1), label, future, futureFrames, pictures: [pictures] };
}

describe('a candidate that sees images of frames before', function () {
  this.timeout(60_000);

  async function trainedAndJudged(
    request: object,
    imageWindows: { steps: number; images: number }[],
    rowsOf = (episodes: number, seed: number, isHeldout: boolean) => movingRows(episodes, seed, isHeldout ? 3 : 2),
  ) {
    const world = await trainingWorld(type);
    try {
      const { runFrames: _, episodes: __, ...train } = rowsOf(120, 1, false);
      const { runFrames: ___, episodes: ____, ...validation } = rowsOf(20, 2, false);
      const { future: _____, futureFrames: ______, ...rows } = rowsOf(60, 3, true);
      const heldout = { ...rows, past: new Float32Array(60 * episodeFrames * 2 * 3) };
      const { heldoutDigest, trainingSetDigest } = await storeSets(world.store, type, {
        train: [train],
        validation: [validation],
        heldout: [heldout],
        episodes: [heldout.episodes],
        cameras: [front!],
        imageWindows,
      });
      const robotType = { id: type.id, version: type.version };
      const { modelKey } = await trainModel(world.ports)({
        runId: 'moving',
        trainingSetDigest,
        robotType,
        hyperparameters: { hiddenWidths: [24], maxSteps: 180, evaluateEverySteps: 90 },
        seed: 1,
        cameras: ['front'],
        trainer: { kind: 'onnx' },
        ...request,
      });
      await world.store.put('models/p/1.0.0/model.onnx', tinyPolicy(type, 1));
      const probe = async (path: string) =>
        probeModel({
          runtime,
          model: await readFile(path),
          type,
          seed: 1,
          monotonicMs: () => performance.now(),
          progress: () => undefined,
          pictures: sharpPictures,
        });
      const { evaluationKey } = await evaluateCandidate({ ...world.ports, probe: { probe } })({
        modelKey,
        policy: 'p',
        robotType,
        heldoutDigest,
        champion: '1.0.0',
        anchor: '1.0.0',
        bootstrap: false,
        evaluationKey: 'evaluations/moving/evaluation.json',
      });
      return evaluationSchema.parse(JSON.parse(new TextDecoder().decode(await world.store.get(evaluationKey))));
    } finally {
      await world.close();
    }
  }

  it('learns what only the image before tells, and is judged on rows that have it', async () => {
    const document = await trainedAndJudged({ imageHistory: 2 }, [{ steps: 1, images: 2 }]);
    assert.ok((document.accuracyFraction ?? 0) > 0.85, `${document.accuracyFraction}`);
    assert.equal(document.passed, 'pass', JSON.stringify(document.gates.filter(({ outcome }) => outcome !== 'pass')));
    assert.deepEqual([document.imageHistory, document.history, document.horizon], [2, undefined, undefined]);
  });

  it('answers chunks, and is judged by the action that a robot executes: by the image at which it was asked', async () => {
    const hyperparameters = { hiddenWidths: [16], maxSteps: 60, evaluateEverySteps: 30 };
    const document = await trainedAndJudged(
      { horizon: 3, execute: 3, hyperparameters },
      [{ steps: 3, images: 1 }],
      cyclingRows,
    );
    assert.ok((document.accuracyFraction ?? 0) > 0.95, `${document.accuracyFraction}`);
    assert.deepEqual([document.imageHistory, document.horizon], [undefined, 3]);
  });

  it('is not judged on rows that lack what it looks at', () => {
    const port = (name: string, shape: (string | number)[]) => ({ name, type: 'float32', shape });
    const model = (images: number, steps: number) => ({
      inputs: [port('image.front', images === 1 ? ['batch', 12, 16, 3] : ['batch', images, 12, 16, 3])],
      outputs: [port('probabilities', steps === 1 ? ['batch', 3] : ['batch', steps, 3])],
    });
    const shown = { imageCameras: ['front'], history: 9, hasRuns: true };
    const windows = [
      { steps: 4, images: 1 },
      { steps: 1, images: 3 },
    ];
    for (const [images, steps] of [
      [1, 1],
      [1, 4],
      [3, 1],
      [2, 1],
    ] as const)
      assert.equal(unseenBy(model(images, steps), { ...shown, imageWindows: windows }), undefined);
    for (const [images, steps] of [
      [1, 2],
      [2, 4],
      [4, 1],
    ] as const)
      assert.match(
        unseenBy(model(images, steps), { ...shown, imageWindows: windows }) ?? '',
        /expected a held-out set with the images that a model sees which answers/,
      );
    assert.match(
      unseenBy(model(1, 4), shown) ?? '',
      /answers 4 actions at once and sees 1 image of a camera, got one without/,
    );
  });
});

describe('networks with a history of images', () => {
  const shape = tinyCamera('front', { history: 3 });
  const robot = seeingType();
  const sizes = policySizes(robot)!;

  it('see images as channels of one: of the same image three times, what filters summed over them see', async () => {
    const parts = seeingParts([shape], 5);
    const flat = { ...tinyCamera('front') };
    const [before, after] = [parameterLayout(parts.shape), parameterLayout({ ...parts.shape, images: [flat] })];
    const parameters = new Float32Array(after.at(-1)!.start + after.at(-1)!.size);
    for (const [index, slot] of after.entries()) {
      const from = before[index]!;
      assert.equal(from.name, slot.name);
      const values = parts.parameters.subarray(from.start, from.start + from.size);
      if (from.size === slot.size) parameters.set(values, slot.start);
      else {
        // [filters, 3 images × 3 colours, 3, 3]
        assert.deepEqual(
          [from.shape, slot.shape],
          [
            [8, 9, 3, 3],
            [8, 3, 3, 3],
          ],
        );
        values.forEach((value, at) => {
          const [filter, channel, cell] = [Math.floor(at / 81), Math.floor((at % 81) / 9), at % 9];
          parameters[slot.start + filter * 27 + (channel % 3) * 9 + cell]! += value;
        });
      }
    }
    const summed = { ...parts, shape: { ...parts.shape, images: [flat] }, parameters };
    const picture = randomPictures(1, flat, 7);
    const answers = await Promise.all(
      [parts, summed].map(async (each) => {
        const session = await runtime.open(exportPolicy(each, robot));
        const seen = new Map([['front', picture]]);
        const answer = await runPolicy(session, sizes, Float32Array.of(0.1, 0.2, 0.3), Int32Array.of(1), seen);
        await session.close();
        return answer;
      }),
    );
    answers[0]!.forEach((value, at) => assert.ok(Math.abs(value - answers[1]![at]!) < 1e-5));
    assert.equal(cameraCost(shape).parameters - cameraCost(flat).parameters, 8 * 6 * 9);
  });

  it('are varied as one: each image of a window by the same draw, and mirrored each', () => {
    const camera = { height: 10, width: 14, history: 3 };
    const one = randomPictures(2, tinyCamera('front'), 3);
    const windows = imageWindows(one, 2, 420, 3);
    const block: RowBlock = {
      rows: 2,
      observation: new Float32Array(6),
      task: new Int32Array(2),
      label: new Int32Array(2),
      weight: new Float32Array(2),
      pictures: [windows],
    };
    const varied = augmentImages(block, [camera], { brightness: 0.3, crop: 0.4 }, randomStream(1, 'a')).pictures![0]!;
    const alone = augmentImages(
      { ...block, pictures: [one] },
      [{ height: 10, width: 14 }],
      { brightness: 0.3, crop: 0.4 },
      randomStream(1, 'a'),
    ).pictures![0]!;
    assert.deepEqual(varied, imageWindows(alone, 2, 420, 3));
    assert.notDeepEqual(varied, windows);
    const plan = {
      observations: { from: Int32Array.of(0, 1, 2), sign: Float32Array.of(1, 1, 1) },
      actions: { kind: 'discrete' as const, from: Int32Array.of(0, 1, 2), sign: Float32Array.of(1, 1, 1) },
      pictures: [{ from: 0, width: 14 }],
    };
    const mirrored = mirrorRows(block, plan, () => true);
    const mirroredOne = mirrorRows({ ...block, pictures: [one] }, plan, () => true).pictures![0]!;
    assert.deepEqual(mirrored.pictures![0]!, imageWindows(mirroredOne, 2, 420, 3));
    assert.equal(varyRows(block, [camera], {}, undefined, randomStream(1, 'a')), block);
  });
});
