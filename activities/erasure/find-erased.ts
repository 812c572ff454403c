import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';

import type { ObjectStore } from '../../store/object-store.ts';
import {
  readErasedEpisodes,
  readErasureRequest,
  writeErasedEpisodes,
  type ErasureRequest,
} from '../../store/records/erasures.ts';
import type { Lake } from '../lake/lake.ts';
import type { Progress } from '../ports/progress.ts';
import type { SqlEngine } from '../ports/sql.ts';
import { lakeFilesWith, lakeHashes, lakeHashesOfOthers, type FindPorts } from './find-lake.ts';
import { findMedia } from './find-media.ts';
import { findSegments, segmentHashesOfOthers } from './find-segments.ts';
import { findSets, findTelemetry, findTexts } from './find-texts.ts';
import { foundDocument, objectsOf, type Found } from './found.ts';

export interface ErasurePorts {
  readonly store: ObjectStore;
  readonly lake: Lake;
  readonly engine: SqlEngine;
  readonly progress: Progress;
  readonly scratchDirectory: string;
}

export interface FindErasedInput {
  readonly erasureId: string;
  readonly pass: number;
}

export interface FindErasedResult {
  /** Objects that hold something; 0: nothing is left. */
  readonly objects: number;
  readonly episodes: number;
  readonly frames: number;
  readonly unreadable: number;
}

/**
 * Looks through the whole store for what a request names, and writes down what it found, before anything goes. Idempotent by
 * (erasure, pass): the first document stays.
 */
export const findErased =
  (ports: ErasurePorts) =>
  async ({ erasureId, pass }: FindErasedInput): Promise<FindErasedResult> => {
    const document = foundDocument(ports.store, erasureId, pass);
    let found = await document.read();
    if (found === undefined) {
      const request = await readErasureRequest(ports.store, erasureId);
      const known = await readErasedEpisodes(ports.store, erasureId);
      const earlier = await earlierFiles(ports.store, erasureId, pass);
      const { hashes, ...rest } = await search(ports, request, known, pass, earlier);
      await writeErasedEpisodes(
        ports.store,
        erasureId,
        pass,
        [...hashes].filter((hash) => !known.has(hash)),
      );
      found = await document.write(rest);
    }
    return {
      objects: objectsOf(found),
      episodes: found.episodes,
      frames: found.frames,
      unreadable: found.unreadable.length,
    };
  };

/** What a request names, without writing anything down; for a dry run. */
export async function search(
  ports: ErasurePorts,
  request: ErasureRequest,
  known: ReadonlySet<string>,
  pass: number,
  /** Files of the lake that earlier passes took: a set that is made of them now may hold their rows. */
  earlier: Found['lakeFiles'] = [],
): Promise<Found & { readonly hashes: ReadonlySet<string> }> {
  return inErasureScratch(ports, async (own) => {
    const inLake = await lakeHashes(own, request, known);
    const { segments, unreadable, unwritable, hashes: inSegments } = await findSegments(own, request, known);
    // Any robot can claim any id: what another one has too goes only by what its rows say, and not by its id.
    const claimed = new Set([...known, ...inLake, ...inSegments]);
    const confirmed = new Set([...known, ...inLake]);
    const others = new Set([
      ...(await lakeHashesOfOthers(own, request, claimed)),
      ...(await segmentHashesOfOthers(own, request, without(claimed, confirmed))),
    ]);
    const hashes = without(claimed, others);
    const lakeFiles = await lakeFilesWith(own, request, hashes, pass === 1);
    const erased = { request, hashes };
    const rowsOf = (table: string): number =>
      lakeFiles.reduce((sum, file) => (file.table === table ? sum + file.rows : sum), 0);
    return {
      pass,
      episodes: rowsOf('episodes'),
      frames: rowsOf('frames'),
      lakeFiles,
      segments,
      unreadable,
      unwritable,
      claimedByOthers: others.size,
      hashes,
      ...(await findTelemetry(ports, erased)),
      media: await findMedia(ports, erased),
      sets: await findSets(ports, [...earlier, ...lakeFiles]),
      texts: await findTexts(ports, erased),
    };
  });
}

const without = (hashes: ReadonlySet<string>, others: ReadonlySet<string>): ReadonlySet<string> =>
  new Set([...hashes].filter((hash) => !others.has(hash)));

export async function earlierFiles(store: ObjectStore, erasureId: string, before: number): Promise<Found['lakeFiles']> {
  const files: Found['lakeFiles'] = [];
  for (let pass = 1; pass < before; pass += 1)
    files.push(...((await foundDocument(store, erasureId, pass).read())?.lakeFiles ?? []));
  return files;
}

/** A session and a folder of their own, gone at the end. */
export async function inErasureScratch<T>(ports: ErasurePorts, work: (own: FindPorts) => Promise<T>): Promise<T> {
  await mkdir(ports.scratchDirectory, { recursive: true });
  const directory = await mkdtemp(join(ports.scratchDirectory, 'erase-'));
  const session = await ports.engine.open();
  try {
    return await work({ ...ports, session, directory });
  } finally {
    await session.close();
    await rm(directory, { recursive: true, force: true });
  }
}
