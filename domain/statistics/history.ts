/** What one robot did in one hour of one day. Successes may be fractional once centred. */
export interface HistoryCell {
  /** Days on any common count, e.g. since 1970 in UTC. */
  readonly day: number;
  /** 0–23. */
  readonly hour: number;
  readonly successes: number;
  readonly episodes: number;
}

/** The past of one robot on the champion, or centred on it by {@link centreHistory}. */
export interface RobotHistory {
  readonly robotId: string;
  readonly cells: readonly HistoryCell[];
}

/** The past of one robot on whatever policy versions it ran. */
export interface VersionedHistory {
  readonly robotId: string;
  readonly cells: readonly (HistoryCell & { readonly policyVersion: string })[];
}

/** A robot's own past as one line: x0 successes of n0 episodes over D days. */
export interface Baseline {
  readonly successes: number;
  readonly episodes: number;
  readonly days: number;
}

/** A day-version mean of fewer robots than this says more about these robots than about the day. */
const fewestRobots = 5;

/**
 * Puts the last `days` days of all policy versions on the champion's present level: each cell's successes x become
 * x - n·(m - mu), m = the fleet's mean that day on that version, mu = the champion's mean over the window. So a bad day of
 * the whole fleet, or a change of champion, costs no history. Cells of a day and version with fewer than 5 robots (or
 * than the fleet has) are left out: their mean is not the fleet's. No episodes on the champion: an empty history.
 */
export function centreHistory(input: {
  history: readonly VersionedHistory[];
  champion: string;
  days?: number;
}): RobotHistory[] {
  const { history, champion, days = 28 } = input;
  const all = history.flatMap(({ cells }) => cells);
  const lastDay = all.reduce((last, { day }) => Math.max(last, day), -Infinity);
  const recent = (day: number): boolean => day > lastDay - days;
  const level = meanOf(all.filter(({ day, policyVersion }) => recent(day) && policyVersion === champion));
  const means = dayMeans(history);
  const enough = Math.min(fewestRobots, history.length);
  return history.map(({ robotId, cells }) => ({
    robotId,
    cells: cells.flatMap(({ day, hour, successes, episodes, policyVersion }) => {
      const fleet = means.get(`${day}/${policyVersion}`);
      if (level === undefined || !recent(day) || fleet === undefined || fleet.robots < enough) return [];
      const mean = fleet.episodes > 0 ? fleet.successes / fleet.episodes : level;
      return [{ day, hour, successes: successes - episodes * (mean - level), episodes }];
    }),
  }));
}

/** Sums a robot's history up; days are those it has cells in. An empty history gives zeros. */
export function baselineOf(history: RobotHistory): Baseline {
  return {
    successes: history.cells.reduce((sum, { successes }) => sum + successes, 0),
    episodes: history.cells.reduce((sum, { episodes }) => sum + episodes, 0),
    days: new Set(history.cells.map(({ day }) => day)).size,
  };
}

function dayMeans(
  history: readonly VersionedHistory[],
): Map<string, { successes: number; episodes: number; robots: number }> {
  const means = new Map<string, { successes: number; episodes: number; robots: number }>();
  for (const { cells } of history) {
    const seen = new Set<string>();
    for (const { day, policyVersion, successes, episodes } of cells) {
      const key = `${day}/${policyVersion}`;
      const mean = means.get(key) ?? { successes: 0, episodes: 0, robots: 0 };
      mean.successes += successes;
      mean.episodes += episodes;
      if (!seen.has(key)) mean.robots += 1;
      seen.add(key);
      means.set(key, mean);
    }
  }
  return means;
}

function meanOf(cells: readonly { successes: number; episodes: number }[]): number | undefined {
  const episodes = cells.reduce((sum, cell) => sum + cell.episodes, 0);
  return episodes > 0 ? cells.reduce((sum, cell) => sum + cell.successes, 0) / episodes : undefined;
}
