/**
 * Values by name, where names are text from outside: robots, tasks, reasons, files. It has no prototype, so `__proto__` and
 * `constructor` are names like any other, and a name that is not there is undefined. The only way such an object is made here.
 *
 * dictionary([['toString', 1]]).toString → 1; dictionary().constructor → undefined
 */
export function dictionary<Value>(entries: Iterable<readonly [string | number, Value]> = []): Record<string, Value> {
  const made = Object.create(null) as Record<string, Value>;
  for (const [name, value] of entries) made[name] = value;
  return made;
}
