import { randomUUID } from 'node:crypto';

import type { DatasetVersion, LakeTable } from '../../datasets/dataset-version.ts';
import type { Clock } from '../../store/clock.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { SqlEngine } from '../ports/sql.ts';
import { scanTable, type Lake } from './lake.ts';
import { openTable, type LakeTableLog } from './table.ts';

/** The lake for who only reads it. */
export interface LakeReader extends Pick<Lake, 'scan'> {
  /** Newest versions, every episode with its frames; undefined where there is no lake yet: it makes none. */
  currentVersion(): Promise<DatasetVersion | undefined>;
}

export function openLakeReader(given: {
  readonly store: ObjectStore;
  readonly engine: SqlEngine;
  readonly clock: Clock;
  readonly stagingDirectory: string;
}): LakeReader {
  const ports = { ...given, newFileId: randomUUID };
  const tables: Readonly<Record<LakeTable, LakeTableLog>> = {
    episodes: openTable(ports, 'episodes'),
    frames: openTable(ports, 'frames'),
  };
  return {
    currentVersion: async () => {
      let episodes = (await tables.episodes.existing())?.version;
      while (episodes !== undefined) {
        const frames = (await tables.frames.existing())?.version;
        if (frames === undefined) return undefined;
        const again = (await tables.episodes.existing())?.version;
        if (again === episodes) return { episodes, frames };
        episodes = again;
      }
      return undefined;
    },
    scan: (table, version, options = {}) => scanTable(given.store, tables[table], version, options),
  };
}
