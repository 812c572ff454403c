import { hash32 } from '../statistics/index.ts';

/** A robot to be put in an arm; robots of one stratum (site, task, hardware) are alike. */
export interface Assignable {
  readonly robotId: string;
  readonly stratum?: string;
}

/**
 * Puts every robot in one order and takes the first `candidates`: each arm gets its share of every stratum, and a larger
 * stage contains every smaller one. The place of a robot is (rank of its hash within its stratum - ½)/stratum size, ties by
 * hash, then by id. `salt` is the trial's, so that other trials take other robots. The caller's order does not matter.
 *
 * assignArms({ robots: [{ robotId: 'a' }, { robotId: 'b' }], salt: 't1', candidates: 1 }) → one of them in each arm
 */
export function assignArms(input: { robots: readonly Assignable[]; salt: string; candidates: number }): {
  readonly candidate: string[];
  readonly control: string[];
} {
  const { robots, salt, candidates } = input;
  if (!(Number.isInteger(candidates) && candidates >= 0 && candidates <= robots.length)) {
    throw new RangeError(`expected candidates to be a whole number in [0, ${robots.length}], got ${candidates}`);
  }
  const order = robots
    .map(({ robotId, stratum = '' }) => ({ robotId, stratum, hash: hash32(`${salt}/${robotId}`) }))
    .toSorted((left, right) => left.hash - right.hash || compareText(left.robotId, right.robotId));
  const sizes = new Map<string, number>();
  for (const { stratum } of order) sizes.set(stratum, (sizes.get(stratum) ?? 0) + 1);
  const ranks = new Map<string, number>();
  const placed = order.map(({ robotId, stratum }) => {
    const rank = (ranks.get(stratum) ?? 0) + 1;
    ranks.set(stratum, rank);
    return { robotId, place: (rank - 0.5) / (sizes.get(stratum) ?? 1) };
  });
  // the sort is stable, so equal places stay in the order of their hashes
  const chosen = placed.toSorted((left, right) => left.place - right.place).map(({ robotId }) => robotId);
  return { candidate: chosen.slice(0, candidates), control: chosen.slice(candidates) };
}

const compareText = (left: string, right: string): number => {
  if (left === right) return 0;
  return left < right ? -1 : 1;
};
