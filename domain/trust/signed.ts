import { z } from 'zod';

import { canonicalJson } from '../canonical-json.ts';

/** What the rules of trust need of cryptography; Node's own is in `policies/signatures.ts`. */
export interface TrustCrypto {
  /** sha256 of the UTF-8 bytes, 64 hex digits. */
  sha256(text: string): string;
  /** Whether this Ed25519 key (base64 of its SPKI) made the signature (base64) over the UTF-8 bytes; false for what is no key. */
  verify(publicKey: string, text: string, signature: string): boolean;
  /** First 16 hex digits of sha256 of the key's SPKI. */
  keyId(publicKey: string): string;
}

export const keyIdSchema = z.string().regex(/^[0-9a-f]{16}$/, 'expected a key id of 16 hex digits');
/** SPKI of an Ed25519 key: 44 bytes. */
export const publicKeySchema = z.string().regex(/^[A-Za-z0-9+/]{59}=$/, 'expected an Ed25519 public key in base64');
const signatureSchema = z.object({
  keyId: keyIdSchema,
  value: z.string().regex(/^[A-Za-z0-9+/]{86}==$/, 'expected an Ed25519 signature in base64'),
});
export type Signature = z.infer<typeof signatureSchema>;

/** A document and who signed it. The signatures are over the canonical JSON of `signed` as it came, unknown fields included. */
export const envelopeSchema = z.object({ signed: z.unknown(), signatures: z.array(signatureSchema).max(32) });
export type Envelope = z.infer<typeof envelopeSchema>;

export interface PublicKey {
  readonly keyId: string;
  readonly publicKey: string;
}

/** How many different keys of the list signed the document. */
export function countSigners(envelope: Envelope, keys: readonly PublicKey[], crypto: TrustCrypto): number {
  const text = canonicalJson(envelope.signed);
  const signers = new Set<string>();
  for (const { keyId, value } of envelope.signatures) {
    const key = keys.find((each) => each.keyId === keyId);
    if (key !== undefined && !signers.has(key.publicKey) && crypto.verify(key.publicKey, text, value))
      signers.add(key.publicKey);
  }
  return signers.size;
}
