import type { SourceFile } from '../table.ts';
import type { ImageRows, ImageTable, StoredImage } from './image-table.ts';

/** The images of a column by the number of their row over all data files: every file is read once, as long as nobody goes back. */
export class ImagesByRow {
  readonly #table: ImageTable;
  readonly #files: readonly SourceFile[];
  readonly #column: string;
  /** First row of each file that was counted, and the one behind the last of them. */
  readonly #starts: number[] = [0];
  #file = -1;
  #rest: AsyncIterator<ImageRows> | undefined;
  #rows: ImageRows | undefined;

  constructor(table: ImageTable, files: readonly SourceFile[], column: string) {
    this.#table = table;
    this.#files = files;
    this.#column = column;
  }

  /** Images of so many rows from one on; each is valid until the next one. */
  async *from(first: number, count: number): AsyncGenerator<StoredImage> {
    for (let row = first; row < first + count; row += 1) yield await this.#at(row);
  }

  async #at(row: number): Promise<StoredImage> {
    const file = await this.#fileOf(row);
    const own = row - (this.#starts[file] ?? 0);
    if (file !== this.#file || (this.#rows !== undefined && own < this.#rows.first)) this.#open(file, own);
    while (this.#rows === undefined || own >= this.#rows.first + this.#rows.count) {
      const next = await this.#rest?.next();
      if (next === undefined || next.done === true)
        throw new Error(`expected row ${own} of ${this.#files[file]?.path}, got the end of its images`);
      this.#rows = next.value;
    }
    return this.#rows.image(own - this.#rows.first);
  }

  #open(file: number, from: number): void {
    this.#file = file;
    this.#rows = undefined;
    this.#rest = this.#table.images(this.#files[file]?.path ?? '', this.#column, from)[Symbol.asyncIterator]();
  }

  /** Which file a row is in. */
  async #fileOf(row: number): Promise<number> {
    for (let last = this.#starts.at(-1) ?? 0; row >= last; last = this.#starts.at(-1) ?? 0) {
      const file = this.#files[this.#starts.length - 1];
      if (file === undefined) throw new Error(`expected at least ${row + 1} rows, got ${last}`);
      this.#starts.push(last + (await this.#table.rowCount(file.path)));
      // The place of what is read is lost with a statement of its own.
      this.#file = -1;
    }
    return this.#starts.findLastIndex((start) => start <= row);
  }
}
