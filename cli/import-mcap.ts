import type { ImportSummary } from '../datasets/importers/import-summary.ts';
import { importMcap } from '../datasets/importers/mcap/import-mcap.ts';
import { landClip } from './land-clip.ts';
import type { MappedInput } from './mapped-input.ts';

/** MCAP files by a map. Loads readers, so only who imports loads it. */
export const importMcapFiles = (input: MappedInput): Promise<ImportSummary> =>
  importMcap({ ...input, landClip: (clip) => landClip(input.store, clip) });
