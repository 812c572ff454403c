import type { FileHandle } from 'node:fs/promises';

import { ImportError } from '../import-summary.ts';
import { ByteCursor, McapProblem } from './byte-cursor.ts';
import { chunkHead, mostChunkHeadBytes } from './chunk.ts';
import { mcapLimits } from './limits.ts';
import { messageHeadBytes, opcodes, recordHeadBytes } from './records.ts';

/** A chunk, or records outside chunks that stand together: where, and the times that it says it holds. */
export interface Run {
  readonly kind: 'chunk' | 'records';
  /** Of its content (chunk) or of its first record. */
  readonly offset: number;
  length: number;
  startUs: number;
  endUs: number;
}

/** How a file is made up, by its records, never by its index: that may be missing, cut or false. */
export interface ScannedFile {
  readonly runs: readonly Run[];
  readonly attachments: number;
  /** Why nothing behind a place is read; undefined for a file that ends as it should. */
  readonly cut: string | undefined;
  /** Records that are too large to be read. */
  readonly tooLarge: number;
}

const magic = Buffer.from([0x89, 0x4d, 0x43, 0x41, 0x50, 0x30, 0x0d, 0x0a]);

/** Passes over a file from record to record, reading only their heads. `ImportError` for a file that is no MCAP. */
export async function scanFile(handle: FileHandle, path: string): Promise<ScannedFile> {
  const { size } = await handle.stat();
  const window = new Window(handle, size);
  const first = await window.at(0, magic.length);
  if (first.length < magic.length && magic.subarray(0, first.length).equals(first))
    throw new ImportError(
      size === 0
        ? `expected an MCAP file, got an empty one [file=${path}]`
        : `expected an MCAP file, got one that is cut off after ${size} bytes [file=${path}]`,
    );
  if (!magic.equals(first))
    throw new ImportError(`expected an MCAP file, got one that begins otherwise [file=${path}]`);
  const scan = new Scan();
  let at = magic.length;
  for (;;) {
    const head = await window.at(at, recordHeadBytes);
    if (head.length < recordHeadBytes) return scan.end(`ends without its end mark, at byte ${at}`);
    const cursor = new ByteCursor(head);
    const opcode = cursor.u8();
    const length = cursor.u64();
    if (opcode === 0) return scan.end(`no record at byte ${at}`);
    if (opcode === opcodes.dataEnd || opcode === opcodes.footer) return scan.end(undefined);
    const start = at + recordHeadBytes;
    if (length > size - start) return scan.end(`cut off in the record at byte ${at}`);
    const wanted = opcode === opcodes.chunk ? mostChunkHeadBytes : messageHeadBytes;
    const content = await window.at(start, Math.min(length, wanted));
    const problem = scan.see(opcode, { at, start, length }, content);
    if (problem !== undefined) return scan.end(`${problem} at byte ${at}`);
    if (scan.runs.length > mcapLimits.runs)
      throw new ImportError(`expected at most ${mcapLimits.runs} chunks, got more [file=${path}]`);
    at = start + length;
  }
}

interface Place {
  readonly at: number;
  readonly start: number;
  readonly length: number;
}

class Scan {
  readonly runs: Run[] = [];
  #attachments = 0;
  #tooLarge = 0;

  /** Why the file cannot be read from here on, if it cannot. */
  see(opcode: number, { at, start, length }: Place, content: Uint8Array): string | undefined {
    try {
      if (opcode === opcodes.attachment) this.#attachments += 1;
      else if (opcode === opcodes.chunk) this.#chunk(start, length, content);
      else if (opcode === opcodes.message || opcode === opcodes.schema || opcode === opcodes.channel)
        this.#record(opcode, at, start + length - at, content);
      return undefined;
    } catch (error) {
      if (error instanceof McapProblem) return error.message;
      throw error;
    }
  }

  #chunk(offset: number, length: number, content: Uint8Array): void {
    const { startUs, endUs } = chunkHead(new ByteCursor(content));
    if (length > mcapLimits.chunkBytes) this.#tooLarge += 1;
    else this.runs.push({ kind: 'chunk', offset, length, startUs, endUs });
  }

  #record(opcode: number, offset: number, length: number, content: Uint8Array): void {
    if (length > mcapLimits.messageBytes) {
      this.#tooLarge += 1;
      return;
    }
    const last = this.runs.at(-1);
    const isNext = last?.kind === 'records' && last.offset + last.length === offset;
    const run: Run =
      last !== undefined && isNext && last.length + length <= mcapLimits.stretchBytes
        ? last
        : { kind: 'records', offset, length: 0, startUs: Number.POSITIVE_INFINITY, endUs: 0 };
    if (run !== last) this.runs.push(run);
    run.length += length;
    if (opcode !== opcodes.message) return;
    const cursor = new ByteCursor(content, 6);
    const atUs = cursor.timeUs();
    run.startUs = Math.min(run.startUs, atUs);
    run.endUs = Math.max(run.endUs, atUs);
  }

  end(cut: string | undefined): ScannedFile {
    // What holds no message stays where it is in the file.
    for (const [index, run] of this.runs.entries())
      if (run.startUs === Number.POSITIVE_INFINITY) run.startUs = this.runs[index - 1]?.startUs ?? 0;
    return { runs: this.runs, attachments: this.#attachments, tooLarge: this.#tooLarge, cut };
  }
}

/** Heads of records stand close together or far apart: what is read of a file covers several of the first, and little of the others. */
const windowBytes = 64 * 1024;

class Window {
  readonly #handle: FileHandle;
  readonly #size: number;
  readonly #buffer = Buffer.alloc(windowBytes);
  #start = 0;
  #end = 0;

  constructor(handle: FileHandle, size: number) {
    this.#handle = handle;
    this.#size = size;
  }

  /** So many bytes, fewer at the end of the file; valid until the next call. */
  async at(offset: number, length: number): Promise<Buffer> {
    if (offset < this.#start || offset + length > this.#end) {
      const most = Math.min(windowBytes, Math.max(0, this.#size - offset));
      const { bytesRead } = most === 0 ? { bytesRead: 0 } : await this.#handle.read(this.#buffer, 0, most, offset);
      [this.#start, this.#end] = [offset, offset + bytesRead];
    }
    const from = offset - this.#start;
    return this.#buffer.subarray(from, Math.min(from + length, this.#end - this.#start));
  }
}
