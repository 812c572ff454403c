import type { RobotType } from '../../datasets/robot-type.ts';
import type { Violation } from '../../datasets/validation/rule.ts';
import { cannotBeReadRules } from '../../datasets/validation/segment-rules.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { Progress } from '../ports/progress.ts';
import type { SqlEngine } from '../ports/sql.ts';
import { isHeldSql, readHeldData } from '../retention/held-data.ts';
import type { BatchDecision } from './documents.ts';
import { erasedPlaces, isLateUpload, withoutPlaces, type ErasedPlace, type Tombstones } from './erased-episodes.ts';
import { judgeSegments } from './judge-segments.ts';
import type { PresentSegment } from './present-segments.ts';
import type { SegmentJudge } from './segment-judge.ts';

interface Ports {
  readonly store: ObjectStore;
  readonly judge: SegmentJudge;
  readonly engine: SqlEngine;
  readonly progress: Progress;
  readonly scratchDirectory: string;
}

/** A segment that is refused as a whole, and the rules that it broke. */
export interface RefusedSegment {
  readonly segment: number;
  readonly violations: readonly Violation[];
}

/**
 * Of refused segments those that may not even be kept in quarantine: with an episode that was erased, or unreadable, of a robot that was
 * erased and received soon enough to be of its past. What a legal hold covers is none of them; of what nobody can read any hold covers all.
 */
export async function erasedSegments(
  ports: Ports,
  type: RobotType,
  tombstones: Tombstones,
  present: readonly PresentSegment[],
  refused: readonly RefusedSegment[],
): Promise<ReadonlySet<number>> {
  if (tombstones.requests.length === 0 || refused.length === 0) return new Set();
  const held = await readHeldData(ports.store);
  if (held.everything !== undefined) return new Set();
  const broken = new Map(refused.map(({ segment, violations }) => [segment, violations]));
  const all = present.filter(({ segment, robotId }) => broken.has(segment) && !held.robots.has(robotId));
  const sound = all.filter(
    ({ segment }) => broken.get(segment)?.some(({ rule }) => cannotBeReadRules.has(rule)) === false,
  );
  const session = await ports.engine.open();
  try {
    const { groups } = await judgeSegments({ ...ports, session }, type, sound);
    const read = new Set(groups.flatMap(({ segments }) => segments.map(({ segment }) => segment)));
    const gone = new Set((await erasedPlaces(session, tombstones)).map(({ segment }) => segment));
    for (const { segment } of await session.rows(`SELECT DISTINCT segment FROM heads WHERE ${isHeldSql(held)}`))
      gone.delete(Number(segment));
    for (const { segment, robotId, planned } of all)
      if (!read.has(segment) && held.any === undefined && isLateUpload(tombstones, robotId, planned.receivedMs))
        gone.add(segment);
    return gone;
  } finally {
    await session.close();
  }
}

/** What still stands of a decision that is older than an erasure: what that takes is not kept. */
export async function withoutErased(
  ports: Ports,
  type: RobotType,
  tombstones: Tombstones,
  present: readonly PresentSegment[],
  decision: BatchDecision,
  erased: readonly ErasedPlace[],
): Promise<BatchDecision> {
  const nowhere = await erasedSegments(ports, type, tombstones, present, decision.refusedSegments);
  return {
    ...decision,
    refusedSegments: decision.refusedSegments.filter(({ segment }) => !nowhere.has(segment)),
    refusedEpisodes: [...withoutPlaces(decision.refusedEpisodes, erased)],
    erased: [...(decision.erased ?? []), ...erased],
  };
}
