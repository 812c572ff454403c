import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { EvaluationDocument } from '../../../activities/evaluation/evaluation-document.ts';
import { registerModel } from '../../../activities/registry/register-model.ts';
import { registeredType } from '../../../activities/registry/registered-type.ts';
import { versionBodiesFile } from '../../../activities/registry/version-bodies-file.ts';
import { robotTypeDigest } from '../../../datasets/robot-type-digest.ts';
import { robotTypeSchema, type RobotType } from '../../../datasets/robot-type.ts';
import { servedBody } from '../../../policies/body-mapping.ts';
import { tinyPolicy } from '../../../policies/tiny-policy.ts';
import {
  bodiesFile,
  versionBodiesProblems,
  versionBodiesSchema,
  type VersionBodies,
} from '../../../policies/version-bodies.ts';
import { fileObjectStore } from '../../../store/adapters/file-object-store.ts';
import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import type { ObjectStore } from '../../../store/object-store.ts';
import { readManifest } from '../../../store/records/manifests.ts';
import { publishRobotType } from '../../../store/records/robot-types.ts';
import { readVersionBody } from '../../../store/records/version-body.ts';
import { testSigner } from '../../support/keys.ts';
import { bodies as fleet, model } from '../mix/mixed-fleet.ts';

const referenceOf = (type: RobotType) => ({ id: type.id, version: type.version, digest: robotTypeDigest(type) });
const judged = (
  version: number,
  episodes: number,
  standing: 'proven' | 'unproven',
): EvaluationDocument['bodies'][number] => ({
  robotType: `test-robot@${version}`,
  digest: robotTypeDigest(fleet[version - 1] ?? assert.fail()),
  episodes,
  frames: 10 * episodes,
  agreementFraction: 0.9,
  standing,
  gates: [],
});

describe('the bodies that a version serves', () => {
  let store: ObjectStore;
  beforeEach(() => {
    store = memoryObjectStore(() => 1);
  });
  const parsed = (bytes: Uint8Array | undefined): VersionBodies =>
    versionBodiesSchema.parse(JSON.parse(new TextDecoder().decode(bytes ?? assert.fail('no file'))));
  const written = async (bodies: EvaluationDocument['bodies'], episodes = 400): Promise<VersionBodies> =>
    parsed(await versionBodiesFile(store, model, { bodies, episodes }));
  const standings = ({ bodies }: VersionBodies) =>
    bodies.map(({ robotType, standing, heldOutEpisodes }) => [robotType.version, standing, heldOutEpisodes]);

  it('are none beside its own where there is no other, or none that can be read: no file, as before', async () => {
    await publishRobotType(store, model);
    assert.equal(await versionBodiesFile(store, model, { bodies: [], episodes: 20 }), undefined);
    assert.equal(await versionBodiesFile(store, model, undefined), undefined);
    await publishRobotType(store, fleet[4] ?? assert.fail());
    assert.equal(await versionBodiesFile(store, model, { bodies: [], episodes: 20 }), undefined);
    assert.equal(await versionBodiesFile(store, model, undefined), undefined);
  });

  it('are its own and every body that is read as its own, proven as the evaluation says, else unproven', async () => {
    for (const type of fleet) await publishRobotType(store, type);
    const { bodies } = await written([judged(3, 400, 'proven'), judged(1, 50, 'proven'), judged(2, 7, 'unproven')]);
    assert.deepEqual(standings({ bodies }), [
      [3, 'proven', 400],
      [4, 'unproven', 0],
      [2, 'unproven', 7],
      [1, 'proven', 50],
    ]);
    assert.deepEqual(versionBodiesProblems({ bodies }, referenceOf(model)), []);
  });

  it('have its own as proven where no body was judged apart, and no other', async () => {
    for (const type of fleet) await publishRobotType(store, type);
    const { bodies } = await written([]);
    assert.deepEqual(
      bodies.filter(({ standing }) => standing === 'proven').map(({ robotType }) => robotType.version),
      [model.version],
    );
  });

  it('have not even its own as proven where there was no held-out episode, unless a person answers for it', async () => {
    await publishRobotType(store, model);
    assert.deepEqual(standings(await written([], 0)), [[3, 'unproven', 0]]);
    for (const type of fleet) await publishRobotType(store, type);
    assert.ok((await written([], 0)).bodies.every(({ standing }) => standing === 'unproven'));
    assert.deepEqual(
      standings(parsed(await versionBodiesFile(store, model, undefined))).map(([version, standing]) => [
        version,
        standing,
      ]),
      [
        [3, 'proven'],
        [4, 'unproven'],
        [2, 'unproven'],
        [1, 'unproven'],
      ],
    );
  });

  it('are its own alone, unproven, where the data was of a body that it cannot serve: no missing file makes it proven', async () => {
    const range = (name: string) => ({ name, unit: 'm', min: -1, max: 1 });
    const { follows: _rules, ...plain } = model;
    const before = robotTypeSchema.parse({
      ...plain,
      version: 1,
      actions: { kind: 'continuous', ranges: [range('drive'), range('lift')] },
    });
    const now = robotTypeSchema.parse({
      ...before,
      version: 2,
      actions: { kind: 'continuous', ranges: [range('drive')] },
      follows: { version: 1, goneActions: ['lift'] },
    });
    for (const type of [before, now]) await publishRobotType(store, type);
    const foreign = { ...judged(1, 50, 'proven'), digest: robotTypeDigest(before) };
    const own = { ...judged(1, 3, 'unproven'), robotType: 'test-robot@2', digest: robotTypeDigest(now) };
    const file = async (bodies: EvaluationDocument['bodies']) =>
      versionBodiesFile(store, now, { bodies, episodes: 53 });
    assert.deepEqual(standings(parsed(await file([foreign]))), [[2, 'unproven', 0]]);
    const both = parsed(await file([own, foreign]));
    assert.deepEqual(standings(both), [[2, 'unproven', 3]]);
    assert.deepEqual(versionBodiesProblems(both, referenceOf(now)), []);
    assert.equal(await file([{ ...own, standing: 'proven' }, foreign]), undefined);
  });

  it('map readings and answers as robots read them: the file alone is enough', async () => {
    for (const type of fleet) await publishRobotType(store, type);
    const file = await written([]);
    for (const type of fleet.slice(0, 4)) {
      const served = servedBody({ model: referenceOf(model), bodies: file }, type, referenceOf(type));
      assert.ok('mapping' in served, JSON.stringify(served));
      const inputs = served.mapping.inputsOf(type.observations.map((_, place) => place + 1));
      assert.equal(inputs.length, model.observations.length);
    }
    const [first] = fleet;
    const served = servedBody(
      { model: referenceOf(model), bodies: file },
      first ?? assert.fail(),
      referenceOf(first ?? assert.fail()),
    );
    assert.ok('mapping' in served);
    assert.deepEqual([...served.mapping.inputsOf([1, 2, 3])], [0.3, -1e9, 2 * 0.1 - 3.7, -1.1].map(Math.fround));
    // The model would jump, which the first body cannot; of the rest it would turn: its third action.
    assert.deepEqual(served.mapping.actionOf(Float32Array.of(0.3, 0.1, 0.1, 0.5)), [2]);
  });

  it('are pinned by the manifest, the same when asked again although a body came since; and tell how the version is read', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'flywheel-bodies-'));
    try {
      store = fileObjectStore({ root: join(directory, 'store') });
      for (const type of fleet.slice(0, 3)) await publishRobotType(store, type);
      const ports = { store, signer: testSigner(join(directory, 'keys')), clock: () => 1000, codeBuild: 'test' };
      const bytes = tinyPolicy(model, 1);
      await store.put('scratch/model.onnx', bytes);
      const { createHash } = await import('node:crypto');
      const register = async () =>
        registerModel(ports)({
          operationId: 'c1',
          policy: 'p',
          change: 'minor',
          ...registeredType(model),
          bodies: await versionBodiesFile(store, model, { bodies: [], episodes: 20 }),
          sources: { 'model.onnx': 'scratch/model.onnx' },
          modelSha256: createHash('sha256').update(bytes).digest('hex'),
          parents: [],
          training: null,
          metrics: {},
          gates: [],
        });
      const { version } = await register();
      const before = await readManifest(ports, 'p', version);
      await publishRobotType(store, fleet[3] ?? assert.fail());
      assert.deepEqual(await register(), {
        version,
        manifestKey: `models/p/${version}/manifest.json`,
        modelSha256: before.files['model.onnx']?.sha256,
      });
      const stored = (await store.get(`models/p/${version}/${bodiesFile}`)) ?? assert.fail();
      assert.equal(before.files[bodiesFile]?.sha256, createHash('sha256').update(stored).digest('hex'));

      const next = fleet[3] ?? assert.fail();
      assert.equal(await readVersionBody(store, model, 'p', version), undefined);
      const read = await readVersionBody(store, next, 'p', version);
      assert.ok(typeof read === 'object' && read.incomplete === undefined);
      assert.equal(read.readings.length, model.observations.length);
      // The same features and actions in the same order are no other body to a model, whatever the rules say or do not say.
      const { follows: _rules, ...plain } = model;
      for (const same of [
        { ...plain, version: 9 },
        { ...plain, version: 9, follows: { version: 3 } },
      ])
        assert.equal(await readVersionBody(store, same, 'p', version), undefined);
      const scaled = { version: 3, observations: [{ name: 'speed', is: 'scaled' as const, factor: 2 }] };
      const recalibrated = await readVersionBody(store, { ...plain, version: 9, follows: scaled }, 'p', version);
      assert.ok(typeof recalibrated === 'object');
      const lost = await readVersionBody(store, { ...next, version: 9, follows: { version: 8 } }, 'p', version);
      assert.ok(typeof lost === 'string' && lost.includes('@8 is not known'));
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
});
