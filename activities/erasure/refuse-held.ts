import { lakeTables } from '../../datasets/dataset-version.ts';
import { failure } from '../../store/failures.ts';
import { episodeHash, type ErasureRequest } from '../../store/records/erasures.ts';
import { scanSql } from '../lake/scan-sql.ts';
import { tableColumns } from '../lake/table.ts';
import type { SqlRow } from '../ports/sql.ts';
import { isHeldSql, readHeldData, type HeldData } from '../retention/held-data.ts';
import { hashFile, type ErasedRows } from './erased-rows.ts';
import { inErasureScratch, search, type ErasurePorts } from './find-erased.ts';
import { erasedInTable, type FindPorts } from './find-lake.ts';
import { whyMediaHeld } from './find-media.ts';
import { erasedInSegment, rowsIfReadable, soundSource } from './find-segments.ts';
import { textOf } from './find-texts.ts';
import type { Found } from './found.ts';
import { withoutErasedLines } from './telemetry-lines.ts';

/** Fails as `Conflict`, naming the hold, where one covers any of what a request names, wherever it lies. Looks only while a hold stands. */
export async function refuseHeld(
  ports: ErasurePorts,
  request: ErasureRequest,
  listed: ReadonlySet<string>,
): Promise<void> {
  const held = await readHeldData(ports.store);
  if (held.any === undefined) return;
  refuse(whyNamed(request, held));
  const { hashes, ...found } = await search(ports, request, listed, 1);
  await refuseHeldFound(ports, { request, hashes }, found);
}

/** The same for what a search found, by the holds of now. What cannot be read is held where a hold is on a site or on episodes. */
export async function refuseHeldFound(ports: ErasurePorts, erased: ErasedRows, found: Found): Promise<void> {
  const held = await readHeldData(ports.store);
  if (held.any === undefined) return;
  refuse(whyNamed(erased.request, held) ?? whyListed(erased.hashes, held));
  await inErasureScratch(ports, async (own) => {
    const hashPath = await hashFile(own.directory, 'going', erased.hashes);
    refuse(await whyRowsHeld(own, erased.request, found, hashPath, held));
    refuse(await whyOldFilesHeld(own, found, held));
    refuse(await whySegmentsHeld(own, erased.request, found, hashPath, held));
    refuse(await whyMediaHeld(own.store, found.media, held));
    for (const { key } of found.telemetry) refuse(await whyLinesHeld(own, erased, key, held));
  });
}

function refuse(why: string | undefined): void {
  if (why !== undefined) throw failure('Conflict', `expected no legal hold on the data to be erased, got ${why}`);
}

function whyNamed({ target }: ErasureRequest, { everything, robots, sites }: HeldData): string | undefined {
  if (everything !== undefined) return everything;
  if (target.kind === 'robot') return robots.get(target.robotId);
  return target.kind === 'site' ? sites.get(target.site) : undefined;
}

function whyListed(hashes: ReadonlySet<string>, { episodes }: HeldData): string | undefined {
  for (const [id, why] of episodes) if (hashes.has(episodeHash(id))) return why;
  return undefined;
}

const heldRowSql = (from: string, goes: string, held: HeldData, columns = 'robot_id, site, episode_id'): string =>
  `SELECT ${columns} FROM ${from} WHERE ${isHeldSql(held)} AND ${goes} LIMIT 1`;

/** Why a held row stays; undefined without one. */
function whyHeldRow(rows: readonly SqlRow[], held: HeldData): string | undefined {
  const text = (column: string): string => {
    const value = rows[0]?.[column];
    return typeof value === 'string' ? value : '';
  };
  return rows.length === 0
    ? undefined
    : (held.robots.get(text('robot_id')) ??
        held.sites.get(text('site')) ??
        held.episodes.get(text('episode_id')) ??
        held.any);
}

/** Whose a segment is, its folder tells; of which site, and with which episodes, nobody can tell. */
const whyUnknown = ({ sites, episodes }: HeldData): string | undefined =>
  [...sites.values(), ...episodes.values()].find(() => true);

async function localFiles({ store }: FindPorts, files: Found['lakeFiles']) {
  const local = [];
  for (const file of files) {
    const path = await store.localPath(file.key);
    const recordedOn = /recorded_on=(\d{4}-\d{2}-\d{2})\//.exec(file.relativeKey)?.[1] ?? '1970-01-01';
    if (path !== undefined) local.push({ ...file, path, recordedOn });
  }
  return local;
}

async function whyRowsHeld(
  own: FindPorts,
  request: ErasureRequest,
  { lakeFiles, pass }: Found,
  hashPath: string,
  held: HeldData,
): Promise<string | undefined> {
  const lacksIds: HeldData = { ...held, episodes: new Map() };
  for (const file of await localFiles(own, lakeFiles)) {
    const { table } = file;
    if (table === 'frames') continue;
    const from = scanSql(tableColumns[table], [file]);
    const goes = erasedInTable(table, request, hashPath, pass === 1);
    const why =
      table === 'fleet_days'
        ? whyHeldRow(await own.session.rows(heldRowSql(from, goes, lacksIds, 'robot_id, site')), lacksIds)
        : whyHeldRow(await own.session.rows(heldRowSql(from, goes, held)), held);
    if (why !== undefined) return why;
  }
  return undefined;
}

/** Files of older versions go whole: one with held rows that the newest version has not must stay. */
async function whyOldFilesHeld(own: FindPorts, { lakeFiles }: Found, held: HeldData): Promise<string | undefined> {
  const version = await own.lake.currentVersion();
  const episodes = (await own.lake.storedFiles('episodes')).map((file) => ({ ...file, table: 'episodes' as const }));
  for (const table of lakeTables) {
    const current = new Set((await own.lake.storedFiles(table)).flatMap((file) => (file.isCurrent ? file.key : [])));
    const old = await localFiles(
      own,
      lakeFiles.filter((file) => file.table === table && !current.has(file.key)),
    );
    if (old.length === 0) continue;
    const kept = `SELECT episode_id FROM ${await own.lake.scan(table, version[table])}`;
    const here = `SELECT episode_id FROM ${scanSql(tableColumns[table], old)}`;
    const all = await localFiles(
      own,
      episodes.map((file) => ({ ...file, rows: 0 })),
    );
    const goes = `episode_id IN (${here}) AND episode_id NOT IN (${kept})`;
    // A file of the lake that cannot be read says nothing of whose it is: the erasure fails by it.
    const rows = await own.session.rows(heldRowSql(scanSql(tableColumns.episodes, all), goes, held));
    const why = whyHeldRow(rows, held);
    if (why !== undefined) return why;
  }
  return undefined;
}

async function whySegmentsHeld(
  own: FindPorts,
  request: ErasureRequest,
  { segments }: Found,
  hashPath: string,
  held: HeldData,
): Promise<string | undefined> {
  const wanted = new Map(segments.map((segment) => [segment.key, segment]));
  for (const { key, isWhole } of wanted.values())
    for await (const entry of own.store.list(key)) {
      if (entry.key !== key) continue;
      const source = await soundSource(own.store, entry);
      if (source === 'gone') continue;
      const goes = source === undefined || isWhole ? 'true' : erasedInSegment(request, hashPath, source.facts);
      const rows = source === undefined ? undefined : await rowsIfReadable(own, heldRowSql(source.sql, goes, held));
      const why = rows === undefined ? whyUnknown(held) : whyHeldRow(rows, held);
      if (why !== undefined) return why;
    }
  return undefined;
}

/** Lines of a robot that name an episode that is held. */
async function whyLinesHeld(
  { store }: FindPorts,
  erased: ErasedRows,
  key: string,
  { episodes }: HeldData,
): Promise<string | undefined> {
  if (episodes.size === 0) return undefined;
  const text = await textOf(store, key);
  const left = withoutErasedLines(text, erased).text;
  for (const [id, why] of episodes) if (text.split(id).length > left.split(id).length) return why;
  return undefined;
}
