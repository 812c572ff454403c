import { createHash } from 'node:crypto';

import { encodeTime } from 'ulid';

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** The same name and time give the same ULID, on every machine: for imported and generated episodes. */
export function deterministicUlid(name: string, timeMs: number): string {
  const digest = createHash('sha256').update(name).digest();
  const random = Array.from(digest.subarray(0, 16), (byte) => alphabet[byte % 32]).join('');
  return encodeTime(timeMs) + random;
}

/** Whether a text is the id of an episode: a ULID in capital letters. */
export const isUlid = (text: string): boolean => /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(text);
