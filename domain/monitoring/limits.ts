/**
 * Limits with their defaults filled in. An unknown name, or a value that is not a number above 0, is refused with field and
 * expectation: a typo must not open a gate.
 */
export function withDefaults<Limits extends object>(
  what: string,
  defaults: Limits,
  given: Partial<Limits> = {},
): Limits {
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(defaults, name)) {
      throw new RangeError(`${what} refused: ${name}: expected one of ${Object.keys(defaults).join(', ')}`);
    }
    if (typeof value !== 'number' || !(value > 0 && Number.isFinite(value))) {
      throw new RangeError(`${what} refused: ${name}: expected a number above 0, got ${String(value)}`);
    }
  }
  return { ...defaults, ...given };
}
