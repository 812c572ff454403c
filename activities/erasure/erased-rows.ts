import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { sqlText } from '../../datasets/sql-types.ts';
import { episodeHash, type ErasureRequest } from '../../store/records/erasures.ts';

/** What one erasure takes: in SQL for the engine, in TypeScript for text. */
export interface ErasedRows {
  readonly request: ErasureRequest;
  readonly hashes: ReadonlySet<string>;
}

/** A local file with the digests, for {@link hasHashSql}; a line that is no digest keeps it from being empty. */
export async function hashFile(directory: string, name: string, hashes: Iterable<string>): Promise<string> {
  const path = join(directory, `${name}.csv`);
  await writeFile(path, ['none', ...hashes].join('\n'));
  return path;
}

/** SQL: whether the digest of the column is in the file. */
export const hasHashSql = (path: string, column = 'episode_id'): string =>
  `sha256(${column}) IN (SELECT h FROM read_csv(${sqlText(path)}, header = false, columns = {'h': 'VARCHAR'}))`;

/**
 * SQL over columns `episode_id`, `robot_id` and `site` and the instant of the episode's start, µs since 1970 by the corrected clock:
 * whether the request names the episode.
 */
export function isErasedSql({ target, recordedBeforeMs }: ErasureRequest, hashPath: string, startedUs: string): string {
  const before = `${startedUs} < ${recordedBeforeMs * 1_000}`;
  const named =
    target.kind === 'robot'
      ? `(robot_id = ${sqlText(target.robotId)} AND ${before})`
      : target.kind === 'site'
        ? `(site = ${sqlText(target.site)} AND ${before})`
        : 'false';
  return `(${named} OR ${hasHashSql(hashPath)})`;
}

/** Ids of episodes in text: whatever may be one. */
const idInText = /(?<![0-9A-Za-z])[0-7][0-9A-HJKMNP-TV-Z]{25}(?![0-9A-Za-z])/g;

/** What stands in a text in place of an id that was erased: an id of no time. */
export const erasedId = '0'.repeat(26);

/** The text without the ids that were erased; the very text where it holds none. */
export const withoutErasedIds = (text: string, hashes: ReadonlySet<string>): string =>
  text.replaceAll(idInText, (id) => (hashes.has(episodeHash(id)) ? erasedId : id));
