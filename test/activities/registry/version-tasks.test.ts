import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { join } from 'node:path';

import { evaluateCandidate } from '../../../activities/evaluation/evaluate-candidate.ts';
import { evaluationSchema } from '../../../activities/evaluation/evaluation-document.ts';
import { createPolicyDocument } from '../../../activities/registry/policy-document.ts';
import { readPolicy } from '../../../activities/registry/read-policy.ts';
import { registeredType } from '../../../activities/registry/registered-type.ts';
import { registerCandidate } from '../../../activities/registry/register-candidate.ts';
import { registerModel } from '../../../activities/registry/register-model.ts';
import { trainModel } from '../../../activities/training/train-model.ts';
import { championDesk } from '../../../fleet/desk/champion-desk.ts';
import { taughtType } from '../../../datasets/taught-type.ts';
import { robotTypeDigest } from '../../../datasets/robot-type-digest.ts';
import { tinyPolicy } from '../../../policies/tiny-policy.ts';
import { readManifest } from '../../../store/records/manifests.ts';
import { publishRobotType, readTaughtType } from '../../../store/records/robot-types.ts';
import { changeTasks, readTaskCatalogue } from '../../../store/records/task-log.ts';
import { readVersionTasks } from '../../../store/records/version-tasks.ts';
import { testRobotType } from '../training/arrow-sets.ts';
import { quick, trainingWorld } from '../training/training-world.ts';
import { testSigner } from '../../support/keys.ts';

const policy = 'p';

describe('a version of a policy whose catalogue grew', () => {
  // Its sets hold two tasks: the champion knows the first alone, as its robot type does.
  const document = testRobotType({ tasks: ['drive'] });
  let world: Awaited<ReturnType<typeof trainingWorld>>;
  let reference: Awaited<ReturnType<ReturnType<typeof readPolicy>>>;

  before(async () => {
    const { catalogue } = taughtType(document, policy, {
      seq: 0,
      tasks: ['drive', 'park'].map((id, index) => ({ id, index, instruction: id, status: 'active' })),
    });
    world = await trainingWorld({
      ...document,
      tasks: ['drive', 'park'],
      ...(catalogue === undefined ? {} : { catalogue }),
    });
    const { store } = world;
    await publishRobotType(store, document);
    await createPolicyDocument(store, { policy, robotType: { id: document.id, version: 1 } });
    const changes = [{ kind: 'add', id: 'park', instruction: 'park' } as const];
    await changeTasks({ store, clock: () => 1 }, { policy, robotType: document, changes, who: 'ada', why: 'a test' });
    reference = await readPolicy({ store, desk: championDesk({ store }) })({ policy });
    const champion = tinyPolicy(document, 1);
    await store.put('baselines/model.onnx', champion);
    await registerModel(registry())({
      operationId: 'baseline',
      policy,
      change: 'minor',
      ...registeredType(document),
      sources: { 'model.onnx': 'baselines/model.onnx' },
      modelSha256: createHash('sha256').update(champion).digest('hex'),
      parents: [],
      training: null,
      metrics: {},
      gates: [],
    });
  });
  after(() => world.close());
  const registry = () => {
    const signer = testSigner(join(world.ports.scratchDirectory, 'keys'));
    return { store: world.store, signer, clock: () => 1000, codeBuild: 'test' };
  };

  it('is made with the catalogue as the cycle found it at its start', async () => {
    const { store } = world;
    assert.deepEqual(reference.robotType, { id: 'test-bot', version: 1, catalogue: { policy, seq: 0 } });
    assert.equal(reference.tasksSeq, 0);
    const before = await readPolicy({ store, desk: championDesk({ store }) })({ policy, tasksSeq: -1 });
    assert.deepEqual([before.robotType, before.tasksSeq], [{ id: 'test-bot', version: 1 }, -1]);
  });

  it('is judged on the new task too, and against a champion on what that one knows; its manifest pins both', async () => {
    const { store, ports, trainingSetDigest, heldoutDigest } = world;
    const { robotType } = reference;
    const job = {
      runId: 'grown',
      trainingSetDigest,
      robotType,
      hyperparameters: quick,
      seed: 1,
      trainer: { kind: 'onnx' },
    } as const;
    const trained = await trainModel(ports)(job);
    const evaluationKey = 'evaluations/grown/evaluation.json';
    const judged = await evaluateCandidate(ports)({
      modelKey: trained.modelKey,
      policy,
      robotType,
      heldoutDigest,
      trainingSetDigest,
      champion: '1.0.0',
      anchor: '1.0.0',
      bootstrap: false,
      evaluationKey,
    });
    assert.equal(judged.passed, 'pass', JSON.stringify(judged.gates));
    const details = evaluationSchema.parse(JSON.parse(new TextDecoder().decode(await store.get(evaluationKey))));
    assert.deepEqual(
      details.tasks.map(({ task, episodes }) => [task, episodes]),
      [
        ['drive', 30],
        ['park', 30],
      ],
    );
    assert.match(details.gates.find(({ id }) => id === 'champion.overall')?.sentence ?? '', /600 frames|30 episodes/);
    const { version } = await registerCandidate(registry())({
      operationId: 'grown',
      policy,
      robotType,
      modelKey: trained.modelKey,
      modelSha256: trained.modelSha256,
      evaluationKey,
      goldenKey: judged.goldenKey,
      datasetVersion: { episodes: 1, frames: 1 },
      trainingSetDigest,
      seed: 1,
      hyperparameters: trained.hyperparameters,
    });
    const manifest = await readManifest(registry(), policy, version);
    assert.deepEqual([version, manifest.parents], ['1.1.0', ['1.0.0']]);
    assert.deepEqual(manifest.robotType, { id: 'test-bot', version: 1, digest: robotTypeDigest(document) });
    assert.equal(manifest.files['tasks.json']?.sha256.length, 64);
    assert.equal(manifest.training?.hyperparameters['taskEmbeddingSize'], 8);
    assert.deepEqual(JSON.parse(new TextDecoder().decode(await store.get(`models/p/${version}/tasks.json`))), {
      catalogueSeq: 0,
      tasks: ['drive', 'park'],
    });
    const type = await readTaughtType(store, robotType);
    assert.deepEqual(await readVersionTasks(store, type, policy, version), ['drive', 'park']);
    assert.deepEqual(await readVersionTasks(store, type, policy, '1.0.0'), ['drive']);
    assert.equal((await readTaskCatalogue(store, policy, document)).seq, 0);
  });
});
