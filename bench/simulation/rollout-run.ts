import {
  assignArms,
  decideGuard,
  defaultRolloutLimits,
  factsOfFold,
  gatherFacts,
  maximumHours,
  stageRobots,
  type FleetOutlook,
  type GuardVerdict,
  type RobotEvidence,
  type RolloutLimits,
} from '../../domain/experiment/index.ts';
import { provableLimits } from '../../domain/trial/index.ts';
import { EvidenceBook } from './evidence-book.ts';
import { blocksPerHour, type World } from './world.ts';

/** What goes wrong in a simulated rollout beside the effect; hours from its start. */
export interface Faults {
  /** The first candidate succeeds this often, whatever its baseline. */
  readonly brokenCanarySuccess?: number;
  readonly offline?: {
    readonly who: 'firstCandidate' | 'everybody';
    readonly fromHour: number;
    readonly hours: number;
  };
  /** Candidates report, but make no episodes. */
  readonly idleCandidates?: boolean;
  /** One robot that does not tell the truth, from the beginning on. */
  readonly attack?: {
    readonly arm: 'candidate' | 'control';
    /** Episodes it reports for each that it makes. */
    readonly factor: number;
    /** Share of them it calls a success; left out: what they were. */
    readonly success?: number;
    readonly isUnsafe?: boolean;
  };
}

export interface RolloutRunOptions {
  readonly canaries?: number;
  readonly faults?: Faults;
  readonly limits?: RolloutLimits;
  /** The time of the stages is planned from the fleet's past, as a trial's is. */
  readonly planned?: boolean;
  /** Blocks between two ticks; 10 is the compressed clock. Default 1. */
  readonly tickBlocks?: number;
  /** Looks at every verdict with the book it came from, e.g. to compare it with a fold from the beginning. */
  readonly inspect?: (verdict: GuardVerdict, book: EvidenceBook, situation: Situation) => void;
}

export interface RolloutRun {
  readonly end: 'promoted' | 'rolledBack' | 'ended';
  readonly hours: number;
  readonly stage: number;
  readonly robotFaults: number;
  readonly ticks: number;
  readonly reachedAll: boolean;
  readonly metric: string;
  readonly advancedWithoutEpisodes: boolean;
}

export type Stage = 0 | 1 | 2 | 3;

export interface Situation {
  readonly parameters: World['parameters'];
  readonly stage: Stage;
  readonly hoursInStage: number;
  readonly hoursTotal: number;
  readonly daysTreated: number;
  readonly faultsSoFar: number;
}

/** One whole rollout: a block of life, a tick of the guard, as long as it takes. */
export function runRollout(world: World, seed: string, options: RolloutRunOptions = {}): RolloutRun {
  const given = options.limits ?? defaultRolloutLimits;
  const limits = options.planned === true ? provableLimits(given, outlookOf(world)).limits : given;
  const fleet = world.robots.length;
  const order = assignArms({ robots: world.robots, salt: seed, candidates: fleet }).candidate.map((id) =>
    world.robots.findIndex(({ robotId }) => robotId === id),
  );
  const size = (stage: Stage): number =>
    stage === 0 && options.canaries !== undefined ? options.canaries : stageRobots(limits, stage, fleet);
  const book = new EvidenceBook(world);
  let stage: Stage = 0;
  let stageStart = 0;
  let robotFaults = 0;
  let advancedWithoutEpisodes = false;
  book.expose(order.slice(0, size(0)), 'candidate');
  const finish = (end: RolloutRun['end'], metric: string): RolloutRun => ({
    end,
    hours: book.blocks / blocksPerHour,
    stage,
    robotFaults,
    ticks: book.blocks,
    reachedAll: stage === 3,
    metric,
    advancedWithoutEpisodes,
  });
  for (;;) {
    for (let block = 0; block < (options.tickBlocks ?? 1); block += 1)
      live(world, book, order[0] ?? 0, options.faults ?? {});
    const hoursTotal = book.blocks / blocksPerHour;
    const situation: Situation = {
      parameters: world.parameters,
      stage,
      hoursInStage: (book.blocks - stageStart) / blocksPerHour,
      hoursTotal,
      daysTreated: hoursTotal / 24,
      faultsSoFar: robotFaults,
    };
    const verdict =
      options.faults?.attack === undefined
        ? judge(book, situation, limits)
        : decideGuard(gatherFacts(attacked(book, order, options.faults.attack), situation, limits), situation, limits);
    options.inspect?.(verdict, book, situation);
    if (verdict.verdict === 'rollback') return finish('rolledBack', verdict.metric ?? '');
    if (verdict.verdict === 'robotFault' && verdict.suspectRobotId !== undefined) {
      robotFaults += 1;
      book.remove(verdict.suspectRobotId);
    } else if (verdict.verdict === 'advance') {
      if (verdict.treatedEpisodes === 0) advancedWithoutEpisodes = true;
      if (stage === 3) return finish('promoted', '');
      stage = nextStage(stage);
      stageStart = book.blocks;
      book.expose(order.slice(0, size(stage)), stage === 3 ? 'control' : 'candidate');
    }
    if (situation.hoursInStage >= 2 * maximumHours(limits, stage, fleet)) return finish('ended', 'time');
  }
}

/** The guard on the book's fold; only an alarm needs the blocks themselves. */
function judge(book: EvidenceBook, situation: Situation, limits: RolloutLimits): GuardVerdict {
  const facts = factsOfFold(book.robots(), book.current(), situation, limits);
  const without = (robotId: string) =>
    gatherFacts(
      book.fullEvidence().filter((robot) => robot.robotId !== robotId),
      situation,
      limits,
    );
  return decideGuard({ ...facts, without }, situation, limits);
}

/** The evidence as the robots tell it: the attacker is the first candidate, or the last of the order, a control to the end. */
function attacked(
  book: EvidenceBook,
  order: readonly number[],
  { arm, factor, success, isUnsafe = false }: NonNullable<Faults['attack']>,
): RobotEvidence[] {
  const attacker = book.robotIdOf((arm === 'candidate' ? order[0] : order.at(-1)) ?? 0);
  return book.fullEvidence().map((robot) => {
    if (robot.robotId !== attacker) return robot;
    const blocks = robot.blocks.map((block) => {
      const episodes = block.episodes * factor;
      return {
        block: block.block,
        episodes,
        successes: success === undefined ? block.successes * factor : Math.round(episodes * success),
      };
    });
    return { ...robot, blocks, ...(isUnsafe && robot.arm === 'candidate' ? { safetyEvents: 1 } : {}) };
  });
}

function live(world: World, book: EvidenceBook, firstCandidate: number, faults: Faults): void {
  const block = book.blocks;
  const hour = block / blocksPerHour;
  const n = new Float64Array(world.robots.length);
  const x = new Float64Array(world.robots.length);
  const { offline } = faults;
  const dark = offline !== undefined && hour >= offline.fromHour && hour < offline.fromHour + offline.hours;
  for (let robot = 0; robot < world.robots.length; robot += 1) {
    const candidate = book.arms[robot] === 'candidate';
    const broken = faults.brokenCanarySuccess !== undefined && robot === firstCandidate && candidate;
    const outcome = world.live(robot, hour, 1 / blocksPerHour, candidate);
    n[robot] = candidate && faults.idleCandidates === true ? 0 : outcome.n;
    x[robot] = outcome.x;
    if (broken) x[robot] = Math.round(outcome.n * (faults.brokenCanarySuccess ?? 0));
    if (dark && (offline.who === 'everybody' || robot === firstCandidate)) n[robot] = -1;
    if ((n[robot] ?? 0) <= 0) x[robot] = 0;
  }
  book.add(n, x);
}

function outlookOf({ parameters, robots }: World): FleetOutlook {
  const successFraction = Math.min(0.98, Math.max(0.02, parameters.mu));
  return {
    robots: robots.length,
    successFraction,
    rho: Math.min(0.99, parameters.betweenRobotVariance / (successFraction * (1 - successFraction))),
    episodesPerRobotDay: robots.reduce((sum, { episodesPerDay }) => sum + episodesPerDay, 0) / robots.length,
    preDays: parameters.preDays,
    phi: parameters.phi,
    dayVariance: parameters.dayVariance,
  };
}

const nextStage = (stage: Stage): Stage => (stage === 0 ? 1 : stage === 1 ? 2 : 3);
