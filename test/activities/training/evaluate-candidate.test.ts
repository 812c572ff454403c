import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { checkModel } from '../../../activities/evaluation/check-model.ts';
import { evaluateCandidate, type EvaluateCandidateInput } from '../../../activities/evaluation/evaluate-candidate.ts';
import { evaluationSchema, type EvaluationDocument } from '../../../activities/evaluation/evaluation-document.ts';
import { isFailure } from '../../../store/failures.ts';
import { trainModel } from '../../../activities/training/train-model.ts';
import type { GoldenAnswers } from '../../../policies/golden-answers.ts';
import { float32Tensor, int32Tensor } from '../../../policies/runtime.ts';
import { tinyPolicy } from '../../../policies/tiny-policy.ts';
import { testRobotType } from './arrow-sets.ts';
import { quick, trainingWorld } from './training-world.ts';

describe('evaluateCandidate', () => {
  let world: Awaited<ReturnType<typeof trainingWorld>>;
  let modelKey: string;
  before(async () => {
    world = await trainingWorld();
    const trained = await trainModel(world.ports)({
      runId: 'candidate',
      trainingSetDigest: world.trainingSetDigest,
      robotType: world.robotType,
      hyperparameters: quick,
      seed: 1,
      trainer: { kind: 'onnx' },
    });
    modelKey = trained.modelKey;
    await world.store.put('models/p/1.0.0/model.onnx', tinyPolicy(world.type, 1));
    await world.store.put('models/p/1.1.0/model.onnx', (await world.store.get(modelKey))!);
    await world.store.put('models/p/9.0.0/model.onnx', new Uint8Array(100));
  });
  after(() => world.close());

  const input = (name: string, changes: Partial<EvaluateCandidateInput> = {}): EvaluateCandidateInput => ({
    modelKey,
    policy: 'p',
    robotType: world.robotType,
    heldoutDigest: world.heldoutDigest,
    trainingSetDigest: world.trainingSetDigest,
    champion: '1.0.0',
    anchor: '1.0.0',
    bootstrap: false,
    evaluationKey: `evaluations/${name}/evaluation.json`,
    ...changes,
  });
  /** Without the linear model of the training set, which takes longer than all else and is compared in the first test. */
  const quickly = (...asked: Parameters<typeof input>): Omit<EvaluateCandidateInput, 'trainingSetDigest'> => {
    const { trainingSetDigest: _, ...rest } = input(...asked);
    return rest;
  };
  const details = async (key: string): Promise<EvaluationDocument> =>
    evaluationSchema.parse(JSON.parse(new TextDecoder().decode(await world.store.get(key))));

  it('passes a good candidate against a poor champion, with the evidence in the store', async () => {
    const result = await evaluateCandidate(world.ports)(input('good'));
    assert.equal(result.passed, 'pass', JSON.stringify(result.gates));
    assert.ok(Buffer.byteLength(JSON.stringify(result)) <= 2048);
    const document = await details(result.evaluationKey);
    assert.equal(document.accuracyFraction, result.accuracyFraction);
    assert.ok(document.accuracyFraction! > 0.9);
    assert.ok(document.accuracyFraction! > document.championFraction! + 0.2);
    assert.ok(document.accuracyFraction! > document.majorityFraction! + 0.2);
    assert.equal(typeof document.linearFraction, 'number');
    assert.deepEqual([document.frames, document.episodes], [1200, 60]);
    assert.equal(
      document.confusion.flat().reduce((sum, count) => sum + count, 0),
      1200,
    );
    assert.ok(document.calibrationError! >= 0 && document.calibrationError! < 0.2);
    assert.deepEqual(
      document.perLabel.map(({ label }) => label),
      ['left', 'ahead', 'right'],
    );
    assert.deepEqual(
      document.tasks.map(({ task, episodes, trafficFraction }) => [task, episodes, trafficFraction]),
      [
        ['drive', 30, 0.5],
        ['park', 30, 0.5],
      ],
    );
    for (const gate of document.gates) assert.ok(gate.sentence.length > 0);
  });

  it('stores golden answers that the model gives again', async () => {
    const { goldenKey } = await evaluateCandidate(world.ports)(input('good'));
    const golden = JSON.parse(new TextDecoder().decode(await world.store.get(goldenKey))) as GoldenAnswers;
    const session = await world.ports.runtime.open((await world.store.get(modelKey))!);
    const rows = golden.observations.length;
    const { probabilities } = await session.run({
      observation: float32Tensor(Float32Array.from(golden.observations.flat()), [rows, 3]),
      task: int32Tensor(Int32Array.from(golden.tasks), [rows]),
    });
    await session.close();
    assert.ok(rows >= 16);
    golden.outputs.flat().forEach((value, index) => {
      assert.ok(Math.abs(value - Number(probabilities!.data[index])) <= golden.tolerances[index % 3]!);
    });
  });

  it('holds a poor candidate back: agreement, and the champion it falls behind', async () => {
    const poor = quickly('poor', { modelKey: 'models/p/1.0.0/model.onnx', champion: '1.1.0', anchor: '1.1.0' });
    const { passed, gates } = await evaluateCandidate(world.ports)(poor);
    assert.equal(passed, 'hold');
    const failed = gates.filter(({ outcome }) => outcome === 'fail');
    assert.deepEqual(
      failed.map(({ id }) => id),
      ['heldout.agreement', 'champion.overall', 'anchor.overall', 'champion.labels', 'champion.tasks'],
    );
    assert.ok(failed.every(({ sentence }) => sentence.length > 0));
  });

  it('passes a candidate that is the champion itself', async () => {
    const { passed, gates } = await evaluateCandidate(world.ports)(
      quickly('same', { champion: '1.1.0', anchor: '1.1.0' }),
    );
    assert.equal(passed, 'pass', JSON.stringify(gates));
  });

  it('without a champion passes in bootstrap only', async () => {
    const { champion: _, anchor: __, ...alone } = quickly('alone');
    const held = await evaluateCandidate(world.ports)(alone);
    assert.equal(held.passed, 'hold');
    assert.ok(held.gates.some(({ sentence }) => sentence === 'notApplicable: no champion'));
    const bootstrap = await evaluateCandidate(world.ports)({
      ...alone,
      bootstrap: true,
      evaluationKey: 'evaluations/bootstrap/evaluation.json',
    });
    assert.equal(bootstrap.passed, 'pass', JSON.stringify(bootstrap.gates));
  });

  it('holds when the champion cannot be run, and says why', async () => {
    const { passed, gates } = await evaluateCandidate(world.ports)(quickly('broken', { champion: '9.0.0' }));
    assert.equal(passed, 'hold');
    const gate = gates.find(({ id }) => id === 'champion.overall');
    assert.match(gate!.sentence, /champion 9\.0\.0 cannot be compared/);
  });

  it('holds a file that is no model, without looking at data', async () => {
    const result = await evaluateCandidate(world.ports)(quickly('noModel', { modelKey: 'models/p/9.0.0/model.onnx' }));
    assert.equal(result.passed, 'hold');
    assert.equal(result.accuracyFraction, null);
    const document = await details(result.evaluationKey);
    assert.equal(document.frames, 0);
    assert.match(document.gates.find(({ id }) => id === 'model.loads')!.sentence, /does not load/);
  });

  it('returns what was judged once, and refuses another candidate under the same key', async () => {
    const first = await evaluateCandidate(world.ports)(input('good'));
    const silent = { ...world.ports, probe: { probe: () => Promise.reject(new Error('probed again')) } };
    assert.deepEqual(await evaluateCandidate(silent)(input('good')), first);
    await assert.rejects(evaluateCandidate(world.ports)(input('good', { bootstrap: true })), (error) =>
      isFailure(error, 'Conflict'),
    );
  });
});

describe('checkModel', () => {
  let world: Awaited<ReturnType<typeof trainingWorld>>;
  before(async () => {
    world = await trainingWorld();
  });
  after(() => world.close());

  it('passes the tiny policy, from a file or from the store', async () => {
    const filePath = join(world.ports.scratchDirectory, 'tiny.onnx');
    await writeFile(filePath, tinyPolicy(world.type, 1));
    await world.store.put('tiny/model.onnx', tinyPolicy(world.type, 1));
    for (const where of [{ filePath }, { key: 'tiny/model.onnx' }]) {
      const { passed, gates } = await checkModel(world.ports)({ ...where, robotType: world.robotType });
      assert.equal(passed, 'pass', JSON.stringify(gates));
      assert.ok(gates.every(({ outcome, value }) => outcome === 'pass' && value !== null));
    }
  });

  it('holds a policy of another robot type, naming what differs', async () => {
    const other = testRobotType({ observations: [{ name: 'x', unit: 'm', min: 0, max: 1 }], tasks: ['one'] });
    await world.store.put('other/model.onnx', tinyPolicy(other, 1));
    const { passed, gates } = await checkModel(world.ports)({ key: 'other/model.onnx', robotType: world.robotType });
    assert.equal(passed, 'hold');
    assert.match(
      gates.find(({ id }) => id === 'model.io')!.sentence,
      /expected input observation float32 \[batch, 3\]/,
    );
  });

  it('says when there is no such file', async () => {
    for (const where of [{ filePath: '/nowhere/model.onnx' }, { key: 'nowhere/model.onnx' }])
      await assert.rejects(checkModel(world.ports)({ ...where, robotType: world.robotType }), (error) =>
        isFailure(error, 'NotFound'),
      );
  });
});
