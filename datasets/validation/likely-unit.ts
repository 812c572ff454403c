/** Units that clocks count in, by how many of them make a microsecond's multiple: seconds, milliseconds, nanoseconds. */
const perMicrosecond = [
  { unit: 'seconds', factor: 1e6 },
  { unit: 'milliseconds', factor: 1e3 },
  { unit: 'nanoseconds', factor: 1e-3 },
] as const;
/** Rates differ by a few per cent from robot to robot, units by a thousand. */
const slack = 3;

/** `; do they count in milliseconds?` for a duration that is too short by that factor, else nothing. */
export function unitHintOfRatio(ratio: number): string {
  const found = perMicrosecond.find(({ factor }) => ratio > factor / slack && ratio < factor * slack);
  return found === undefined ? '' : `; do the instants count in ${found.unit}? expected microseconds`;
}

/** The same for an instant: whether it lies between 2000 and the receipt when it is read in that unit. */
export function unitHintOfInstant(value: number, earliestUs: number, latestUs: number): string {
  const found = perMicrosecond.find(({ factor }) => value * factor >= earliestUs && value * factor <= latestUs);
  return found === undefined ? '' : `; does it count in ${found.unit}? expected microseconds`;
}
