import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { evaluateCandidate } from '../../../activities/evaluation/evaluate-candidate.ts';
import { evaluationSchema } from '../../../activities/evaluation/evaluation-document.ts';
import { parseInputWith } from '../../../activities/parse-workflow-input.ts';
import { heldoutWindow } from '../../../activities/registry/compared-cameras.ts';
import { registerCandidate } from '../../../activities/registry/register-candidate.ts';
import { trainModel } from '../../../activities/training/train-model.ts';
import { probeModel } from '../../../policies/evaluation/probe-model.ts';
import { tinyPolicy } from '../../../policies/tiny-policy.ts';
import { readManifest } from '../../../store/records/manifests.ts';
import { rowsAhead } from '../../policies/rows-ahead.ts';
import { runtime } from '../../policies/tiny-training.ts';
import { testSigner } from '../../support/keys.ts';
import { testRobotType } from './arrow-sets.ts';
import { storeSets } from './stored-sets.ts';
import { trainingWorld } from './training-world.ts';

describe('a candidate that answers chunks', function () {
  this.timeout(60_000);

  it('is trained, judged on what robots would execute, and registered with its number of actions', async () => {
    const type = testRobotType();
    const robotType = { id: type.id, version: type.version };
    const world = await trainingWorld(type);
    const directory = await mkdtemp(join(tmpdir(), 'flywheel-chunk-keys-'));
    try {
      const heldout = rowsAhead(60, 3);
      const sets = { train: [rowsAhead(60, 1)], validation: [rowsAhead(20, 2)], heldout: [heldout] };
      const { heldoutDigest, trainingSetDigest } = await storeSets(world.store, type, {
        ...sets,
        episodes: [heldout.episodes],
      });
      const { modelKey, modelSha256, hyperparameters } = await trainModel(world.ports)({
        runId: 'chunks',
        trainingSetDigest,
        robotType,
        hyperparameters: { hiddenWidths: [16], maxSteps: 300, evaluateEverySteps: 100 },
        seed: 1,
        horizon: 3,
        execute: 2,
        trainer: { kind: 'onnx' },
      });
      await world.store.put('models/p/1.0.0/model.onnx', tinyPolicy(type, 1));
      const probe = async () => {
        const model = (await world.store.get(modelKey))!;
        return probeModel({
          runtime,
          model,
          type,
          seed: 1,
          monotonicMs: () => performance.now(),
          progress: () => undefined,
        });
      };
      const judged = async (name: string, changes: object = {}) => {
        const { evaluationKey } = await evaluateCandidate({ ...world.ports, probe: { probe } })({
          modelKey,
          policy: 'p',
          robotType,
          heldoutDigest,
          trainingSetDigest,
          champion: '1.0.0',
          anchor: '1.0.0',
          bootstrap: false,
          evaluationKey: `evaluations/${name}/evaluation.json`,
          ...changes,
        });
        return evaluationSchema.parse(JSON.parse(new TextDecoder().decode(await world.store.get(evaluationKey))));
      };
      const evaluation = await judged('good');
      assert.equal(evaluation.horizon, 2);
      assert.ok((evaluation.accuracyFraction ?? 0) > 0.85, `${evaluation.accuracyFraction}`);

      const { runFrames: _, ...unplaced } = heldout;
      const plain = await storeSets(world.store, type, { ...sets, heldout: [unplaced], episodes: [heldout.episodes] });
      const blind = await judged('blind', { heldoutDigest: plain.heldoutDigest, trainingSetDigest: undefined });
      assert.equal(blind.passed, 'hold');
      assert.match(JSON.stringify(blind.gates), /expected a held-out set that says where its rows lie in their run/);

      const alone = await judged('alone', { champion: undefined, anchor: undefined, bootstrap: true });
      assert.equal(alone.passed, 'pass', JSON.stringify(alone.gates.filter(({ outcome }) => outcome === 'fail')));
      const registry = { store: world.store, signer: testSigner(directory), clock: () => 1000, codeBuild: 'test' };
      const { version } = await registerCandidate(registry)({
        operationId: 'chunks',
        policy: 'q',
        robotType,
        modelKey,
        modelSha256,
        evaluationKey: 'evaluations/alone/evaluation.json',
        goldenKey: 'evaluations/alone/golden.json',
        datasetVersion: { episodes: 1, frames: 1 },
        trainingSetDigest,
        seed: 1,
        hyperparameters,
      });
      const { contract, horizon, history } = await readManifest(registry, 'q', version);
      assert.deepEqual([contract, horizon, history], [2, 2, undefined]);
      // What the next candidate's held-out rows need: its own frame and the one at which this one was asked.
      assert.deepEqual(await heldoutWindow(world.store, 'q', { champion: version }), { history: 2, runs: true });
      assert.deepEqual(await heldoutWindow(world.store, 'q', { champion: version }, { history: 3, horizon: 4 }), {
        history: 6,
        runs: true,
      });
      assert.deepEqual(await heldoutWindow(world.store, 'q', { champion: '9.9.9' }, { history: 3 }), { history: 3 });
      assert.deepEqual(await heldoutWindow(world.store, 'q', {}), {});
      const seen = { cameras: [{ name: 'front', width: 16, height: 12 }] };
      const windows = async (own: object) => (await heldoutWindow(world.store, 'q', {}, own)).imageWindows;
      assert.deepEqual(await windows({ ...seen, horizon: 4 }), [{ steps: 4, images: 1 }]);
      assert.deepEqual(await windows({ ...seen, imageHistory: 3 }), [{ steps: 1, images: 3 }]);
      assert.equal(await windows(seen), undefined);
      assert.equal(await windows({ horizon: 4 }), undefined);
    } finally {
      await rm(directory, { recursive: true, force: true });
      await world.close();
    }
  });

  it('is asked for only as it can be', async () => {
    const parse = (training: object) => parseInputWith('real')({ workflow: 'trainPolicy', input: { training } });
    assert.deepEqual((await parse({ horizon: 8, execute: 4 })).training.execute, 4);
    assert.equal((await parse({ horizon: 8, execute: 4, cameras: ['front'] })).training.execute, 4);
    assert.equal((await parse({ imageHistory: 3, cameras: ['front'] })).training.imageHistory, 3);
    assert.ok(!('horizon' in (await parse({})).training));
    for (const training of [
      { horizon: 1 },
      { horizon: 65 },
      { horizon: 2.5 },
      { execute: 2 },
      { horizon: 4, execute: 5 },
      { horizon: 4, execute: 0 },
      { imageHistory: 3 },
      { imageHistory: 1, cameras: ['front'] },
      { imageHistory: 17, cameras: ['front'] },
    ])
      await assert.rejects(parse(training), /horizon|execute|imageHistory/, JSON.stringify(training));
  });
});
