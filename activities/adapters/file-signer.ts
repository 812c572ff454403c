import { statSync } from 'node:fs';
import path from 'node:path';

import { currentOrderKey, currentReleaseKey, orderKeyFor, releaseKeyFor, type Root } from '../../domain/trust/root.ts';
import { countSigners } from '../../domain/trust/signed.ts';
import { nodeCrypto } from '../../policies/signatures.ts';
import { failure } from '../../store/failures.ts';
import type { OrderSigner, Signer } from '../../policies/signer.ts';
import { readKey, readOldKey, rootsIn, signatureOf, type OwnKey, type SignedRoot } from './key-folder.ts';

/** An installation's keys in a local folder. Keys that are rotated while a process runs count at once. */
export interface FileKeys {
  readonly signer: Signer;
  /** Undefined for an installation of one key: its orders go out unsigned until `flywheel keys upgrade`. */
  readonly orders: OrderSigner | undefined;
  /** Every root document, oldest first. */
  readonly roots: () => readonly SignedRoot[];
  /** What a robot that is given one public key pins (SPKI, base64): a root key, or the one key there is. */
  readonly pinnedKey: () => string;
}

/** Opens what `flywheel keys init` made; makes nothing itself. `InvalidInput` says what to run when there are no keys. */
export function openFileKeys(directory: string): FileKeys {
  const read = rereading(directory);
  const isRooted = read().root !== undefined;
  return {
    signer: fileSigner(directory, read),
    orders: isRooted ? fileOrderSigner(directory, () => rootOf(read())) : undefined,
    roots: () => read().roots,
    pinnedKey() {
      const { root, old } = read();
      return root?.rootKeys[0]?.publicKey ?? old?.publicKey ?? '';
    },
  };
}

interface Read {
  readonly roots: readonly SignedRoot[];
  readonly root: Root | undefined;
  /** The one key of an installation without roots. */
  readonly old: OwnKey | undefined;
}

/** Reads the folder again when a root was added to it. */
function rereading(directory: string): () => Read {
  const changedMs = (): number => statSync(path.join(directory, 'roots'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  let seenMs = Number.NaN;
  let read: Read | undefined;
  return () => {
    const nowMs = changedMs();
    if (read === undefined || nowMs !== seenMs) {
      seenMs = nowMs;
      const roots = rootsIn(directory);
      const root = roots.at(-1)?.root;
      read = { roots, root, old: root === undefined ? readOldKey(directory) : undefined };
      if (root === undefined && read.old === undefined)
        throw failure(
          'InvalidInput',
          'expected the keys of this installation, got none: create them once with `flywheel keys init`',
          {
            coordinates: { directory },
          },
        );
    }
    return read;
  };
}

function rootOf({ root }: Read): Root {
  if (root === undefined)
    throw failure('InvalidInput', 'expected a root document, got none: run `flywheel keys upgrade`');
  return root;
}

function fileSigner(directory: string, read: () => Read): Signer {
  const releaseKey = (): OwnKey => {
    const { root, old } = read();
    if (old !== undefined) return old;
    const listed = root === undefined ? undefined : currentReleaseKey(root);
    const key = listed === undefined ? undefined : readKey(directory, 'release', listed.keyId);
    if (key === undefined)
      throw failure(
        'InvalidInput',
        `expected the private half of release key ${listed?.keyId ?? '(none listed)'}, got none: copy it here, or run \`flywheel keys lost release\``,
        {
          coordinates: { directory },
        },
      );
    return key;
  };
  return {
    get publicKeyId() {
      return releaseKey().keyId;
    },
    get rootVersion() {
      return read().root?.version ?? 0;
    },
    sign: (bytes) => releaseKey().sign(bytes),
    trusts(bytes, { publicKeyId, value }, signedAtMs) {
      const { root, old } = read();
      const key = root === undefined ? old : trustedKey(releaseKeyFor(root, publicKeyId, signedAtMs));
      return key?.keyId === publicKeyId && nodeCrypto.verify(key.publicKey, Buffer.from(bytes).toString('utf8'), value);
    },
  };
}

const trustedKey = <Key>(verdict: { readonly key: Key } | { readonly refusal: string }): Key | undefined =>
  'key' in verdict ? verdict.key : undefined;

function fileOrderSigner(directory: string, root: () => Root): OrderSigner {
  return {
    get epoch() {
      return currentOrderKey(root())?.epoch ?? 0;
    },
    get rootVersion() {
      return root().version;
    },
    sign(document, nowMs) {
      const listed = currentOrderKey(root());
      const key = listed === undefined ? undefined : readKey(directory, 'order', listed.keyId);
      if (listed === undefined || key === undefined)
        throw failure(
          'KeysUnavailable',
          `expected the private half of order key ${listed?.keyId ?? '(none listed)'}, got none: copy it here, or run \`flywheel keys lost order\``,
          { coordinates: { directory } },
        );
      if (nowMs > listed.notAfterMs)
        throw failure('KeysUnavailable', `order key ${listed.keyId} has expired: run \`flywheel keys rotate order\``);
      return { signed: document, signatures: [signatureOf(key, document)] };
    },
    trusts(envelope, signedAtMs) {
      return envelope.signatures.some(({ keyId }) => {
        const verdict = orderKeyFor(root(), keyId, signedAtMs);
        return 'key' in verdict && countSigners(envelope, [verdict.key], nodeCrypto) === 1;
      });
    },
  };
}
