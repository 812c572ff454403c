import { createHash } from 'node:crypto';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { writeSegment } from './recorder.ts';
import { writeRuns, type RowRun } from './run-recorder.ts';
import { robotTypeDigest } from './robot-type-digest.ts';
import { robotTypeName, type RobotType } from './robot-type.ts';
import type { SegmentRow } from './segment-row.ts';

/** Key of a segment: receiving the same bytes twice is receiving them once. */
export const landingKey = (robotId: string, sha256: string): string => `landing/${robotId}/${sha256}.parquet`;

/** Says that a robot's data was brought by a person: it need not be registered to be learned from. */
const recordingKey = (robotId: string): string => `recordings/${robotId}.json`;
export const recordedRobot = (key: string): string | undefined => /^recordings\/(.+)\.json$/.exec(key)?.[1];

/** Puts a robot among those whose data a person brought. `broughtBy`: the program that did. Idempotent. */
export const markAsRecorded = (store: LandingStore, robotId: string, broughtBy: string): Promise<unknown> =>
  store.putIfAbsent(recordingKey(robotId), new TextEncoder().encode(`${JSON.stringify({ robotId, broughtBy })}\n`));

/** What landing needs of an object store. */
export interface LandingStore {
  putIfAbsent(key: string, body: Uint8Array | { readonly filePath: string }): Promise<'created' | 'exists'>;
}

/** Digest of a file's bytes, read piece by piece. */
export async function fileSha256(filePath: string): Promise<string> {
  const hash = createHash('sha256');
  const piece = new Uint8Array(256 * 1024);
  const file = await open(filePath);
  try {
    for (;;) {
      const { bytesRead } = await file.read(piece);
      if (bytesRead === 0) return hash.digest('hex');
      hash.update(piece.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

export type SegmentToLand = {
  readonly robotId: string;
  readonly type: RobotType;
  readonly agentVersion: string;
} & ({ readonly rows: Iterable<SegmentRow> } | { readonly runs: Iterable<RowRun> });

/**
 * Records rows of one robot as a segment and puts it into landing, as a robot's upload would, and the robot among those that
 * exist in recordings. Skew is 0: the rows carry the right time. Idempotent by content.
 */
export async function landSegment(
  ports: { readonly store: LandingStore; readonly scratchDirectory: string },
  segment: SegmentToLand,
): Promise<{ readonly key: string; readonly rows: number; readonly outcome: 'created' | 'exists' }> {
  const directory = await mkdtemp(join(ports.scratchDirectory, 'segment-'));
  try {
    const filePath = join(directory, 'segment.parquet');
    const { robotId, agentVersion, type } = segment;
    const footer = { robotId, agentVersion, robotType: robotTypeName(type), clockSkewMs: 0 };
    const told = { ...footer, robotTypeDigest: robotTypeDigest(type) };
    const { rows } = await ('runs' in segment
      ? writeRuns(segment.runs, told, filePath)
      : writeSegment(segment.rows, told, filePath));
    await markAsRecorded(ports.store, robotId, agentVersion);
    const key = landingKey(robotId, await fileSha256(filePath));
    return { key, rows, outcome: await ports.store.putIfAbsent(key, { filePath }) };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
