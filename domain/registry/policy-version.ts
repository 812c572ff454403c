/**
 * A policy's version: major = another network, or another list of features or actions; minor = a retraining; patch = a training on chosen
 * tasks. Numbers grow in the order of registration; what a version was made from is its parent, not the number before it.
 */
export interface PolicyVersion {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

/** What changed against the parent, and so which number moves. */
export type VersionChange = 'major' | 'minor' | 'patch';

const pattern = /^(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})$/;

/** Reads `1.2.3`; undefined for anything else (no prefixes, no pre-releases, no leading zeros). */
export function parsePolicyVersion(text: string): PolicyVersion | undefined {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  return { major: Number(match[1]), minor: Number(match[2]), patch: Number(match[3]) };
}

export const formatPolicyVersion = (version: PolicyVersion): string =>
  `${version.major}.${version.minor}.${version.patch}`;

/** Orders by major, minor, patch as numbers: 1.10.0 after 1.9.0. Negative when `a` is older. */
export const comparePolicyVersions = (a: PolicyVersion, b: PolicyVersion): number =>
  a.major - b.major || a.minor - b.minor || a.patch - b.patch;

/**
 * The next free version: the change applied to the newest of `taken`. The first version of a policy is 1.0.0.
 * @example nextPolicyVersion(['1.0.0', '1.1.0'], 'minor') // '1.2.0'
 */
export function nextPolicyVersion(taken: readonly string[], change: VersionChange): string {
  const newest = taken
    .map(parsePolicyVersion)
    .filter((version) => version !== undefined)
    .toSorted(comparePolicyVersions)
    .at(-1);
  if (newest === undefined) return '1.0.0';
  switch (change) {
    case 'major':
      return formatPolicyVersion({ major: newest.major + 1, minor: 0, patch: 0 });
    case 'minor':
      return formatPolicyVersion({ ...newest, minor: newest.minor + 1, patch: 0 });
    case 'patch':
      return formatPolicyVersion({ ...newest, patch: newest.patch + 1 });
  }
}

/** What a candidate's version change is, from what it was made of. Everything that is not known to be smaller is at least minor. */
export function versionChange(facts: {
  readonly sameArchitecture: boolean;
  /** From the champion's body to the newest one: whether features or actions changed, or only what is judged by. */
  readonly bodyStep: VersionChange | 'none';
  /** Learned chosen tasks only; the others were replayed. */
  readonly chosenTasks: boolean;
}): VersionChange {
  if (!facts.sameArchitecture || facts.bodyStep === 'major') return 'major';
  return facts.chosenTasks && facts.bodyStep === 'none' ? 'patch' : 'minor';
}
