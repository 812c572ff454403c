import type { Lake } from '../activities/lake/lake.ts';
import type { SqlSession } from '../activities/ports/sql.ts';
import { robotTypeSchema, type RobotType } from '../datasets/robot-type.ts';

const observationCount = 24;
const robots = 100;
const days = 7;
/** 22 November 2026, a Sunday, 00:00 UTC. */
const firstDayUs = 1_795_305_600_000_000n;
const usPerDay = 86_400_000_000n;

export const benchRobotType: RobotType = robotTypeSchema.parse({
  id: 'bench-robot',
  version: 1,
  description: 'A robot of the benchmark: 24 ranges, 4 actions, 3 tasks',
  rateHz: 9,
  observations: Array.from({ length: observationCount }, (_, index) => ({
    name: `range-${index + 1}`,
    unit: 'm',
    min: 0,
    max: 5,
  })),
  actions: { kind: 'discrete', names: ['forward', 'slight-left', 'slight-right', 'sharp-right'] },
  tasks: ['corridor', 'office', 'warehouse'],
  split: { kind: 'robotDay', validationFraction: 0.05, heldoutFraction: 0.1 },
  limits: { minEpisodeFrames: 1, maxEpisodeFrames: 100_000, maxFrameGapPeriods: 5, minAgreementFraction: 0.5 },
});

/**
 * Appends one week of a fleet to the lake, made by SQL from the seed: 100 robots, 7 days, one in eleven episodes a
 * failure, one frame in fifty a correction. Weeks do not overlap.
 */
export async function appendWeek(
  lake: Lake,
  session: SqlSession,
  input: {
    readonly seed: number;
    readonly week: number;
    readonly episodes: number;
    readonly frames: number;
    /** In turn; the robot type's unless given. */
    readonly tasks?: readonly string[];
  },
): Promise<void> {
  const { seed, week, frames, tasks = benchRobotType.tasks } = input;
  const episodesPerDay = Math.ceil(input.episodes / days);
  for (let day = 0; day < days; day++) {
    const first = (week * days + day) * episodesPerDay;
    const startUs = firstDayUs + BigInt(week * days + day) * usPerDay;
    const shared = { first, end: first + episodesPerDay, startUs, frames, seed, tasks };
    const transaction = { appId: 'bench', version: week * days + day };
    await lake.append(session, 'frames', framesOfDay(shared), transaction, 'BENCH');
    await lake.append(session, 'episodes', episodesOfDay(shared), transaction, 'BENCH');
  }
}

interface Day {
  readonly first: number;
  readonly end: number;
  readonly startUs: bigint;
  readonly frames: number;
  readonly seed: number;
  readonly tasks: readonly string[];
}

const episodeId = (episode: string): string => `printf('01J%023d', ${episode})`;
const dayOf = (startUs: bigint): string => `make_timestamptz(${startUs})::DATE`;

function framesOfDay({ first, end, startUs, frames, seed }: Day): string {
  const ranges = Array.from(
    { length: observationCount },
    (_, index) => `(hash(row * ${observationCount} + ${index + seed * 1_000_003}) >> 44)::FLOAT / 209715.2::FLOAT`,
  );
  return `(SELECT ${episodeId(`row // ${frames}`)} AS episode_id, (row % ${frames})::INTEGER AS frame_index,
    make_timestamptz(${startUs} + (row % ${frames}) * 111111) AS timestamp, [${ranges.join(', ')}] AS observation,
    [(row % 4)::FLOAT] AS "action", CASE WHEN row % 50 = 0 THEN [(row // 50 % 4)::FLOAT] END AS expert_action,
    row % 50 = 0 AS is_correction, ${dayOf(startUs)} AS recorded_on
    FROM range(${first * frames}, ${end * frames}) AS t(row))`;
}

function episodesOfDay({ first, end, startUs, frames, tasks }: Day): string {
  const names = tasks.map((task) => `'${task}'`).join(', ');
  return `(SELECT ${episodeId('episode')} AS episode_id, 'robot-' || episode % ${robots} AS robot_id,
    '${benchRobotType.id}' AS robot_type, ${benchRobotType.version} AS robot_type_version, 'site' AS site,
    [${names}][1 + episode % ${tasks.length}] AS task, '1.0.0' AS policy_version, make_timestamptz(${startUs}) AS started_at,
    ${frames} * 111 AS duration_ms, CASE WHEN episode % 11 = 0 THEN 'failure' ELSE 'success' END AS outcome,
    NULL AS failure_reason, false AS intervened, 1.0 AS latency_p50_ms, 2.0 AS latency_p95_ms, ${frames} AS frame_count,
    NULL AS media, make_timestamptz(${startUs}) AS received_at, ${dayOf(startUs)} AS recorded_on,
    CASE WHEN episode % 20 = 3 THEN 'validation' WHEN episode % 20 < 2 THEN 'heldout' ELSE 'train' END AS split
    FROM range(${first}, ${end}) AS t(episode))`;
}
