import { randomUUID } from 'node:crypto';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { fileSha256 } from '../../datasets/landing.ts';
import { readSoundJson } from '../../store/damaged-objects.ts';
import { failure } from '../../store/failures.ts';
import { readErasedEpisodes, readErasureRequest, type ErasureRequest } from '../../store/records/erasures.ts';
import { unlessConflict } from '../unless-conflict.ts';
import { quarantineRecordSchema } from '../collection/quarantine.ts';
import { hashFile, type ErasedRows } from './erased-rows.ts';
import { withoutErasedFacts } from './fact-lines.ts';
import { inErasureScratch, type ErasurePorts, type FindErasedInput } from './find-erased.ts';
import { erasedInTable, type FindPorts } from './find-lake.ts';
import { eraseMedia } from './find-media.ts';
import { restSql, soundSource } from './find-segments.ts';
import { isFactRows, listsOfHolds, textOf } from './find-texts.ts';
import { eraseLogStats } from './log-stats.ts';
import { foundDocument, type Found } from './found.ts';
import { refuseHeldFound } from './refuse-held.ts';
import { replaceTelemetry } from './replace-telemetry.ts';
import { withoutErasedWords } from './shown-images.ts';
import { withoutErasedLines } from './telemetry-lines.ts';

const erasedTables = ['episodes', 'frames', 'outcomes', 'fleet_days'] as const;
/** Files of a table that are made anew at once. */
const filesAtOnce = 16;

/**
 * Takes away what a pass found: rows of the lake with the bytes of the files that had them, segments, lines of telemetry, rows of
 * sets, ids in documents. `Conflict`, before anything goes, where a legal hold covers any of it. Idempotent by (erasure, pass): what is gone is passed over, so a call that was cut short goes on.
 */
export const eraseFound =
  (ports: ErasurePorts) =>
  async ({ erasureId, pass }: FindErasedInput): Promise<{ readonly objects: number }> => {
    const found = await foundDocument(ports.store, erasureId, pass).read();
    if (found === undefined) return { objects: 0 };
    const request = await readErasureRequest(ports.store, erasureId);
    const erased: ErasedRows = { request, hashes: await readErasedEpisodes(ports.store, erasureId) };
    // A hold may have come since the request: nothing has gone in this pass.
    await refuseHeldFound(ports, erased, found);
    await inErasureScratch(ports, async (own) => {
      const hashPath = await hashFile(own.directory, 'erased', erased.hashes);
      await eraseLakeFiles(own, request, found, hashPath);
      for (const { key, isWhole } of found.segments) await eraseSegment(own, erased, hashPath, key, isWhole);
    });
    for (const table of erasedTables) {
      const own = found.lakeFiles.filter((file) => file.table === table).map(({ relativeKey }) => relativeKey);
      await eraseLogStats(ports.store, table, erased.hashes, own);
    }
    for (const { key } of found.telemetry) await eraseTelemetry(ports, erased, key);
    await eraseMedia(ports, erased, found.media);
    for (const key of found.sums) await ports.store.delete(key);
    for (const key of found.sets) await ports.store.delete(key);
    const held = await listsOfHolds(ports.store);
    for (const key of found.texts.filter((one) => !one.startsWith('lake/') && !held.has(one))) {
      ports.progress({ stage: 'erasing in documents', key });
      const text = await textOf(ports.store, key);
      const left = isFactRows(key) ? withoutErasedFacts(text, erased) : withoutErasedWords(text, erased.hashes);
      if (left !== text) await ports.store.put(key, new TextEncoder().encode(left));
    }
    return { objects: found.lakeFiles.length + found.segments.length + found.telemetry.length };
  };

/** Episodes before their frames, so that no reader meets an episode without them. Bytes go when the table no longer has the file. */
async function eraseLakeFiles(
  { lake, store, session, progress }: FindPorts,
  request: ErasureRequest,
  { lakeFiles: files, pass }: Found,
  hashPath: string,
): Promise<void> {
  for (const table of erasedTables) {
    const own = files.filter((file) => file.table === table);
    for (let start = 0; start < own.length; start += filesAtOnce) {
      const some = own.slice(start, start + filesAtOnce);
      progress({ stage: 'erasing in the lake', table, files: start });
      const relativeKeys = some.map(({ relativeKey }) => relativeKey);
      // Who else changes the table wins; the files that are left are made anew.
      await unlessConflict(() =>
        lake.rewrite(session, table, relativeKeys, {
          dropSql: erasedInTable(table, request, hashPath, pass === 1),
          operation: `erase ${request.erasureId}`,
        }),
      );
      for (const { key } of some) await store.delete(key);
    }
  }
}

async function eraseSegment(
  ports: FindPorts,
  erased: ErasedRows,
  hashPath: string,
  key: string,
  isWhole: boolean,
): Promise<void> {
  const { store, progress } = ports;
  progress({ stage: 'erasing segments', key });
  const besides = key.startsWith('quarantine/') ? key.replace(/\.parquet$/, '.json') : `${key}.json`;
  if (!isWhole) await keepTheRest(ports, erased, hashPath, key, besides);
  if (!key.startsWith('landing/')) await store.delete(besides);
  await store.delete(key);
}

/** Writes the other episodes of a segment as one of their own; what stops it stops the pass, and the segment stays as it is. */
async function keepTheRest(
  { store, session, directory }: FindPorts,
  { request, hashes }: ErasedRows,
  hashPath: string,
  key: string,
  besides: string,
): Promise<void> {
  const sizeBytes = await sizeOf({ store }, key);
  const source = sizeBytes === undefined ? 'gone' : await soundSource(store, { key, sizeBytes, modifiedMs: 0 });
  if (source === 'gone') return;
  if (source === undefined)
    throw failure('CorruptData', 'expected a segment that could be read when it was found, got one that cannot', {
      coordinates: { key },
    });
  const filePath = join(directory, `rest-${randomUUID()}.parquet`);
  await session.run(restSql(source, request, hashPath, filePath));
  const sha256 = await fileSha256(filePath);
  const restKey = `${key.slice(0, key.lastIndexOf('/') + 1)}${sha256}.parquet`;
  await store.put(restKey, { filePath });
  if (key.startsWith('quarantine/')) {
    const record = await readSoundJson(store, besides, quarantineRecordSchema, () => undefined);
    const { size } = await stat(filePath);
    const text = record && JSON.stringify({ ...record, sha256, sizeBytes: size }, undefined, 2);
    const left = text === undefined ? undefined : withoutErasedWords(text, hashes);
    if (left !== undefined) await store.put(restKey.replace(/\.parquet$/, '.json'), new TextEncoder().encode(left));
  } else if (key.startsWith('removed/')) {
    const bytes = await store.get(besides);
    if (bytes !== undefined) await store.put(`${restKey}.json`, bytes);
  }
  await rm(filePath, { force: true });
}

async function sizeOf({ store }: Pick<FindPorts, 'store'>, key: string): Promise<number | undefined> {
  for await (const entry of store.list(key)) if (entry.key === key) return entry.sizeBytes;
  return undefined;
}

async function eraseTelemetry({ store, progress }: ErasurePorts, erased: ErasedRows, key: string): Promise<void> {
  progress({ stage: 'erasing telemetry', key });
  const bytes = await store.get(key);
  if (bytes === undefined) return;
  const { text, entries } = withoutErasedLines(new TextDecoder().decode(bytes), erased);
  if (entries > 0) await replaceTelemetry(store, key, text);
}
