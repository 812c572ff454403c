import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { createPolicyDocument } from '../../../activities/registry/policy-document.ts';
import { readPolicy } from '../../../activities/registry/read-policy.ts';
import { registerCandidate, type RegisterCandidateInput } from '../../../activities/registry/register-candidate.ts';
import { registerModel } from '../../../activities/registry/register-model.ts';
import { evaluationSchema } from '../../../activities/evaluation/evaluation-document.ts';
import { robotTypeDigest } from '../../../datasets/robot-type-digest.ts';
import type { RobotType } from '../../../datasets/robot-type.ts';
import { trainingSetFile } from '../../../datasets/training-set.ts';
import { championDesk } from '../../../fleet/desk/champion-desk.ts';
import type { Signer } from '../../../policies/signer.ts';
import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import { jsonBytes } from '../../../store/json-objects.ts';
import type { ObjectStore } from '../../../store/object-store.ts';
import { moveAliases } from '../../../store/records/aliases.ts';
import { readManifest } from '../../../store/records/manifests.ts';
import { publishRobotType } from '../../../store/records/robot-types.ts';
import { testSigner } from '../../support/keys.ts';
import { testRobotType } from '../training/arrow-sets.ts';

const policy = 'p';
const model = new TextEncoder().encode('a model');
const modelSha256 = createHash('sha256').update(model).digest('hex');
const bodies = {
  first: testRobotType({ tasks: ['drive', 'park'] }),
  /** Judged by other limits, with the same features and actions. */
  stricter: (type: RobotType): RobotType => ({
    ...type,
    version: 2,
    limits: { ...type.limits, minAgreementFraction: 0.75 },
  }),
  /** One feature has another name. */
  renamed: (type: RobotType): RobotType => ({
    ...type,
    version: 3,
    observations: type.observations.map((feature, index) => (index === 0 ? { ...feature, name: 'renamed' } : feature)),
  }),
};

describe('the number of a trained version', () => {
  let directory: string;
  let store: ObjectStore;
  let signer: Signer;
  const ports = (over: ObjectStore = store) => ({ store: over, signer, clock: () => 1_000, codeBuild: 'test' });

  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'flywheel-numbers-'));
    signer = testSigner(directory);
    store = memoryObjectStore();
    await store.put('run/model.onnx', model);
    await store.put('run/golden.json', jsonBytes({}));
    const { first } = bodies;
    for (const type of [first, bodies.stricter(first), bodies.renamed(first)]) await publishRobotType(store, type);
    await register('1.0.0', first);
    await become('1.0.0');
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  const register = async (expected: string, { id, version }: RobotType, digest = robotTypeDigest(bodies.first)) => {
    const registered = await registerModel(ports())({
      operationId: `before-${expected}`,
      policy,
      change: 'minor',
      robotType: { id, version, digest },
      sources: { 'model.onnx': 'run/model.onnx' },
      modelSha256,
      parents: [],
      training: null,
      metrics: {},
      gates: [],
    });
    assert.equal(registered.version, expected);
  };
  const become = (champion: string) =>
    moveAliases(ports(), { policy, operationId: `to-${champion}`, who: 'ada', why: 'a test' }, () => ({ champion }));

  /** A candidate of its own cycle, measured against `champion`; its set teaches the tasks, all without any. */
  const candidate = async (
    operationId: string,
    more: {
      readonly tasks?: readonly string[];
      readonly version?: number;
      readonly champion?: string;
      readonly history?: number;
      readonly horizon?: number;
    } = {},
  ): Promise<RegisterCandidateInput> => {
    const { tasks, version = 1, champion = '1.0.0', history, horizon } = more;
    const reads = { ...(history === undefined ? {} : { history }), ...(horizon === undefined ? {} : { horizon }) };
    const manifest = jsonBytes({ recipe: tasks === undefined ? {} : { learnedTasks: tasks } });
    const trainingSetDigest = createHash('sha256').update(manifest).digest('hex');
    await store.put(trainingSetFile(trainingSetDigest, 'manifest.json'), manifest);
    const evaluationKey = `evaluations/${operationId}/evaluation.json`;
    await store.put(evaluationKey, jsonBytes(evaluationSchema.parse({ ...passed, ...reads, input: { champion } })));
    return {
      operationId,
      policy,
      robotType: { id: bodies.first.id, version },
      modelKey: 'run/model.onnx',
      modelSha256,
      evaluationKey,
      goldenKey: 'run/golden.json',
      datasetVersion: { episodes: 1, frames: 1 },
      trainingSetDigest,
      seed: 1,
      hyperparameters: { hiddenWidths: [8], taskEmbeddingSize: 2 },
    };
  };
  const versionOf = async (...given: Parameters<typeof candidate>): Promise<string> =>
    (await registerCandidate(ports())(await candidate(...given))).version;

  it('moves its last place for chosen tasks, which the signed manifest names, and its middle one for all', async () => {
    assert.equal(await versionOf('one', { tasks: ['park'] }), '1.0.1');
    assert.equal(await versionOf('two', { tasks: ['park'] }), '1.0.2');
    assert.equal(await versionOf('three'), '1.1.0');
    assert.equal(await versionOf('four', { tasks: ['drive'] }), '1.1.1');
    assert.deepEqual((await readManifest(ports(), policy, '1.0.1')).training?.tasks, ['park']);
    assert.equal('tasks' in ((await readManifest(ports(), policy, '1.1.0')).training ?? {}), false);
  });

  it('moves its first place where the newest body has other features, its middle one where it is only judged otherwise', async () => {
    assert.equal(await versionOf('judged', { version: 2 }), '1.1.0');
    assert.equal(await versionOf('judged-park', { version: 2, tasks: ['park'] }), '1.2.0');
    assert.equal(await versionOf('renamed', { version: 3 }), '2.0.0');
    assert.equal(await versionOf('renamed-park', { version: 3, tasks: ['park'] }), '3.0.0');
    assert.equal(await versionOf('again'), '3.1.0');
  });

  it('moves its first place where a policy reads another history than its champion, and the signed manifest says it', async () => {
    assert.equal(await versionOf('present'), '1.1.0');
    assert.equal(await versionOf('past', { champion: '1.1.0', history: 4 }), '2.0.0');
    assert.equal(await versionOf('past-again', { champion: '2.0.0', history: 4 }), '2.1.0');
    assert.equal(await versionOf('no-more', { champion: '2.1.0' }), '3.0.0');
    const { contract, history, cameras } = await readManifest(ports(), policy, '2.0.0');
    assert.deepEqual([contract, history, cameras], [2, 4, undefined]);
    assert.equal('history' in (await readManifest(ports(), policy, '1.1.0')), false);
  });

  it('moves its first place where a policy answers another number of actions than its champion, and the signed manifest says it', async () => {
    assert.equal(await versionOf('present'), '1.1.0');
    assert.equal(await versionOf('chunk', { champion: '1.1.0', horizon: 8 }), '2.0.0');
    assert.equal(await versionOf('chunk-again', { champion: '2.0.0', horizon: 8 }), '2.1.0');
    assert.equal(await versionOf('shorter', { champion: '2.1.0', horizon: 4 }), '3.0.0');
    const { contract, horizon, history } = await readManifest(ports(), policy, '2.0.0');
    assert.deepEqual([contract, horizon, history], [2, 8, undefined]);
  });

  it('moves its first place where nobody knows what the champion was made for', async () => {
    await register('1.1.0', { ...bodies.first, version: 9 }, 'e'.repeat(64));
    assert.equal(await versionOf('unknown', { champion: '1.1.0' }), '2.0.0');
  });

  it('is taken once an operation, with the parent it was measured against, whatever became champion meanwhile', async () => {
    const asked = await candidate('dying', { tasks: ['park'] });
    for (const deaths of [1, 2, 3, 4, 5]) {
      let writes = 0;
      const putIfAbsent: ObjectStore['putIfAbsent'] = async (key, body) => {
        writes += 1;
        if (writes === deaths) throw new Error('died');
        return store.putIfAbsent(key, body);
      };
      const dying: ObjectStore = { ...store, putIfAbsent };
      await registerCandidate(ports(dying))(asked).catch(() => undefined);
      if (deaths === 2) {
        await register('1.1.0', bodies.stricter(bodies.first));
        await become('1.1.0');
      }
    }
    assert.equal((await registerCandidate(ports())(asked)).version, '1.0.1');
    assert.deepEqual((await readManifest(ports(), policy, '1.0.1')).parents, ['1.0.0']);
  });

  it('is another one for each of many that register at once, and grows in every case', async () => {
    const asked = await Promise.all(
      Array.from({ length: 12 }, (_, index) => candidate(`c${index}`, index % 3 === 0 ? {} : { tasks: ['park'] })),
    );
    const registered = await Promise.all([...asked, ...asked].map((each) => registerCandidate(ports())(each)));
    const versions = registered.map(({ version }) => version);
    assert.deepEqual(versions.slice(12), versions.slice(0, 12));
    assert.equal(new Set(versions).size, 12);
    for (const [index, version] of versions.entries()) assert.equal(version.endsWith('.0'), index % 3 === 0, version);
  });

  it('is refused before anything is done for tasks that the policy does not have', async () => {
    await createPolicyDocument(store, { policy, robotType: { id: bodies.first.id, version: 1 } });
    const read = readPolicy({ store, desk: championDesk({ store }) });
    const asked = read({ policy, learnedTasks: ['park', 'fly'] });
    await assert.rejects(asked, { type: 'InvalidInput', message: /\(drive, park\), got fly/ });
    assert.deepEqual(await read({ policy, learnedTasks: ['park'] }), await read({ policy }));
  });
});

const passed = {
  passed: 'pass',
  gates: [],
  accuracyFraction: 0.9,
  frames: 10,
  episodes: 2,
  majorityFraction: null,
  linearFraction: null,
  championFraction: null,
  anchorFraction: null,
  calibrationError: null,
  labels: [],
  confusion: [],
  perLabel: [],
  tasks: [],
  latencyP99Ms: 1,
  sizeBytes: 7,
  notes: [],
};
