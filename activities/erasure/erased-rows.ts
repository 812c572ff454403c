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

/** Column that says whose a row is, and the value that the request names; undefined for a list of episodes. */
export const ownerOf = ({
  target,
}: Pick<ErasureRequest, 'target'>): { readonly column: 'robot_id' | 'site'; readonly value: string } | undefined =>
  target.kind === 'robot'
    ? { column: 'robot_id', value: target.robotId }
    : target.kind === 'site'
      ? { column: 'site', value: target.site }
      : undefined;

/**
 * SQL over columns `episode_id`, `robot_id` and `site` and the instant of the episode's start, µs since 1970 by the corrected clock:
 * whether the request names the episode. Of a robot or a site no row that says it is another's, whatever its id: a robot can claim any id.
 */
export function isErasedSql(request: ErasureRequest, hashPath: string, startedUs: string): string {
  const owner = ownerOf(request);
  if (owner === undefined) return hasHashSql(hashPath);
  const isOwn = `${owner.column} = ${sqlText(owner.value)}`;
  const isBefore = `${startedUs} < ${request.recordedBeforeMs * 1_000}`;
  return `((${isOwn} AND ${isBefore}) OR (coalesce(${isOwn}, true) AND ${hasHashSql(hashPath)}))`;
}

/** SQL: whether a row with one of these ids says that it is another robot's, or another site's, than the request names. */
export function isOthersSql(request: ErasureRequest, hashPath: string): string {
  const owner = ownerOf(request);
  return owner === undefined ? 'false' : `(${owner.column} <> ${sqlText(owner.value)} AND ${hasHashSql(hashPath)})`;
}

/** Ids of episodes in text: whatever may be one. */
const idInText = /(?<![0-9A-Za-z])[0-7][0-9A-HJKMNP-TV-Z]{25}(?![0-9A-Za-z])/g;

/** What stands in a text in place of an id that was erased: an id of no time. */
export const erasedId = '0'.repeat(26);

/** The text without the ids that were erased; the very text where it holds none. */
export const withoutErasedIds = (text: string, hashes: ReadonlySet<string>): string =>
  text.replaceAll(idInText, (id) => (hashes.has(episodeHash(id)) ? erasedId : id));
