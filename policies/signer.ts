import type { Envelope } from '../domain/trust/signed.ts';

/** Signs manifests and says which signatures count. Private keys never leave the adapter. */
export interface Signer {
  /** The release key that signs now: first 16 hex digits of sha256 of the public key (DER). Tells keys apart, is no secret. */
  readonly publicKeyId: string;
  /** Newest root document; 0 for an installation of one key, made before there were roots. */
  readonly rootVersion: number;
  /** Ed25519 signature, base64. */
  sign(bytes: Uint8Array): string;
  /** Whether a release key that counts signed these bytes, at the moment they name. */
  trusts(
    bytes: Uint8Array,
    signature: { readonly publicKeyId: string; readonly value: string },
    signedAtMs: number,
  ): boolean;
}

/** Signs the seals over orders; the desk's. */
export interface OrderSigner {
  /** Epoch of the key that signs now. */
  readonly epoch: number;
  /** Newest root document it knows. */
  readonly rootVersion: number;
  /** `KeysUnavailable` when there is no order key here, or it has expired. */
  sign(document: unknown, nowMs: number): Envelope;
  /** Whether an order key that counts signed the document, at the moment it names. */
  trusts(envelope: Envelope, signedAtMs: number): boolean;
}
