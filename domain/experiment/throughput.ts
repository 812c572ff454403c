import { mean, shareLogEvidence, type BlockSums, type Fold, type RobotEvidence } from '../statistics/index.ts';

/** Does the candidate make as many episodes as these robots used to? */
export interface Throughput {
  /** Episodes of the judged side (candidates; in the holdback stage the holdback). */
  readonly episodes: number;
  /** What the pre-period rates make of it. */
  readonly expectedEpisodes: number;
  readonly logEvidence: number;
  /** True when the candidates make too few, whatever the evidence. */
  readonly short: boolean;
  /** Episodes each candidate is short of its share; negative = above. */
  readonly missing: ReadonlyMap<string, number>;
}

/** Exposures within this many blocks of each other are one wave. */
const waveBlocks = 3;

/**
 * Compares the candidates' share of all episodes with their share before, in periods of constant exposure; each period's
 * evidence adds up. Waves of exposure that take up to 15 minutes are one period, starting when the wave is over. Rates come
 * from each robot's own past; a robot without one counts as the average robot.
 */
export function judgeThroughput(input: {
  robots: readonly RobotEvidence[];
  spans: Fold['spans'];
  sums: BlockSums;
  treatedArm: RobotEvidence['arm'];
  ratePhi: number;
  prior: number;
}): Throughput {
  const { robots, spans, sums, treatedArm, ratePhi, prior } = input;
  const rates = ratesOf(robots);
  const firsts = robots.map(({ arm }, index) => (arm === 'candidate' ? (spans[index]?.first ?? -1) : 0));
  const starts = waveEnds(firsts.filter((first, index) => first >= 0 && robots[index]?.arm === 'candidate'));
  const expected = robots.map(() => 0);
  const total = { episodes: 0, expected: 0, logEvidence: 0 };
  for (const [period, start] of starts.entries()) {
    const end = starts[period + 1] ?? sums.treatedCounts.length;
    const exposed = robots.map((_, index) => (firsts[index] ?? -1) >= 0 && (firsts[index] ?? 0) <= start);
    const isTreated = (index: number): boolean => robots[index]?.arm === treatedArm;
    let [rateTreated, rateAll] = [0, 0];
    for (const [index, rate] of rates.entries()) {
      if (exposed[index] !== true) continue;
      rateAll += rate;
      if (isTreated(index)) rateTreated += rate;
    }
    const [x, n] = episodesBetween(sums, start, end);
    const theta0 = rateAll > 0 ? rateTreated / rateAll : 0;
    total.episodes += x;
    total.expected += n * theta0;
    total.logEvidence += shareLogEvidence({ x: x / ratePhi, n: n / ratePhi, theta0, a: prior });
    for (const [index, rate] of rates.entries()) {
      if (exposed[index] === true && rateAll > 0) expected[index] = (expected[index] ?? 0) + (n * rate) / rateAll;
    }
  }
  const missing = new Map<string, number>();
  for (const [index, { robotId, arm }] of robots.entries()) {
    if (arm === 'candidate') missing.set(robotId, (expected[index] ?? 0) - (sums.robots[index]?.counted ?? 0));
  }
  const short = treatedArm === 'control' ? total.episodes > total.expected : total.episodes < total.expected;
  return { episodes: total.episodes, expectedEpisodes: total.expected, logEvidence: total.logEvidence, short, missing };
}

function ratesOf(robots: readonly RobotEvidence[]): number[] {
  const known = robots.map(({ baseline }) =>
    baseline.episodes > 0 ? baseline.episodes / Math.max(1, baseline.days) : undefined,
  );
  const average = mean(known.filter((rate) => rate !== undefined)) ?? 1;
  return known.map((rate) => rate ?? average);
}

/** Where each wave of exposures ends: starts within {@link waveBlocks} of the first of a wave belong to it. */
function waveEnds(firsts: readonly number[]): number[] {
  const ends: number[] = [];
  let waveStart = -Infinity;
  for (const first of firsts.toSorted((left, right) => left - right)) {
    if (first - waveStart <= waveBlocks) ends[ends.length - 1] = first;
    else {
      ends.push(first);
      waveStart = first;
    }
  }
  return ends;
}

function episodesBetween(sums: BlockSums, start: number, end: number): [treated: number, all: number] {
  let [treated, all] = [0, 0];
  for (let block = start; block < end; block += 1) {
    treated += sums.treatedCounts[block] ?? 0;
    all += (sums.treatedCounts[block] ?? 0) + (sums.controlCounts[block] ?? 0);
  }
  return [treated, all];
}
