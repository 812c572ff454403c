import { runChunk, type Chunk, type ChunkResult } from './chunk.ts';

process.on('message', (chunk: Chunk) => {
  const result: ChunkResult = { chunk, outcomes: runChunk(chunk) };
  process.send?.(result);
});
