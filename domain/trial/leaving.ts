/** Times in which a robot was in quarantine; `untilMs` null: it still is. */
interface QuarantineSpan {
  readonly sinceMs: number;
  readonly untilMs: number | null;
}

/**
 * When a robot of a plan left its trial, Unix ms; undefined while it is in it. A quarantine after the plan was made, or one that the plan did not
 * see, the moment it was retired, moved to another policy or given another body; the first counts: whoever left does not come back into the same trial.
 */
export function leftTrialMs(
  {
    quarantines,
    goneMs,
    bodyChangesMs = [],
  }: {
    readonly quarantines: readonly QuarantineSpan[];
    readonly goneMs?: number | undefined;
    readonly bodyChangesMs?: readonly number[] | undefined;
  },
  createdAtMs: number,
): number | undefined {
  const leaves = quarantines.flatMap(({ sinceMs, untilMs }) =>
    untilMs === null || untilMs > createdAtMs ? [Math.max(sinceMs, createdAtMs)] : [],
  );
  leaves.push(...bodyChangesMs.filter((changedMs) => changedMs > createdAtMs));
  if (goneMs !== undefined) leaves.push(Math.max(goneMs, createdAtMs));
  return leaves.length === 0 ? undefined : Math.min(...leaves);
}
