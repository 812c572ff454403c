import type { Outcome } from '../../../datasets/columns.ts';
import type { KeptEntry, RecordOf, SpoolRecord } from './spool-record.ts';

/** An episode as the spool tells it. */
export interface SpooledEpisode {
  readonly begin: RecordOf<'begin'>;
  readonly frames: readonly RecordOf<'frame'>[];
  readonly isIntervened: boolean;
  readonly end: RecordOf<'end'>;
}

export interface SpoolContent {
  /** Ended episodes with at least one frame, in order. */
  readonly episodes: readonly SpooledEpisode[];
  /** The episode that nobody ended; undefined when there is none. */
  readonly open: Omit<SpooledEpisode, 'end'> | undefined;
  readonly entries: readonly KeptEntry[];
  /** Segments that `dropped` entries have counted. */
  readonly countedFiles: readonly string[];
  /** Clips of each episode, as its segment names them. */
  readonly clips: ReadonlyMap<string, RecordOf<'clips'>['clips']>;
  readonly seal: RecordOf<'seal'> | undefined;
}

/** Reads the story out of the records. Records outside an episode that make no sense there are left out. */
export function contentOf(records: readonly SpoolRecord[]): SpoolContent {
  const episodes: SpooledEpisode[] = [];
  const entries: KeptEntry[] = [];
  const countedFiles: string[] = [];
  const clips = new Map<string, RecordOf<'clips'>['clips']>();
  let seal: RecordOf<'seal'> | undefined;
  let open: { begin: RecordOf<'begin'>; frames: RecordOf<'frame'>[]; isIntervened: boolean } | undefined;
  for (const record of records) {
    switch (record.kind) {
      case 'begin':
        open = { begin: record, frames: [], isIntervened: false };
        break;
      case 'frame':
        open?.frames.push(record);
        break;
      case 'intervene':
        if (open !== undefined) open.isIntervened = true;
        break;
      case 'end':
        if (open !== undefined && open.frames.length > 0) {
          episodes.push({ ...open, end: record });
          entries.push(record.kept);
        }
        open = undefined;
        break;
      case 'entry':
        entries.push(record.kept);
        countedFiles.push(...(record.files ?? []));
        break;
      case 'clips':
        clips.set(record.episodeId, record.clips);
        break;
      case 'seal':
        seal = record;
        break;
    }
  }
  return { episodes, open, entries, countedFiles, clips, seal };
}

/**
 * What an episode is worth when the disk is full: plain successes go first, what ended early without a lesson next,
 * failures, interventions and corrections last.
 */
export const worths = ['success', 'aborted', 'lesson'] as const;
export type Worth = (typeof worths)[number];

export function worthOf(episode: SpooledEpisode): Worth {
  const isLesson =
    episode.isIntervened ||
    episode.end.outcome === 'failure' ||
    episode.frames.some(({ expertAction }) => expertAction !== null);
  if (isLesson) return 'lesson';
  return episode.end.outcome === 'success' ? 'success' : 'aborted';
}

/** The same from what the gateway hears of the episode. */
export function worthOfEntry(entry: {
  readonly outcome: Outcome;
  readonly intervened: boolean;
  readonly correctedFrames?: number | undefined;
}): Worth {
  if (entry.intervened || entry.outcome === 'failure' || (entry.correctedFrames ?? 0) > 0) return 'lesson';
  return entry.outcome === 'success' ? 'success' : 'aborted';
}
