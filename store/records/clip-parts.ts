import { inParallel } from '../in-parallel.ts';
import type { ObjectStore } from '../object-store.ts';

/** Where the parts of clips lie until their clip is whole: any gateway can go on with what another one began. */
export const clipPartsPrefix = 'landing-media/';

const prefixOf = (robotId: string, sha256: string): string => `${clipPartsPrefix}${robotId}/${sha256}/`;

export const clipPartKey = (robotId: string, sha256: string, part: number): string =>
  `${prefixOf(robotId, sha256)}${part}`;

export interface ClipPart {
  readonly robotId: string;
  /** Of the clip it is a part of, as the robot says: nobody has proven it yet. */
  readonly sha256: string;
  readonly part: number;
}

/** What a key names; undefined for a key of something else. */
export function clipPartIn(key: string): ClipPart | undefined {
  const [, robotId, sha256, part] = /^landing-media\/([^/]+)\/([0-9a-f]{64})\/(0|[1-9]\d{0,8})$/.exec(key) ?? [];
  return robotId === undefined || sha256 === undefined ? undefined : { robotId, sha256, part: Number(part) };
}

/** Sizes of the parts that are there, by their numbers. */
export async function clipParts(
  store: ObjectStore,
  robotId: string,
  sha256: string,
): Promise<ReadonlyMap<number, number>> {
  const sizes = new Map<number, number>();
  for await (const { key, sizeBytes } of store.list(prefixOf(robotId, sha256))) {
    const found = clipPartIn(key);
    if (found !== undefined) sizes.set(found.part, sizeBytes);
  }
  return sizes;
}

const deletesAtOnce = 8;

/** Removes all parts of one clip. Idempotent. */
export async function removeClipParts(store: ObjectStore, robotId: string, sha256: string): Promise<void> {
  const parts = [...(await clipParts(store, robotId, sha256)).keys()];
  await inParallel(parts, deletesAtOnce, (part) => store.delete(clipPartKey(robotId, sha256, part)));
}
