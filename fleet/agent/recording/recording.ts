import { mkdir } from 'node:fs/promises';
import path from 'node:path';

import type { Outcome } from '../../../datasets/columns.ts';
import type { RobotType } from '../../../datasets/robot-type.ts';
import { stampNow, type Dating, type Stamp } from '../local/dating.ts';
import { openDrops } from './drops.ts';
import { namesIn } from '../local/durable-files.ts';
import {
  createEpisodeRecorder,
  endOfInterrupted,
  type ActingVersion,
  type EpisodeRecorder,
} from './episode-recorder.ts';
import { numberedEntries, type NewEntry } from './kept-entries.ts';
import type { AtPoint } from '../local/kill-points.ts';
import { openShelf, segmentsToDrop, type SegmentShelf, type ShelvedSegment } from './segment-shelf.ts';
import type { SyncDescriptor } from './spool.ts';
import { spoolShelver } from './shelve-spools.ts';
import { openSpooler } from './spooler.ts';
import { openTelemetryQueue, problemOf, type TelemetryQueue } from './telemetry-queue.ts';
import type { MonotonicClock, WallClock } from '../local/times.ts';
import { createQueue } from '../local/waiting.ts';

export interface RecordingLimits {
  /** A spool becomes segments when it is this large or this old, at the end of an episode. */
  readonly rotateBytes: number;
  readonly rotateMs: number;
  /** Most bytes of spools and segments together. */
  readonly quotaBytes: number;
}

export interface RecordingPorts {
  readonly robotId: string;
  readonly robotType: RobotType;
  readonly isTold: (task: string) => boolean;
  readonly agentVersion: string;
  readonly bootId: string;
  readonly directory: string;
  readonly wall: WallClock;
  readonly monotonic: MonotonicClock;
  readonly newId: () => string;
  readonly machineBootId: string;
  /** Robot clock minus gateway clock now; undefined before the first contact ever. */
  readonly skewMs: () => number | undefined;
  readonly datingOf: (stamp: Stamp) => Dating;
  /** Hears of telemetry that no gateway could take. */
  readonly setAside: (why: string, entry: unknown) => void;
  /** Where the robot works, as a gateway told; undefined before the first contact ever. */
  readonly site: () => string | undefined;
  readonly acting: () => ActingVersion | undefined;
  /** Whose version the robot speaks of; undefined before the first order. */
  readonly policy: () => string | undefined;
  readonly limits: RecordingLimits;
  readonly sync: SyncDescriptor;
  readonly at: AtPoint;
  readonly log: (line: string) => void;
}

/** Everything a robot records, from the first frame to the segment that waits for its upload. */
export interface Recording {
  readonly episodes: Omit<EpisodeRecorder, 'end'>;
  readonly shelf: SegmentShelf;
  readonly telemetry: TelemetryQueue;
  readonly droppedEpisodes: () => number;
  readonly sizeBytes: () => number;
  /** Segments that wait for their upload, and finished spools that will be segments once a gateway has told the time. */
  readonly waitingSegments: () => number;
  /** File and bytes that a power cut would leave of what is being recorded. */
  readonly current: () => { readonly file: string; readonly syncedBytes: number };
  /** Resolves when the episode survives a power cut; false when there was none to end. */
  end(outcome: Outcome, reason?: string, atUs?: number): Promise<boolean>;
  /** Keeps telemetry that is no episode; on disk when it resolves. */
  keep(entry: Parameters<NewEntry>[1]): Promise<void>;
  sync(): Promise<void>;
  /** Finishes the spool if it is due (or `now`), makes segments of finished spools and holds the quota. Not in the middle of an episode. */
  settle(options?: { readonly now?: boolean; readonly mayBeUploaded?: (name: string) => boolean }): Promise<void>;
  /** Drops segments that no gateway will take; counted and reported. */
  giveUp(segments: readonly ShelvedSegment[]): Promise<void>;
  close(): void;
}

/** Opens a robot's records; what a dead process left is made whole first. */
export async function openRecording(ports: RecordingPorts): Promise<Recording> {
  const { at, limits, robotType } = ports;
  const folders = foldersIn(ports.directory);
  for (const folder of Object.values(folders)) await mkdir(folder, { recursive: true });
  const firstNumber = await nextNumber(Object.values(folders));
  const newEntry = numberedEntries(ports.bootId);
  const { spooler, left } = await openSpooler({
    directory: folders.spool,
    sync: ports.sync,
    firstNumber,
    endOf: (open) => endOfInterrupted(open, robotType, newEntry),
  });
  const telemetry = await openTelemetryQueue({ ...ports, directory: folders.telemetry });
  for (const { entries } of left) telemetry.add(entries);
  const shelf = await openShelf(folders.segments, new Set(spooler.finished()));
  const drops = await openDrops({
    file: path.join(ports.directory, 'dropped.json'),
    shelf,
    at,
    reported: new Set(left.flatMap(({ countedFiles }) => countedFiles)),
    report: (counts, files) => keepFor(files, { kind: 'dropped', ...momentOf(ports), ...counts }),
  });
  const episodes = createEpisodeRecorder({ ...ports, newEntry, append: (record) => spooler.append(record) });
  const oneAfterTheOther = createQueue();
  let startedMs = ports.monotonic();

  async function keepFor(files: readonly string[], entry: Parameters<NewEntry>[1]): Promise<void> {
    const kept = newEntry({ skewMs: ports.skewMs() ?? null, stamp: stampNow(ports), policy: ports.policy() }, entry);
    const problem = problemOf(kept);
    if (problem !== undefined) return ports.setAside(problem, kept);
    spooler.append({ kind: 'entry', kept, ...(files.length === 0 ? {} : { files: [...files] }) });
    telemetry.add([kept]);
    await spooler.sync();
  }

  const shelveFinished = spoolShelver({ ...ports, segmentsDirectory: folders.segments, spooler, telemetry, shelf });
  const sizeBytes = (): number => spooler.sizeBytes() + shelf.sizeBytes();
  return {
    episodes,
    shelf,
    telemetry,
    droppedEpisodes: drops.episodes,
    waitingSegments: () => shelf.all().length + spooler.finished().length,
    sizeBytes,
    current: () => ({ file: spooler.current().file, syncedBytes: spooler.current().syncedBytes() }),
    async end(outcome, reason, atUs) {
      const kept = episodes.end(outcome, reason, atUs);
      if (kept === undefined) return false;
      await spooler.sync();
      at('end.synced');
      telemetry.add([kept]);
      return true;
    },
    keep: (entry) => keepFor([], entry),
    sync: () => spooler.sync(),
    settle: ({ now = false, mayBeUploaded } = {}) =>
      oneAfterTheOther(async () => {
        const isDue = now || spooler.current().sizeBytes() >= limits.rotateBytes;
        if (isDue || ports.monotonic() - startedMs >= limits.rotateMs) {
          await spooler.rotate(() => !episodes.isOpen());
          startedMs = ports.monotonic();
        }
        await shelveFinished();
        const excessBytes = sizeBytes() - limits.quotaBytes;
        if (excessBytes > 0) await drops.drop(segmentsToDrop(shelf.all(), excessBytes, mayBeUploaded));
      }),
    giveUp: (segments) => oneAfterTheOther(() => drops.drop(segments)),
    close: () => spooler.close(),
  };
}

/** What a telemetry entry says about now. */
export const momentOf = (ports: Pick<RecordingPorts, 'wall' | 'acting'>) => ({
  atMs: Math.max(0, Math.round(ports.wall())),
  policyVersion: ports.acting()?.version ?? null,
  trialId: ports.acting()?.trialId ?? null,
});

const foldersIn = (directory: string) => ({
  spool: path.join(directory, 'spool'),
  segments: path.join(directory, 'segments'),
  telemetry: path.join(directory, 'telemetry'),
});

/** Numbers order the files of a robot; none is used again while a file still carries it. */
async function nextNumber(folders: readonly string[]): Promise<number> {
  const names = (await Promise.all(folders.map(namesIn))).flat();
  return Math.max(0, ...names.map((name) => Number(/^\d{12}/.exec(name)?.[0] ?? -1) + 1));
}
