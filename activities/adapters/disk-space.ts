import { statfs } from 'node:fs/promises';

import type { DiskSpace } from '../ports/cycles.ts';

/** Room on the disks of local folders; a folder that does not exist says nothing. https://nodejs.org/api/fs.html#fspromisesstatfspath-options */
export const diskSpaceOf =
  (folders: readonly string[]): DiskSpace =>
  async () => {
    const found = await Promise.all(
      folders.map(async (folder) => {
        try {
          const { bavail, bsize, blocks } = await statfs(folder);
          return [{ folder, freeBytes: bavail * bsize, totalBytes: blocks * bsize }];
        } catch {
          return [];
        }
      }),
    );
    return found.flat();
  };
