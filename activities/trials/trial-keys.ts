const digits = (value: number, width: number): string => String(value).padStart(width, '0');

/** Where everything of one trial lies. */
export const trialKeys = {
  plan: (trialId: string): string => `trials/${trialId}/plan.json`,
  end: (trialId: string): string => `trials/${trialId}/end.json`,
  approval: (trialId: string, stage: number): string => `trials/${trialId}/approvals/stage-${stage}.json`,
  cells: (trialId: string, generation: number): string => `trials/${trialId}/cells/${digits(generation, 20)}.json`,
  cellPart: (trialId: string, digest: string): string => `trials/${trialId}/cells/parts/${digest}.json`,
  tick: (trialId: string, tick: number): string => `trials/${trialId}/verdicts/tick-${digits(tick, 8)}.json`,
  look: (trialId: string, look: number): string => `trials/${trialId}/verdicts/look-${digits(look, 4)}.json`,
  /** Hourly sums of telemetry, so that a plan need not read a month of it; apart for each length of a fleet day. */
  telemetrySummary: (policy: string, dayMs: number, hour: string): string =>
    `telemetry-summaries/${policy}/${dayMs}/${hour}.json`,
  /** What equivalents lost against the anchor until this version became champion. */
  anchorLoss: (policy: string, version: string): string => `registry/${policy}/anchor-loss/${version}.json`,
} as const;
