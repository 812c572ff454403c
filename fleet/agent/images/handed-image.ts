import { closeSync, constants, fstatSync, openSync, readSync, rmSync } from 'node:fs';
import path from 'node:path';

/** One name, within the folder: no way out of it, nothing hidden. */
const namePattern = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}$/;

/**
 * Reads an image that another program left in the folder of images, and deletes the file. Throws a TypeError for what is no ordinary file of at most
 * `mostBytes` right in the folder: no other folder, link, pipe or device, and nothing that waits.
 */
export function takeImageFile(folder: string | undefined, name: string, mostBytes: number): Uint8Array {
  if (folder === undefined)
    throw new TypeError('expected images within the line (base64), got a file: start the agent with --images FOLDER');
  if (!namePattern.test(name))
    throw new TypeError(
      `expected the name of a file in the folder of images (letters, digits, dots, dashes), got ${JSON.stringify(name.slice(0, 100))}`,
    );
  const file = path.join(folder, name);
  const descriptor = opened(file);
  try {
    const facts = fstatSync(descriptor);
    if (!facts.isFile() || facts.nlink > 1)
      throw new TypeError(`expected an ordinary file, got another [file=${name}]`);
    rmSync(file, { force: true });
    if (facts.size > mostBytes)
      throw new TypeError(`expected an image of at most ${mostBytes} bytes, got ${facts.size} [file=${name}]`);
    return readAll(descriptor, facts.size);
  } finally {
    closeSync(descriptor);
  }
}

/** Follows no link, and waits for nobody at the other end of a pipe. */
function opened(file: string): number {
  try {
    return openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    throw new TypeError(`expected an image in the folder of images, got ${code} [file=${path.basename(file)}]`, {
      cause,
    });
  }
}

function readAll(descriptor: number, sizeBytes: number): Uint8Array {
  const bytes = Buffer.alloc(sizeBytes);
  let filled = 0;
  while (filled < sizeBytes) {
    const read = readSync(descriptor, bytes, filled, sizeBytes - filled, filled);
    if (read === 0) break;
    filled += read;
  }
  return bytes.subarray(0, filled);
}
