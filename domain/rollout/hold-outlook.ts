/** What a tick of a stage says of its effect; null: it does not say. */
export interface OutlookPoint {
  readonly atMs: number;
  readonly stage: number | null;
  readonly episodes: number | null;
  readonly delta: number | null;
  readonly lowerBound: number | null;
  readonly marginFraction: number | null;
}

/**
 * `proven`: the bound is above the limit, so the effect holds the stage no longer · `episodes`: so many more of the candidate at the effect that is measured now;
 * `earliestMs`: at the rate of this stage, null: nobody knows it · `effect`: at this effect no number of episodes is enough · `unknown`: too little is told.
 */
export type HoldOutlook =
  | { readonly kind: 'proven' | 'effect' | 'unknown' }
  | { readonly kind: 'episodes'; readonly moreEpisodes: number; readonly earliestMs: number | null };

const unknown: HoldOutlook = { kind: 'unknown' };

/**
 * What the bound of a stage still lacks, by its last tick: the distance from effect to bound shrinks with the root of the episodes at best, because what differs
 * between robots stays. So both numbers are the least that it takes. `points`: of one trial by time.
 *
 * 100 episodes, effect 0, bound −4 pp, limit −2 pp → half the distance, four times the episodes: 300 more
 */
export function holdOutlook(points: readonly OutlookPoint[]): HoldOutlook {
  const last = points.at(-1);
  if (last === undefined) return unknown;
  const { delta, lowerBound, marginFraction, episodes, atMs, stage } = last;
  if (delta === null || lowerBound === null || marginFraction === null || episodes === null) return unknown;
  if (lowerBound > -marginFraction) return { kind: 'proven' };
  const [distance, room] = [delta - lowerBound, delta + marginFraction];
  if (episodes <= 0 || !(distance > 0)) return unknown;
  if (room <= 0) return { kind: 'effect' };
  const moreEpisodes = Math.ceil(episodes * ((distance / room) ** 2 - 1));
  if (!Number.isFinite(moreEpisodes)) return unknown;
  const first = points.find((point) => point.stage === stage && point.episodes !== null);
  const [gained, tookMs] = [episodes - (first?.episodes ?? episodes), atMs - (first?.atMs ?? atMs)];
  const earliestMs = gained > 0 && tookMs > 0 ? Math.round(atMs + (moreEpisodes * tookMs) / gained) : null;
  return { kind: 'episodes', moreEpisodes, earliestMs };
}
