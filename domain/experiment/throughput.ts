import { shareLogEvidence, type BlockSums, type Fold, type RobotEvidence } from '../statistics/index.ts';

/** Does the candidate make as many episodes as these robots used to? */
export interface Throughput {
  /** Episodes of the judged side (candidates; in the holdback stage the holdback). */
  readonly episodes: number;
  /** What the pre-period rates make of it. */
  readonly expectedEpisodes: number;
  readonly logEvidence: number;
  /** True when the candidates make too few, whatever the evidence. */
  readonly short: boolean;
  /** Episodes each candidate is short of its share; negative = above. Only looked at on an alarm. */
  readonly missing: () => ReadonlyMap<string, number>;
}

/** A stretch of constant exposure: its episodes, all robots', and the rates of the robots in it. */
interface Period {
  readonly start: number;
  readonly treatedEpisodes: number;
  readonly allEpisodes: number;
  readonly treatedRate: number;
  readonly allRate: number;
}

/** Exposures within this many blocks of each other are one wave. */
const waveBlocks = 3;

/**
 * Compares the candidates' share of all episodes with their share before, in periods of constant exposure; each period's
 * evidence adds up. Waves of exposure that take up to 15 minutes are one period, starting when the wave is over. Rates come
 * from each robot's own past; a robot without one counts as the average robot. Only blocks that are known of every robot count:
 * after an outage robots bring what they made one after the other.
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
  const firsts = new Set<number>();
  for (const [index, { first }] of spans.entries()) {
    if (first >= 0 && robots[index]?.arm === 'candidate') firsts.add(first);
  }
  const starts = withLeaves(waveEnds([...firsts]), robots);
  const until = Math.min(sums.treatedCounts.length, ...knownBlocks(robots));
  const periods = starts.map((start, index): Period => {
    const end = Math.min(starts[index + 1] ?? until, until);
    const [treatedEpisodes, allEpisodes] = episodesBetween(sums, start, end);
    let [treatedRate, allRate] = [0, 0];
    for (let robot = 0; robot < robots.length; robot += 1) {
      const arm = robots[robot]?.arm;
      if (!isExposed(robots[robot], spans[robot], start)) continue;
      const rate = rates[robot] ?? 0;
      allRate += rate;
      if (arm === treatedArm) treatedRate += rate;
    }
    return { start, treatedEpisodes, allEpisodes, treatedRate, allRate };
  });
  let [episodes, expectedEpisodes, logEvidence] = [0, 0, 0];
  for (const { treatedEpisodes, allEpisodes, treatedRate, allRate } of periods) {
    const theta0 = allRate > 0 ? treatedRate / allRate : 0;
    episodes += treatedEpisodes;
    expectedEpisodes += allEpisodes * theta0;
    logEvidence += shareLogEvidence({ x: treatedEpisodes / ratePhi, n: allEpisodes / ratePhi, theta0, a: prior });
  }
  const short = treatedArm === 'control' ? episodes > expectedEpisodes : episodes < expectedEpisodes;
  const missing = (): Map<string, number> => missingEpisodes(robots, spans, rates, periods, until);
  return { episodes, expectedEpisodes, logEvidence, short, missing };
}

/** Controls take part from block 0, candidates from their own exposure; each until it leaves the trial. */
const isExposed = (
  robot: RobotEvidence | undefined,
  span: Fold['spans'][number] | undefined,
  start: number,
): boolean => {
  if (robot?.left !== undefined && robot.left.block < start) return false;
  return robot?.arm === 'control' || (span !== undefined && span.first >= 0 && span.first <= start);
};

/** Whoever leaves ends a period for all: exposure is constant within each. */
function withLeaves(starts: readonly number[], robots: readonly RobotEvidence[]): readonly number[] {
  const [first] = starts;
  if (first === undefined) return starts;
  const leaves = robots.flatMap(({ left }) => (left !== undefined && left.block >= first ? [left.block + 1] : []));
  return leaves.length === 0 ? starts : [...new Set([...starts, ...leaves])].toSorted((left, right) => left - right);
}

function missingEpisodes(
  robots: readonly RobotEvidence[],
  spans: Fold['spans'],
  rates: readonly number[],
  periods: readonly Period[],
  until: number,
): Map<string, number> {
  const missing = new Map<string, number>();
  for (const [index, robot] of robots.entries()) {
    const { robotId, arm, blocks } = robot;
    if (arm !== 'candidate') continue;
    const expected = periods
      .filter(({ start, allRate }) => allRate > 0 && isExposed(robot, spans[index], start))
      .reduce((sum, { allEpisodes, allRate }) => sum + (allEpisodes * (rates[index] ?? 0)) / allRate, 0);
    const made = blocks.reduce((sum, { block, episodes }) => sum + (block < until ? episodes : 0), 0);
    missing.set(robotId, expected - made);
  }
  return missing;
}

const knownBlocks = (robots: readonly RobotEvidence[]): number[] =>
  robots.flatMap(({ knownUntilBlock }) => knownUntilBlock ?? []);

function ratesOf(robots: readonly RobotEvidence[]): number[] {
  let [sum, known] = [0, 0];
  for (const { baseline } of robots) {
    if (!(baseline.episodes > 0)) continue;
    sum += rateOf(baseline);
    known += 1;
  }
  const average = known > 0 ? sum / known : 1;
  return robots.map(({ baseline }) => (baseline.episodes > 0 ? rateOf(baseline) : average));
}

const rateOf = ({ episodes, days }: RobotEvidence['baseline']): number => episodes / Math.max(1, days);

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
