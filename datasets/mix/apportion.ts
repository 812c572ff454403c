/** One claimant of an apportionment: its name (ties are broken by it) and how much it has to give. */
export interface Supply {
  readonly name: string;
  readonly available: number;
}

/**
 * Shares `total` out in proportion to what is available, in whole numbers by largest remainder (Hamilton's method; ties
 * by name in code-unit order). Nobody gives more than it has; a total beyond all supply takes everything. Integers ≥ 0.
 *
 * apportion(4, [{ name: 'a', available: 9 }, { name: 'b', available: 3 }]) → Map { a → 3, b → 1 }
 */
export function apportion(total: number, supplies: readonly Supply[]): ReadonlyMap<string, number> {
  const supply = supplies.reduce((sum, { available }) => sum + available, 0);
  const wanted = Math.min(total, supply);
  const shares = supplies.map(({ name, available }) => {
    const exact = supply === 0 ? 0 : (wanted * available) / supply;
    return { name, whole: Math.floor(exact), remainder: exact - Math.floor(exact) };
  });
  let left = wanted - shares.reduce((sum, { whole }) => sum + whole, 0);
  const byRemainder = shares.toSorted((a, b) => b.remainder - a.remainder || (a.name < b.name ? -1 : 1));
  const quotas = new Map(shares.map(({ name, whole }) => [name, whole]));
  for (const { name, whole } of byRemainder) {
    if (left === 0) break;
    quotas.set(name, whole + 1);
    left--;
  }
  return quotas;
}

/**
 * Like `apportion`, but first everybody gets the same floor (or all it has, if less): together the floors take
 * `floorFraction` of the total, 0–1. So a rare task is not drowned by common ones.
 */
export function apportionWithFloor(
  total: number,
  supplies: readonly Supply[],
  floorFraction: number,
): ReadonlyMap<string, number> {
  const floor = supplies.length === 0 ? 0 : Math.floor((total * floorFraction) / supplies.length);
  const floors = new Map(supplies.map(({ name, available }) => [name, Math.min(floor, available)]));
  const floorOf = (name: string): number => floors.get(name) ?? 0;
  const spent = [...floors.values()].reduce((sum, value) => sum + value, 0);
  const rest = apportion(
    total - spent,
    supplies.map(({ name, available }) => ({ name, available: available - floorOf(name) })),
  );
  return new Map(supplies.map(({ name }) => [name, floorOf(name) + (rest.get(name) ?? 0)]));
}
