/**
 * Paths of data files. A log holds them as URIs relative to the table's root, so what is percent-encoded in the store's
 * key is encoded once more (`%` → `%25`), and `=` and `/` stay as they are: other writers match a file to delete byte
 * by byte, and a path encoded any other way comes back as duplicate rows.
 */

/** `recorded_on=2026-11-22/a b%.parquet` → `recorded_on=2026-11-22/a%20b%25.parquet`. */
export const logPathOf = (relativeKey: string): string =>
  encodeURI(relativeKey).replaceAll('#', '%23').replaceAll('?', '%3F');

/** The store key, relative to the root, of a path in the log; undefined when it is not a path inside the table. */
export function relativeKeyOf(logPath: string): string | undefined {
  if (logPath.startsWith('/') || /^[a-z][a-z0-9+.-]*:/i.test(logPath)) return undefined;
  try {
    return decodeURIComponent(logPath);
  } catch {
    return undefined;
  }
}
