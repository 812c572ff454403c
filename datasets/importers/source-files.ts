import { lstat, open, readdir } from 'node:fs/promises';
import { join, posix } from 'node:path';

import { ImportError } from './import-summary.ts';
import type { SourceFile } from './table.ts';
import type { Tally } from './tally.ts';

/** How files of text tables are called. */
export const textTables: readonly string[] = ['.csv', '.tsv', '.txt', '.data', '.dat'].flatMap((extension) => [
  extension,
  `${extension}.gz`,
]);

const mostFiles = 100_000;
const mostDepth = 16;
/** `chunk-9` before `chunk-10`. */
const byName = new Intl.Collator('en', { numeric: true });

/** The file a person meant by a path: the path itself, or the file of that name in the folder. */
export async function fileAt(path: string, name: string): Promise<string> {
  const file = (await isFolder(path)) ? join(path, name) : path;
  if (await isFile(file)) return file;
  throw new ImportError(`expected ${name} or a folder that holds it, got no such file [path=${file}]`);
}

/** The file, or every file of one of these extensions in the folder and below, by name. Links are not followed; other files are counted. */
export async function sourceFiles(
  path: string,
  extensions: readonly string[],
  tally: Tally,
): Promise<readonly SourceFile[]> {
  if (await isFile(path)) return [{ path, name: posix.basename(path) }];
  const found: SourceFile[] = [];
  const walk = async (folder: string, name: string, depth: number): Promise<void> => {
    const entries = await readdir(folder, { withFileTypes: true });
    for (const entry of entries.toSorted((a, b) => byName.compare(a.name, b.name))) {
      const file = { path: join(folder, entry.name), name: posix.join(name, entry.name) };
      if (entry.isDirectory() && depth < mostDepth) await walk(file.path, file.name, depth + 1);
      else if (!entry.isFile()) tally.leftOut('file', 'no regular file', file.name);
      else if (extensions.some((extension) => entry.name.toLowerCase().endsWith(extension))) found.push(file);
      else tally.leftOut('file', `does not end in ${extensions.join(', ')}`, file.name);
      if (found.length > mostFiles)
        throw new ImportError(`expected at most ${mostFiles} files, got more [path=${path}]`);
    }
  };
  if (await isFolder(path)) await walk(path, '', 0);
  if (found.length > 0) return found;
  throw new ImportError(
    `expected a file that ends in ${extensions.join(', ')} or a folder of such, got none [path=${path}]`,
  );
}

/** Text of a file of at most so many bytes. */
export async function readSourceText(file: string, mostBytes: number): Promise<string> {
  await refusePointer(file);
  const bytes = await firstBytes(file, mostBytes + 1);
  if (bytes.length <= mostBytes) return bytes.toString('utf8');
  throw new ImportError(`expected at most ${mostBytes} bytes, got more [file=${file}]`);
}

/** Throws where a file is not there, or is only the pointer that Git LFS leaves in its place. */
export async function refusePointer(file: string): Promise<void> {
  if (!(await isFile(file))) throw new ImportError(`expected a file, got none [file=${file}]`);
  if (!isLargeFilePointer(await firstBytes(file, pointerStart.length))) return;
  throw new ImportError(`expected the data, got a pointer of Git LFS: run "git lfs pull" in its folder [file=${file}]`);
}

const pointerStart = 'version https://git-lfs';

/** Whether bytes begin as the pointer that Git LFS leaves in the place of a file. */
export const isLargeFilePointer = (bytes: Uint8Array): boolean =>
  Buffer.from(bytes.subarray(0, pointerStart.length)).toString('latin1') === pointerStart;

/** Of a file: at most so many bytes of its beginning. */
export async function firstBytes(file: string, count: number): Promise<Buffer> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const bytes = Buffer.alloc(Math.min(count, size));
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, 0);
    return bytes.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

const isFile = async (path: string): Promise<boolean> => (await lstat(path).catch(() => undefined))?.isFile() === true;
const isFolder = async (path: string): Promise<boolean> =>
  (await lstat(path).catch(() => undefined))?.isDirectory() === true;
