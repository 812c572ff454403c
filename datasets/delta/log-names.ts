/** Names of the files of a log, relative to the table's root. https://github.com/delta-io/delta/blob/master/PROTOCOL.md#file-types */

const digits = (version: number): string => String(version).padStart(20, '0');

export const logPrefix = (root: string): string => `${root}/_delta_log/`;
export const commitKey = (root: string, version: number): string => `${logPrefix(root)}${digits(version)}.json`;
export const checkpointKey = (root: string, version: number): string =>
  `${logPrefix(root)}${digits(version)}.checkpoint.parquet`;
export const lastCheckpointKey = (root: string): string => `${logPrefix(root)}_last_checkpoint`;

/** Keys of a classic multi-part checkpoint, which other writers make. */
export const checkpointPartKeys = (root: string, version: number, parts: number): readonly string[] =>
  Array.from({ length: parts }, (_, part) => {
    const ordinal = String(part + 1).padStart(10, '0');
    return `${logPrefix(root)}${digits(version)}.checkpoint.${ordinal}.${String(parts).padStart(10, '0')}.parquet`;
  });

export type LogFile =
  | { readonly kind: 'commit'; readonly version: number }
  | { readonly kind: 'checkpoint'; readonly version: number; readonly part: number; readonly parts: number };

const commitName = /^(\d{20})\.json$/;
const checkpointName = /^(\d{20})\.checkpoint(?:\.(\d{10})\.(\d{10}))?\.parquet$/;

/** What a key of the log is; undefined for everything else (checksums, log compactions, checkpoints of other kinds). */
export function parseLogKey(root: string, key: string): LogFile | undefined {
  const name = key.slice(logPrefix(root).length);
  const commit = commitName.exec(name);
  if (commit !== null) return { kind: 'commit', version: Number(commit[1]) };
  const checkpoint = checkpointName.exec(name);
  if (checkpoint === null) return undefined;
  return {
    kind: 'checkpoint',
    version: Number(checkpoint[1]),
    part: Number(checkpoint[2] ?? 1),
    parts: Number(checkpoint[3] ?? 1),
  };
}
