import { z } from 'zod';

import type { RobotEvidence } from '../../domain/experiment/index.ts';
import {
  fleetClock,
  robotEvidence,
  unsafeLateRobots,
  type Sighting,
  type TrialPlan,
} from '../../domain/trial/index.ts';
import type { Fleet } from '../../fleet/desk/index.ts';
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
  const clock = fleetClock(plan.times);
  const blockOf = (realMs: number): number =>
    Math.max(0, Math.floor((clock.fleetMs(realMs) - originMs) / (plan.rolloutLimits.blockMinutes * 60_000)));
  const sightingOf = (robotId: string): Sighting => {
    const robot = seen.get(robotId);
    const heardMs = Math.max(robot?.lastSeenMs ?? 0, manifest.heardMs[robotId] ?? 0);
    return {
      contact: robot?.contact ?? 'unknown',
      version: robot?.version ?? null,
      newestBlock: manifest.newestBlocks[robotId],
      heardAgeMs: heardMs > 0 ? Math.max(0, nowMs - heardMs) : undefined,
    };
  };
  const cellsOf = await ports.cells.all(manifest);
  const asked = { plan, faultyRobots, cellsOf, nowBlock: blockOf(nowMs) };
  const robots = robotEvidence({
    ...asked,
    width,
    sightingOf,
    exposures: exposures.map(({ robots, atMs }) => ({ robots, block: blockOf(atMs) })),
    exposedForMs: nowMs - Math.max(...exposures.map(({ atMs }) => atMs)),
  });
  const robotIds = sight.robots.map(({ robotId }) => robotId);
  const unsafe = unsafeLateRobots({ ...asked, robotIds });
  return { robots, presence: sight.presence, unsafeLateRobots: unsafe, damaged: manifest.damaged };
}

/** For people: what the evidence lacks. */
export const damageRemark = (damaged: readonly string[]): readonly string[] =>
  damaged.length === 0 ? [] : [`${damaged.length} damaged telemetry objects left out, the last ${damaged.at(-1)}`];
