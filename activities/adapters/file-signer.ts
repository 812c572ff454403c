import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { failure } from '../failures.ts';
import type { Signer } from '../signer-port.ts';

/**
 * Ed25519 keys in a local folder (`node:crypto`), made at first use with mode 0600. Two processes starting at once end
 * with one key: the link of a finished file decides. A key file that others can read is refused.
 */
export function openFileSigner(directory: string): Signer {
  const file = path.join(directory, 'signing-key.pem');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (!exists(file)) createKey(file);
  if ((statSync(file).mode & 0o077) !== 0)
    throw failure('InvalidInput', 'expected a signing key that only its owner can read (chmod 600), got wider rights', {
      coordinates: { file },
    });
  const privateKey = createPrivateKey(readFileSync(file));
  const publicKey = createPublicKey(privateKey);
  const der = publicKey.export({ type: 'spki', format: 'der' });
  return {
    publicKeyId: createHash('sha256').update(der).digest('hex').slice(0, 16),
    publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    sign: (bytes) => sign(null, bytes, privateKey).toString('base64'),
    verify: (bytes, signature) => verify(null, bytes, publicKey, Buffer.from(signature, 'base64')),
  };
}

function createKey(file: string): void {
  const temporary = `${file}.${process.pid}.tmp`;
  const { privateKey } = generateKeyPairSync('ed25519');
  writeFileSync(temporary, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600, flush: true });
  try {
    linkSync(temporary, file);
  } catch (cause) {
    if (!exists(file)) throw cause;
  } finally {
    rmSync(temporary, { force: true });
  }
}

const exists = (file: string): boolean => statSync(file, { throwIfNoEntry: false }) !== undefined;
