import type { RobotType } from '../../datasets/robot-type.ts';
import { conflictingDuplicate } from '../../datasets/validation/episode-rules.ts';
import { violationsOf, type Violation } from '../../datasets/validation/rule.ts';
import { landingPlace } from '../../datasets/validation/segment-facts.ts';
import { segmentRules } from '../../datasets/validation/segment-rules.ts';
import { failure } from '../failures.ts';
import type { Lake } from '../lake/lake.ts';
import type { ObjectStore, Progress, SqlSession } from '../ports.ts';
import { acceptEpisodes } from './accepted-episodes.ts';
import { countDecision } from './count-decision.ts';
import type { BatchDecision, PlannedSegment } from './documents.ts';
import { findTwins } from './find-twins.ts';
import { judgeEpisodes, type JudgedEpisode, type SegmentContext } from './judge-episodes.ts';
import { loadSegments, type LocalSegment } from './load-segments.ts';
import type { PresentSegment } from './present-segments.ts';
import { waivedRules, withoutWaived } from './releases.ts';

export interface DecisionPorts {
  readonly store: ObjectStore;
  readonly lake: Lake;
  readonly session: SqlSession;
  readonly progress: Progress;
}

interface Refused {
  readonly segment: number;
  readonly violations: readonly Violation[];
}

/**
 * Decides about every segment and episode of a batch: refused with reasons, stored already, or accepted (all others).
 * Leaves the session's tables loaded and `accepted` made.
 */
export async function decideBatch(
  ports: DecisionPorts,
  type: RobotType,
  segments: readonly PlannedSegment[],
  present: readonly PresentSegment[],
): Promise<BatchDecision> {
  const { store, session, progress } = ports;
  const waivedOf = new Map<number, ReadonlySet<string>>();
  const refuse = async (segment: PresentSegment, readError?: string): Promise<Refused | undefined> => {
    const found = segmentViolations(segment, type, readError);
    if (found.length === 0) return undefined;
    const waived = await waivedRules(store, landingPlace(segment.planned.key)?.sha256);
    waivedOf.set(segment.segment, waived);
    const violations = withoutWaived(found, waived);
    return violations.length === 0 ? undefined : { segment: segment.segment, violations };
  };

  const refusedSegments: Refused[] = [];
  const readable: PresentSegment[] = [];
  for (const segment of present) {
    const refused = await refuse(segment);
    if (refused === undefined) readable.push(segment);
    else refusedSegments.push(refused);
  }
  const readErrors = await loadSegments(session, readable, progress);
  for (const segment of readable) {
    const readError = readErrors.get(segment.segment);
    const refused = readError === undefined ? undefined : await refuse(segment, readError);
    if (refused !== undefined) refusedSegments.push(refused);
  }

  const judged = await judgeEpisodes(session, type, contextsOf(readable), progress);
  const refusedEpisodes: BatchDecision['refusedEpisodes'] = [];
  for (const { head, violations: found } of judged) {
    if (found.length === 0) continue;
    const { segment, firstRow } = head;
    if (!waivedOf.has(segment)) {
      waivedOf.set(segment, await waivedRules(store, landingPlace(segments[segment]?.key ?? '')?.sha256));
    }
    const violations = withoutWaived(found, waivedOf.get(segment) ?? new Set());
    if (violations.length > 0) {
      refusedEpisodes.push({ segment, firstRow, episodeId: head.episode.episode_id, violations: [...violations] });
    }
  }
  await acceptEpisodes(session, type, refusedEpisodes);
  progress({ stage: 'looking for duplicates', episodes: judged.length });
  const twins = await twinsOf(ports, type, judged);
  const duplicates = [...twins.refused, ...twins.alreadyStored];
  if (duplicates.length > 0) await acceptEpisodes(session, type, [...refusedEpisodes, ...duplicates]);

  const presentNumbers = new Set(present.map(({ segment }) => segment));
  const decision = {
    gone: segments.flatMap((_, segment) => (presentNumbers.has(segment) ? [] : [segment])),
    refusedSegments: refusedSegments.map(({ segment, violations }) => ({ segment, violations: [...violations] })),
    refusedEpisodes: [...refusedEpisodes, ...twins.refused],
    alreadyStored: twins.alreadyStored,
  };
  return { ...decision, ...(await countDecision(session, present, decision)) };
}

function segmentViolations(
  { planned, otherSha256 }: PresentSegment,
  type: RobotType,
  readError: string | undefined,
): readonly Violation[] {
  const landingRobotId = landingPlace(planned.key)?.robotId;
  return violationsOf(
    segmentRules,
    { ...planned.facts, key: planned.key, landingRobotId, otherSha256, readError },
    type,
  );
}

const contextsOf = (segments: readonly LocalSegment[]): ReadonlyMap<number, SegmentContext> =>
  new Map(
    segments.map(({ segment, robotId, planned }) => [
      segment,
      {
        landingRobotId: robotId,
        clockSkewMs: planned.facts.footer.clockSkewMs ?? 0,
        receivedMs: planned.receivedMs,
      },
    ]),
  );

async function twinsOf(
  { session, lake }: DecisionPorts,
  type: RobotType,
  judged: readonly JudgedEpisode[],
): Promise<Pick<BatchDecision, 'alreadyStored'> & { refused: BatchDecision['refusedEpisodes'] }> {
  const twins = await findTwins(session, lake);
  const refused: BatchDecision['refusedEpisodes'] = [];
  const alreadyStored: BatchDecision['alreadyStored'] = [];
  if (twins.length === 0) return { refused, alreadyStored };
  const firstRows = new Map(judged.map(({ head }) => [`${head.segment}/${head.episode.episode_id}`, head.firstRow]));
  for (const { segment, episodeId, twin } of twins) {
    const firstRow = firstRows.get(`${segment}/${episodeId}`);
    if (firstRow === undefined)
      throw failure('EngineFailed', `expected episode ${episodeId} among those judged, got none`);
    const violations = violationsOf([conflictingDuplicate], { twin }, type);
    if (violations.length > 0) refused.push({ segment, episodeId, firstRow, violations: [...violations] });
    else alreadyStored.push({ segment, episodeId, firstRow });
  }
  return { refused, alreadyStored };
}
