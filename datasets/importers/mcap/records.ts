import { ByteCursor, McapProblem } from './byte-cursor.ts';

/** Kinds of records: https://mcap.dev/spec#opcodes. Others are passed over by their length. */
export const opcodes = { footer: 2, schema: 3, channel: 4, message: 5, chunk: 6, attachment: 9, dataEnd: 15 } as const;

/** What stands before the content of every record: its kind and its length. */
export const recordHeadBytes = 9;

/** A record in a stretch of bytes: its content from `start` to `end`. */
export interface RecordPlace {
  readonly opcode: number;
  readonly start: number;
  readonly end: number;
}

/** The records of a chunk or stretch, in order. `McapProblem` for one that would end beyond it. */
export function* recordsIn(bytes: Uint8Array): Generator<RecordPlace, void, undefined> {
  const cursor = new ByteCursor(bytes);
  while (cursor.at < bytes.length) {
    const opcode = cursor.u8();
    const length = cursor.u64();
    const start = cursor.at;
    if (length > bytes.length - start) throw new McapProblem('a record that is longer than what holds it');
    cursor.at = start + length;
    yield { opcode, start, end: cursor.at };
  }
}

export interface SchemaRecord {
  readonly id: number;
  readonly name: string;
  readonly encoding: string;
  readonly data: Uint8Array;
}

export interface ChannelRecord {
  readonly id: number;
  readonly schemaId: number;
  readonly topic: string;
  readonly messageEncoding: string;
}

const mostNameBytes = 1_000;

/** https://mcap.dev/spec#schema-op0x03 */
export function schemaRecord(bytes: Uint8Array, { start, end }: RecordPlace): SchemaRecord {
  const cursor = new ByteCursor(bytes, start, end);
  return {
    id: cursor.u16(),
    name: cursor.text(mostNameBytes),
    encoding: cursor.text(mostNameBytes),
    data: cursor.bytes(),
  };
}

/** https://mcap.dev/spec#channel-op0x04 */
export function channelRecord(bytes: Uint8Array, { start, end }: RecordPlace, mostTopicBytes: number): ChannelRecord {
  const cursor = new ByteCursor(bytes, start, end);
  return {
    id: cursor.u16(),
    schemaId: cursor.u16(),
    topic: cursor.text(mostTopicBytes),
    messageEncoding: cursor.text(mostNameBytes),
  };
}

/** Where the content of a message begins in its record: behind channel, sequence number and two times. */
export const messageHeadBytes = 22;
