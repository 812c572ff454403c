import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { openFileKeys } from '../../../activities/adapters/file-signer.ts';
import {
  initKeys,
  publishRoot,
  revokeKey,
  rotateKey,
  rotateRoot,
  signDraft,
  upgradeKeys,
} from '../../../activities/adapters/key-changes.ts';
import { createRootKeyFile, readEnvelope, readOwnKey, rootsIn } from '../../../activities/adapters/key-folder.ts';
import { isFailure } from '../../../store/failures.ts';
import { followRoot, pinnedAuthority, readRoot } from '../../../domain/trust/root.ts';
import { nodeCrypto, publicKeyOfPem } from '../../../policies/signatures.ts';

const nowMs = Date.UTC(2026, 10, 26);
const yearMs = 365 * 24 * 3_600_000;
const bytes = new TextEncoder().encode('{"a":1}');

describe('the keys of an installation', () => {
  let directory: string;
  beforeEach(async () => {
    directory = path.join(await mkdtemp(path.join(tmpdir(), 'flywheel-keys-')), 'keys');
  });
  afterEach(() => rm(path.dirname(directory), { recursive: true, force: true }));

  const newest = () => rootsIn(directory).at(-1)!.root;

  it('are never made by opening them: it says what to run', async () => {
    assert.throws(
      () => openFileKeys(directory),
      (error) => isFailure(error, 'InvalidInput') && /flywheel keys init/.test((error as Error).message),
    );
    await assert.rejects(stat(directory));
  });

  it('are files that only their owner can read; others are refused', async () => {
    initKeys(directory, { nowMs });
    assert.equal((await stat(directory)).mode & 0o777, 0o700);
    const files = (await readdir(directory)).filter((name) => name.endsWith('.pem'));
    assert.deepEqual(
      files.map((name) => name.split('-')[0] ?? '').toSorted((a, b) => a.localeCompare(b)),
      ['order', 'release', 'root'],
    );
    for (const name of files) assert.equal((await stat(path.join(directory, name))).mode & 0o777, 0o600);
    const release = files.find((name) => name.startsWith('release'))!;
    await chmod(path.join(directory, release), 0o640);
    assert.throws(() => openFileKeys(directory).signer.sign(bytes), /chmod 600/);
    assert.throws(
      () => initKeys(directory, { nowMs }),
      (error) => isFailure(error, 'Conflict'),
    );
  });

  it('may be rotated while a worker runs; what the earlier key signed still counts', () => {
    initKeys(directory, { nowMs });
    const { signer } = openFileKeys(directory);
    const signature = { publicKeyId: signer.publicKeyId, value: signer.sign(bytes) };
    assert.equal(rotateKey(directory, 'release', nowMs).kind, 'done');
    assert.notEqual(signer.publicKeyId, signature.publicKeyId);
    assert.ok(signer.trusts(bytes, signature, nowMs));
    assert.ok(signer.trusts(bytes, { publicKeyId: signer.publicKeyId, value: signer.sign(bytes) }, nowMs));
    assert.ok(!signer.trusts(bytes, signature, nowMs + 3 * yearMs), 'an expired key signs nothing new');
  });

  it('count nowhere once revoked, and are replaced where they signed', () => {
    initKeys(directory, { nowMs });
    const { signer, orders } = openFileKeys(directory);
    const signature = { publicKeyId: signer.publicKeyId, value: signer.sign(bytes) };
    const seal = orders!.sign({ a: 1 }, nowMs);
    revokeKey(directory, signature.publicKeyId, 'a laptop was stolen', nowMs);
    revokeKey(directory, seal.signatures[0]!.keyId, 'the same laptop', nowMs);
    assert.ok(!signer.trusts(bytes, signature, nowMs));
    assert.ok(!orders!.trusts(seal, nowMs));
    assert.equal(orders!.epoch, 2);
    assert.ok(orders!.trusts(orders!.sign({ a: 1 }, nowMs), nowMs));
    assert.throws(() => revokeKey(directory, '0'.repeat(16), 'unknown', nowMs), /expected a release or order key/);
  });

  it('go on when private halves are lost, and say what to run until then', async () => {
    initKeys(directory, { nowMs });
    const { signer, orders } = openFileKeys(directory);
    for (const name of await readdir(directory))
      if (/^(release|order)-/.test(name)) await rm(path.join(directory, name));
    assert.throws(() => signer.sign(bytes), /flywheel keys lost release/);
    assert.throws(
      () => orders!.sign({}, nowMs),
      (error) => isFailure(error, 'KeysUnavailable'),
    );
    rotateKey(directory, 'release', nowMs);
    rotateKey(directory, 'order', nowMs);
    assert.ok(signer.sign(bytes).length > 0);
    assert.throws(() => orders!.sign({}, nowMs + 2 * yearMs), /keys rotate order/);
  });

  it('need k of n root keys for a change; a draft goes to those that are elsewhere and comes back', async () => {
    const elsewhere = await mkdtemp(path.join(tmpdir(), 'flywheel-root-'));
    try {
      const files = ['a', 'b', 'c'].map((name) => path.join(elsewhere, `${name}.pem`));
      const offlineRootKeys = files.map((file) => {
        const publicKey = publicKeyOfPem(createRootKeyFile(file));
        return { publicKey, keyId: nodeCrypto.keyId(publicKey) };
      });
      const begun = initKeys(directory, { nowMs, offlineRootKeys, threshold: 2 });
      assert.ok(begun.kind === 'draft');
      assert.throws(() => openFileKeys(directory), /flywheel keys init/);
      const once = signDraft(readEnvelope(begun.file), readOwnKey(files[0]!));
      assert.equal(publishRoot(directory, once).kind, 'draft');
      assert.equal(publishRoot(directory, signDraft(once, readOwnKey(files[0]!))).kind, 'draft', 'twice the same key');
      assert.equal(publishRoot(directory, signDraft(once, readOwnKey(files[2]!))).kind, 'done');
      const change = rotateKey(directory, 'order', nowMs);
      assert.ok(change.kind === 'draft');
      assert.equal(newest().version, 1);
      assert.throws(() => rotateKey(directory, 'order', nowMs), /waits for signatures/);
      const signed = files
        .slice(1)
        .reduce((draft, file) => signDraft(draft, readOwnKey(file)), readEnvelope(change.file));
      assert.equal(publishRoot(directory, signed).kind, 'done');
      assert.equal(newest().version, 2);
      assert.equal(openFileKeys(directory).orders!.epoch, 2);
    } finally {
      await rm(elsewhere, { recursive: true, force: true });
    }
  });

  it('change root keys with signatures of the old ones and of the new ones', () => {
    initKeys(directory, { nowMs });
    const [first] = rootsIn(directory);
    rotateRoot(directory, { nowMs, rootKeys: 3, threshold: 2 });
    const second = rootsIn(directory).at(-1)!;
    assert.ok('root' in followRoot(first!.root, second.envelope, nodeCrypto));
    const oldSignature = second.envelope.signatures.find(({ keyId }) => keyId === first!.root.rootKeys[0]!.keyId)!;
    const withoutOld = second.envelope.signatures.filter((each) => each !== oldSignature);
    assert.match(
      refusal(followRoot(first!.root, { ...second.envelope, signatures: withoutOld }, nodeCrypto)),
      /of root 1/,
    );
    const onlyOld = { ...second.envelope, signatures: [oldSignature] };
    assert.match(refusal(followRoot(first!.root, onlyOld, nodeCrypto)), /of root 2 itself/);
    const twice = { ...second.envelope, signatures: [withoutOld[0]!, withoutOld[0]!, oldSignature] };
    assert.match(refusal(readRoot(twice, nodeCrypto)), /expected 2 signatures/);
    rotateKey(directory, 'order', nowMs);
    assert.match(
      refusal(followRoot(first!.root, rootsIn(directory).at(-1)!.envelope, nodeCrypto)),
      /expected root 2, got root 3/,
    );
  });

  it('take the one key of an older installation as first root and release key', async () => {
    await mkdir(directory, { recursive: true });
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const file = path.join(directory, 'signing-key.pem');
    await writeFile(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    const before = openFileKeys(directory);
    assert.equal(before.orders, undefined);
    assert.equal(before.signer.rootVersion, 0);
    const value = before.signer.sign(bytes);
    assert.equal(value, sign(null, bytes, privateKey).toString('base64'));
    const signature = { publicKeyId: before.signer.publicKeyId, value };
    assert.ok(before.signer.trusts(bytes, signature, 0));

    assert.equal(upgradeKeys(directory, nowMs).kind, 'done');
    const after = openFileKeys(directory);
    assert.equal(after.signer.publicKeyId, signature.publicKeyId, 'manifests carry the key that agents pin');
    assert.ok(after.signer.trusts(bytes, signature, 0));
    assert.equal(after.orders?.epoch, 1);
    const spki = publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
    const pinned = pinnedAuthority({ publicKey: spki, keyId: nodeCrypto.keyId(spki) });
    assert.ok('root' in followRoot(pinned, after.roots()[0]!.envelope, nodeCrypto));
    assert.throws(() => upgradeKeys(directory, nowMs), /have a root already/);
    assert.doesNotMatch(await readFile(path.join(directory, 'roots', '1.json'), 'utf8'), /PRIVATE/);
  });
});

const refusal = (verdict: ReturnType<typeof readRoot>): string => ('refusal' in verdict ? verdict.refusal : 'taken');
