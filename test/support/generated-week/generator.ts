import { scitosG5Type } from '../../../datasets/built-in-robot-types.ts';
import type { Outcome } from '../../../datasets/columns.ts';
import { deterministicUlid } from '../../../datasets/deterministic-ulid.ts';
import { moved, readRanges, type Pose, type Room } from './generator-world.ts';
import { landSegment, type LandingStore } from '../../../datasets/landing.ts';
import type { RobotType } from '../../../datasets/robot-type.ts';
import { seededRandom, type Random } from './seeded-random.ts';
import type { SegmentRow } from '../../../datasets/segment-row.ts';
import { wallFollowingAction } from '../../../datasets/wall-following-rule.ts';

/** Week 0 of generated experience begins here, a Monday; always in the past, so that it is never from the future. */
export const generatedWeeksStartMs = Date.parse('2024-01-01T00:00:00Z');
const dayMs = 86_400_000;

export interface GeneratorOptions {
  readonly seed: number;
  readonly robots: number;
  readonly episodesPerRobot: number;
  readonly framesPerEpisode: number;
  /** First instant; a robot's episodes are spread evenly from it to `endMs`. */
  readonly startMs: number;
  readonly endMs: number;
  /** Share of episodes that fail, 0–1. Default 0.1. */
  readonly failureFraction?: number;
  /** Share of a failed episode's wrong actions that an expert corrects, 0–1. Default 0.5. */
  readonly correctionFraction?: number;
  /** Semver of the policy that acted. Default 0.1.0. */
  readonly policyVersion?: string;
  /** Default: `scitos-g5`. Another type must have its observations and actions. */
  readonly robotType?: RobotType;
}

/** Share of wrong actions in an episode that succeeds and in one that fails. */
const wrongFractions: Readonly<Record<'success' | 'failure', number>> = { success: 0.01, failure: 0.3 };

export const generatedRobotId = (robot: number): string => `robot-${String(robot + 1).padStart(3, '0')}`;

/**
 * Episodes of robots that follow walls in rectangular rooms, robot by robot, each as its rows. A stand-in for a fleet,
 * good enough to learn from: a pure function of its options, so the same options give the same rows.
 */
export function* generateWallFollowing(options: GeneratorOptions): Generator<readonly SegmentRow[]> {
  for (let robot = 0; robot < options.robots; robot++) {
    for (let episode = 0; episode < options.episodesPerRobot; episode++)
      yield generatedEpisode(options, robot, episode);
  }
}

function generatedEpisode(options: GeneratorOptions, robot: number, episode: number): readonly SegmentRow[] {
  const { startMs, endMs, framesPerEpisode, robotType: type = scitosG5Type } = options;
  const name = `${options.seed}:${startMs}:${robot}:${episode}`;
  const random = seededRandom(name);
  const startedMs = startMs + Math.floor(((endMs - startMs) * (episode + 0.5 * random())) / options.episodesPerRobot);
  const outcome: Outcome = random() < (options.failureFraction ?? 0.1) ? 'failure' : 'success';
  const shared = {
    episode_id: deterministicUlid(name, startedMs),
    robot_id: generatedRobotId(robot),
    robot_type: type.id,
    robot_type_version: type.version,
    site: `site-${(robot % 4) + 1}`,
    task: type.tasks[0] ?? '',
    policy_version: options.policyVersion ?? '0.1.0',
    started_at: startedMs * 1000,
    duration_ms: Math.round((framesPerEpisode * 1000) / type.rateHz),
    outcome,
    failure_reason: outcome === 'failure' ? 'left-the-wall' : null,
    intervened: outcome === 'failure' && random() < 0.5,
    latency_p50_ms: 2 + Math.round(random() * 100) / 100,
    latency_p95_ms: 4 + Math.round(random() * 100) / 100,
    frame_count: framesPerEpisode,
    media: null,
  };
  const decide = actor(random, wrongFractions[outcome], options.correctionFraction ?? 0.5);
  const room: Room = { widthM: 3 + 5 * random(), heightM: 3 + 5 * random() };
  // Beside a wall on its left, more or less along it.
  let pose: Pose = { x: 0.5 + 2 * random(), y: room.heightM - 0.4 - random(), heading: random() - 0.5 };
  return Array.from({ length: framesPerEpisode }, (_, index) => {
    const observation = readRanges(room, pose, random);
    const decision = decide(observation);
    pose = moved(room, pose, decision.action, 1 / type.rateHz);
    return {
      ...shared,
      frame_index: index,
      timestamp: startedMs * 1000 + Math.round((index * 1e6) / type.rateHz),
      observation,
      action: [decision.action],
      expert_action: decision.corrected === undefined ? null : [decision.corrected],
      is_correction: decision.corrected !== undefined,
    };
  });
}

/** A policy that mostly does what the expert would, and an expert who sometimes corrects it where it does not. */
function actor(random: Random, wrongFraction: number, correctionFraction: number) {
  return (observation: readonly number[]): { action: number; corrected: number | undefined } => {
    const expert = wallFollowingAction(observation);
    if (random() >= wrongFraction) return { action: expert, corrected: undefined };
    const action = (expert + 1 + Math.floor(random() * 3)) % 4;
    return { action, corrected: wrongFraction > 0.1 && random() < correctionFraction ? expert : undefined };
  };
}

export interface GeneratedWeek {
  readonly segments: number;
  readonly episodes: number;
  readonly frames: number;
}

/** Puts one week of generated experience into landing, a segment a robot. Idempotent by its input; weeks do not overlap. */
export async function writeGeneratedWeek(
  ports: {
    readonly store: LandingStore;
    readonly scratchDirectory: string;
    readonly progress?: (line: string) => void;
  },
  input: {
    readonly seed: number;
    /** 0 and up. */
    readonly week: number;
    readonly robots?: number;
    readonly episodesPerRobotDay?: number;
    readonly framesPerEpisode?: number;
    readonly failureFraction?: number;
    readonly policyVersion?: string;
    readonly robotType?: RobotType;
  },
): Promise<GeneratedWeek> {
  const {
    week,
    robots = 20,
    episodesPerRobotDay = 2,
    framesPerEpisode = 60,
    robotType = scitosG5Type,
    ...rest
  } = input;
  const startMs = generatedWeeksStartMs + week * 7 * dayMs;
  const episodesPerRobot = episodesPerRobotDay * 7;
  const episodes = generateWallFollowing({
    ...rest,
    robots,
    episodesPerRobot,
    framesPerEpisode,
    robotType,
    startMs,
    endMs: startMs + 7 * dayMs,
  });
  for (let robot = 0; robot < robots; robot++) {
    const rows = taken(episodes, episodesPerRobot).flat();
    const robotId = generatedRobotId(robot);
    const { key } = await landSegment(ports, { robotId, type: robotType, agentVersion: 'generator', rows });
    ports.progress?.(`${robot + 1} of ${robots} robots: ${rows.length} frames → ${key}`);
  }
  return {
    segments: robots,
    episodes: robots * episodesPerRobot,
    frames: robots * episodesPerRobot * framesPerEpisode,
  };
}

function taken<Item>(items: Iterator<Item>, count: number): readonly Item[] {
  return Array.from({ length: count }, () => items.next()).flatMap((next) => (next.done === true ? [] : [next.value]));
}
