import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { duckDbEngine } from '../../../activities/adapters/duckdb-engine.ts';
import type { LifePlan } from './children/robot-life.ts';

const program = fileURLToPath(new URL('children/robot-life.ts', import.meta.url));

export interface Life {
  readonly signal: string | null;
  readonly policy: string | null | undefined;
  readonly ended: readonly string[];
  /** Images that the robot had recorded, by name. */
  readonly images: readonly string[];
  /** Images that were lost, by reason, when it ended in order. */
  readonly dropped: Readonly<Record<string, number>> | undefined;
  /** Clips that it still held then. */
  readonly waitingClips: number | undefined;
}

interface SaidLine {
  readonly policy?: string | null;
  readonly ended?: string;
  readonly image?: string;
  readonly dropped?: Readonly<Record<string, number>>;
  readonly waitingClips?: number;
}

/** Runs one life in a process of its own. */
export async function live(plan: LifePlan): Promise<Life> {
  const child = spawn(process.execPath, [program, JSON.stringify(plan)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  let complained = '';
  child.stdout.on('data', (bytes: Buffer) => (said += bytes.toString('utf8')));
  child.stderr.on('data', (bytes: Buffer) => (complained += bytes.toString('utf8')));
  await once(child, 'close');
  if (child.signalCode === null && child.exitCode !== 0) throw new Error(`a life failed:\n${complained.slice(-3_000)}`);
  const lines = said
    .split('\n')
    .filter((line) => line.endsWith('}'))
    .map((line) => JSON.parse(line) as SaidLine);
  return {
    signal: child.signalCode,
    policy: lines.find((line) => 'policy' in line)?.policy,
    ended: lines.flatMap(({ ended }) => (ended === undefined ? [] : [ended])),
    images: lines.flatMap(({ image }) => (image === undefined ? [] : [image])),
    dropped: lines.find((line) => 'dropped' in line)?.dropped,
    waitingClips: lines.find((line) => 'dropped' in line)?.waitingClips,
  };
}

export interface StoredEpisode {
  readonly id: string;
  readonly outcome: string;
  readonly frames: number;
  readonly frameCount: number;
  readonly correctedFrames: number;
  readonly files: number;
}

/** Every episode in the segments a gateway holds, by their sha256, as SQL reads them. */
export async function storedEpisodes(
  gateway: { readonly segments: ReadonlyMap<string, Uint8Array> },
  directory: string,
): Promise<readonly StoredEpisode[]> {
  if (gateway.segments.size === 0) return [];
  const files: string[] = [];
  for (const [sha256, bytes] of gateway.segments) {
    const file = path.join(directory, `${sha256}.parquet`);
    await writeFile(file, bytes);
    files.push(`'${file}'`);
  }
  const session = await duckDbEngine({ temporaryDirectory: directory, threads: 1 }).open();
  try {
    const rows = await session.rows(
      `SELECT episode_id AS id, any_value(outcome) AS outcome, count(*) AS frames, any_value(frame_count) AS frame_count,
         count(*) FILTER (WHERE is_correction) AS corrected_frames, count(DISTINCT filename) AS files
       FROM read_parquet([${files.join(', ')}], filename = true) GROUP BY ALL ORDER BY id`,
    );
    return rows.map((row) => ({
      id: row['id'] as string,
      outcome: row['outcome'] as string,
      frames: Number(row['frames']),
      frameCount: Number(row['frame_count']),
      correctedFrames: Number(row['corrected_frames']),
      files: Number(row['files']),
    }));
  } finally {
    await session.close();
  }
}
