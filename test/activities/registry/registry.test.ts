import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { testSigner } from '../../support/keys.ts';
import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import { isFailure } from '../../../store/failures.ts';
import type { ObjectStore } from '../../../store/object-store.ts';
import { moveAliases, readAliases, readAliasHistory } from '../../../store/records/aliases.ts';
import { createPolicyDocument, readPolicyDocument } from '../../../activities/registry/policy-document.ts';
import { readManifest } from '../../../store/records/manifests.ts';
import { registerModel, type RegisterModelInput } from '../../../activities/registry/register-model.ts';
import type { Signer } from '../../../policies/signer.ts';

const bytes = new TextEncoder().encode('a model');
const modelSha256 = createHash('sha256').update(bytes).digest('hex');
const input: RegisterModelInput = {
  operationId: 'cycle-1',
  policy: 'wall-follower',
  change: 'minor',
  robotType: { id: 'scitos-g5', version: 1, digest: 'e'.repeat(64) },
  sources: { 'model.onnx': 'training-runs/cycle-1/model.onnx' },
  modelSha256,
  parents: [],
  training: null,
  metrics: { accuracyFraction: 0.9 },
  gates: [],
};

const moves = () => ({ champion: '1.0.0', baseline: '1.0.0' });

describe('registry', () => {
  let directory: string;
  let store: ObjectStore;
  let signer: Signer;
  const ports = () => ({ store, signer, clock: () => 1_000, codeBuild: 'test' });

  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'flywheel-registry-'));
    signer = testSigner(directory);
    store = memoryObjectStore();
    await store.put('training-runs/cycle-1/model.onnx', bytes);
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  it('registers once per operation, writes the manifest last and signs it', async () => {
    const first = await registerModel(ports())(input);
    const again = await registerModel(ports())(input);
    const second = await registerModel(ports())({ ...input, operationId: 'cycle-2' });
    assert.deepEqual([first.version, again.version, second.version], ['1.0.0', '1.0.0', '1.1.0']);
    const manifest = await readManifest(ports(), 'wall-follower', '1.0.0');
    assert.deepEqual(manifest.files['model.onnx'], { sha256: modelSha256, sizeBytes: bytes.length });
    assert.deepEqual(await store.get('models/wall-follower/1.0.0/model.onnx'), bytes);
  });

  it('gives twenty concurrent registrations twenty versions', async () => {
    const operations = Array.from({ length: 20 }, (_, index) => ({ ...input, operationId: `cycle-${index}` }));
    const results = await Promise.all(operations.map((operation) => registerModel(ports())(operation)));
    assert.equal(new Set(results.map((result) => result.version)).size, 20);
  });

  it('finishes a registration that died after any write', async () => {
    for (let deaths = 1; deaths <= 3; deaths += 1) {
      let writes = 0;
      const dying: ObjectStore = {
        ...store,
        putIfAbsent: async (key, body) => {
          writes += 1;
          if (writes === deaths) throw new Error('died');
          return store.putIfAbsent(key, body);
        },
      };
      const operation = { ...input, operationId: `dying-${deaths}` };
      await assert.rejects(registerModel({ ...ports(), store: dying })(operation));
      const { version } = await registerModel(ports())(operation);
      assert.equal((await readManifest(ports(), 'wall-follower', version)).version, version);
    }
  });

  it('refuses a model whose bytes are not those that were judged', async () => {
    const refused = registerModel(ports())({ ...input, modelSha256: '0'.repeat(64) });
    await assert.rejects(refused, (error) => isFailure(error, 'UntrustedArtifact'));
  });

  it('trusts no manifest that was changed or signed by another key', async () => {
    await registerModel(ports())(input);
    const key = 'models/wall-follower/1.0.0/manifest.json';
    const text = new TextDecoder().decode(await store.get(key));
    await store.put(key, new TextEncoder().encode(text.replace('"accuracyFraction": 0.9', '"accuracyFraction": 1')));
    await assert.rejects(readManifest(ports(), 'wall-follower', '1.0.0'), (error) =>
      isFailure(error, 'UntrustedArtifact'),
    );
    await store.put(key, new TextEncoder().encode(text));
    const stranger = testSigner(path.join(directory, 'other'));
    await assert.rejects(readManifest({ store, signer: stranger }, 'wall-follower', '1.0.0'), (error) =>
      isFailure(error, 'UntrustedArtifact'),
    );
  });

  it('moves aliases once per operation and keeps who, when and why', async () => {
    const operation = { policy: 'wall-follower', operationId: 'baseline', who: 'ada', why: 'first' };
    await moveAliases(ports(), operation, moves);
    await moveAliases(ports(), operation, () => ({ champion: '9.9.9' }));
    assert.deepEqual(await readAliases(ports())(operation), { champion: '1.0.0', baseline: '1.0.0' });
    assert.deepEqual(await readAliasHistory(ports())(operation), [
      { seq: 0, operationId: 'baseline', set: moves(), atMs: 1_000, who: 'ada', why: 'first' },
    ]);
  });

  it('keeps a policy on its robot type', async () => {
    const document = { policy: 'picker', robotType: { id: 'ur3-cobotops', version: 1 } };
    await createPolicyDocument(store, document);
    await createPolicyDocument(store, document);
    assert.deepEqual(await readPolicyDocument(store, 'picker'), document);
    await assert.rejects(
      createPolicyDocument(store, { ...document, robotType: { id: 'scitos-g5', version: 1 } }),
      (error) => isFailure(error, 'Conflict'),
    );
    await assert.rejects(readPolicyDocument(store, 'nobody'), (error) => isFailure(error, 'NotFound'));
  });
});
