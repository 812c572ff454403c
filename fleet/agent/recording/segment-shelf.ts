import { rename, stat, truncate } from 'node:fs/promises';
import path from 'node:path';

import { namesIn, removeFile, syncDirectory } from '../local/durable-files.ts';
import { worths, type Worth } from './spooled-episodes.ts';

/** A finished segment that waits for its upload. Its name says all that is needed to upload it, or to drop it and count that. */
export interface ShelvedSegment {
  readonly name: string;
  readonly worth: Worth;
  readonly episodes: number;
  readonly sha256: string;
  readonly sizeBytes: number;
}

const namePattern = /^(\d{12})\.(success|aborted|lesson)\.(\d+)\.([0-9a-f]{64})\.parquet$/;
const spoolNumberLength = 12;
const droppedSuffix = '.dropped';

export const segmentName = (spoolNumber: string, worth: Worth, episodes: number, sha256: string): string =>
  `${spoolNumber}.${worth}.${episodes}.${sha256}.parquet`;

function parseName(name: string): Omit<ShelvedSegment, 'sizeBytes'> | undefined {
  const [, , worth, episodes, sha256] = namePattern.exec(name) ?? [];
  const known = worths.find((each) => each === worth);
  if (known === undefined || episodes === undefined || sha256 === undefined) return undefined;
  return { name, worth: known, episodes: Number(episodes), sha256 };
}

/**
 * Which segments to give up so that `excessBytes` are free: plain successes first, then what was aborted, lessons last, in
 * each the oldest first. Never one whose upload has begun: the gateway may have it, and it would count twice.
 */
export function segmentsToDrop(
  segments: readonly ShelvedSegment[],
  excessBytes: number,
  mayBeUploaded: (name: string) => boolean = () => false,
): readonly ShelvedSegment[] {
  const inOrder = segments
    .filter(({ name }) => !mayBeUploaded(name))
    .toSorted((a, b) => worths.indexOf(a.worth) - worths.indexOf(b.worth) || (a.name < b.name ? -1 : 1));
  const chosen: ShelvedSegment[] = [];
  let freedBytes = 0;
  for (const segment of inOrder) {
    if (freedBytes >= excessBytes) break;
    chosen.push(segment);
    freedBytes += segment.sizeBytes;
  }
  return chosen;
}

/** The folder of finished segments. */
export interface SegmentShelf {
  readonly directory: string;
  all(): readonly ShelvedSegment[];
  sizeBytes(): number;
  pathOf(segment: Pick<ShelvedSegment, 'name'>): string;
  /** Makes a segment known; its file is finished and named. */
  add(segment: ShelvedSegment): void;
  remove(segment: ShelvedSegment): Promise<void>;
  /** Takes segments off the shelf for good, in a way that a restart finds (`marked`) and that needs no free space. */
  mark(segments: readonly ShelvedSegment[]): Promise<void>;
  /** Frees the bytes of marked segments, keeping their names. */
  empty(segments: readonly Pick<ShelvedSegment, 'name'>[]): Promise<void>;
  /** Forgets marked segments. */
  forget(segments: readonly Pick<ShelvedSegment, 'name'>[]): Promise<void>;
  /** Segments that were taken off when the agent stopped, to be counted. */
  readonly marked: readonly ShelvedSegment[];
}

/**
 * Opens the folder; what is no finished segment is deleted, and so are segments of a spool that is still there: it will
 * make them again.
 */
export async function openShelf(directory: string, unfinishedSpools: ReadonlySet<string>): Promise<SegmentShelf> {
  const segments = new Map<string, ShelvedSegment>();
  const marked: ShelvedSegment[] = [];
  for (const name of await namesIn(directory)) {
    const isMarked = name.endsWith(droppedSuffix);
    const parsed = parseName(isMarked ? name.slice(0, -droppedSuffix.length) : name);
    const isFinished = parsed !== undefined && !unfinishedSpools.has(name.slice(0, spoolNumberLength));
    if (!isFinished) await removeFile(path.join(directory, name));
    else {
      const segment = { ...parsed, sizeBytes: (await stat(path.join(directory, name))).size };
      if (isMarked) marked.push(segment);
      else segments.set(name, segment);
    }
  }
  const pathOf = ({ name }: { readonly name: string }): string => path.join(directory, name);
  const markOf = (segment: { readonly name: string }): string => pathOf(segment) + droppedSuffix;
  return {
    directory,
    marked,
    pathOf,
    all: () => [...segments.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    sizeBytes: () => [...segments.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    add(segment) {
      segments.set(segment.name, segment);
    },
    async remove(segment) {
      segments.delete(segment.name);
      await removeFile(pathOf(segment));
    },
    async mark(chosen) {
      // At once, before anything waits: no upload may begin of what is being dropped.
      for (const { name } of chosen) segments.delete(name);
      for (const segment of chosen) await rename(pathOf(segment), markOf(segment));
      await syncDirectory(directory);
    },
    async empty(chosen) {
      for (const segment of chosen) await truncate(markOf(segment), 0);
    },
    async forget(chosen) {
      for (const segment of chosen) await removeFile(markOf(segment));
    },
  };
}
