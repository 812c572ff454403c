import { randomUUID } from 'node:crypto';

import { clipKind } from '../../datasets/camera.ts';
import { sqlText } from '../../datasets/sql-types.ts';
import type { Clock } from '../../store/clock.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { SqlEngine } from '../ports/sql.ts';
import { dayOf, scanFiles } from './table-files.ts';
import { openTable, type LakeTableLog } from './table.ts';

/** An episode as the lake has it, and frames of it. */
export interface LakeEpisode {
  readonly robotId: string;
  readonly robotType: string;
  readonly robotTypeVersion: number;
  readonly site: string;
  readonly task: string;
  readonly policyVersion: string | null;
  readonly startedMs: number;
  readonly durationMs: number;
  readonly outcome: string;
  readonly failureReason: string | null;
  readonly intervened: boolean;
  readonly split: string;
  readonly frameCount: number;
  /** Clips of cameras that the robot recorded beside the frames, whether they have come or not. */
  readonly clips: readonly EpisodeClip[];
  /** At most as many as were asked for, evenly thinned, with the first and the last one. */
  readonly frames: readonly EpisodeFrame[];
}

export interface EpisodeClip {
  readonly camera: string;
  readonly sha256: string;
  /** Instant of its first image, from the start of the episode; negative: before it. */
  readonly startedMs: number;
}

export interface EpisodeFrame {
  readonly index: number;
  /** From the start of the episode. */
  readonly atMs: number;
  readonly observation: readonly number[];
  readonly action: readonly number[];
  /** null: unknown. */
  readonly expert: readonly number[] | null;
  readonly isCorrection: boolean;
}

export interface EpisodeTables {
  /** Which of these episodes the lake has, of these days. Makes nothing. */
  known(
    engine: SqlEngine,
    asked: { readonly episodeIds: readonly string[]; readonly days: readonly string[] },
  ): Promise<ReadonlySet<string>>;
  /** undefined: the lake does not have it, of these days. Makes nothing. */
  read(
    engine: SqlEngine,
    asked: { readonly episodeId: string; readonly days: readonly string[]; readonly mostFrames: number },
  ): Promise<LakeEpisode | undefined>;
}

/** The tables of the lake for whoever looks at single episodes, and changes nothing. */
export function openEpisodeTables(given: {
  readonly store: ObjectStore;
  readonly engine: SqlEngine;
  readonly clock: Clock;
  readonly stagingDirectory: string;
}): EpisodeTables {
  const ports = { ...given, newFileId: randomUUID };
  const [episodes, frames] = [openTable(ports, 'episodes'), openTable(ports, 'frames')];
  const scan = async (table: LakeTableLog, days: readonly string[]): Promise<string | undefined> => {
    const snapshot = await table.existing();
    if (snapshot === undefined) return undefined;
    const files = [...snapshot.files].filter(([, file]) => days.includes(dayOf(file)));
    return scanFiles(given.store, table, snapshot.version, files);
  };
  return {
    known: async (engine, { episodeIds, days }) => {
      const rows = episodeIds.length === 0 ? undefined : await scan(episodes, days);
      return rows === undefined ? new Set() : knownOf(engine, rows, episodeIds);
    },
    read: async (engine, { episodeId, days, mostFrames }) => {
      const episodeRows = await scan(episodes, days);
      const frameRows = await scan(frames, days);
      if (episodeRows === undefined || frameRows === undefined) return undefined;
      const session = await engine.open();
      try {
        const isIt = `episode_id = ${sqlText(episodeId)}`;
        const [episode] = await session.rows(
          `SELECT *, epoch_ms(started_at)::DOUBLE AS started_ms, ${clipColumns} FROM ${episodeRows} AS e WHERE ${isIt} LIMIT 1`,
        );
        if (episode === undefined) return undefined;
        const startedMs = Number(episode['started_ms']);
        const step = Math.max(1, Math.ceil(Number(episode['frame_count']) / Math.max(1, mostFrames - 1)));
        const found = await session.rows(
          `SELECT frame_index, epoch_ms("timestamp")::DOUBLE AS at_ms, observation, "action", expert_action, is_correction
           FROM ${frameRows} AS f WHERE ${isIt} AND (frame_index % ${step} = 0 OR frame_index = ${Number(episode['frame_count']) - 1})
           ORDER BY frame_index LIMIT ${mostFrames}`,
        );
        return {
          robotId: episode['robot_id'] as string,
          robotType: episode['robot_type'] as string,
          robotTypeVersion: Number(episode['robot_type_version']),
          site: episode['site'] as string,
          task: episode['task'] as string,
          policyVersion: episode['policy_version'] as string | null,
          startedMs,
          durationMs: Number(episode['duration_ms']),
          outcome: episode['outcome'] as string,
          failureReason: episode['failure_reason'] as string | null,
          intervened: episode['intervened'] as boolean,
          split: episode['split'] as string,
          frameCount: Number(episode['frame_count']),
          clips: clipsOf(episode, startedMs),
          frames: found.map((row) => ({
            index: Number(row['frame_index']),
            atMs: Number(row['at_ms']) - startedMs,
            observation: numbers(row['observation']),
            action: numbers(row['action']),
            expert: row['expert_action'] === null ? null : numbers(row['expert_action']),
            isCorrection: row['is_correction'] as boolean,
          })),
        };
      } finally {
        await session.close();
      }
    },
  };
}

async function knownOf(engine: SqlEngine, rows: string, episodeIds: readonly string[]): Promise<ReadonlySet<string>> {
  const session = await engine.open();
  try {
    const found = await session.rows(
      `SELECT DISTINCT episode_id FROM ${rows} AS e WHERE episode_id IN (${episodeIds.map(sqlText).join(', ')})`,
    );
    return new Set(found.map(({ episode_id: id }) => id as string));
  } finally {
    await session.close();
  }
}

const cameraKind = clipKind('');

/** The list of recordings as three lists of plain values. */
const clipColumns = ['m.kind', 'm.sha256', 'epoch_us(m."startedAt")::DOUBLE / 1000']
  .map((value, at) => `list_transform(media, lambda m: ${value}) AS media_${at}`)
  .join(', ');

function clipsOf(episode: Readonly<Record<string, unknown>>, startedMs: number): readonly EpisodeClip[] {
  const [kinds, hashes, starts] = [0, 1, 2].map((at) => [...((episode[`media_${at}`] ?? []) as Iterable<unknown>)]);
  return (kinds ?? []).flatMap((kind, at) =>
    typeof kind === 'string' && kind.startsWith(cameraKind) && starts?.[at] !== null
      ? [
          {
            camera: kind.slice(cameraKind.length),
            sha256: String(hashes?.[at]),
            startedMs: Number(starts?.[at]) - startedMs,
          },
        ]
      : [],
  );
}

const numbers = (value: unknown): readonly number[] => [...(value as Iterable<number>)].map(Number);
