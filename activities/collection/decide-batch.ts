import type { RobotType } from '../../datasets/robot-type.ts';
import { conflictingDuplicate } from '../../datasets/validation/episode-rules.ts';
import { violationsOf, type Violation } from '../../datasets/validation/rule.ts';
import { landingPlace } from '../../datasets/validation/segment-facts.ts';
import {
  maxRefusedPerSegment,
  segmentRules,
  type LandedSegmentFacts,
} from '../../datasets/validation/segment-rules.ts';
import type { Lake } from '../lake/lake.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { Progress } from '../ports/progress.ts';
import type { SqlEngine, SqlSession } from '../ports/sql.ts';
import { acceptEpisodes, type AcceptedRows } from './accepted-episodes.ts';
import { countDecision } from './count-decision.ts';
import type { BatchDecision, PlannedSegment } from './documents.ts';
import { erasedPlaces, noTombstones, withoutPlaces, type Tombstones } from './erased-episodes.ts';
import { erasedSegments } from './erased-segments.ts';
import { findTwins } from './find-twins.ts';
import type { EpisodePlace } from './accepted-episodes.ts';
import { judgeSegments } from './judge-segments.ts';
import type { ReadingWay, RefusedEpisode } from './judge-episodes.ts';
import { lakeYoungSplits } from './lake-young-splits.ts';
import type { PresentSegment } from './present-segments.ts';
import { waivedRules, withoutWaived } from './releases.ts';
import { groupSegments } from './segment-files.ts';
import type { SegmentJudge } from './segment-judge.ts';

export interface DecisionPorts {
  readonly store: ObjectStore;
  readonly judge: SegmentJudge;
  readonly lake: Lake;
  readonly session: SqlSession;
  /** For a look at what is refused, on a session of its own. */
  readonly engine: SqlEngine;
  readonly progress: Progress;
  readonly scratchDirectory: string;
}

/** A decision and the rows for the lake that follow from it. */
export interface DecidedBatch {
  readonly decision: BatchDecision;
  readonly accepted: AcceptedRows;
}

/**
 * Decides about every segment and episode of a batch: refused with reasons, stored already, or accepted (all others).
 * `isOfFewRobots`: a young lake is split by episode, see `youngSplits`. Leaves the session's tables as `judgeSegments` and `acceptEpisodes` make them.
 */
export async function decideBatch(
  ports: DecisionPorts,
  type: RobotType,
  segments: readonly PlannedSegment[],
  present: readonly PresentSegment[],
  way: ReadingWay,
  isOfFewRobots = false,
  tombstones: Tombstones = noTombstones,
): Promise<DecidedBatch> {
  const { store, session, progress } = ports;
  const waivedOf = waivedBySegment(store, segments);
  const refusedSegments: BatchDecision['refusedSegments'] = [];
  const refuse = async (segment: PresentSegment, shown: Partial<Shown> = {}): Promise<boolean> => {
    const found = segmentViolations(segment, type, { ...nothingShown, ...shown });
    const violations = found.length === 0 ? found : withoutWaived(found, await waivedOf(segment.segment));
    if (violations.length > 0) refusedSegments.push({ segment: segment.segment, violations: [...violations] });
    return violations.length > 0;
  };
  const readable: PresentSegment[] = [];
  for (const segment of present) if (!(await refuse(segment))) readable.push(segment);

  const judged = await judgeSegments(ports, type, readable, way);
  const stillRefused: RefusedEpisode[] = [];
  for (const episode of judged.refused) {
    const violations = withoutWaived(episode.violations, await waivedOf(episode.segment));
    if (violations.length > 0) stillRefused.push({ ...episode, violations });
  }
  const crowded = crowdedSegments(stillRefused);
  for (const segment of readable) {
    const readError = judged.readErrors.get(segment.segment);
    const longText = judged.longTexts.get(segment.segment);
    const refusedEpisodes = crowded.get(segment.segment);
    if (readError !== undefined || longText !== undefined || refusedEpisodes !== undefined) {
      await refuse(segment, { readError, longText, refusedEpisodes });
    }
  }
  const refusedAlone = stillRefused
    .filter(({ segment }) => !crowded.has(segment))
    .map((episode) => ({ ...episode, violations: [...episode.violations] }));
  const groups = groupSegments(
    judged.groups.flatMap(({ segments: some }) => some).filter(({ segment }) => !crowded.has(segment)),
  );
  await forgetHeads(session, crowded.keys());
  const erased = await erasedPlaces(session, tombstones);
  const young = isOfFewRobots ? await lakeYoungSplits(ports, type) : undefined;
  const refusedEpisodes = withoutPlaces(refusedAlone, erased);
  const left: readonly EpisodePlace[] = [...refusedEpisodes, ...erased];
  let accepted = await acceptEpisodes(session, type, groups, left, young);
  progress({ stage: 'looking for duplicates', segments: readable.length });
  const twins = await twinsOf(ports, type, accepted.framesBySegment);
  const duplicates: readonly EpisodePlace[] = [...twins.refused, ...twins.alreadyStored];
  if (duplicates.length > 0) {
    accepted = await acceptEpisodes(session, type, groups, [...left, ...duplicates], young);
  }
  const nowhere = await erasedSegments(ports, type, tombstones, present, refusedSegments);
  const isPresent = new Set(present.map(({ segment }) => segment));
  const decision = {
    gone: segments.flatMap((_, segment) => (isPresent.has(segment) ? [] : [segment])),
    refusedSegments: refusedSegments.filter(({ segment }) => !nowhere.has(segment)),
    refusedEpisodes: [...refusedEpisodes, ...twins.refused],
    alreadyStored: twins.alreadyStored,
    ...(young === undefined ? {} : { youngSplits: [...young] }),
    ...(erased.length === 0 ? {} : { erased: [...erased] }),
    ...(nowhere.size === 0 ? {} : { erasedSegments: [...nowhere].toSorted((a, b) => a - b) }),
  };
  return { accepted, decision: { ...decision, ...(await countDecision(session, present, decision)) } };
}

/** Rules that a person waived for a segment, looked up once each and only for segments that broke some rule. */
function waivedBySegment(store: ObjectStore, segments: readonly PlannedSegment[]) {
  const known = new Map<number, ReadonlySet<string>>();
  return async (segment: number): Promise<ReadonlySet<string>> => {
    const waived = known.get(segment) ?? (await waivedRules(store, landingPlace(segments[segment]?.key ?? '')?.sha256));
    known.set(segment, waived);
    return waived;
  };
}

/** Refused episodes of a batch that are kept each alone. */
const maxRefusedPerBatch = 20_000;

/**
 * Segments of which so many episodes are refused that keeping each alone would make a decision of a gigabyte: those beyond
 * the limit of a segment, then the ones with the most until the batch keeps its own; ties by position.
 */
function crowdedSegments(refused: readonly RefusedEpisode[]): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  for (const { segment } of refused) counts.set(segment, (counts.get(segment) ?? 0) + 1);
  const crowded = new Map<number, number>();
  let left = refused.length;
  for (const [segment, count] of [...counts].toSorted(([a, m], [b, n]) => n - m || a - b)) {
    if (count <= maxRefusedPerSegment && left <= maxRefusedPerBatch) break;
    crowded.set(segment, count);
    left -= count;
  }
  return crowded;
}

async function forgetHeads(session: SqlSession, segments: Iterable<number>): Promise<void> {
  const list = [...segments].join(', ');
  if (list !== '') await session.run(`DELETE FROM heads WHERE segment IN (${list})`);
}

/** What reading a segment showed. */
type Shown = Pick<LandedSegmentFacts, 'readError' | 'longText' | 'refusedEpisodes'>;
const nothingShown: Shown = { readError: undefined, longText: undefined, refusedEpisodes: undefined };

function segmentViolations(
  { planned, otherSha256, pageProblem }: PresentSegment,
  type: RobotType,
  shown: Shown,
): readonly Violation[] {
  const landingRobotId = landingPlace(planned.key)?.robotId;
  const facts = { ...planned.facts, key: planned.key, landingRobotId, otherSha256, pageProblem, ...shown };
  return violationsOf(segmentRules, facts, type);
}

async function twinsOf(
  { session, lake }: DecisionPorts,
  type: RobotType,
  acceptedFrames: string,
): Promise<Pick<BatchDecision, 'alreadyStored'> & { refused: BatchDecision['refusedEpisodes'] }> {
  const refused: BatchDecision['refusedEpisodes'] = [];
  const alreadyStored: BatchDecision['alreadyStored'] = [];
  for (const { twin, ...episode } of await findTwins(session, lake, acceptedFrames)) {
    const violations = violationsOf([conflictingDuplicate], { twin }, type);
    if (violations.length > 0) refused.push({ ...episode, violations: [...violations] });
    else alreadyStored.push(episode);
  }
  return { refused, alreadyStored };
}
