import { zstdCompressSync } from 'node:zlib';

import { McapWriter } from '@mcap/core';

declare module 'node:zlib' {
  function zstdCompressSync(bytes: Uint8Array): Buffer;
}

export interface TestTopic {
  readonly topic: string;
  readonly encoding?: string;
  readonly schema?: { readonly name: string; readonly encoding: string; readonly data: Uint8Array };
}

export interface TestMessage {
  readonly topic: string;
  /** Seconds since 2024-01-01. */
  readonly t: number;
  readonly data: Uint8Array | object | string;
}

export const startS = Date.parse('2024-01-01T00:00:00Z') / 1000;
export const startUs = startS * 1e6;

export const bytesOf = (value: TestMessage['data']): Uint8Array =>
  value instanceof Uint8Array
    ? value
    : new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));

/** An MCAP file by the reference writer. */
export async function mcapBytes(
  topics: readonly TestTopic[],
  messages: readonly TestMessage[],
  options: { readonly chunkSize?: number; readonly useChunks?: boolean; readonly compression?: 'zstd' | '' } = {},
): Promise<Buffer> {
  const { compression = 'zstd', chunkSize = 1024, useChunks = true } = options;
  const pieces: Uint8Array[] = [];
  let position = 0;
  const writable = {
    write: async (bytes: Uint8Array) => {
      pieces.push(bytes.slice());
      position += bytes.length;
    },
    position: () => BigInt(position),
  };
  const writer = new McapWriter({
    writable,
    useChunks,
    chunkSize,
    ...(compression === ''
      ? {}
      : { compressChunk: (data) => ({ compression, compressedData: zstdCompressSync(data) }) }),
  });
  await writer.start({ profile: '', library: 'test' });
  const channels = new Map<string, number>();
  for (const { topic, encoding = 'json', schema } of topics) {
    const schemaId = schema === undefined ? 0 : await writer.registerSchema(schema);
    const channel = { topic, messageEncoding: encoding, schemaId, metadata: new Map<string, string>() };
    channels.set(topic, await writer.registerChannel(channel));
  }
  for (const [sequence, { topic, t, data }] of messages.entries()) {
    const logTime = BigInt(startS) * 1_000_000_000n + BigInt(Math.round(t * 1e9));
    const channelId = channels.get(topic) ?? 0;
    await writer.addMessage({ channelId, sequence, logTime, publishTime: logTime, data: bytesOf(data) });
  }
  await writer.end();
  return Buffer.concat(pieces);
}
