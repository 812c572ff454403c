import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto';

import type { TrustCrypto } from '../domain/trust/signed.ts';

export const sha256Hex = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');

const maxKeys = 256;
const keys = new Map<string, KeyObject>();

/** A key as Node holds it; reading one takes longer than using it, so a few are kept. */
function keyObject(publicKey: string): KeyObject {
  const known = keys.get(publicKey);
  if (known !== undefined) return known;
  const key = createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' });
  if (key.asymmetricKeyType !== 'ed25519') throw new TypeError('expected an Ed25519 key');
  if (keys.size >= maxKeys) keys.clear();
  keys.set(publicKey, key);
  return key;
}

/** Ed25519 and sha256 of `node:crypto`. */
export const nodeCrypto: TrustCrypto = {
  sha256: sha256Hex,
  verify(publicKey, text, signature) {
    try {
      return verify(null, Buffer.from(text), keyObject(publicKey), Buffer.from(signature, 'base64'));
    } catch {
      return false;
    }
  },
  keyId: (publicKey) => sha256Hex(Buffer.from(publicKey, 'base64')).slice(0, 16),
};

/** base64 of the SPKI of an Ed25519 key in PEM; throws on anything else. */
export function publicKeyOfPem(pem: string): string {
  const key = createPublicKey(pem);
  if (key.asymmetricKeyType !== 'ed25519') throw new TypeError('expected an Ed25519 key');
  return key.export({ type: 'spki', format: 'der' }).toString('base64');
}
