import { inParallel } from '../../store/in-parallel.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { Progress } from '../ports/progress.ts';
import type { SqlSession } from '../ports/sql.ts';
import type { BatchDecision } from './documents.ts';
import { mayBeTheSegments } from './judge-segments.ts';
import type { PresentSegment } from './present-segments.ts';
import { quarantineEpisode, quarantineSegment, type Refusal } from './quarantine.ts';

interface Ports {
  readonly store: ObjectStore;
  readonly session: SqlSession;
  readonly progress: Progress;
  readonly scratchDirectory: string;
}

const segmentsAtOnce = 4;

/**
 * Keeps everything a decision refuses: segments whole; episodes alone, but where all episodes of a segment are refused
 * the segment as it came. Idempotent: names come from contents.
 */
export async function quarantineRefused(
  { store, session, progress, scratchDirectory }: Ports,
  cycleId: string,
  present: readonly PresentSegment[],
  decision: BatchDecision,
): Promise<void> {
  const files = new Map(present.map((segment) => [segment.segment, segment]));
  const episodesOf = await episodeCounts(session);
  const refusals = new Map<number, Refusal[]>();
  for (const { segment, violations } of decision.refusedSegments)
    refusals.set(segment, [{ episodeId: null, violations }]);
  const whole = new Set(refusals.keys());
  for (const { segment, episodeId, violations } of decision.refusedEpisodes) {
    const others = refusals.get(segment) ?? [];
    others.push({ episodeId, violations });
    refusals.set(segment, others);
  }
  for (const [segment, { length }] of refusals) if (length === episodesOf.get(segment)) whole.add(segment);

  await inParallel([...whole], segmentsAtOnce, async (segment) => {
    const file = files.get(segment);
    if (file === undefined) return;
    await quarantineSegment({ store, cycleId }, file.planned, file.path, refusals.get(segment) ?? []);
    progress({ stage: 'quarantining segments', segments: whole.size });
  });
  for (const [segment, refused] of refusals) {
    const file = files.get(segment);
    if (whole.has(segment) || file === undefined) continue;
    try {
      for (const refusal of refused) {
        await quarantineEpisode({ store, cycleId, session, scratchDirectory }, file.planned, file.path, refusal);
        progress({ stage: 'quarantining episodes', segment });
      }
    } catch (error) {
      if (!mayBeTheSegments(error)) throw error;
      // Its rows cannot be written apart: the bytes as they came hold them too, and nothing waits behind them. What was erased is not kept.
      if (decision.erased?.some((one) => one.segment === segment) === true) continue;
      await quarantineSegment({ store, cycleId }, file.planned, file.path, refused);
    }
  }
}

async function episodeCounts(session: SqlSession): Promise<ReadonlyMap<number, number>> {
  const rows = await session.rows('SELECT segment, count(*) AS episodes FROM heads GROUP BY segment');
  return new Map(rows.map(({ segment, episodes }) => [Number(segment), Number(episodes)]));
}
