import assert from 'node:assert/strict';

/** What one limit changes: `at` judges a fixed situation with the limit at a value. */
export interface Edge {
  readonly at: (value: number) => string;
  /** Two values of the limit between which the answer changes, once. */
  readonly between: readonly [from: number, to: number];
  /** Where it must change: the value, or a check of the value that was found. For whole numbers the first value with the new answer. */
  readonly expected: number | ((found: number) => void);
  readonly isWhole?: true;
}

/** Paths of all numbers in plain data, e.g. `stages.2.minimumHours`. */
export function numbersIn(value: unknown, path = ''): string[] {
  if (typeof value === 'number') return [path];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => numbersIn(inner, path === '' ? name : `${path}.${name}`));
}

/** A copy of plain data with one value replaced. */
export function withValue(data: object, path: string, value: number): Record<string, unknown> {
  const copy = structuredClone(data) as Record<string, unknown>;
  const names = path.split('.');
  const last = names.pop() ?? '';
  let at = copy;
  for (const name of names) at = (at[name] ??= {}) as Record<string, unknown>;
  at[last] = value;
  return copy;
}

/** Fails unless the answer changes at the expected value and nowhere else between the two. */
export function assertEdge(path: string, { at, between: [from, to], expected, isWhole }: Edge): void {
  let [low, high] = [from, to];
  const [before, after] = [at(low), at(high)];
  assert.notEqual(before, after, `${path}: ${from} and ${to} give the same answer, "${before}"`);
  const near = isWhole === undefined ? Math.abs(high - low) * 1e-13 : 1;
  for (let step = 0; step < 200 && Math.abs(high - low) > near; step += 1) {
    const middle = isWhole === undefined ? (low + high) / 2 : Math.trunc((low + high) / 2);
    if (middle === low || middle === high) break;
    if (at(middle) === before) low = middle;
    else high = middle;
  }
  if (typeof expected === 'function') return expected(high);
  if (isWhole) return assert.equal(high, expected, `${path}: "${before}" turns to "${after}" at ${high}`);
  assert.ok(
    Math.abs(high - expected) <= 1e-6 * Math.max(1, Math.abs(expected)),
    `${path}: "${before}" turns to "${after}" at ${high}, expected at ${expected}`,
  );
}

export const near = (actual: number, expected: number, tolerance = 1e-6): void =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `expected ${expected} ± ${tolerance}, got ${actual}`);
