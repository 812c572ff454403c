import { z } from 'zod';

import type { RobotEvidence } from '../../domain/experiment/index.ts';
import {
  fleetClock,
  isDoubtful,
  leftTrialMs,
  robotEvidence,
  unsafeLateRobots,
  type PackedCell,
  type Sighting,
  type TrialPlan,
} from '../../domain/trial/index.ts';
import { windowWait, type Fleet, type WindowWait } from '../../fleet/desk/index.ts';
import type { CellStore } from './cell-store.ts';
import { planReferenceSchema } from './stored-plan.ts';

/** What every judgement of a trial is asked with; times are the workflow's. */
export const evidenceShape = {
  plan: planReferenceSchema,
  generation: z.int().min(0),
  originMs: z.number(),
  nowMs: z.int(),
  /** When the first so many robots of the order became candidates, real time. */
  exposures: z.array(z.strictObject({ robots: z.int().min(1), atMs: z.number() })).max(20),
  faultyRobots: z.array(z.string()),
};
const evidenceSchema = z.strictObject(evidenceShape);
type EvidenceQuestion = z.infer<typeof evidenceSchema>;

export interface Evidence {
  readonly robots: readonly RobotEvidence[];
  readonly presence: 'known' | 'unknown';
  /** Robots in no arm, because they joined after the plan was made, with a safety event on the candidate. */
  readonly unsafeLateRobots: readonly string[];
  /** Telemetry objects that are missing from it, because they are damaged. */
  readonly damaged: readonly string[];
  readonly leftOut: LeftOut;
  /** Candidates that do not run the candidate yet because the update windows of their site are closed. */
  readonly windowWaits: readonly WindowWait[];
}

/** Outcomes that are no evidence, beside damaged objects. */
export interface LeftOut {
  /** Nobody knows their time. */
  readonly undatedEpisodes: number;
  /** Two lives of their robot overlapped then: two machines with one identity. */
  readonly doubtfulEpisodes: number;
  readonly doubtfulRobots: readonly string[];
  /** Robots of the plan that are not registered any more, or whose tokens were revoked. */
  readonly goneRobots: readonly string[];
  /** Robots that were quarantined, retired or moved to another policy meanwhile: what they did until then counts. Absent for none. */
  readonly leftRobots?: readonly string[];
}

/** Recomputes the evidence from all cells of a generation and what the gateways see now. `width`: blocks of the cells in one of the answer. */
export async function readEvidence(
  ports: { readonly cells: CellStore; readonly fleet: Pick<Fleet, 'readFleet'> },
  plan: TrialPlan,
  { generation, originMs, nowMs, exposures, faultyRobots }: EvidenceQuestion,
  width = 1,
): Promise<Evidence> {
  const manifest = await ports.cells.manifest(plan.trialId, generation);
  const sight = await ports.fleet.readFleet(plan.policy);
  const seen = new Map(sight.robots.map((robot) => [robot.robotId, robot]));
  const leftMs = leavesOf(sight, plan, nowMs);
  const clock = fleetClock(plan.times);
  const blockOf = (realMs: number): number =>
    Math.max(0, Math.floor((clock.fleetMs(realMs) - originMs) / (plan.rolloutLimits.blockMinutes * 60_000)));
  const sightingOf = (robotId: string): Sighting => {
    const robot = seen.get(robotId);
    const heardMs = Math.max(robot?.lastSeenMs ?? 0, manifest.heardMs[robotId] ?? 0);
    const left = leftMs.get(robotId);
    return {
      ...(left === undefined ? {} : { leftBlock: blockOf(left) }),
      contact: robot?.contact ?? 'unknown',
      version: robot?.version ?? null,
      isWindowClosed: robot?.closedUntilMs !== undefined,
      newestBlock: manifest.newestBlocks[robotId],
      heardAgeMs: heardMs > 0 ? Math.max(0, nowMs - heardMs) : undefined,
    };
  };
  const planned = plan.robots.map(({ robotId }) => robotId);
  const goneRobots = planned.filter((robotId) => !seen.has(robotId) && !leftMs.has(robotId));
  const faulty = new Set(faultyRobots);
  const leftRobots = planned.filter((robotId) => leftMs.has(robotId) && !faulty.has(robotId));
  const sound = soundCells(await ports.cells.all(manifest), manifest.doubtful);
  const outRobots = [...faultyRobots, ...goneRobots];
  const asked = { plan, faultyRobots: outRobots, cellsOf: sound.cellsOf, nowBlock: blockOf(nowMs) };
  const robots = robotEvidence({
    ...asked,
    width,
    sightingOf,
    exposures: exposures.map(({ robots, atMs }) => ({ robots, block: blockOf(atMs) })),
    exposedForMs: nowMs - Math.max(...exposures.map(({ atMs }) => atMs)),
  });
  const leftOut = {
    undatedEpisodes: manifest.undated,
    ...sound.leftOut(),
    goneRobots,
    ...(leftRobots.length === 0 ? {} : { leftRobots }),
  };
  const robotIds = sight.robots.map(({ robotId }) => robotId);
  const unsafe = unsafeLateRobots({ ...asked, robotIds });
  const candidates = new Set(robots.filter(({ arm }) => arm === 'candidate').map(({ robotId }) => robotId));
  // Who is silent keeps nobody waiting.
  const windowWaits = sight.robots
    .filter(({ robotId, contact }) => candidates.has(robotId) && contact !== 'silent' && !leftMs.has(robotId))
    .flatMap((robot) => windowWait(robot, { version: plan.candidateVersion }) ?? []);
  return {
    robots,
    presence: sight.presence,
    unsafeLateRobots: unsafe,
    damaged: manifest.damaged,
    leftOut,
    windowWaits,
  };
}

/** When robots of the plan left the trial, by what is known at `nowMs`. */
export function leavesOf(
  sight: Pick<Awaited<ReturnType<Fleet['readFleet']>>, 'robots' | 'retired' | 'moved'>,
  { robots, createdAtMs }: Pick<TrialPlan, 'robots' | 'createdAtMs'>,
  nowMs: number,
): ReadonlyMap<string, number> {
  const seen = new Map(sight.robots.map((robot) => [robot.robotId, robot]));
  const retired = new Map(sight.retired.map(({ robotId, atMs }) => [robotId, atMs]));
  const moves = Map.groupBy(sight.moved, ({ robotId }) => robotId);
  return new Map(
    robots.flatMap(({ robotId }): [string, number][] => {
      const { quarantines = [], bodyChangesMs } = seen.get(robotId) ?? {};
      const goneMs = firstOf([
        ...(retired.has(robotId) ? [retired.get(robotId) ?? 0] : []),
        ...(moves.get(robotId) ?? []).map(({ atMs }) => atMs).filter((atMs) => atMs > createdAtMs),
      ]);
      const left = leftTrialMs({ quarantines, bodyChangesMs, goneMs }, createdAtMs);
      return left === undefined || left > nowMs ? [] : [[robotId, left]];
    }),
  );
}

const firstOf = (moments: readonly number[]): number | undefined =>
  moments.length === 0 ? undefined : Math.min(...moments);

/** Cells without what two machines with one identity did; a safety event of theirs counts all the same. Counts what it leaves out. */
function soundCells(
  cellsOf: (robotId: string, version: string) => readonly PackedCell[],
  doubtful: Readonly<Record<string, readonly (readonly [number, number])[]>>,
): {
  readonly cellsOf: (robotId: string, version: string) => readonly PackedCell[];
  readonly leftOut: () => Pick<LeftOut, 'doubtfulEpisodes' | 'doubtfulRobots'>;
} {
  const episodes = new Map<string, number>();
  return {
    leftOut: () => ({
      doubtfulEpisodes: [...episodes.values()].reduce((sum, count) => sum + count, 0),
      doubtfulRobots: [...episodes.keys()],
    }),
    cellsOf(robotId, version) {
      const spans = doubtful[robotId] ?? [];
      return cellsOf(robotId, version).map((cell): PackedCell => {
        const { block, safetyEvents } = cell;
        if (!isDoubtful(spans, block)) return cell;
        episodes.set(robotId, (episodes.get(robotId) ?? 0) + cell.episodes);
        return { block, successes: 0, episodes: 0, ...(safetyEvents === undefined ? {} : { safetyEvents }) };
      });
    },
  };
}

/** For people: which outcomes are no evidence, and why. */
export function leftOutRemarks(leftOut: LeftOut): readonly string[] {
  const { undatedEpisodes, doubtfulEpisodes, doubtfulRobots, goneRobots, leftRobots = [] } = leftOut;
  return [
    ...undatedRemark(undatedEpisodes),
    ...(doubtfulEpisodes === 0
      ? []
      : [`${doubtfulEpisodes} episodes left out, of times in which ${named(doubtfulRobots)} lived twice`]),
    ...(leftRobots.length === 0
      ? []
      : [
          `${named(leftRobots)} left the trial, quarantined, retired or moved to another policy: what they did until then counts`,
        ]),
    ...(goneRobots.length === 0 ? [] : [`without ${named(goneRobots)}, registered no more`]),
  ];
}

export const undatedRemark = (episodes: number): readonly string[] =>
  episodes === 0 ? [] : [`${episodes} episodes left out, of which nobody knows the time`];

const mostNamed = 3;
const named = (robots: readonly string[]): string =>
  robots.length <= mostNamed
    ? robots.join(', ')
    : `${robots.slice(0, mostNamed).join(', ')} and ${robots.length - mostNamed} more`;

/** For people: what the evidence lacks. */
export const damageRemark = (damaged: readonly string[]): readonly string[] =>
  damaged.length === 0 ? [] : [`${damaged.length} damaged telemetry objects left out, the last ${damaged.at(-1)}`];
