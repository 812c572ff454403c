import type { ModelManifest } from '../../policies/model-manifest.ts';
import { isFailure } from '../../store/failures.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { erasureOfFile } from '../../store/records/erasures.ts';
import type { Lake } from '../lake/lake.ts';

/** Whether the data that a version was trained on can still be read. */
export interface DataStanding {
  readonly kind: 'notTrainedHere' | 'whole' | 'gone' | 'erased';
  /** For a person. */
  readonly sentence: string;
}

/** What became of the dataset version that a manifest pins; reads the log and the names of files, not their rows. */
export async function readDataStanding(
  { store, lake }: { readonly store: ObjectStore; readonly lake: Lake },
  { training }: ModelManifest,
): Promise<DataStanding> {
  if (training === null) return { kind: 'notTrainedHere', sentence: 'it was not trained here' };
  const { datasetVersion } = training;
  let missing: readonly string[];
  try {
    missing = await lake.missingFiles(datasetVersion);
  } catch (error) {
    if (!isFailure(error, 'NotFound')) throw error;
    return {
      kind: 'gone',
      sentence: `gone: the lake no longer has version ${datasetVersion.episodes} of the episodes`,
    };
  }
  const [first] = missing;
  if (first === undefined) return { kind: 'whole', sentence: 'whole: it can be trained again' };
  for (const key of missing.slice(0, mostLookedUp)) {
    const erasure = await erasureOfFile(store, key);
    if (erasure !== undefined)
      return {
        kind: 'erased',
        sentence: `erased in part on request ${erasure.erasureId} of ${new Date(erasure.atMs).toISOString().slice(0, 10)}: it cannot be trained again`,
      };
  }
  return {
    kind: 'gone',
    sentence: `gone: ${missing.length} files of its dataset version were deleted by retention or a vacuum; it cannot be trained again`,
  };
}
const mostLookedUp = 20;
