import { mkdir } from 'node:fs/promises';
import path from 'node:path';

import type { Outcome } from '../../../datasets/columns.ts';
import { camerasOf } from '../../../datasets/camera.ts';
import type { RobotType } from '../../../datasets/robot-type.ts';
import { stampNow, type Dating, type Stamp } from '../local/dating.ts';
import { openEpisodeImages, type EpisodeImages, type ImageLimits } from '../images/episode-images.ts';
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
import { openShelf, type SegmentShelf } from './segment-shelf.ts';
import { createSettler, type Settler } from './settle.ts';
import type { SyncDescriptor } from './append-only-file.ts';
import { spoolShelver } from './shelve-spools.ts';
import { openSpooler, spoolNumberOf, type Spooler } from './spooler.ts';
import { worthOf, type SpoolContent } from './spooled-episodes.ts';
import type { EpisodePlace } from '../images/waiting-logs.ts';
import type { ClipMaker } from '../images/clip-maker.ts';
import { openTelemetryQueue, problemOf, type TelemetryQueue } from './telemetry-queue.ts';
import type { MonotonicClock, WallClock } from '../local/times.ts';

export interface RecordingLimits extends ImageLimits {
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
  /** Undefined: images are not recorded. */
  readonly clipMaker: ClipMaker | undefined;
  readonly sync: SyncDescriptor;
  readonly at: AtPoint;
  readonly log: (line: string) => void;
}

/** Everything a robot records, from the first frame to the segment that waits for its upload. */
export interface Recording extends Settler {
  readonly episodes: Omit<EpisodeRecorder, 'end'>;
  readonly images: EpisodeImages;
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
  const keepFor = entryKeeper(ports, { newEntry, spooler, telemetry });
  const leftContent = [...left.values()];
  for (const { entries } of leftContent) telemetry.add(entries);
  const shelf = await openShelf(folders.segments, new Set(spooler.finished()));
  const drops = await openDrops({
    file: path.join(ports.directory, 'dropped.json'),
    shelf,
    at,
    reported: new Set(leftContent.flatMap(({ countedFiles }) => countedFiles)),
    report: (counts, files) => keepFor(files, { kind: 'dropped', ...momentOf(ports), ...counts }),
  });
  const episodes = createEpisodeRecorder({ ...ports, newEntry, append: (record) => spooler.append(record) });
  const numbersBytes = (): number => spooler.sizeBytes() + shelf.sizeBytes();
  const images = await openEpisodeImages({
    ...ports,
    instant: episodes.instant,
    episodes: placesOf(left),
    excessBytes: () => Math.max(0, numbersBytes() - limits.quotaBytes),
  });
  const segmentsDirectory = folders.segments;
  const shelveFinished = spoolShelver({ ...ports, segmentsDirectory, spooler, telemetry, shelf, images });
  return {
    episodes,
    images,
    shelf,
    telemetry,
    droppedEpisodes: drops.episodes,
    waitingSegments: () => shelf.all().length + spooler.finished().length,
    sizeBytes: numbersBytes,
    current: () => ({ file: spooler.current().file, syncedBytes: spooler.current().syncedBytes() }),
    end: episodeEnder(ports, { episodes, images, spooler, telemetry }),
    keep: (entry) => keepFor([], entry),
    sync: async () => void (await Promise.all([spooler.sync(), images.sync(), images.keep()])),
    ...createSettler({
      ...ports,
      spooler,
      isEpisodeOpen: episodes.isOpen,
      shelveFinished,
      shelf,
      drops,
      images,
      hasCameras: camerasOf(robotType).length > 0,
    }),
    close() {
      images.close();
      spooler.close();
    },
  };
}

interface Parts {
  readonly episodes: EpisodeRecorder;
  readonly images: EpisodeImages;
  readonly spooler: Spooler;
  readonly telemetry: TelemetryQueue;
}

/** Keeps telemetry that is no episode, for the files that it counts. */
const entryKeeper =
  (
    ports: RecordingPorts,
    { newEntry, spooler, telemetry }: Omit<Parts, 'episodes' | 'images'> & { newEntry: NewEntry },
  ) =>
  async (files: readonly string[], entry: Parameters<NewEntry>[1]): Promise<void> => {
    const kept = newEntry({ skewMs: ports.skewMs() ?? null, stamp: stampNow(ports), policy: ports.policy() }, entry);
    const problem = problemOf(kept);
    if (problem !== undefined) return ports.setAside(problem, kept);
    spooler.append({ kind: 'entry', kept, ...(files.length === 0 ? {} : { files: [...files] }) });
    telemetry.add([kept]);
    await spooler.sync();
  };

const episodeEnder =
  ({ at }: RecordingPorts, { episodes, images, spooler, telemetry }: Parts): Recording['end'] =>
  async (outcome, reason, atUs) => {
    const kept = episodes.end(outcome, reason, atUs);
    const imagesSynced = images.ended(kept, spoolNumberOf(spooler.current()));
    if (kept === undefined) return false;
    await Promise.all([imagesSynced, spooler.sync()]);
    at('end.synced');
    telemetry.add([kept]);
    return true;
  };

/** What a telemetry entry says about now. */
export const momentOf = (ports: Pick<RecordingPorts, 'wall' | 'acting'>) => ({
  atMs: Math.max(0, Math.round(ports.wall())),
  policyVersion: ports.acting()?.version ?? null,
  trialId: ports.acting()?.trialId ?? null,
});

/** Where each ended episode is kept. */
const placesOf = (spools: ReadonlyMap<string, SpoolContent>): ReadonlyMap<string, EpisodePlace> =>
  new Map(
    [...spools].flatMap(([spool, { episodes }]) =>
      episodes.map((episode): [string, EpisodePlace] => [episode.begin.episodeId, { spool, worth: worthOf(episode) }]),
    ),
  );

const foldersIn = (directory: string) => ({
  spool: path.join(directory, 'spool'),
  segments: path.join(directory, 'segments'),
  telemetry: path.join(directory, 'telemetry'),
  clips: path.join(directory, 'clips'),
});

/** Numbers order the files of a robot; none is used again while a file still carries it. */
async function nextNumber(folders: readonly string[]): Promise<number> {
  const names = (await Promise.all(folders.map(namesIn))).flat();
  return Math.max(0, ...names.map((name) => Number(/^\d{12}/.exec(name)?.[0] ?? -1) + 1));
}
