import { createHash, timingSafeEqual } from 'node:crypto';

/** `fw.<robotId>.<256 random bits>`; `random` gives that many bytes. */
export const newToken = (robotId: string, random: (sizeBytes: number) => Uint8Array): string =>
  `fw.${robotId}.${Buffer.from(random(32)).toString('base64url')}`;

/** Whose token it says it is, before anything is proved; undefined when it is no token of ours. */
export const claimedRobotId = (token: string): string | undefined =>
  /^fw\.([a-z0-9][a-z0-9-]{0,62})\.[A-Za-z0-9_-]{43}$/.exec(token)?.[1];

/** What is stored of a token. A token has 256 random bits, so one plain hash cannot be searched back. */
export const tokenHash = (token: string): string => createHash('sha256').update(token).digest('hex');

/** Whether the token is one of those hashed; takes as long for a wrong one as for a right one. */
export function isTokenOf(token: string, hashes: readonly string[]): boolean {
  const given = Buffer.from(tokenHash(token), 'hex');
  return hashes.reduce((found, hash) => timingSafeEqual(given, Buffer.from(hash, 'hex')) || found, false);
}
