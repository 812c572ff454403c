import { open, type FileHandle } from 'node:fs/promises';

import type { SourceFile } from '../table.ts';
import type { Tally } from '../tally.ts';
import { ImportError } from '../import-summary.ts';
import { bagMessages, isBagDatabase } from './bag-database.ts';
import { ByteCursor, McapProblem } from './byte-cursor.ts';
import { chunkRecords } from './chunk.ts';
import { mcapLimits } from './limits.ts';
import { messageHeadBytes, opcodes, recordsIn } from './records.ts';
import { scanFile, type Run, type ScannedFile } from './scan-file.ts';
import type { Message, Topics } from './topics.ts';

interface OpenRun {
  readonly messages: readonly Message[];
  next: number;
  readonly bytes: number;
}

/**
 * The messages of the wanted topics of one file in the order of their log time, those of one time in the order of the file. Chunks are opened when
 * their time comes, so that memory is that of chunks that overlap. What cannot be read is counted, and the rest is read: the index of a file is not used.
 */
export async function* mcapMessages(
  file: SourceFile,
  topics: Topics,
  tally: Tally,
): AsyncGenerator<readonly Message[]> {
  if (isBagDatabase(file)) return yield* bagMessages(file, topics, tally);
  const handle = await open(file.path);
  try {
    const scanned = await scanFile(handle, file.path);
    countParts(scanned, file, tally);
    yield* new Merge(handle, file, topics, tally).messages(scanned.runs);
  } finally {
    await handle.close();
  }
}

function countParts({ attachments, cut, tooLarge }: ScannedFile, { name }: SourceFile, tally: Tally): void {
  tally.leftOut('file', 'an attachment', name, attachments);
  tally.leftOut('message', 'a chunk or message that is too large', name, tooLarge);
  if (cut !== undefined) tally.leftOut('file', `${cut}: what stands behind it was not read`, name);
}

class Merge {
  readonly #handle: FileHandle;
  readonly #file: SourceFile;
  readonly #topics: Topics;
  readonly #tally: Tally;
  readonly #open: OpenRun[] = [];

  constructor(handle: FileHandle, file: SourceFile, topics: Topics, tally: Tally) {
    this.#handle = handle;
    this.#file = file;
    this.#topics = topics;
    this.#tally = tally;
  }

  async *messages(inFile: readonly Run[]): AsyncGenerator<readonly Message[]> {
    const inTime = inFile.toSorted((a, b) => a.startUs - b.startUs || a.offset - b.offset);
    // A channel is said once, before its first message in the file, which is another place in time where chunks are out of order.
    if (inTime.some((run, index) => run !== inFile[index])) for (const run of inFile) await this.#read(run, false);
    let emittedUs = 0;
    for (const [index, run] of inTime.entries()) {
      this.#begin(await this.#read(run, true));
      const batch = this.#until(inTime[index + 1]?.startUs ?? Number.POSITIVE_INFINITY);
      const inOrder = batch.filter(({ atUs }) => atUs >= emittedUs);
      this.#tally.leftOut('message', 'earlier than its chunk says', '', batch.length - inOrder.length);
      emittedUs = inOrder.at(-1)?.atUs ?? emittedUs;
      if (inOrder.length > 0) yield inOrder;
    }
  }

  #begin(run: OpenRun): void {
    this.#open.push(run);
    const bytes = this.#open.reduce((sum, each) => sum + each.bytes, 0);
    if (bytes > mcapLimits.openBytes)
      throw new ImportError(
        `expected chunks that follow each other in time, got more than ${mcapLimits.openBytes} bytes of them that overlap: ` +
          `run "mcap sort" on it [file=${this.#file.path}]`,
      );
  }

  /** What is open and earlier than the next chunk begins. */
  #until(endUs: number): readonly Message[] {
    const found: Message[] = [];
    for (const run of this.#open)
      for (; run.next < run.messages.length; run.next += 1) {
        const message = run.messages[run.next];
        if (message === undefined || message.atUs >= endUs) break;
        found.push(message);
      }
    const contributed = this.#open.length;
    this.#open.splice(0, contributed, ...this.#open.filter(({ next, messages }) => next < messages.length));
    return contributed > 1 ? found.toSorted((a, b) => a.atUs - b.atUs) : found;
  }

  /** The messages of a run by their time, or only what it defines. */
  async #read(run: Run, withMessages: boolean): Promise<OpenRun> {
    const messages: Message[] = [];
    let bytes = 0;
    try {
      const content = Buffer.allocUnsafe(run.length);
      const { bytesRead } = await this.#handle.read(content, 0, run.length, run.offset);
      if (bytesRead < run.length) throw new McapProblem('a chunk that the file no longer holds');
      const records = run.kind === 'chunk' ? chunkRecords(content) : content;
      bytes = records.length;
      this.#records(records, withMessages ? messages : undefined);
    } catch (error) {
      if (!(error instanceof McapProblem)) throw error;
      if (withMessages) this.#tally.leftOut('file', `part of it cannot be read: ${error.message}`, this.#file.name);
    }
    const isInOrder = messages.every(({ atUs }, index) => index === 0 || atUs >= (messages[index - 1]?.atUs ?? 0));
    return { messages: isInOrder ? messages : messages.toSorted((a, b) => a.atUs - b.atUs), next: 0, bytes };
  }

  #records(bytes: Uint8Array, messages: Message[] | undefined): void {
    const cursor = new ByteCursor(bytes);
    for (const place of recordsIn(bytes)) {
      if (place.opcode === opcodes.schema) this.#topics.schema(bytes, place);
      else if (place.opcode === opcodes.channel) this.#topics.channel(bytes, place);
      else if (place.opcode === opcodes.message && messages !== undefined) {
        [cursor.at, cursor.end] = [place.start, place.end];
        const channel = this.#topics.of(cursor.u16());
        cursor.u32();
        const atUs = cursor.timeUs();
        if (place.end - place.start < messageHeadBytes) throw new McapProblem('a message without its times');
        if (channel === undefined) this.#tally.leftOut('message', 'of a channel that the file does not define');
        else {
          channel.messages += 1;
          if (channel.isWanted)
            messages.push({ channel, atUs, data: bytes.subarray(place.start + messageHeadBytes, place.end) });
        }
      }
    }
  }
}
