import { createHash, timingSafeEqual } from 'node:crypto';

/** 256 random bits as text; `random` gives that many bytes. */
export const newToken = (random: (sizeBytes: number) => Uint8Array): string =>
  `fw_${Buffer.from(random(32)).toString('base64url')}`;

/** What is stored of a token. A token has 256 random bits, so one plain hash cannot be searched back. */
export const tokenHash = (token: string): string => createHash('sha256').update(token).digest('hex');

/** Whether the token is one of those hashed; takes as long for a wrong one as for a right one. */
export function isTokenOf(token: string, hashes: readonly string[]): boolean {
  const given = Buffer.from(tokenHash(token), 'hex');
  return hashes.reduce((found, hash) => timingSafeEqual(given, Buffer.from(hash, 'hex')) || found, false);
}
