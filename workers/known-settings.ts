import { readFileSync } from 'node:fs';

// Nothing but Node.js is imported here: this runs before the packages are installed.

/** Where the names of settings stand; each is checked there once the packages are there. */
const sources = ['./config.ts', '../fleet/gateway/settings.ts', '../console/settings.ts'];
const farthest = 3;

/** A sentence for every `FLYWHEEL_…` variable that no process reads: a misspelt one, as a rule. Settings of robots are theirs. */
export function unknownSettings(environment: Readonly<Record<string, string | undefined>>): readonly string[] {
  const known = new Set(
    sources.flatMap(
      (file) => readFileSync(new URL(file, import.meta.url), 'utf8').match(/\bFLYWHEEL_[A-Z0-9_]+\b/g) ?? [],
    ),
  );
  return Object.keys(environment)
    .filter((name) => name.startsWith('FLYWHEEL_') && !name.startsWith('FLYWHEEL_ROBOT_') && !known.has(name))
    .map((name) => {
      const [nearest] = [...known].toSorted((a, b) => distance(a, name) - distance(b, name));
      const hint = nearest !== undefined && distance(nearest, name) <= farthest ? `; did you mean ${nearest}?` : '';
      return `${name}: unknown setting${hint}`;
    });
}

/** Levenshtein's: how many characters to change, add or leave out. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 0; i < a.length; i += 1) {
    const next = [i + 1];
    for (let j = 1; j <= b.length; j += 1)
      next[j] = Math.min((next[j - 1] ?? 0) + 1, (row[j] ?? 0) + 1, (row[j - 1] ?? 0) + (b[j - 1] === a[i] ? 0 : 1));
    row = next;
  }
  return row[b.length] ?? 0;
}
