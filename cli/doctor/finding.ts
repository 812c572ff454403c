/** What one look found; what was expected and how to mend it where something is amiss. */
export interface Found {
  readonly state: 'ok' | 'warning' | 'problem';
  readonly found: string;
  readonly expected?: string;
  /** A command, or what a person does. */
  readonly mend?: string;
}

export interface Finding extends Found {
  readonly check: string;
}

/** One question. It may fail or hang: the others are asked all the same. */
export interface Check {
  readonly name: string;
  /** What is told where the look fails or does not end. */
  readonly expected: string;
  readonly mend: string;
  readonly limitMs?: number;
  readonly look: () => readonly Found[] | Promise<readonly Found[]>;
}

const defaultLimitMs = 10_000;
const mostText = 600;

export const ok = (found: string): Found => ({ state: 'ok', found });
export const warning = (found: string, expected: string, mend: string): Found => ({
  state: 'warning',
  found,
  expected,
  mend,
});
export const problem = (found: string, expected: string, mend: string): Found => ({
  state: 'problem',
  found,
  expected,
  mend,
});

/** Makes a look and gives what it found; a look that fails or lasts too long is a problem of its own. Never rejects. */
export async function examine({ name, expected, mend, limitMs = defaultLimitMs, look }: Check): Promise<Finding[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${limitMs / 1_000} s`)), limitMs);
  });
  const named = (one: Found): Finding => ({ check: name, ...one, found: one.found.slice(0, mostText) });
  try {
    return (await Promise.race([Promise.resolve().then(look), late])).map(named);
  } catch (error) {
    return [named(problem(error instanceof Error ? error.message : String(error), expected, mend))];
  } finally {
    clearTimeout(timer);
  }
}

export const examineAll = async (checks: readonly Check[]): Promise<readonly Finding[]> =>
  (await Promise.all(checks.map(examine))).flat();

/** Of many of one kind the first few by name: `r1, r2 and 7 more`. */
export function someOf(names: readonly string[], most = 5): string {
  const more = names.length > most ? ` and ${names.length - most} more` : '';
  return `${names.slice(0, most).join(', ')}${more}`;
}
