import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import type { FactTable } from '../../datasets/dataset-version.ts';
import { holdsTransaction } from '../../datasets/delta/commit.ts';
import type { Clock } from '../../store/clock.ts';
import { isFailure } from '../../store/failures.ts';
import { inParallel } from '../../store/in-parallel.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { openTable } from '../lake/table.ts';
import { commitFiles, dayOf, erasuresIn, scanFiles, type LakeTransaction } from '../lake/table-files.ts';
import { writeFiles } from '../lake/write-files.ts';
import type { SqlEngine, SqlSession } from '../ports/sql.ts';

/** What one commit makes of a table: rows are added, and those of some days written anew. */
export interface FactChange {
  readonly transaction: LakeTransaction;
  /** Which days to write anew, of those that have files: `day → files`. */
  readonly rewrites: (filesByDay: ReadonlyMap<string, number>) => readonly string[];
  /** The rows to write, given a relation of all rows of these days; asked again where an erasure began meanwhile. */
  readonly relation: (rewritten: string) => Promise<string>;
}

/** UTC days `[from, to)`, `2026-11-22`. */
export interface DaySpan {
  readonly from: string;
  readonly to: string;
}

/** The tables of facts, Delta Lake tables beside those of experience. */
export interface FactTables {
  /** A table expression of the newest version, of the files of these days only; undefined where nothing was ever written. Makes nothing. */
  scan(table: FactTable, days?: DaySpan): Promise<string | undefined>;
  /** Commits a change once, whoever else writes; idempotent by its transaction. */
  change(session: SqlSession, table: FactTable, change: FactChange): Promise<'committed' | 'alreadyCommitted'>;
}

/** Others who write the same days make it begin anew; more often than this they are not racing. */
const mostAttempts = 20;
const deletesAtOnce = 8;

const isWithin = (day: string, { from, to }: DaySpan): boolean => day >= from && day < to;

export function openFactTables(given: {
  readonly store: ObjectStore;
  readonly engine: SqlEngine;
  readonly clock: Clock;
  readonly stagingDirectory: string;
}): FactTables {
  const ports = { ...given, newFileId: randomUUID };
  const logs = { outcomes: openTable(ports, 'outcomes'), fleet_days: openTable(ports, 'fleet_days') };

  async function attempt(session: SqlSession, table: FactTable, change: FactChange) {
    const log = logs[table];
    const base = await log.latest();
    if (holdsTransaction(base, change.transaction)) return 'alreadyCommitted';
    const files = [...base.files];
    const filesByDay = new Map(
      [...Map.groupBy(files, ([, file]) => dayOf(file))].map(([day, { length }]) => [day, length]),
    );
    const days = new Set(change.rewrites(filesByDay));
    const rewritten = files.filter(([, file]) => days.has(dayOf(file)));
    const fileId = ports.newFileId();
    const directory = join(ports.stagingDirectory, fileId);
    try {
      const existing = await scanFiles(ports.store, log, base.version, rewritten);
      const relation = await change.relation(existing);
      const staged = await writeFiles(session, log.columns, relation, { directory, fileId });
      try {
        const removes = rewritten.map(([key]) => key);
        const { transaction } = change;
        const erasures = erasuresIn(base);
        const merged = { files: staged, removes, transaction, operation: 'MERGE', erasures };
        return (await commitFiles(ports, log, base, merged)).outcome;
      } catch (error) {
        if (isFailure(error, 'Conflict'))
          await inParallel(staged, deletesAtOnce, (file) => ports.store.delete(`${log.root}/${file.relativeKey}`));
        throw error;
      }
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }

  return {
    scan: async (table, days) => {
      const snapshot = await logs[table].existing();
      if (snapshot === undefined) return undefined;
      const files = [...snapshot.files].filter(([, file]) => days === undefined || isWithin(dayOf(file), days));
      return scanFiles(ports.store, logs[table], snapshot.version, files);
    },
    change: async (session, table, change) => {
      for (let attempts = 1; ; attempts += 1)
        try {
          return await attempt(session, table, change);
        } catch (error) {
          if (!isFailure(error, 'Conflict') || attempts >= mostAttempts) throw error;
        }
    },
  };
}
