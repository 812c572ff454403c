import { open } from 'node:fs/promises';

import { readClip, type Clip } from './read-clip.ts';

/** What a clip that is a file holds; throws as `readClip` does. */
export async function readClipFile(path: string): Promise<Clip> {
  const file = await open(path);
  try {
    const { size: sizeBytes } = await file.stat();
    const read = async (start: number, end: number): Promise<Uint8Array> => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(end - start), 0, end - start, start);
      return buffer.subarray(0, bytesRead);
    };
    return await readClip({ sizeBytes, read });
  } finally {
    await file.close();
  }
}
