import { fileSha256 } from '../../datasets/landing.ts';
import { landingPlace } from '../../datasets/validation/segment-facts.ts';
import { inParallel } from '../in-parallel.ts';
import type { ObjectStore, Progress } from '../ports.ts';
import type { PlannedSegment } from './documents.ts';
import type { LocalSegment } from './segment-files.ts';
import { nobody } from './quarantine.ts';

/** A segment of the batch that is still in landing, as a local file. */
export interface PresentSegment extends LocalSegment {
  /** sha256 of the bytes when it is not the one of the key. */
  readonly otherSha256: string | undefined;
}

const filesAtOnce = 8;

/** Segments that are there, with their files, each read once to see that it holds what its name says. Keeps the order. */
export async function presentSegments(
  store: ObjectStore,
  segments: readonly PlannedSegment[],
  progress: Progress,
): Promise<readonly PresentSegment[]> {
  const found = await inParallel([...segments.entries()], filesAtOnce, async ([segment, planned]) => {
    const path = await store.localPath(planned.key);
    if (path === undefined) return undefined;
    const place = landingPlace(planned.key);
    const sha256 = place === undefined ? undefined : await fileSha256(path);
    if (segment % 64 === 0) progress({ stage: 'fetching', segments: segment });
    const otherSha256 = sha256 === place?.sha256 ? undefined : sha256;
    return { segment, path, planned, robotId: place?.robotId ?? nobody, otherSha256 };
  });
  return found.filter((segment) => segment !== undefined);
}
