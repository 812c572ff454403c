import { leafColumns } from './column-rows.ts';

/** What some files hold, whatever the order of their rows. */
export interface RowsDigest {
  readonly rows: number;
  /** Per column, the values that are there and the sum of their hashes; lists by their elements. */
  readonly columns: ReadonlyMap<string, { readonly values: number; readonly sum: number }>;
}

/**
 * Count and digest of the rows of Parquet files, by the reader of `column-rows.ts`. Sums of 32-bit hashes, modulo 2^52, so neither the order of the
 * rows nor the number of files matters: the same rows give the same digest. Linear in values; memory: a row group.
 */
export async function digestOfRows(filePaths: readonly string[]): Promise<RowsDigest> {
  const columns = new Map<string, { values: number; sum: number }>();
  let rows = 0;
  for (const filePath of filePaths)
    for await (const group of leafColumns(filePath)) {
      rows += group.rows;
      for (const { name, values } of group.columns) {
        const known = columns.get(name) ?? { values: 0, sum: 0 };
        for (const value of values) {
          known.values += 1;
          known.sum = (known.sum + hashOf(value)) % 2 ** 52;
        }
        columns.set(name, known);
      }
    }
  return { rows, columns };
}

/** What differs, in words; undefined: nothing does. */
export function rowsDifference(one: RowsDigest, other: RowsDigest): string | undefined {
  if (one.rows !== other.rows) return `${one.rows} rows before, ${other.rows} after`;
  const wrong = [...new Set([...one.columns.keys(), ...other.columns.keys()])].find((name) => {
    const [a, b] = [one.columns.get(name), other.columns.get(name)];
    // A column that older files lack is written as one without values.
    return (a?.values ?? 0) !== (b?.values ?? 0) || (a?.sum ?? 0) !== (b?.sum ?? 0);
  });
  return wrong === undefined ? undefined : `other values in ${wrong}`;
}

/** By the value as text: the reader gives numbers of a dictionary as text, others as numbers. */
function hashOf(value: unknown): number {
  const text = String(value);
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return mixed(hash);
}

/** Finalizer of MurmurHash3 (32 bit). */
function mixed(hash: number): number {
  let bits = hash | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
