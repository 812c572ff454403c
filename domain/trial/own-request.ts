/** Who asked for something, and the cause that was given: of a candidate that a cycle offers, the cause names who started the cycle. */
export interface AskedBy {
  readonly who: string;
  readonly cause: string;
}

const plain = (name: string): string => name.trim().toLowerCase();

/**
 * Whether `name` asked for it, directly or by starting the cycle that did. `isOwnRequest({ who: 'cycle c1', cause: 'flywheel cycle start by ada' }, 'ada')`
 * → true.
 */
function isOwnRequest({ who, cause }: AskedBy, name: string): boolean {
  return plain(who) === plain(name) || (who.startsWith('cycle ') && plain(cause).endsWith(` by ${plain(name)}`));
}

/** Why `who` may not approve it, in words: who asked for something does not; undefined where somebody else did. */
export function whyOwn(askedBy: AskedBy | undefined, who: string): string | undefined {
  if (askedBy === undefined)
    return 'it is not known who asked for it, so it cannot be approved by a page; a command can';
  if (!isOwnRequest(askedBy, who)) return undefined;
  return `${who} asked for it (${askedBy.who}: ${askedBy.cause}): somebody else has to approve it`.slice(0, 500);
}
