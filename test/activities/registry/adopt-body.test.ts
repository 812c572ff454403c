import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { adoptBody } from '../../../activities/registry/adopt-body.ts';
import { createPolicyDocument, readPolicyDocument } from '../../../activities/registry/policy-document.ts';
import { registerModel } from '../../../activities/registry/register-model.ts';
import { scitosG5Type } from '../../../datasets/built-in-robot-types.ts';
import { robotTypeDigest } from '../../../datasets/robot-type-digest.ts';
import { robotTypeSchema, type RobotType } from '../../../datasets/robot-type.ts';
import { championDesk, openDesk } from '../../../fleet/desk/index.ts';
import { servedBody } from '../../../policies/body-mapping.ts';
import { versionBodiesProblems } from '../../../policies/version-bodies.ts';
import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import type { ObjectStore } from '../../../store/object-store.ts';
import { moveAliases, readAliases } from '../../../store/records/aliases.ts';
import { readManifest } from '../../../store/records/manifests.ts';
import { publishRobotType } from '../../../store/records/robot-types.ts';
import { listedBodies, readVersionBodies } from '../../../store/records/served-bodies.ts';
import { testSigner } from '../../support/keys.ts';

const policy = 'wall';
const who = { who: 'ada', why: 'new hardware' };
const one = scitosG5Type;
const referenceOf = (type: RobotType) => ({ id: type.id, version: type.version, digest: robotTypeDigest(type) });

/** Body 2: a renamed ring in the other order and two more sensors. */
const two: RobotType = robotTypeSchema.parse({
  ...one,
  version: 2,
  observations: [
    { name: 'bumper', unit: '1', min: 0, max: 1 },
    ...one.observations.map((each) => ({ ...each, name: `ring-${each.name}` })).toReversed(),
    { name: 'light', unit: '1', min: 0, max: 1 },
  ],
  follows: {
    version: 1,
    observations: [
      ...one.observations.map(({ name }) => ({ name: `ring-${name}`, is: 'renamed', from: name })),
      { name: 'bumper', is: 'new', fill: 0 },
      { name: 'light', is: 'new', fill: 0.5 },
    ],
  },
});

describe('a policy that adopts a newer body', () => {
  let directory: string;
  let store: ObjectStore;
  const ports = () => ({
    store,
    signer: testSigner(directory),
    clock: () => 1_000,
    codeBuild: 'test',
    desk: championDesk({ store }),
  });

  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'flywheel-adopt-'));
    store = memoryObjectStore();
    for (const type of [one, two]) await publishRobotType(store, type);
    await createPolicyDocument(store, { policy, robotType: { id: one.id, version: 1 } });
    for (const name of ['baseline', 'champion']) await register(name);
    await moveAliases(ports(), { policy, operationId: 'b', ...who }, () => ({
      baseline: '1.0.0',
      anchor: '1.1.0',
      champion: '1.1.0',
    }));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  async function register(name: string): Promise<void> {
    const bytes = new TextEncoder().encode(name);
    await store.put(`incoming/${name}`, bytes);
    await registerModel(ports())({
      policy,
      operationId: name,
      change: 'minor',
      robotType: referenceOf(one),
      sources: { 'model.onnx': `incoming/${name}`, 'golden.json': `incoming/${name}` },
      tasks: new TextEncoder().encode('{"catalogueSeq":0,"tasks":["a"]}'),
      modelSha256: createHash('sha256').update(bytes).digest('hex'),
      parents: [],
      training: null,
      metrics: { accuracyFraction: 0.9 },
      gates: [],
    });
  }
  const adopt = (version = 2, id = one.id) => adoptBody(ports())({ policy, robotType: { id, version }, ...who });

  it('makes its next models for it, and has champion and baseline list it as unproven under new numbers', async () => {
    const adopted = await adopt();
    assert.deepEqual(adopted, {
      robotType: { id: one.id, version: 2 },
      versions: [
        { alias: 'champion', version: '1.1.0', registeredAs: '2.1.0' },
        { alias: 'baseline', version: '1.0.0', registeredAs: '2.0.0' },
      ],
    });
    assert.deepEqual((await readPolicyDocument(store, policy)).robotType, { id: one.id, version: 2 });
    assert.deepEqual(await readAliases(ports())({ policy }), { champion: '2.1.0', baseline: '2.0.0', anchor: '2.1.0' });
    const [was, is] = [await readManifest(ports(), policy, '1.1.0'), await readManifest(ports(), policy, '2.1.0')];
    for (const file of ['model.onnx', 'golden.json', 'tasks.json'])
      assert.deepEqual(is.files[file], was.files[file], file);
    assert.deepEqual([is.robotType, is.metrics, is.parents], [was.robotType, was.metrics, ['1.1.0']]);
    assert.deepEqual(
      (await listedBodies(store, policy, '2.1.0'))?.map(({ robotType, standing }) => [robotType.version, standing]),
      [
        [1, 'proven'],
        [2, 'unproven'],
      ],
    );
    const keys: string[] = [];
    for await (const { key } of store.list('')) keys.push(key);
    assert.deepEqual(
      keys.filter((key) => key.endsWith('bodies.json')),
      ['models/wall/2.0.0/bodies.json', 'models/wall/2.1.0/bodies.json'],
    );
    const orders = await openDesk({ store }).describeOrders(policy);
    assert.match(orders, /2\.1\.0 for every robot; adopt-scitos-g5@2-2\.1\.0 by ada: new hardware/);
  });

  it('writes a map that a robot of that body runs the model by', async () => {
    await adopt();
    const manifest = await readManifest(ports(), policy, '2.1.0');
    const bodies = await readVersionBodies(store, manifest);
    assert.ok(bodies !== undefined);
    assert.deepEqual(versionBodiesProblems(bodies, manifest.robotType), []);
    const served = servedBody({ model: manifest.robotType, bodies }, two, referenceOf(two));
    assert.ok('mapping' in served, JSON.stringify(served));
    const readings = one.observations.map((_, index) => index + 0.5);
    assert.deepEqual([...served.mapping.inputsOf([9, ...readings.toReversed(), 9])], readings);
  });

  it('does it once, however often it is asked, and goes on where it died', async () => {
    const first = await adopt();
    assert.deepEqual(await adopt(), {
      ...first,
      versions: [
        { alias: 'champion', version: '2.1.0', because: 'it lists scitos-g5@2 already' },
        { alias: 'baseline', version: '2.0.0', because: 'it lists scitos-g5@2 already' },
      ],
    });
    const keys: string[] = [];
    for await (const { key } of store.list('config/adopted-bodies/')) keys.push(key);
    assert.equal(keys.length, 1);
    assert.equal((await championDesk({ store }).readOrders(policy)).seq, 0);
  });

  it('is not offered a version of before, of another type, that follows nothing, or with other tasks', async () => {
    await publishRobotType(store, { ...one, version: 3 });
    await publishRobotType(store, { ...two, version: 4, tasks: [...two.tasks, 'dock'] });
    await publishRobotType(store, { ...one, id: 'other' });
    await assert.rejects(adopt(3), /expected a body that follows scitos-g5@1/);
    await assert.rejects(adopt(4), /expected the tasks of scitos-g5@1 in the same order/);
    await assert.rejects(adopt(1, 'other'), /expected a later version of scitos-g5@1, got other@1/);
    await assert.rejects(adopt(9), /not in the store/);
    await adopt();
    await assert.rejects(adopt(1), /expected a later version of scitos-g5@2, got scitos-g5@1/);
  });

  it('waits for the end of a trial', async () => {
    const record = {
      kind: 'assign',
      defaultVersion: '1.1.0',
      championVersion: '1.1.0',
      trialId: null,
      urgency: 'whenIdle',
      overrides: [{ version: '1.0.0', trialId: 't1', urgency: 'whenIdle', robotIds: ['r1'] }],
      operationId: 'x',
      atMs: 0,
      ...who,
    } as const;
    await openDesk({ store }).write({ policy, seq: 0, record });
    await assert.rejects(adopt(), /robots are on trial t1/);
    assert.deepEqual((await readPolicyDocument(store, policy)).robotType, { id: one.id, version: 1 });
  });
});
