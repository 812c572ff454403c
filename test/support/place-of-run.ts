import { accessSync, constants, readdirSync, readFileSync, rmdirSync, rmSync, statfsSync, statSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import path from 'node:path';

const memory = '/dev/shm';
/** A run writes less than one at a time; its processes take the rest. */
const leastFreeBytes = 4 * 2 ** 30;
const leastFreeMemoryBytes = 8 * 2 ** 30;
const dayMs = 86_400_000;

/**
 * Where the folders of a run are made: a file system in memory where there is plenty, because what tests write nobody needs after them, and writing it to a disk costs those
 * that write most a quarter of their processor time. Only `npm test` runs in several processes: long tests write as much as they please. A TMPDIR of the caller's is
 * where they are instead.
 */
export function placeOfRun(): string {
  if (!process.argv.includes('--parallel') || process.env['TMPDIR'] !== undefined || !isPlenty()) return tmpdir();
  sweep(memory);
  return memory;
}

function isPlenty(): boolean {
  try {
    accessSync(memory, constants.W_OK | constants.X_OK);
    // The S3 server of the tests keeps metadata in extended attributes, which a file system in memory has from Linux 6.6 on.
    const [major = 0, minor = 0] = release().split('.').map(Number);
    if (major < 6 || (major === 6 && minor < 6)) return false;
    const { bavail, bsize } = statfsSync(memory);
    const mount = readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .find((line) => line.split(' ')[1] === memory);
    // Tests run programs that they write there.
    const runsPrograms = mount?.split(' ')[3]?.split(',').includes('noexec') === false;
    return runsPrograms && bavail * bsize >= leastFreeBytes && process.availableMemory() >= leastFreeMemoryBytes;
  } catch {
    return false;
  }
}

/** What a run left that was killed holds memory for as long as the machine is up. */
function sweep(place: string): void {
  for (const name of readdirSync(place)) {
    const folder = path.join(place, name);
    if (!name.startsWith('flywheel-test-')) continue;
    try {
      if (Date.now() - statSync(folder).mtimeMs > dayMs) rmSync(folder, { recursive: true, force: true });
    } catch {
      // Somebody else's, or gone meanwhile.
    }
  }
}

/** Leaves of a folder its logs alone. */
export function keepLogs(folder: string): void {
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const inside = path.join(folder, entry.name);
      if (entry.isDirectory()) keepLogs(inside);
      else if (!entry.name.endsWith('.log')) rmSync(inside, { force: true });
    }
    if (readdirSync(folder).length === 0) rmdirSync(folder);
  } catch {
    // Somebody still writes there: it stays.
  }
}
