import { lakeTables, type LakeTable } from '../../datasets/dataset-version.ts';
import { digestOfRows, rowsDifference } from '../../datasets/rows-digest.ts';
import { ageMs, defaultRetentionRules } from '../../domain/retention.ts';
import type { Clock } from '../../store/clock.ts';
import { failure, isFailure } from '../../store/failures.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { Progress } from '../ports/progress.ts';
import type { SqlEngine } from '../ports/sql.ts';
import { readHeldData } from '../retention/held-data.ts';
import { pinnedVersions } from '../retention/what-is-needed.ts';
import type { Lake } from './lake.ts';
import type { RewriteResult, StoredFile } from './rewrite.ts';

export interface CompactLakePorts {
  readonly store: ObjectStore;
  readonly lake: Lake;
  readonly engine: SqlEngine;
  readonly clock: Clock;
  readonly progress: Progress;
}

export interface CompactLakeInput {
  /** Real length of a fleet day. */
  readonly dayMs: number;
  readonly dryRun: boolean;
  /** For a job that comes again: only days with {@link sparingFiles} small files or more, and so much as one call does. */
  readonly isSparing?: boolean;
}

export interface CompactLakeResult {
  readonly tables: readonly {
    readonly table: LakeTable;
    /** Small files that were put together, or would be, and how many came of them. */
    readonly merged: number;
    readonly written: number;
    readonly rows: number;
  }[];
  /** Files of old versions that went, or would. */
  readonly vacuumed: { readonly files: number; readonly bytes: number; readonly pinnedFiles: number };
  /** Why nothing was vacuumed. */
  readonly held: string | null;
  /** A sparing call left something for the next one. */
  readonly isBehind: boolean;
}

/** What left the lake stays readable so long for whoever has begun to read, fleet days. */
const vacuumAfterDays = defaultRetentionRules.setDays;
/** A file below this is small. */
const smallBytes = 32 * 2 ** 20;
/** What is made of small ones is at most so large. */
const mostBytes = 256 * 2 ** 20;
const mostConflicts = 20;
/** So many small files of a day are worth to be put together by themselves. */
const sparingFiles = 8;
/** What a sparing call reads. */
const sparingBytes = 512 * 2 ** 20;

/**
 * Puts small files of a day together, with the same rows by the count and digest of another reader than the one that wrote them, and
 * deletes files of old versions that nothing pins. Readers see the files from before or those from after. Idempotent: what is
 * together stays; who else takes a file meanwhile wins, and the rest is done anew.
 */
export const compactLake =
  (ports: CompactLakePorts) =>
  async ({ dayMs, dryRun, isSparing = false }: CompactLakeInput): Promise<CompactLakeResult> => {
    const { store, lake, clock, progress } = ports;
    const tables: CompactLakeResult['tables'][number][] = [];
    const budget = { leastFiles: isSparing ? sparingFiles : 2, bytes: isSparing ? sparingBytes : Infinity };
    const at = { nowMs: clock(), dayMs };
    const pinned = await pinnedVersions(store, at);
    const held = (await readHeldData(store)).any ?? null;
    const vacuumed =
      held === null
        ? await lake.vacuum(pinned, {
            beforeMs: at.nowMs - ageMs(vacuumAfterDays, dayMs),
            dryRun,
            onFile: (file) => progress({ stage: 'vacuum', file }),
          })
        : { files: 0, bytes: 0, pinnedFiles: 0 };
    // Last, as it may fail where another reader finds other rows: nothing waits behind it.
    for (const table of lakeTables) tables.push({ table, ...(await compactTable(ports, table, dryRun, budget)) });
    return { tables, vacuumed, held, isBehind: budget.bytes <= 0 };
  };

interface Budget {
  readonly leastFiles: number;
  /** Left to read. */
  bytes: number;
}

async function compactTable(
  { lake, engine, progress }: CompactLakePorts,
  table: LakeTable,
  dryRun: boolean,
  budget: Budget,
): Promise<Omit<CompactLakeResult['tables'][number], 'table'>> {
  const total = { merged: 0, written: 0, rows: 0 };
  for (let conflicts = 0; budget.bytes > 0;) {
    const groups = groupsOf(await lake.storedFiles(table), budget.leastFiles);
    const [group] = groups.slice(dryRun ? total.written : 0);
    if (group === undefined) return total;
    progress({ stage: 'putting files together', table, files: group.length });
    budget.bytes -= group.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    if (dryRun) {
      total.merged += group.length;
      total.written += 1;
      continue;
    }
    try {
      const keys = group.map(({ relativeKey }) => relativeKey);
      const { replaced, written, rows } = await mergedFiles({ lake, engine }, table, keys);
      total.merged += replaced.length;
      total.written += written;
      total.rows += rows;
      if (written >= keys.length) return total;
    } catch (error) {
      if ((conflicts += 1) > mostConflicts || !isFailure(error, 'Conflict')) throw error;
    }
  }
  return total;
}

/** One thread writes one file a day. */
async function mergedFiles(
  { lake, engine }: Pick<CompactLakePorts, 'lake' | 'engine'>,
  table: LakeTable,
  keys: readonly string[],
): Promise<RewriteResult> {
  const session = await engine.open({ threads: 1 });
  try {
    return await lake.rewrite(session, table, keys, { operation: 'OPTIMIZE', check: sameRows });
  } finally {
    await session.close();
  }
}

/** Small files of one day, as many as fit together; where there are fewer than `leastFiles` they are left alone. */
function groupsOf(files: readonly StoredFile[], leastFiles: number): readonly (readonly StoredFile[])[] {
  const small = files.filter(({ isCurrent, sizeBytes }) => isCurrent && sizeBytes < smallBytes);
  return [...Map.groupBy(small, ({ recordedOn }) => recordedOn).values()].flatMap((day) => {
    const groups: StoredFile[][] = [];
    let [open, bytes]: [StoredFile[], number] = [[], 0];
    for (const file of day) {
      if (bytes + file.sizeBytes > mostBytes) {
        groups.push(open);
        [open, bytes] = [[], 0];
      }
      open.push(file);
      bytes += file.sizeBytes;
    }
    return [...groups, open].filter(({ length }) => length >= leastFiles);
  });
}

async function sameRows(before: readonly string[], after: readonly string[]): Promise<void> {
  const difference = rowsDifference(await digestOfRows(before), await digestOfRows(after));
  if (difference !== undefined)
    throw failure(
      'CorruptData',
      `expected the same rows in fewer files, another reader found ${difference}: nothing was changed`,
    );
}
