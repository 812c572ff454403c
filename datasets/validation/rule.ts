import type { RobotType } from '../robot-type.ts';

/** What broke a rule: the value found, what was expected, and the first offending frame (0-based in the episode; null when it is not about a frame). */
export interface Finding {
  readonly value: string;
  readonly expected: string;
  readonly row: number | null;
}

export interface Violation extends Finding {
  readonly rule: string;
}

/** One named check over facts that were measured before. Pure. */
export interface Rule<Facts> {
  readonly id: string;
  /** One sentence for people: what has to hold. */
  readonly doc: string;
  /** Whether a person may release what broke this rule; never where the lake or training would be harmed. */
  readonly waivable: boolean;
  readonly check: (facts: Facts, type: RobotType) => Finding | undefined;
}

/** All violations, in the order of the rules. */
export function violationsOf<Facts>(
  rules: readonly Rule<Facts>[],
  facts: Facts,
  type: RobotType,
): readonly Violation[] {
  const violations: Violation[] = [];
  for (const rule of rules) {
    const finding = rule.check(facts, type);
    if (finding !== undefined) violations.push({ rule: rule.id, ...finding });
  }
  return violations;
}

/** A finding about a segment or an episode as a whole. */
export const about = (value: unknown, expected: string): Finding => ({
  value: shown(value),
  expected: shortExpected(expected),
  row: null,
});

/** A finding about one frame. */
export const aboutFrame = (row: number, value: unknown, expected: string): Finding => ({
  value: shown(value),
  expected: shortExpected(expected),
  row,
});

const maxShownCharacters = 200;
const shown = (value: unknown): string => {
  const text = String(value);
  return text.length <= maxShownCharacters ? text : `${text.slice(0, maxShownCharacters)}…`;
};
const maxExpectedCharacters = 400;
const shortExpected = (text: string): string =>
  text.length <= maxExpectedCharacters ? text : `${text.slice(0, maxExpectedCharacters)}…`;
