import assert from 'node:assert/strict';
import { join } from 'node:path';

import { duckDbEngine } from '../../../activities/adapters/duckdb-engine.ts';
import { openLake } from '../../../activities/lake/lake.ts';
import type { ObjectStore } from '../../../store/object-store.ts';
import { evaluateCandidate } from '../../../activities/evaluation/evaluate-candidate.ts';
import { isFailure } from '../../../store/failures.ts';
import { planTraining } from '../../../activities/training/plan-training.ts';
import { listHeldCandidates } from '../../../activities/registry/held-candidates.ts';
import { readManifest } from '../../../store/records/manifests.ts';
import { registerCandidate } from '../../../activities/registry/register-candidate.ts';
import { reproduceModel } from '../../../activities/registry/reproduce-model.ts';
import { trainModel } from '../../../activities/training/train-model.ts';
import { tinyPolicy } from '../../../policies/tiny-policy.ts';
import { quick, trainingWorld } from './training-world.ts';
import { testSigner } from '../../support/keys.ts';

function lakeOf(store: ObjectStore, directory: string) {
  const engine = duckDbEngine({ temporaryDirectory: directory, threads: 1 });
  return { engine, lake: openLake({ store, engine, clock: () => 1000, stagingDirectory: directory }) };
}

describe('a version that was trained here', () => {
  let world: Awaited<ReturnType<typeof trainingWorld>>;
  before(async () => {
    world = await trainingWorld();
  });
  after(() => world.close());
  const ports = () => ({
    ...world.ports,
    ...lakeOf(world.store, world.ports.scratchDirectory),
    signer: testSigner(join(world.ports.scratchDirectory, 'keys')),
    clock: () => 1000,
    codeBuild: 'test',
  });
  const judge = (runId: string, modelKey: string) =>
    evaluateCandidate(world.ports)({
      modelKey,
      policy: 'p',
      robotType: world.robotType,
      heldoutDigest: world.heldoutDigest,
      trainingSetDigest: world.trainingSetDigest,
      bootstrap: true,
      evaluationKey: `evaluations/${runId}/evaluation.json`,
    });

  async function registered(runId: string) {
    const job = {
      runId: `${runId}-0`,
      trainingSetDigest: world.trainingSetDigest,
      robotType: world.robotType,
      hyperparameters: quick,
      seed: 5,
      trainer: { kind: 'onnx' },
    } as const;
    const trained = await trainModel(world.ports)(job);
    const { evaluationKey, goldenKey } = await judge(runId, trained.modelKey);
    const { version } = await registerCandidate(ports())({
      operationId: runId,
      policy: 'p',
      robotType: world.robotType,
      modelKey: trained.modelKey,
      modelSha256: trained.modelSha256,
      evaluationKey,
      goldenKey,
      datasetVersion: { episodes: 0, frames: 0 },
      trainingSetDigest: world.trainingSetDigest,
      seed: 5,
      hyperparameters: trained.hyperparameters,
    });
    return version;
  }

  it('keeps its training with its signed facts, and gives the same bytes again', async () => {
    const version = await registered('cycle-1');
    const { files } = await readManifest(ports(), 'p', version);
    assert.match(files['training.json']!.sha256, /^[0-9a-f]{64}$/);
    const key = `models/p/${version}/training.json`;
    const job = JSON.parse(new TextDecoder().decode(await world.store.get(key))) as Record<string, unknown>;
    assert.deepEqual([job['seed'], job['trainer']], [5, { kind: 'onnx' }]);
    const again = await reproduceModel(ports())({ policy: 'p', version });
    assert.equal(again.isSame, true, JSON.stringify(again));
    await world.store.put(key, new TextEncoder().encode(JSON.stringify({ ...job, seed: 6 })));
    await assert.rejects(reproduceModel(ports())({ policy: 'p', version }), (error) =>
      isFailure(error, 'UntrustedArtifact'),
    );
  });

  it('is told from a candidate that a gate held, which is listed with its gates', async () => {
    await world.store.put('poor/model.onnx', tinyPolicy(world.type, 1));
    assert.equal((await judge('cycle-poor', 'poor/model.onnx')).passed, 'hold');
    const held = await listHeldCandidates(world.store, 'p');
    assert.deepEqual(
      held.map(({ from, gates }) => [from, gates.map(({ id }) => id)]),
      [['cycle-poor', ['heldout.agreement']]],
    );
    assert.deepEqual(await listHeldCandidates(world.store, 'q'), []);
  });
});

describe('the settings of a training', () => {
  const command = { kind: 'command' } as const;
  it('are the trainer’s own: what the project’s example takes is passed on, and searched', async () => {
    const hyperparameters = { hiddenWidth: 32, learningRate: 0.01 };
    const plain = await planTraining({ hyperparameters, search: false, trainRows: 10, trainer: command });
    assert.deepEqual(plain.trials, [{ summary: 'train', hyperparameters }]);
    await assert.rejects(planTraining({ hyperparameters, search: false, trainRows: 10 }), (error) =>
      isFailure(error, 'InvalidInput'),
    );
    const rates = await planTraining({ hyperparameters, search: true, trainRows: 10, trainer: command });
    assert.deepEqual(
      rates.trials.map((trial) => trial.hyperparameters),
      [0.01, 0.03, 0.00333].map((learningRate) => ({ hiddenWidth: 32, learningRate })),
    );
  });

  it('are searched over what is given as one of several, and not without end', async () => {
    const grid = { hiddenWidth: { oneOf: [16, 32] }, learningRate: { oneOf: [0.1, 0.2, 0.3] }, batchSize: 8 };
    const { trials } = await planTraining({ hyperparameters: grid, search: true, trainRows: 10, trainer: command });
    assert.equal(new Set(trials.map(({ summary }) => summary)).size, 6);
    assert.deepEqual(trials[0], {
      summary: 'hiddenWidth 16, learningRate 0.1',
      hyperparameters: { hiddenWidth: 16, learningRate: 0.1, batchSize: 8 },
    });
    const many = Array.from({ length: 25 }, (_, index) => index);
    for (const [hyperparameters, text] of [
      [{ depth: 3 }, /expected settings to search over/],
      [{ depth: { oneOf: many } }, /at most 24 trainings in a search, got 25/],
    ] as const)
      await assert.rejects(planTraining({ hyperparameters, search: true, trainRows: 10, trainer: command }), text);
  });
});
