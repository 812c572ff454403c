import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';

import { fileSha256 } from '../../datasets/landing.ts';
import { pageProblem } from '../../datasets/parquet-pages.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import { landingPlace } from '../../datasets/validation/segment-facts.ts';
import { pageLimits } from '../../datasets/validation/segment-rules.ts';
import { inParallel } from '../../store/in-parallel.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { Progress } from '../ports/progress.ts';
import type { PlannedSegment } from './documents.ts';
import type { LocalSegment } from './segment-files.ts';
import { nobody } from './quarantine.ts';

/** A segment of the batch that is still in landing, as a local file. */
export interface PresentSegment extends LocalSegment {
  /** sha256 of the bytes when it is not the one of the key. */
  readonly otherSha256: string | undefined;
  /** What its page headers announce beyond the limits. */
  readonly pageProblem: string | undefined;
}

const filesAtOnce = 8;
/** Read as a whole rather than in pieces. */
const smallFileBytes = 4 * 1024 * 1024;

/**
 * Segments that are there, with their files, each read once to see that it holds what its name says and that its pages are
 * within the limits: nothing is decoded. Keeps the order.
 */
export async function presentSegments(
  store: ObjectStore,
  type: RobotType,
  segments: readonly PlannedSegment[],
  progress: Progress,
): Promise<readonly PresentSegment[]> {
  const found = await inParallel([...segments.entries()], filesAtOnce, async ([segment, planned]) => {
    const path = await store.localPath(planned.key);
    if (path === undefined) return undefined;
    const place = landingPlace(planned.key);
    const { rows, sizeBytes, form } = planned.facts;
    const bytes = sizeBytes <= smallFileBytes ? await readFile(path) : undefined;
    const sha256 = bytes === undefined ? await fileSha256(path) : createHash('sha256').update(bytes).digest('hex');
    if (segment % 64 === 0) progress({ stage: 'fetching', segments: segment });
    return {
      segment,
      path,
      planned,
      robotId: place?.robotId ?? nobody,
      otherSha256: place === undefined || sha256 === place.sha256 ? undefined : sha256,
      pageProblem: form === 'parquet' ? pageProblem(bytes ?? path, pageLimits(type, rows)) : undefined,
    };
  });
  return found.filter((segment) => segment !== undefined);
}
