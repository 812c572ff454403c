import assert from 'node:assert/strict';

import { cameraNetworkSchema, type CameraNetwork } from '../../../policies/images/camera-network.ts';
import { defaultImageHyperparameters } from '../../../policies/images/image-hyperparameters.ts';
import { initialParameters, type NetworkShape } from '../../../policies/network.ts';
import { columnMoments } from '../../../policies/normalisation.ts';
import { randomStream } from '../../../policies/random.ts';
import type { RowBlock } from '../../../policies/rows.ts';
import { rowsAtOnce, scoreRows } from '../../../policies/scoring.ts';
import type { Hyperparameters } from '../../../policies/specification.ts';
import { buildScoring } from '../../../policies/training-graph.ts';
import { groupRowsOf, trainNetwork, type TrainingLoopInput } from '../../../policies/training-loop.ts';
import { runtime, sourceOf, tinyTraining } from '../tiny-training.ts';
import { drawnScenes, sceneKinds, sceneSize, sceneSource } from './drawn-scenes.ts';
import { randomPictures, seeingShape, tinyCamera } from './tiny-images.ts';

const blind: NetworkShape = {
  hiddenWidths: [32],
  taskEmbeddingSize: 8,
  observationSize: 3,
  taskCount: 1,
  head: 'discrete',
  actionSize: sceneKinds.length,
};
const seeing: NetworkShape = { ...blind, images: [cameraNetworkSchema.parse({ camera: 'front', ...sceneSize })] };

const sceneBlocks = { blocks: 8, rows: 400 };

/** Trains on scenes that are drawn as they are read. */
async function learnScenes(shape: NetworkShape, changes: Partial<Hyperparameters>) {
  const train = sceneSource(sceneBlocks.blocks, sceneBlocks.rows, 1);
  const moments = columnMoments(3);
  moments.take((await train.read(0)).observation);
  const observation = moments.finish();
  const trained = await trainNetwork({
    ...tinyTraining(),
    shape,
    train,
    observation,
    validation: sourceOf(drawnScenes(200, 2)),
    start: initialParameters(shape, randomStream(1, 'initial parameters')),
    hyperparameters: { ...defaultImageHyperparameters(sceneBlocks.blocks * sceneBlocks.rows), ...changes },
  });
  return { ...trained, shape, observation };
}

/** How many other scenes it tells. */
async function toldScenes({
  shape,
  observation,
  parameters,
}: Awaited<ReturnType<typeof learnScenes>>): Promise<number> {
  const session = await runtime.open(buildScoring({ shape, observation }));
  try {
    return (await scoreRows({ session, shape, parameters, source: sourceOf(drawnScenes(400, 3)) })).agreementFraction;
  } finally {
    await session.close();
  }
}

/** Rows of two tiny cameras; the label is whether the first picture is bright. */
function tinyRows(rows: number, seed: number): RowBlock {
  const [front, rear] = [tinyCamera('front'), tinyCamera('rear', { height: 8, width: 9 })];
  const random = randomStream(seed, 'tiny rows');
  const label = Int32Array.from({ length: rows }, () => Math.floor(2 * random()));
  const seen = randomPictures(rows, front, seed);
  const bytes = seen.length / rows;
  return {
    rows,
    observation: Float32Array.from({ length: 3 * rows }, () => random()),
    task: Int32Array.from({ length: rows }, (_, row) => row % 2),
    label,
    weight: new Float32Array(rows).fill(1),
    pictures: [
      seen.map((value, index) => (label[Math.floor(index / bytes)] === 1 ? 128 + (value >> 1) : value >> 1)),
      randomPictures(rows, rear, seed + 1),
    ],
  };
}

function tinySeeing(changes: Partial<TrainingLoopInput> = {}): TrainingLoopInput {
  const shape = seeingShape([tinyCamera('front'), tinyCamera('rear', { height: 8, width: 9 })]);
  return tinyTraining({
    shape,
    start: initialParameters(shape, randomStream(5, 'initial parameters')),
    train: sourceOf(tinyRows(50, 1), tinyRows(40, 2), tinyRows(60, 3)),
    validation: sourceOf(tinyRows(70, 4)),
    ...changes,
  });
}

describe('training on pictures', () => {
  it('learns to tell what a scene shows, which its mean colour does not', async () => {
    const steps = { maxSteps: 400, evaluateEverySteps: 100 };
    const withPictures = await toldScenes(await learnScenes(seeing, steps));
    const withoutPictures = await toldScenes(await learnScenes(blind, steps));
    assert.ok(withPictures >= 0.95, `expected at least 95 %, got ${withPictures}`);
    assert.ok(withoutPictures < 0.4, `expected about a quarter, got ${withoutPictures}`);
  });

  it('joins several cameras and is the same whether rows come at once or in groups of blocks', async () => {
    const whole = await trainNetwork(tinySeeing());
    assert.ok(whole.curve.at(-1)!.validationAgreementFraction > 0.9, JSON.stringify(whole.curve.at(-1)));
    const grouped = await trainNetwork(tinySeeing({ groupRows: 60 }));
    assert.ok(grouped.curve.at(-1)!.validationAgreementFraction > 0.9, JSON.stringify(grouped.curve.at(-1)));
    assert.deepEqual((await trainNetwork(tinySeeing({ groupRows: 60 }))).parameters, grouped.parameters);
  });

  it('goes on from any checkpoint to the same bytes', async () => {
    const whole = await trainNetwork(tinySeeing({ groupRows: 60 }));
    for (const killedAt of [7, 35]) {
      let saved: Uint8Array | undefined;
      const checkpoints = {
        save: async (step: number, bytes: Uint8Array) => {
          saved = bytes;
          if (step === killedAt) throw new Error('killed');
        },
        latest: async () => saved,
      };
      await assert.rejects(trainNetwork(tinySeeing({ groupRows: 60, checkpoints })), /killed/);
      const rest = { save: async () => undefined, latest: async () => saved };
      const resumed = await trainNetwork(tinySeeing({ groupRows: 60, checkpoints: rest }));
      assert.deepEqual([resumed.parameters, resumed.curve], [whole.parameters, whole.curve], `killed at ${killedAt}`);
    }
  });

  it('holds as many rows as take 16 MiB, pictures included', () => {
    assert.equal(groupRowsOf(seeing), Math.ceil((16 * 2 ** 20) / (48 * 64 * 3 + 4 * (3 + 4 + 2))));
    assert.equal(groupRowsOf(blind), Math.ceil((16 * 2 ** 20) / (4 * (3 + 4 + 2))));
  });

  it('scores as many rows together as their planes take 16 MiB, and one of the largest pictures', () => {
    const of = (changes: Partial<CameraNetwork>) =>
      rowsAtOnce(seeingShape([tinyCamera('rear'), tinyCamera('front', changes)]));
    const wide = { kind: 'convolution', channels: 64, kernelSize: 3, stride: 1, groups: 1 } as const;
    assert.equal(of({ height: 48, width: 64, blocks: [wide] }), Math.floor(2 ** 22 / (64 * 48 * 64)));
    assert.equal(of({ height: 512, width: 512, blocks: [wide], planes: 'average' }), 1);
    assert.equal(of({ height: 8, width: 8, blocks: [{ kind: 'maxPooling', size: 2, padding: 0 }] }), 2048);
    assert.equal(rowsAtOnce(blind), 2048);
  });

  it('refuses rows without pictures, or of another size, with what was expected', async () => {
    const { pictures: _, ...without } = tinyRows(50, 1);
    await assert.rejects(
      trainNetwork(tinySeeing({ train: sourceOf(without) })),
      /expected 21000 bytes of 50 pictures of camera front, 10 × 14 pixels each, got none/,
    );
    const [front, rear] = tinyRows(50, 1).pictures!;
    await assert.rejects(
      trainNetwork(tinySeeing({ train: sourceOf({ ...without, pictures: [rear!, front!] }) })),
      /expected 21000 bytes of 50 pictures of camera front, 10 × 14 pixels each, got 10800/,
    );
    await assert.rejects(
      trainNetwork(tinySeeing({ train: sourceOf(tinyRows(50, 1), without), groupRows: 1000 })),
      /expected pictures of camera 0 in every block/,
    );
  });
});
