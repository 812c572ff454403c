import assert from 'node:assert/strict';
import { join } from 'node:path';

import { onnxRuntime } from '../../../activities/adapters/onnx-runtime.ts';
import { onnxTrainer } from '../../../activities/adapters/onnx-trainer.ts';
import { mixExperience } from '../../../activities/mix/mix-experience.ts';
import { setEpisodeStanding } from '../../../activities/mix/exclusions.ts';
import { registerModel } from '../../../activities/registry/register-model.ts';
import { reproduceModel } from '../../../activities/registry/reproduce-model.ts';
import { trainModel } from '../../../activities/training/train-model.ts';
import { robotTypeDigest } from '../../../datasets/robot-type-digest.ts';
import { trainingSetFile } from '../../../datasets/training-set.ts';
import { isFailure } from '../../../store/failures.ts';
import { testSigner } from '../../support/keys.ts';
import { numbered, openMixFixture, robotType, store, type MixFixture } from '../mix/mix-fixture.ts';

const monotonicMs = (): number => performance.now();

describe('a version whose training set was swept', function () {
  this.timeout(60_000);
  let fixture: MixFixture;
  beforeEach(async () => {
    fixture = await openMixFixture();
    await store(fixture, 0, [...numbered(1, 12), ...numbered(101, 4, { split: 'validation' })]);
  });
  afterEach(() => fixture.close());

  const ports = () => ({
    ...fixture.ports,
    trainers: {
      onnx: onnxTrainer({ runtime: onnxRuntime(), monotonicMs }),
      command: () => assert.fail('no command was asked for'),
    },
    signer: testSigner(join(fixture.directory, 'keys')),
    clock: () => 1000,
    codeBuild: 'test',
  });
  const saying = (number: number, standing: 'excluded' | 'included') =>
    setEpisodeStanding(
      { store: fixture.store, clock: () => 5 },
      { episodeId: `E${String(number).padStart(6, '0')}`, standing, who: 'ada', reason: 'a test' },
    );
  const mixed = async () => {
    const datasetVersion = await fixture.lake.currentVersion();
    const input = { cycleId: 'c1', robotType, datasetVersion, newSince: { episodes: 0, frames: 0 }, seed: 1 };
    const sources = [{ site: 'site', weight: 1 }];
    const set = await mixExperience(fixture.ports)({ ...input, targetFrames: 60, sources });
    return { datasetVersion, ...set };
  };

  async function registered(settings: Readonly<Record<string, unknown>>) {
    const { datasetVersion, digest } = await mixed();
    const type = { id: robotType.id, version: robotType.version };
    const trained = await trainModel(ports())({
      runId: 'run-0',
      trainingSetDigest: digest,
      robotType: type,
      hyperparameters: settings,
      seed: 3,
      trainer: { kind: 'onnx' },
    });
    const { version } = await registerModel(ports())({
      operationId: 'cycle',
      policy: 'p',
      change: 'minor',
      robotType: { ...type, digest: robotTypeDigest(robotType) },
      sources: { 'model.onnx': trained.modelKey, 'training.json': 'training-runs/run-0/job.json' },
      modelSha256: trained.modelSha256,
      parents: [],
      training: {
        cycleId: 'cycle',
        datasetVersion,
        trainingSetDigest: digest,
        seed: 3,
        hyperparameters: { ...trained.hyperparameters },
      },
      metrics: {},
      gates: [],
    });
    return { version, digest, hyperparameters: trained.hyperparameters };
  }
  const sweep = async (digest: string): Promise<void> => {
    for (const file of ['train.arrow', 'validation.arrow'] as const)
      await fixture.store.delete(trainingSetFile(digest, file));
  };
  const quick = { hiddenWidths: [4], maxSteps: 20, evaluateEverySteps: 10 };

  it('gives the same bytes again, whatever a person excluded since, with the exclusions of then', async () => {
    await saying(1, 'excluded');
    const { version, digest } = await registered(quick);
    await saying(2, 'excluded');
    await saying(1, 'included');
    assert.notEqual((await mixed()).digest, digest);
    await sweep(digest);
    const again = await reproduceModel(ports())({ policy: 'p', version });
    assert.equal(again.isSame, true, JSON.stringify(again));
  });

  it('is made again from before the first exclusion, too', async () => {
    const { version, digest } = await registered(quick);
    await saying(2, 'excluded');
    await sweep(digest);
    assert.equal((await reproduceModel(ports())({ policy: 'p', version })).isSame, true);
  });

  it('is trained by the settings that were used, not by the defaults of now', async () => {
    const { version, hyperparameters } = await registered(quick);
    assert.ok('learningRate' in hyperparameters && !('learningRate' in quick));
    const seen: unknown[] = [];
    const { trainers, ...rest } = ports();
    const onnx: typeof trainers.onnx = {
      train: (job, progress) => {
        seen.push(job.settings);
        return trainers.onnx.train(job, progress);
      },
    };
    await reproduceModel({ ...rest, trainers: { ...trainers, onnx } })({ policy: 'p', version });
    assert.deepEqual(seen, [hyperparameters]);
  });

  it('says when the lake does not give the same rows any more, and puts nothing', async () => {
    const { version, digest } = await registered(quick);
    await sweep(digest);
    // As if another engine had rewritten the rows behind the version.
    const lake: typeof fixture.lake = {
      ...fixture.ports.lake,
      scan: async (...args) =>
        args[0] === 'episodes'
          ? `(FROM ${await fixture.lake.scan(...args)} WHERE episode_id <> 'E000003')`
          : fixture.lake.scan(...args),
    };
    await assert.rejects(reproduceModel({ ...ports(), lake })({ policy: 'p', version }), (error) =>
      isFailure(error, 'Conflict'),
    );
    assert.equal(await fixture.store.localPath(trainingSetFile(digest, 'train.arrow')), undefined);
  });
});
