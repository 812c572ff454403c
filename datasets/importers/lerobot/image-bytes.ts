import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';

import { isLargeFilePointer } from '../source-files.ts';
import { mostImageBytes, type StoredImage } from './image-table.ts';

const tooLarge = `an image of more than ${mostImageBytes / 1024 / 1024} MiB`;
const pointer = 'a pointer of Git LFS instead of the image: run "git lfs pull"';
const noFile = 'no such file';

/** The bytes of an image: those in its row, else those of the file within the data set that the row names; or in words why there are none. */
export async function imageBytes(
  folder: string,
  { bytes, sizeBytes, path }: StoredImage,
): Promise<{ readonly bytes: Uint8Array; readonly isOfFile: boolean } | string> {
  if (sizeBytes > mostImageBytes) return tooLarge;
  const isOfFile = bytes === undefined || bytes.length === 0;
  if (isOfFile && path === '') return 'neither bytes nor the path of a file';
  const found = isOfFile ? await bytesOfFile(folder, path) : bytes;
  if (typeof found === 'string') return found;
  return isLargeFilePointer(found) ? pointer : { bytes: found, isOfFile };
}

async function bytesOfFile(folder: string, path: string): Promise<Uint8Array | string> {
  const outside = 'a path that leads out of the data set';
  const isWithin = path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
  if (!isWithin || /[\\\0]/.test(path)) return outside;
  // Links on the way could lead anywhere.
  const [own, real] = await Promise.all([realpath(folder), realpath(join(folder, path)).catch(() => undefined)]);
  if (real === undefined) return noFile;
  if (!real.startsWith(own.endsWith(sep) ? own : `${own}${sep}`)) return outside;
  const file = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    () => undefined,
  );
  if (file === undefined) return noFile;
  try {
    const found = await file.stat();
    if (!found.isFile()) return noFile;
    if (found.size > mostImageBytes) return tooLarge;
    const bytes = Buffer.alloc(found.size);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
    return bytes.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
