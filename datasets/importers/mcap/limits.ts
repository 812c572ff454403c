const mib = 1024 * 1024;

/** What an MCAP file may make this program hold or do; what is beyond is refused or counted, with the reason. */
export const mcapLimits = {
  /** Bytes of a chunk, in the file and decompressed. */
  chunkBytes: 128 * mib,
  /** Bytes of chunks whose times overlap, and so must be open at once. */
  openBytes: 256 * mib,
  /** A chunk that becomes more than so many times as large is a bomb, unless it is small. */
  chunkRatio: 1_000,
  smallChunkBytes: 8 * mib,
  /** Chunks, or stretches of messages outside chunks, of one file. */
  runs: 1_000_000,
  /** Bytes of messages outside chunks that are read at once. */
  stretchBytes: 4 * mib,
  /** Bytes of one message of a mapped topic. */
  messageBytes: 64 * mib,
  /** Bytes of one JSON message: it is read as a whole. */
  jsonBytes: 8 * mib,
  /** Bytes of one definition (schema), and of all that a file defines. */
  schemaBytes: 1 * mib,
  allSchemaBytes: 32 * mib,
  /** Bytes of a topic's name; a longer one cannot be mapped. */
  topicBytes: 1_000,
  /** Levels of structures in structures. */
  depth: 32,
  /** Fields of a topic that are listed. */
  leaves: 2_000,
  /** Elements, structures and texts that are passed in one message before it is given up. */
  steps: 1_000_000,
} as const;
