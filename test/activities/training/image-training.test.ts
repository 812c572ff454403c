import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import sharp from 'sharp';

import { openArrowRows } from '../../../activities/adapters/arrow-row-source.ts';
import { arrowImages, stretchesOf } from '../../../activities/adapters/arrow-images.ts';
import { onnxRuntime } from '../../../activities/adapters/onnx-runtime.ts';
import { onnxTrainer } from '../../../activities/adapters/onnx-trainer.ts';
import { sharpPictures } from '../../../activities/adapters/sharp-pictures.ts';
import type { TrainingJob } from '../../../activities/ports/trainer.ts';
import { planTraining } from '../../../activities/training/plan-training.ts';
import { augmentImages } from '../../../policies/images/augment.ts';
import { defaultBlocks } from '../../../policies/images/default-blocks.ts';
import { planCameras } from '../../../policies/images/image-settings.ts';
import { planeNumbers } from '../../../policies/images/camera-layers.ts';
import { ioProblems, policySizes } from '../../../policies/policy-io.ts';
import { randomStream } from '../../../policies/random.ts';
import { camerasSeenBy } from '../../../policies/seen-images.ts';
import { mapColumns, type RowBlock } from '../../../policies/rows.ts';
import { testRobotType, writeArrowSet } from './arrow-sets.ts';
import { camerasType, imageRows, setCameras } from './image-rows.ts';

const type = camerasType();
const sizes = policySizes(type)!;
const settings = {
  hiddenWidths: [16],
  maxSteps: 150,
  evaluateEverySteps: 50,
  checkpointEverySteps: 60,
  images: { networks: [{ camera: 'front', features: 8 }] },
};

describe('training sets with images', () => {
  let directory: string;
  let job: TrainingJob;
  const blocks = [imageRows(200, 1), imageRows(120, 2)];
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'flywheel-image-training-'));
    const [trainPath, validationPath] = [join(directory, 'train.arrow'), join(directory, 'validation.arrow')];
    await writeArrowSet(trainPath, blocks, undefined, setCameras);
    await writeArrowSet(validationPath, [imageRows(120, 3)], undefined, setCameras);
    job = {
      trainPath,
      validationPath,
      trainRows: 320,
      validationRows: 120,
      robotType: type,
      settings,
      seed: 1,
      cameras: ['front'],
      checkpoints: { save: async () => undefined, latest: async () => undefined },
      scratchDirectory: directory,
    };
  });
  after(() => rm(directory, { recursive: true, force: true }));

  async function train(changes: Partial<TrainingJob> = {}) {
    const trainer = onnxTrainer({ runtime: onnxRuntime(), monotonicMs: () => performance.now() });
    const outcome = await trainer.train({ ...job, ...changes }, () => undefined);
    return { ...outcome, model: await readFile(outcome.modelPath) };
  }

  it('are read with the pixels of their JPEGs, camera by camera, in blocks of memory of their own', async () => {
    const rows = await openArrowRows(job.trainPath, sizes, ['rear', 'front']);
    assert.deepEqual(rows.blockRows, [200, 120]);
    const block = await rows.read(1);
    const jpeg = (await rows.encodedImages(1, 7)).get('front')!;
    const pixels = await sharp(jpeg).raw().toBuffer();
    assert.deepEqual(Buffer.from(block.pictures![1]!.subarray(7 * 576, 8 * 576)), pixels);
    assert.equal(block.pictures![0]!.length, 120 * 8 * 8 * 3);
    const wide = blocks[1]!.pictures![0]!;
    assert.ok(wide.every((value, at) => Math.abs(value - block.pictures![1]![at]!) < 40));
    assert.deepEqual(block.label, blocks[1]!.label);
    assert.ok(block.observation.buffer.byteLength <= 4 * block.observation.length);
    await rows.close();
    const plain = await openArrowRows(job.trainPath, sizes);
    assert.equal((await plain.read(0)).pictures, undefined);
    await plain.close();
  });

  it('are cut into blocks of few pixels, however many rows a batch has', () => {
    const large = [{ name: 'front', width: 512, height: 512 }];
    assert.deepEqual(stretchesOf([25, 0], large).slice(0, 3), [
      { batch: 0, start: 0, end: 10 },
      { batch: 0, start: 10, end: 20 },
      { batch: 0, start: 20, end: 25 },
    ]);
    assert.deepEqual(stretchesOf([25, 0], large)[3], { batch: 1, start: 0, end: 0 });
    assert.deepEqual(stretchesOf([7, 0], []), [
      { batch: 0, start: 0, end: 7 },
      { batch: 1, start: 0, end: 0 },
    ]);
  });

  it('decode an image once and not once a pass, up to a bound of memory', async () => {
    let decoded = 0;
    const codec = {
      ...sharpPictures,
      exact: async (_: Uint8Array, width: number, height: number) => {
        decoded += 1;
        return new Uint8Array(width * height * 3);
      },
    };
    const big = { name: 'front', width: 512, height: 512 };
    const fake = { type: undefined } as never;
    const batch = { numRows: 10, getChild: () => ({ data: [fake] }) } as never;
    const images = arrowImages([big], codec, (message) => new Error(message));
    await assert.rejects(
      images.decoded(0, { batch: 0, start: 0, end: 10 }, batch),
      /expected column image.front of binary/,
    );
    const columns = await import('./arrow-sets.ts');
    const column = columns.binaryColumn(Array.from({ length: 10 }, () => new Uint8Array(5)));
    const good = { numRows: 10, getChild: () => ({ data: [column] }) } as never;
    for (const pass of [1, 2]) {
      decoded = 0;
      for (let block = 0; block < 20; block += 1) await images.decoded(block, { batch: 0, start: 0, end: 10 }, good);
      // 128 MiB hold 17 blocks of ten images of 768 KiB.
      assert.equal(decoded, pass === 1 ? 200 : 30);
    }
  });

  it('name the row whose image is broken, of another size, or not there', async () => {
    const refused = async (rows: RowBlock, cameras: typeof setCameras, what: RegExp) => {
      const path = join(directory, 'bad.arrow');
      await writeArrowSet(path, [rows], undefined, cameras);
      await assert.rejects(train({ trainPath: path }), what);
    };
    const rows = imageRows(5, 9);
    await refused(
      rows,
      [{ name: 'front', width: 12, height: 16 }],
      /expected JPEG of 16 × 12 pixels in column image.front, got another at row \d.*12 × 16/,
    );
    await refused(rows, [], /expected column image.front of binary without nulls, got none/);
  });

  it('teach what only images tell; the model sees the cameras that were asked for, and says how it was trained', async () => {
    const seen: object[] = [];
    const checkpoints = { save: async (step: number) => void seen.push({ step }), latest: async () => undefined };
    const trained = await train({ checkpoints });
    assert.ok(trained.validationAgreementFraction! > 0.9, `${trained.validationAgreementFraction}`);
    assert.deepEqual(seen, [{ step: 60 }, { step: 120 }]);
    const session = await onnxRuntime().open(trained.model);
    assert.deepEqual(ioProblems(session, sizes), []);
    assert.deepEqual(camerasSeenBy(session), ['front']);
    await session.close();
    const { images, batchSize } = trained.settings as { images: { networks: object[] }; batchSize: number };
    assert.equal(batchSize, 16);
    assert.deepEqual(images.networks, [
      { camera: 'front', blocks: defaultBlocks({ width: 16, height: 12 }), planes: 'flatten', features: 8 },
    ]);
    const again = await train({ settings: trained.settings });
    assert.deepEqual(again.model, trained.model, 'the recorded settings give the same bytes');
    const blind = await train({
      cameras: undefined as never,
      settings: { ...settings, maxSteps: 100, images: undefined },
    });
    assert.ok(blind.validationAgreementFraction! < 0.6, `${blind.validationAgreementFraction}`);
  });

  it('go on from a checkpoint to the same bytes, varied images included, and start warm only where cameras are the same', async () => {
    const few = { maxSteps: 30, evaluateEverySteps: 15, checkpointEverySteps: 20 };
    const varied = {
      ...settings,
      ...few,
      images: { ...settings.images, augmentation: { brightness: 0.1, crop: 0.1, noise: 0.02 } },
    };
    const small = { trainPath: join(directory, 'small.arrow'), validationPath: join(directory, 'small-too.arrow') };
    await writeArrowSet(small.trainPath, [imageRows(50, 6), imageRows(30, 7)], undefined, setCameras);
    await writeArrowSet(small.validationPath, [imageRows(20, 8)], undefined, setCameras);
    const trained = (changes: Partial<TrainingJob>) =>
      train({ ...small, trainRows: 80, validationRows: 20, ...changes });
    const whole = await trained({ settings: varied });
    const saved = join(directory, 'saved');
    const { writeFile } = await import('node:fs/promises');
    const killed = {
      save: async (_: number, body: unknown) => {
        await writeFile(saved, body as Uint8Array);
        throw new Error('killed');
      },
      latest: async () => undefined,
    };
    await assert.rejects(trained({ settings: varied, checkpoints: killed }), /killed/);
    const rest = { save: async () => undefined, latest: async () => ({ step: 20, filePath: saved }) };
    assert.deepEqual((await trained({ settings: varied, checkpoints: rest })).model, whole.model);
    assert.notDeepEqual((await trained({ settings: varied, seed: 2 })).model, whole.model);
    const start = join(directory, 'start.onnx');
    await writeFile(start, whole.model);
    const short = { ...settings, maxSteps: 10, evaluateEverySteps: 10 };
    assert.equal((await trained({ startFromPath: start, settings: short })).warmStart, 'warm');
    const other = { startFromPath: start, settings: { ...short, images: {} }, cameras: ['front', 'rear'] };
    assert.equal((await trained(other)).warmStart, 'cold: other cameras, or seen by other blocks');
  });

  it('teach what lies on the other side where rows are mirrored, recorded and repeatable; a type without a mirror is refused', async () => {
    const path = join(directory, 'one-sided.arrow');
    await writeArrowSet(path, [withLabels(imageRows(400, 5), [0, 1])], undefined, setCameras);
    const mirrored = { ...type, mirror: { actions: { swapped: [['left', 'right'] as [string, string]] } } };
    const flipped = { ...settings, images: { ...settings.images, augmentation: { flip: 0.5 } } };
    const learned = await train({ trainPath: path, robotType: mirrored, settings: flipped });
    assert.ok(learned.validationAgreementFraction! > 0.9, `${learned.validationAgreementFraction}`);
    assert.deepEqual((learned.settings['images'] as { augmentation: object }).augmentation, { flip: 0.5 });
    const few = { ...flipped, maxSteps: 20, evaluateEverySteps: 10 };
    const again = { robotType: mirrored, settings: few };
    assert.deepEqual((await train(again)).model, (await train(again)).model);
    const blind = { robotType: mirrored, cameras: undefined as never };
    const numbers = await train({ ...blind, settings: { ...few, images: { augmentation: { flip: 1 } } } });
    assert.deepEqual(numbers.settings['images'], { augmentation: { flip: 1 } });
    await assert.rejects(train({ settings: flipped }), /expected a robot type that says what is left and right/);
  });

  it('refuse cameras that the robot type does not have, and settings of images where none are asked for', async () => {
    await assert.rejects(
      train({ cameras: ['left'], settings: {} }),
      /expected cameras of the robot type \(front, rear\), got left/,
    );
    await assert.rejects(
      train({ cameras: undefined as never }),
      /expected image settings of cameras that the training asks for \(none\), got front/,
    );
    await assert.rejects(
      train({ robotType: testRobotType(), cameras: ['front'] }),
      /expected cameras of the robot type \(it has none\)/,
    );
    await assert.rejects(train({ settings: { ...settings, images: { mirror: true } } }), /mirror/);
  });

  it('are searched from the defaults of networks that see', async () => {
    const input = { hyperparameters: {}, search: true, trainRows: 320 };
    const [blind] = (await planTraining(input)).trials;
    const [seeing] = (await planTraining({ ...input, cameras: ['front'] })).trials;
    assert.equal(blind?.hyperparameters['learningRate'], 0.01);
    assert.equal(seeing?.hyperparameters['learningRate'], 0.005);
  });
});

/** The rows with one of these labels. */
function withLabels(block: RowBlock, labels: readonly number[]): RowBlock {
  const kept = Array.from({ length: block.rows }, (_, row) => row).filter((row) => labels.includes(block.label[row]!));
  return mapColumns([block], kept.length, ([values]) => {
    const width = values!.length / block.rows;
    const picked = values!.slice(0, kept.length * width) as NonNullable<typeof values>;
    kept.forEach((row, to) => picked.set(values!.subarray(row * width, (row + 1) * width), to * width));
    return picked;
  });
}

describe('how cameras are seen', () => {
  it('keeps the last planes small, from the smallest image to the largest', () => {
    for (const side of [8, 16, 64, 128, 224, 300, 512]) {
      const [shape] = planCameras(['a'], [{ name: 'a', width: side, height: side }]);
      assert.ok(planeNumbers(shape!) <= 48 * 81, `${side}: ${planeNumbers(shape!)}`);
    }
  });
});

describe('varied images', () => {
  const block = imageRows(6, 1);
  const vary = (augmentation: object, seed = 1) =>
    augmentImages(block, setCameras, augmentation, randomStream(seed, 'x'));

  it('are the same for the same stream, others for another, and leave the rows that they come from', () => {
    const before = block.pictures!.map((bytes) => bytes.slice());
    const all = { brightness: 0.2, crop: 0.3, noise: 0.1 };
    assert.deepEqual(vary(all), vary(all));
    assert.notDeepEqual(vary(all).pictures, vary(all, 2).pictures);
    assert.deepEqual(block.pictures, before);
    assert.equal(vary({}), block);
    assert.deepEqual([vary(all).label, vary(all).observation], [block.label, block.observation]);
  });

  it('are lighter or darker as a whole, cut anywhere, or grainy, each by what is declared', () => {
    const moved = vary({ brightness: 0.1 }).pictures![1]!.map((value, at) => value - block.pictures![1]![at]!);
    const inside = [...moved].filter((_, at) => block.pictures![1]![at]! > 30 && block.pictures![1]![at]! < 225);
    assert.ok(inside.length > 0 && new Set(inside.slice(0, 50).map((value) => (value << 24) >> 24)).size <= 2);
    const grain = vary({ noise: 0.02 }).pictures![0]!;
    assert.ok(grain.every((value, at) => Math.abs(value - block.pictures![0]![at]!) <= 6));
    assert.ok(grain.some((value, at) => value !== block.pictures![0]![at]!));
    const cut = vary({ crop: 0.5 }).pictures![0]!;
    assert.notDeepEqual(cut, block.pictures![0]!);
    const colours = new Set(block.pictures![0]);
    assert.ok(cut.every((value) => colours.has(value)));
  });
});
