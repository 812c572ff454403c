const more = (left: number): string => (left === 0 ? '' : `; ${left} more`);

/**
 * What differs, in one sentence of at most `longest` characters that breaks off between findings and never within one. `reasons`: the worst first. Empty where
 * nothing differs.
 *
 * driftReason(['a (alarm): …', 'b (warn): …'], 60) → '2 findings of what robots see against the lake, the worst first: a (alarm): …; 1 more'
 */
export function driftReason(reasons: readonly string[], longest: number): string {
  if (reasons.length === 0) return '';
  const head =
    reasons.length === 1
      ? 'what robots see differs from the lake: '
      : `${reasons.length} findings of what robots see against the lake, the worst first: `;
  let kept = 1;
  const textOf = (count: number): string =>
    `${head}${reasons.slice(0, count).join('; ')}${more(reasons.length - count)}`;
  while (kept < reasons.length && textOf(kept + 1).length <= longest) kept += 1;
  // One finding that is too long by itself is the only one that is cut.
  return textOf(kept).length <= longest ? textOf(kept) : `${textOf(kept).slice(0, longest - 1)}…`;
}
