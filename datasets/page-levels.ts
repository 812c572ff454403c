/** A row whose value is not there, among sizes. */
export const absent = -1;

/** Of the rows of a page how many values each has: {@link absent} for none, 0 for an empty list. Rows that are alike are kept as one. */
export class RowSizes {
  #sizes: number[] = [];
  #rows: number[] = [];

  add(size: number, rows: number): void {
    const last = this.#sizes.length - 1;
    if (this.#sizes[last] === size) this.#rows[last] = (this.#rows[last] ?? 0) + rows;
    else {
      this.#sizes.push(size);
      this.#rows.push(rows);
    }
  }

  clear(): void {
    [this.#sizes, this.#rows] = [[], []];
  }

  /** As a page counts its values: what is not there and an empty list keep their place. */
  get places(): number {
    return this.#sizes.reduce((sum, size, at) => sum + Math.max(1, size) * (this.#rows[at] ?? 0), 0);
  }

  /** Repetition and definition levels; `present`: the definition level of a value that is there. */
  levels(isList: boolean, present: number): readonly Uint8Array[] {
    return [
      ...(isList ? [levelRuns(this.#repetitions(), 1)] : []),
      ...(present === 0 ? [] : [levelRuns(this.#definitions(present), present)]),
    ];
  }

  #repetitions(): Uint8Array {
    const levels = new Uint8Array(this.places).fill(1);
    let at = 0;
    for (const [index, size] of this.#sizes.entries())
      for (let row = this.#rows[index] ?? 0; row > 0; row -= 1, at += Math.max(1, size)) levels[at] = 0;
    return levels;
  }

  #definitions(present: number): Uint8Array {
    const levels = new Uint8Array(this.places);
    let at = 0;
    for (const [index, size] of this.#sizes.entries()) {
      const end = at + Math.max(1, size) * (this.#rows[index] ?? 0);
      levels.fill(size === absent ? 0 : size === 0 ? present - 1 : present, at, end);
      at = end;
    }
    return levels;
  }
}

/** Levels from 0 to `most` (1 to 3) in runs as Parquet has them, behind their length. The library makes the same bytes. */
export function levelRuns(levels: Uint8Array, most: number): Uint8Array {
  const runs = new LevelRuns(levels, most > 1 ? 2 : 1);
  // Levels from here on wait to be packed: eight take whole bytes, and only behind such may a run of equal ones begin.
  let waiting = 0;
  for (let from = 0; from < levels.length;) {
    let end = from + 1;
    if ((from - waiting) % 8 === 0) while (end < levels.length && levels[end] === levels[from]) end += 1;
    if (end - from === 1) from = end;
    else {
      runs.packed(waiting, from);
      runs.repeated(from, end);
      waiting = end;
      // The library begins no run with the level that ends one.
      from = end + 1;
    }
  }
  runs.packed(waiting, levels.length);
  return runs.bytes();
}

const lengthBytes = 4;

class LevelRuns {
  readonly #levels: Uint8Array;
  readonly #bits: number;
  readonly #bytes: Buffer;
  #length = lengthBytes;

  constructor(levels: Uint8Array, bits: number) {
    this.#levels = levels;
    this.#bits = bits;
    // No run takes more bytes than it has levels, but for the shortest ones at the end.
    this.#bytes = Buffer.alloc(levels.length + 16);
  }

  repeated(from: number, end: number): void {
    this.#head((end - from) * 2);
    this.#bytes[this.#length] = this.#levels[from] ?? 0;
    this.#length += 1;
  }

  packed(from: number, end: number): void {
    if (from >= end) return;
    const eights = Math.ceil((end - from) / 8);
    this.#head(eights * 2 + 1);
    const [levels, bits, bytes] = [this.#levels, this.#bits, this.#bytes];
    for (let at = from, to = this.#length; at < end; to += 1) {
      let byte = 0;
      for (let bit = 0; bit < 8 && at < end; bit += bits, at += 1) byte |= (levels[at] ?? 0) << bit;
      bytes[to] = byte;
    }
    this.#length += eights * bits;
  }

  /** Seven bits a byte. */
  #head(value: number): void {
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) {
      this.#bytes[this.#length] = (rest % 128) + 128;
      this.#length += 1;
    }
    this.#bytes[this.#length] = rest;
    this.#length += 1;
  }

  bytes(): Uint8Array {
    this.#bytes.writeUInt32LE(this.#length - lengthBytes, 0);
    return this.#bytes.subarray(0, this.#length);
  }
}
