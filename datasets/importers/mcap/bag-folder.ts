import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { ImportError } from '../import-summary.ts';
import { readSourceText, sourceFiles } from '../source-files.ts';
import type { SourceFile } from '../table.ts';
import type { Tally } from '../tally.ts';

const mostMetadataBytes = 16 * 1024 * 1024;
const mostListed = 100_000;

/**
 * The MCAP files and rosbag2 files with SQLite of a path: one file, or all in a folder and below, by name. In the folder of a rosbag2 recording, which `metadata.yaml` marks, those that it lists
 * must be there. Throws `ImportError` for recordings of ROS 1 or files compressed as a whole, with the command that converts them.
 */
export async function bagFiles(path: string, tally: Tally): Promise<readonly SourceFile[]> {
  await refuseOthers(path);
  const files = await sourceFiles(path, ['.mcap', '.db3'], tally);
  const listed = await listedFiles(path);
  const names = new Set(files.map(({ name }) => name));
  for (const name of listed)
    if (!names.has(name)) tally.leftOut('file', 'listed in metadata.yaml, and not in the folder', name);
  return files;
}

async function refuseOthers(path: string): Promise<void> {
  const names = [path, ...(await readdir(path).catch(() => []))];
  const isBag = names.some((name) => /\.(?:mcap|db3)$/.test(name));
  const other = names.find((name) => /\.(?:mcap\.zstd|db3\.zstd|bag)$/.test(name));
  if (isBag || other === undefined) return;
  const how = other.endsWith('.zstd')
    ? 'decompress it with "zstd -d"'
    : 'convert it with "mcap convert in.bag out.mcap"';
  throw new ImportError(`expected files of MCAP or rosbag2, got ${other}: ${how} [path=${path}]`);
}

/** The lines of the list `relative_file_paths` of a rosbag2 `metadata.yaml`; none without such a file. */
async function listedFiles(path: string): Promise<readonly string[]> {
  const entries: readonly string[] = await readdir(path).catch(() => []);
  if (!entries.includes('metadata.yaml')) return [];
  const lines = (await readSourceText(join(path, 'metadata.yaml'), mostMetadataBytes)).split('\n');
  const start = lines.findIndex((line) => line.trim() === 'relative_file_paths:');
  const listed: string[] = [];
  for (const line of start < 0 ? [] : lines.slice(start + 1, start + 1 + mostListed)) {
    const [, name] = /^\s*-\s+["']?([^"']+?)["']?\s*$/.exec(line) ?? [];
    if (name === undefined) break;
    listed.push(name);
  }
  return listed;
}
