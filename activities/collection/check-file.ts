import { mkdtemp, open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { fileSha256, landingKey } from '../../datasets/landing.ts';
import { pageProblem } from '../../datasets/parquet-pages.ts';
import { robotTypeName, type RobotType } from '../../datasets/robot-type.ts';
import { waivableRuleIds } from '../../datasets/validation/rules.ts';
import { landingPlace, segmentFacts, type SegmentFacts } from '../../datasets/validation/segment-facts.ts';
import { pageLimits } from '../../datasets/validation/segment-rules.ts';
import type { Violation } from '../../datasets/validation/rule.ts';
import { isFailure } from '../../store/failures.ts';
import type { Clock } from '../../store/clock.ts';
import { decideBatch, type DecisionPorts } from './decide-batch.ts';
import type { BatchDecision } from './documents.ts';
import type { PresentSegment } from './present-segments.ts';
import { readLanding, type RobotStandings } from './waiting.ts';

export interface CheckedViolation extends Violation {
  /** Null when it is about the segment as a whole. */
  readonly episodeId: string | null;
  /** Whether a person could release it. */
  readonly waivable: boolean;
}

export interface CheckedFile {
  readonly sha256: string;
  readonly robotId: string | null;
  readonly sizeBytes: number;
  readonly frames: number;
  readonly episodes: { readonly accepted: number; readonly alreadyStored: number; readonly refused: number };
  /** True when a collection would quarantine nothing of it. */
  readonly isAccepted: boolean;
  readonly violations: readonly CheckedViolation[];
}

/** Facts of a file by its two ends, as landing's objects are probed. */
export async function factsOfFile(filePath: string): Promise<SegmentFacts> {
  const { size: sizeBytes } = await stat(filePath);
  const file = await open(filePath);
  try {
    const tail = new Uint8Array(Math.min(sizeBytes, maxTailBytes));
    await file.read(tail, 0, tail.length, sizeBytes - tail.length);
    const head = new Uint8Array(Math.min(sizeBytes, 64));
    await file.read(head, 0, head.length, 0);
    return segmentFacts({ head, tail, sizeBytes });
  } finally {
    await file.close();
  }
}
const maxTailBytes = 4 * 1024 * 1024;

/** Judges a file by every rule, as a collection would that finds it in landing now. Stores nothing. */
export async function checkFile(
  ports: DecisionPorts & { readonly clock: Clock },
  input: {
    readonly filePath: string;
    readonly type: RobotType;
    readonly robotId?: string;
    readonly robotStandings?: RobotStandings;
  },
): Promise<CheckedFile> {
  const { filePath, type } = input;
  const facts = await factsOfFile(filePath);
  const sha256 = await fileSha256(filePath);
  const key = landingKey(input.robotId ?? facts.footer.robotId ?? 'unknown', sha256);
  const robotId = landingPlace(key)?.robotId ?? null;
  const receivedMs = ports.clock();
  const landing = await readLanding(ports.store, robotTypeName(type), input.robotStandings);
  const registeredMs = landing.registeredMs(key, receivedMs);
  const planned = {
    key,
    receivedMs,
    facts,
    ...(registeredMs === undefined ? {} : { registeredMs }),
  };
  const present: PresentSegment = {
    segment: 0,
    path: filePath,
    planned,
    robotId: robotId ?? 'unknown',
    otherSha256: undefined,
    pageProblem: facts.form === 'parquet' ? pageProblem(filePath, pageLimits(type, facts.rows)) : undefined,
  };
  const decision = await decided(ports, type, present);
  const [counts] = Object.values(decision.robots);
  const violations = [
    ...decision.refusedSegments.flatMap(({ violations: found }) => checked(found, null)),
    ...decision.refusedEpisodes.flatMap(({ violations: found, episodeId }) => checked(found, episodeId)),
  ];
  return {
    sha256,
    robotId,
    sizeBytes: facts.sizeBytes,
    frames: facts.rows,
    episodes: {
      accepted: counts?.episodesStored ?? 0,
      alreadyStored: counts?.episodesAlreadyStored ?? 0,
      refused: counts?.episodesRefused ?? 0,
    },
    isAccepted: violations.length === 0,
    violations,
  };
}

const checked = (violations: readonly Violation[], episodeId: string | null): readonly CheckedViolation[] =>
  violations.map((violation) => ({ ...violation, episodeId, waivable: waivableRuleIds.has(violation.rule) }));

async function decided(ports: DecisionPorts, type: RobotType, present: PresentSegment): Promise<BatchDecision> {
  try {
    return (await decideBatch(ports, type, [present.planned], [present], 'fast')).decision;
  } catch (error) {
    if (!isFailure(error, 'EngineFailed')) throw error;
    const scratchDirectory = await mkdtemp(join(ports.scratchDirectory, 'check-'));
    try {
      const careful = { ...ports, scratchDirectory };
      return (await decideBatch(careful, type, [present.planned], [present], 'careful')).decision;
    } finally {
      await rm(scratchDirectory, { recursive: true, force: true });
    }
  }
}
