/** Signs and verifies what robots will trust. Keys never leave the adapter. */
export interface Signer {
  /** First 16 hex digits of sha256 of the public key (DER): tells keys apart, is no secret. */
  readonly publicKeyId: string;
  /** Public key in PEM, which agents pin. */
  readonly publicKeyPem: string;
  /** Ed25519 signature, base64. */
  sign(bytes: Uint8Array): string;
  verify(bytes: Uint8Array, signature: string): boolean;
}
