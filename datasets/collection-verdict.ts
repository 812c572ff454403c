/** What became of one robot's segments and episodes in a collection. */
export interface RobotTally {
  readonly segments: number;
  readonly segmentsRefused: number;
  readonly episodesStored: number;
  readonly episodesAlreadyStored: number;
  readonly episodesRefused: number;
}

export interface CollectionVerdict {
  /** `badData`: the cycle ends here and the champion stays; `nothingNew`: nothing to learn from; `ok`: go on. */
  readonly verdict: 'ok' | 'badData' | 'nothingNew';
  /** One sentence with value, limit and sample size. */
  readonly reason: string;
  /** Robots of which everything was refused, ascending; the limit speaks of the others. */
  readonly robotsLeftOut: readonly string[];
  /** Of the other robots: refused episodes among all, refused segments among all; 0 when there are none. */
  readonly refusedEpisodesFraction: number;
  readonly refusedSegmentsFraction: number;
}

/** More than this refused of the robots that are not left out ends the cycle. */
export const maxRefusedFraction = 0.2;

/**
 * Decides whether a collection may be learned from. A robot of which everything was refused is broken, not the week: it
 * is left out. Refused segments count beside refused episodes, because nobody knows how many episodes an unreadable
 * segment held. Nothing valid at all while something was refused is bad data.
 */
export function judgeCollection(robots: Readonly<Record<string, RobotTally>>): CollectionVerdict {
  const isLeftOut = (tally: RobotTally): boolean =>
    tally.episodesStored + tally.episodesAlreadyStored === 0 && tally.episodesRefused + tally.segmentsRefused > 0;
  const entries = Object.entries(robots).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const robotsLeftOut = entries.filter(([, tally]) => isLeftOut(tally)).map(([robotId]) => robotId);
  const rest = entries.map(([, tally]) => tally).filter((tally) => !isLeftOut(tally));
  const total = (name: keyof RobotTally): number => rest.reduce((sum, tally) => sum + tally[name], 0);

  const stored = total('episodesStored');
  const refused = total('episodesRefused');
  const episodes = stored + total('episodesAlreadyStored') + refused;
  const refusedEpisodesFraction = episodes === 0 ? 0 : refused / episodes;
  const segments = total('segments');
  const refusedSegmentsFraction = segments === 0 ? 0 : total('segmentsRefused') / segments;
  const findings = { robotsLeftOut, refusedEpisodesFraction, refusedSegmentsFraction };

  const limit = `limit ${percent(maxRefusedFraction)}`;
  if (refusedEpisodesFraction > maxRefusedFraction) {
    const reason = `${percent(refusedEpisodesFraction)} of ${episodes} episodes were refused (${limit})`;
    return { verdict: 'badData', reason, ...findings };
  }
  if (refusedSegmentsFraction > maxRefusedFraction) {
    const reason = `${percent(refusedSegmentsFraction)} of ${segments} segments were refused (${limit})`;
    return { verdict: 'badData', reason, ...findings };
  }
  if (stored > 0) {
    const reason = `${stored} new episodes; ${percent(refusedEpisodesFraction)} of ${episodes} refused (${limit})`;
    return { verdict: 'ok', reason, ...findings };
  }
  if (robotsLeftOut.length > 0 && episodes === 0) {
    const reason = `everything was refused, of ${robotsLeftOut.length} robots`;
    return { verdict: 'badData', reason, ...findings };
  }
  return { verdict: 'nothingNew', reason: `no new episode among ${episodes}`, ...findings };
}

const percent = (fraction: number): string => `${(fraction * 100).toFixed(1)} %`;
