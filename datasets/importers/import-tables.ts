import { createHash } from 'node:crypto';

import canonicalize from 'canonicalize';

import { fileSha256 } from '../landing.ts';
import { robotTypeDigest } from '../robot-type-digest.ts';
import { robotTypeName, type RobotType } from '../robot-type.ts';
import type { ImportMap } from './import-map.ts';
import { ImportError, type ImportInput, type ImportSummary } from './import-summary.ts';
import { landEpisodes } from './land-episodes.ts';
import { tableEpisodes } from './table-episodes.ts';
import type { SourceFile } from './table.ts';
import type { SourceEpisode } from './source-episode.ts';
import type { TableReader } from './table.ts';
import type { Tally } from './tally.ts';

export interface TablesToImport extends ImportInput {
  /** Names the importer in the summary and in the segments. */
  readonly format: string;
  readonly files: readonly SourceFile[];
  readonly reader: TableReader;
  readonly map: ImportMap;
  readonly type: RobotType;
  readonly tally: Tally;
  /** Files beside the tables that decide what is taken: a change in them makes another import. */
  readonly decidedBy?: readonly SourceFile[];
  /** Passes on the episodes that make sense beside what else the recording says of them; `importId` as for landing. */
  readonly judged?: (
    episodes: AsyncIterable<SourceEpisode>,
    importId: string | undefined,
  ) => AsyncIterable<SourceEpisode>;
}

/** Imports tables by a map, streamed: memory does not grow with the files. The same files and map make the same segments. */
export async function importTables(input: TablesToImport): Promise<ImportSummary> {
  const { type, map, tally, format } = input;
  if (map.time.kind === 'log' && format !== 'mcap')
    throw new ImportError('map, time.kind: expected a column or "rows", got "log", which MCAP files have');
  const read = { rows: 0 };
  const episodes = tableEpisodes(input, read);
  const importId = input.isAgain === true ? undefined : await importIdOf(input);
  const landed = await landEpisodes(input, {
    importId,
    type,
    site: typeof map.site === 'string' ? map.site : 'recording',
    agentVersion: `importer-${format}`,
    episodes: input.judged?.(episodes, importId) ?? episodes,
  });
  return { format, robotType: robotTypeName(type), rows: read.rows, ...landed, ...tally.result() };
}

/** Changes with anything that could change a segment. */
export async function importIdOf(input: {
  readonly format: string;
  readonly files: readonly SourceFile[];
  readonly decidedBy?: readonly SourceFile[];
  readonly map: unknown;
  readonly type: RobotType;
}): Promise<string> {
  const { format, files, decidedBy = [], map, type } = input;
  const hash = createHash('sha256');
  hash.update(canonicalize({ importer: 2, format, map, type: robotTypeDigest(type) }) ?? '');
  for (const { path, name } of [...decidedBy, ...files])
    hash.update(`\n${JSON.stringify(name)} ${await fileSha256(path)}`);
  return hash.digest('hex');
}
