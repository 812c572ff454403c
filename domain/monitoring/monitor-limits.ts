/** What the monitor goes by; times in fleet time except `silentAfterMs`, which is real. */
export interface MonitorLimits {
  /** A robot unheard of for this long is silent. */
  readonly silentAfterMs: number;
  /** Looks in a row before something opens, and without it before it closes; crashes and safety events open at once. */
  readonly openAfterTicks: number;
  readonly closeAfterTicks: number;
  /** A robot this much below itself is no anomaly. */
  readonly anomalyMarginFraction: number;
  /** A failure reason, or all failures, must rise by this share of all episodes. */
  readonly failureRiseFraction: number;
  readonly errorRiseFraction: number;
  /** Corrected frames since the last cycle that are worth one. */
  readonly correctedFramesToTrigger: number;
  /** Between two cycles that the monitor starts. */
  readonly triggerDistanceHours: number;
  /** Between two looks at what the robots see. */
  readonly driftEveryHours: number;
}

export const defaultMonitorLimits: MonitorLimits = {
  silentAfterMs: 300_000,
  openAfterTicks: 2,
  closeAfterTicks: 5,
  anomalyMarginFraction: 0.05,
  failureRiseFraction: 0.02,
  errorRiseFraction: 0.05,
  correctedFramesToTrigger: 500_000,
  triggerDistanceHours: 48,
  driftEveryHours: 6,
};

interface Range {
  readonly least: number;
  readonly most: number;
  readonly isWhole?: true;
}

/** What each limit may be. */
export const monitorLimitRanges: Readonly<Record<keyof MonitorLimits, Range>> = {
  silentAfterMs: { least: 1_000, most: 7 * 24 * 3_600_000 },
  openAfterTicks: { least: 1, most: 1_000, isWhole: true },
  closeAfterTicks: { least: 1, most: 1_000, isWhole: true },
  anomalyMarginFraction: { least: 0.001, most: 1 },
  failureRiseFraction: { least: 0.001, most: 1 },
  errorRiseFraction: { least: 0.001, most: 1 },
  correctedFramesToTrigger: { least: 1, most: 1e12, isWhole: true },
  triggerDistanceHours: { least: 1, most: 8_760 },
  driftEveryHours: { least: 0.01, most: 8_760 },
};

/** Why these are no limits, naming field, expectation and value; undefined when every one is. Nothing at all is refused too. */
export function whyNoMonitorLimits(given: unknown): string | undefined {
  const names = Object.keys(defaultMonitorLimits);
  if (typeof given !== 'object' || given === null || Array.isArray(given) || Object.keys(given).length === 0)
    return `expected an object with at least one of ${names.join(', ')}`;
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(monitorLimitRanges, name)) return `${name}: expected one of ${names.join(', ')}`;
    const { least, most, isWhole } = monitorLimitRanges[name as keyof MonitorLimits];
    const fits = typeof value === 'number' && value >= least && value <= most && (!isWhole || Number.isInteger(value));
    if (!fits)
      return `${name}: expected a ${isWhole ? 'whole ' : ''}number from ${least} to ${most}, got ${JSON.stringify(value) ?? 'nothing'}`;
  }
  return undefined;
}
