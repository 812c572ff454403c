import { z } from 'zod';

import { canonicalJson } from '../canonical-json.ts';
import type { TrustCrypto } from './signed.ts';

const digestSchema = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hex digits');

/**
 * Whom a leaf is for: the one robot whose id has this sha256, or every robot whose sha256 lies between two others' (null:
 * no bound). Leaves of one tree never overlap and leave nobody out.
 */
export const placeSchema = z.union([
  z.strictObject({ robot: digestSchema }),
  z.strictObject({ after: digestSchema.nullable(), before: digestSchema.nullable() }),
]);
export type Place = z.infer<typeof placeSchema>;

/** The digests beside the way from a leaf to the root, lowest first: `l` or `r` says on which side each stands. */
export const pathSchema = z.array(z.string().regex(/^[lr][0-9a-f]{64}$/, 'expected l or r and 64 hex digits')).max(40);
export type Path = z.infer<typeof pathSchema>;

export const covers = (place: Place, robotDigest: string): boolean =>
  'robot' in place
    ? place.robot === robotDigest
    : (place.after === null || place.after < robotDigest) && (place.before === null || robotDigest < place.before);

type Sha256 = Pick<TrustCrypto, 'sha256'>;

/** Leaves and nodes are told apart, so that none passes for the other. */
const leafDigest = (place: Place, orderDigest: string, { sha256 }: Sha256): string =>
  sha256(`leaf\n${canonicalJson({ place, order: orderDigest })}`);
const nodeDigest = (left: string, right: string, { sha256 }: Sha256): string => sha256(`node\n${left}${right}`);

/** The root a leaf and its path lead to. */
export const rootOf = (place: Place, orderDigest: string, path: Path, crypto: Sha256): string =>
  path.reduce(
    (digest, beside) =>
      beside.startsWith('l')
        ? nodeDigest(beside.slice(1), digest, crypto)
        : nodeDigest(digest, beside.slice(1), crypto),
    leafDigest(place, orderDigest, crypto),
  );

export interface OrderTree {
  readonly root: string;
  /** The leaf that covers a robot, the order under it, and its path. */
  of(robotDigest: string): { readonly place: Place; readonly orderDigest: string; readonly path: Path };
}

/** The tree over an order for each named robot and one for all others. */
export function orderTree(named: ReadonlyMap<string, string>, defaultOrderDigest: string, crypto: Sha256): OrderTree {
  const robots = [...named.keys()].toSorted();
  const leaves = robots.flatMap((robot, index): { place: Place; orderDigest: string }[] => [
    { place: { after: robots[index - 1] ?? null, before: robot }, orderDigest: defaultOrderDigest },
    { place: { robot }, orderDigest: named.get(robot) ?? defaultOrderDigest },
  ]);
  leaves.push({ place: { after: robots.at(-1) ?? null, before: null }, orderDigest: defaultOrderDigest });
  const levels = [leaves.map(({ place, orderDigest }) => leafDigest(place, orderDigest, crypto))];
  for (let level = levels[0] ?? []; level.length > 1; level = levels.at(-1) ?? [])
    levels.push(
      Array.from({ length: Math.ceil(level.length / 2) }, (_, index) => {
        const [left = '', right] = level.slice(2 * index, 2 * index + 2);
        return right === undefined ? left : nodeDigest(left, right, crypto);
      }),
    );

  function pathOf(leaf: number): Path {
    const path: string[] = [];
    let index = leaf;
    for (const level of levels.slice(0, -1)) {
      const beside = level[index ^ 1];
      if (beside !== undefined) path.push(`${index % 2 === 1 ? 'l' : 'r'}${beside}`);
      index = Math.floor(index / 2);
    }
    return path;
  }

  return {
    root: levels.at(-1)?.[0] ?? '',
    of(robotDigest) {
      const before = countBelow(robots, robotDigest);
      const index = robots[before] === robotDigest ? 2 * before + 1 : 2 * before;
      const leaf = leaves[index];
      if (leaf === undefined) throw new RangeError('expected every robot to have a leaf');
      return { ...leaf, path: pathOf(index) };
    },
  };
}

/** How many of the ascending list come before the text. */
function countBelow(sorted: readonly string[], text: string): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? '') < text) low = middle + 1;
    else high = middle;
  }
  return low;
}
