import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';

import { canonicalJson } from '../../domain/canonical-json.ts';
import { readRoot, type Root } from '../../domain/trust/root.ts';
import { envelopeSchema, type Envelope, type PublicKey, type Signature } from '../../domain/trust/signed.ts';
import { nodeCrypto } from '../../policies/signatures.ts';
import { failure } from '../../store/failures.ts';

export const keyKinds = ['root', 'release', 'order'] as const;
export type KeyKind = (typeof keyKinds)[number];

/** The one key of an installation that was made before there were roots. */
const oldKeyFile = 'signing-key.pem';

export interface SignedRoot {
  readonly root: Root;
  readonly envelope: Envelope;
}

/** An Ed25519 key pair whose private half stays here. */
export interface OwnKey extends PublicKey {
  readonly sign: (text: string | Uint8Array) => string;
}

export const ownKey = (pem: string | Buffer): OwnKey => {
  const privateKey = createPrivateKey(pem);
  const publicKey = spkiOf(privateKey);
  return {
    publicKey,
    keyId: nodeCrypto.keyId(publicKey),
    sign: (text) => sign(null, Buffer.from(text), privateKey).toString('base64'),
  };
};

const spkiOf = (privateKey: KeyObject): string =>
  createPublicKey(privateKey).export({ type: 'spki', format: 'der' }).toString('base64');

/** Every root document of the folder, oldest first: `roots/<version>.json`. */
export function rootsIn(directory: string): readonly SignedRoot[] {
  const folder = path.join(directory, 'roots');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => /^\d{1,7}\.json$/.test(name))
    .map((name) => readSignedRoot(path.join(folder, name)))
    .toSorted((a, b) => a.root.version - b.root.version);
}

/** A root document that enough of its own keys signed; `CorruptData` otherwise. */
export function readSignedRoot(file: string): SignedRoot {
  const envelope = readEnvelope(file);
  const verdict = readRoot(envelope, nodeCrypto);
  if ('refusal' in verdict) throw failure('CorruptData', verdict.refusal, { coordinates: { file } });
  return { root: verdict.root, envelope };
}

export function readEnvelope(file: string): Envelope {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw failure('CorruptData', 'expected a signed JSON document, got something else', {
      cause,
      coordinates: { file },
    });
  }
  const parsed = envelopeSchema.safeParse(value);
  if (!parsed.success) throw failure('CorruptData', 'expected a signed document', { coordinates: { file } });
  return parsed.data;
}

const keyFile = (directory: string, kind: KeyKind, keyId: string): string =>
  path.join(directory, `${kind}-${keyId}.pem`);

/** A key of the folder; undefined when its private half is not here. `InvalidInput` when others can read the file. */
export function readKey(directory: string, kind: KeyKind, keyId: string): OwnKey | undefined {
  const file = keyFile(directory, kind, keyId);
  if (existsSync(file)) return readOwnKey(file);
  const old = readOldKey(directory);
  return old?.keyId === keyId ? old : undefined;
}

/** The key of an installation made before there were roots; undefined without one. */
export function readOldKey(directory: string): OwnKey | undefined {
  const file = path.join(directory, oldKeyFile);
  return existsSync(file) ? readOwnKey(file) : undefined;
}

export function readOwnKey(file: string): OwnKey {
  if ((statSync(file).mode & 0o077) !== 0)
    throw failure('InvalidInput', 'expected a key that only its owner can read (chmod 600), got wider rights', {
      coordinates: { file },
    });
  return ownKey(readFileSync(file));
}

/** Makes a key; on disk, mode 0600, when it returns. */
export function createKey(directory: string, kind: KeyKind): OwnKey {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const key = ownKey(pem);
  writeNew(keyFile(directory, kind, key.keyId), pem);
  return key;
}

/** Makes a root key in a file of its own, mode 0600, and returns its public half as PEM; `Conflict` when the file is there. */
export function createRootKeyFile(file: string): string {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  writeNew(file, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  return publicKey.export({ type: 'spki', format: 'pem' }).toString();
}

/** The private half goes; what it signed stays signed. */
export const forgetKey = (directory: string, kind: KeyKind, keyId: string): void =>
  rmSync(keyFile(directory, kind, keyId), { force: true });

/** Keeps a root; `Conflict` when another of its number is there. */
export function keepRoot(directory: string, { root, envelope }: SignedRoot): void {
  const folder = path.join(directory, 'roots');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = path.join(folder, `${root.version}.json`);
  const text = `${JSON.stringify(envelope, undefined, 2)}\n`;
  if (!existsSync(file)) writeNew(file, text);
  else if (canonicalJson(readEnvelope(file).signed) !== canonicalJson(envelope.signed))
    throw failure('Conflict', `expected root ${root.version} to be new, got another of that number`, {
      coordinates: { file },
    });
}

export const signatureOf = (key: OwnKey, document: unknown): Signature => ({
  keyId: key.keyId,
  value: key.sign(canonicalJson(document)),
});

/** A finished file under its name or none; of two writers one wins. */
function writeNew(file: string, text: string): void {
  const temporary = `${file}.${process.pid}.tmp`;
  rmSync(temporary, { force: true });
  const handle = openSync(temporary, 'wx', 0o600);
  try {
    writeSync(handle, text);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  try {
    linkSync(temporary, file);
  } catch (cause) {
    throw failure('Conflict', 'expected a new file, got an existing one', { cause, coordinates: { file } });
  } finally {
    rmSync(temporary, { force: true });
  }
}
