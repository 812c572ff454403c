import { z } from 'zod';
import { sqlText } from '../sql-types.ts';
import { parseAction, type Action } from './actions.ts';
import { DeltaLogError } from './delta-log-error.ts';
import { checkpointKey, checkpointPartKeys, lastCheckpointKey } from './log-names.ts';
import type { DeltaLogSql, DeltaLogStore } from './log-store.ts';

/** Which checkpoint stands at a version: one file, or several parts made by another writer. */
export interface CheckpointReference {
  readonly version: number;
  readonly parts: number;
}

const lastCheckpointSchema = z.object({ version: z.int().min(0), parts: z.int().min(1).nullish() });

/** The newest checkpoint by the table's own note; undefined when there is none or the note cannot be read (it is a hint only). */
export async function readLastCheckpoint(store: DeltaLogStore, root: string): Promise<CheckpointReference | undefined> {
  const bytes = await store.get(lastCheckpointKey(root));
  if (bytes === undefined) return undefined;
  try {
    const note = lastCheckpointSchema.parse(JSON.parse(new TextDecoder().decode(bytes)));
    return { version: note.version, parts: note.parts ?? 1 };
  } catch {
    return undefined;
  }
}

/** The state in a checkpoint, as actions; undefined when a part of it is not there. */
export async function readCheckpoint(
  store: DeltaLogStore,
  sql: DeltaLogSql,
  root: string,
  checkpoint: CheckpointReference,
): Promise<readonly Action[] | undefined> {
  const keys =
    checkpoint.parts === 1
      ? [checkpointKey(root, checkpoint.version)]
      : checkpointPartKeys(root, checkpoint.version, checkpoint.parts);
  const paths: string[] = [];
  for (const key of keys) {
    const path = await store.localPath(key);
    if (path === undefined) return undefined;
    paths.push(sqlText(path));
  }
  const coordinates = { table: root, checkpoint: checkpoint.version };
  const rows = await sql.rows(`SELECT to_json(r)::VARCHAR AS action FROM read_parquet([${paths.join(', ')}]) AS r`);
  return rows.flatMap(({ action }) => {
    if (typeof action === 'string') return parseAction(action, coordinates);
    throw new DeltaLogError('corrupt', 'expected an action in every row of a checkpoint', coordinates);
  });
}

/** Every field other readers expect, in the types of the format. */
const actionColumns = {
  txn: 'STRUCT("appId" VARCHAR, "version" BIGINT, "lastUpdated" BIGINT)',
  add:
    'STRUCT("path" VARCHAR, "partitionValues" MAP(VARCHAR, VARCHAR), "size" BIGINT, "modificationTime" BIGINT, ' +
    '"dataChange" BOOLEAN, "stats" VARCHAR, "tags" MAP(VARCHAR, VARCHAR))',
  remove:
    'STRUCT("path" VARCHAR, "deletionTimestamp" BIGINT, "dataChange" BOOLEAN, "extendedFileMetadata" BOOLEAN, ' +
    '"partitionValues" MAP(VARCHAR, VARCHAR), "size" BIGINT)',
  metaData:
    'STRUCT("id" VARCHAR, "name" VARCHAR, "description" VARCHAR, "format" STRUCT("provider" VARCHAR, ' +
    '"options" MAP(VARCHAR, VARCHAR)), "schemaString" VARCHAR, "partitionColumns" VARCHAR[], ' +
    '"configuration" MAP(VARCHAR, VARCHAR), "createdTime" BIGINT)',
  protocol:
    'STRUCT("minReaderVersion" INTEGER, "minWriterVersion" INTEGER, "readerFeatures" VARCHAR[], "writerFeatures" VARCHAR[])',
} as const;

/** The statement that turns a file of actions (a JSON object a line) into a checkpoint in one Parquet file. */
export function checkpointStatement(actionsPath: string, checkpointPath: string): string {
  const columns = Object.entries(actionColumns).map(([name, type]) => `${name}: ${sqlText(type)}`);
  return (
    `COPY (SELECT * FROM read_json(${sqlText(actionsPath)}, format = 'newline_delimited', ` +
    `columns = {${columns.join(', ')}}, maximum_object_size = 67108864)) ` +
    `TO ${sqlText(checkpointPath)} (FORMAT parquet, COMPRESSION zstd)`
  );
}

/** Makes a finished checkpoint file visible, then points the table's note at it unless the note is already further. */
export async function publishCheckpoint(
  store: DeltaLogStore,
  root: string,
  checkpoint: { readonly version: number; readonly actions: number; readonly filePath: string },
): Promise<void> {
  await store.put(checkpointKey(root, checkpoint.version), { filePath: checkpoint.filePath });
  const last = await readLastCheckpoint(store, root);
  if (last !== undefined && last.version >= checkpoint.version) return;
  const note = JSON.stringify({ version: checkpoint.version, size: checkpoint.actions });
  await store.put(lastCheckpointKey(root), new TextEncoder().encode(note));
}
