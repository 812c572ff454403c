import { z } from 'zod';

import { countSchema } from '../../protocol/index.ts';
import { readJson, replaceJson } from '../local/durable-files.ts';
import type { AtPoint } from '../local/kill-points.ts';
import type { SegmentShelf, ShelvedSegment } from './segment-shelf.ts';

const totalsSchema = z.object({ episodes: countSchema, lastFiles: z.array(z.string()) });

/** What a robot lost to its quota, counted once, whatever dies when. */
export interface Drops {
  /** Episodes since the disk was new. */
  readonly episodes: () => number;
  /** Gives up segments: taken off, counted, reported, then deleted. */
  drop(segments: readonly ShelvedSegment[]): Promise<void>;
}

export interface DropsPorts {
  readonly file: string;
  readonly shelf: SegmentShelf;
  /** Keeps the telemetry entry for these files; on disk when it resolves. */
  readonly report: (counts: { successes: number; others: number }, files: readonly string[]) => Promise<void>;
  /** Files whose entry the disk already holds. */
  readonly reported: ReadonlySet<string>;
  readonly at: AtPoint;
}

/** Opens the counter and finishes what a dead process began to drop. */
export async function openDrops({ file, shelf, report, reported, at }: DropsPorts): Promise<Drops> {
  let totals = (await readJson(file, totalsSchema)) ?? { episodes: 0, lastFiles: [] };

  async function finish(segments: readonly ShelvedSegment[]): Promise<void> {
    if (segments.length === 0) return;
    // A full disk is why we are here: the bytes go first, the names stay until everything is counted.
    await shelf.empty(segments);
    const names = segments.map(({ name }) => name);
    const uncounted = segments.filter(({ name }) => !totals.lastFiles.includes(name));
    if (uncounted.length > 0) {
      totals = { episodes: totals.episodes + sumOf(uncounted), lastFiles: names };
      await replaceJson(file, totals);
    }
    at('drop.counted');
    const unreported = segments.filter(({ name }) => !reported.has(name));
    if (unreported.length > 0) {
      const successes = sumOf(unreported.filter(({ worth }) => worth === 'success'));
      await report(
        { successes, others: sumOf(unreported) - successes },
        unreported.map(({ name }) => name),
      );
    }
    at('drop.reported');
    await shelf.forget(segments);
  }

  await finish(shelf.marked);
  return {
    episodes: () => totals.episodes,
    async drop(segments) {
      await shelf.mark(segments);
      at('drop.marked');
      await finish(segments);
    },
  };
}

const sumOf = (segments: readonly ShelvedSegment[]): number =>
  segments.reduce((sum, { episodes }) => sum + episodes, 0);
