/** Who asked for something, and the cause that was given: of a candidate that a cycle offers, the cause names who started the cycle. */
export interface AskedBy {
  readonly who: string;
  readonly cause: string;
}

const plain = (name: string): string => name.trim().toLowerCase();

/**
 * Whether `name` asked for it, directly or by starting the cycle that did: who approves is somebody else. `isOwnRequest({ who: 'cycle c1', cause: 'flywheel
 * cycle start by ada' }, 'ada')` → true.
 */
export function isOwnRequest({ who, cause }: AskedBy, name: string): boolean {
  return plain(who) === plain(name) || plain(cause).endsWith(` by ${plain(name)}`);
}
