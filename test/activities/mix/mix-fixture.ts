import { tableFromIPC } from 'apache-arrow';
import type { SetPorts } from '../../../activities/mix/ports.ts';
import { publishRobotType } from '../../../store/records/robot-types.ts';
import { join } from 'node:path';
import { fileObjectStore } from '../../../store/adapters/file-object-store.ts';
import type { ObjectStore } from '../../../store/object-store.ts';
import type { Outcome, Split } from '../../../datasets/columns.ts';
import { sqlTypes } from '../../../datasets/sql-types.ts';
import { robotTypeSchema, type RobotType } from '../../../datasets/robot-type.ts';
import { trainingSetFile, type TrainingSetManifest } from '../../../datasets/training-set.ts';
import { openLakeFixture, startUs, transaction, type LakeFixture } from '../lake/lake-fixture.ts';

export const robotType: RobotType = robotTypeSchema.parse({
  id: 'test-robot',
  version: 1,
  description: 'Two ranges, three actions, two tasks',
  rateHz: 10,
  observations: ['left', 'right'].map((name) => ({ name, unit: 'm', min: 0, max: 1e6 })),
  actions: { kind: 'discrete', names: ['stop', 'go', 'turn'] },
  tasks: ['follow', 'dock'],
  split: { kind: 'robotDay', validationFraction: 0.1, heldoutFraction: 0.1 },
  limits: { minEpisodeFrames: 1, maxEpisodeFrames: 1_000, maxFrameGapPeriods: 5, minAgreementFraction: 0.5 },
});

export interface Episode {
  /** Number; frame i has observation [1000 × number + i, i]. */
  readonly number: number;
  readonly robot?: string;
  readonly task?: string;
  readonly outcome?: Outcome;
  readonly intervened?: boolean;
  readonly split?: Split;
  /** Days after 22 November 2026. */
  readonly day?: number;
  readonly frames?: number;
  /** Frames below this index carry the expert's action `turn` and are corrections. */
  readonly experts?: number;
  readonly typeVersion?: number;
  readonly site?: string;
  readonly robotType?: string;
  /** Clips of its cameras. */
  readonly media?: readonly { readonly kind: string; readonly sha256: string; readonly startedUs: number }[];
}

const episodeSql = (episode: Episode): string => {
  const { number, robot = 'r1', task = 'follow', outcome = 'success', intervened = false, split = 'train' } = episode;
  const { day = 0, frames = 10, experts = 0, typeVersion = 1, site = 'site', robotType: type = 'test-robot' } = episode;
  return `(${number}, '${robot}', '${task}', '${outcome}', ${intervened}, '${split}', ${day}, ${frames}, ${experts}, ${typeVersion}, '${site}', '${type}', ${mediaSql(episode)})`;
};

function mediaSql({ media }: Episode): string {
  const clips = (media ?? []).map(
    ({ kind, sha256, startedUs }) =>
      `{'sha256': '${sha256}', 'kind': '${kind}', 'startedAt': make_timestamptz(${startedUs}), 'durationMs': 1000::BIGINT, 'key': 'media/${sha256}.mp4'}`,
  );
  return media === undefined ? `NULL::${sqlTypes.mediaList}` : `[${clips.join(', ')}]::${sqlTypes.mediaList}`;
}

/** Appends the episodes and their frames in one commit each. The action of every frame is `go`. */
export async function store(fixture: LakeFixture, version: number, episodes: readonly Episode[]): Promise<void> {
  const columns =
    'number, robot, task, outcome, intervened, split, day, frames, experts, type_version, site, robot_type, media';
  const source = `(VALUES ${episodes.map(episodeSql).join(', ')}) AS e(${columns})`;
  const startedAt = `make_timestamptz(${startUs} + day * 86400000000)`;
  const frames = `(SELECT printf('E%06d', number) AS episode_id, i::INTEGER AS frame_index,
      ${startedAt} + to_microseconds(i * 100000) AS timestamp, [number * 1000 + i, i]::FLOAT[] AS observation,
      [1]::FLOAT[] AS "action", CASE WHEN i < experts THEN [2]::FLOAT[] END AS expert_action, i < experts AS is_correction,
      DATE '2026-11-22' + day AS recorded_on
    FROM ${source}, range(frames) AS t(i))`;
  const rows = `(SELECT printf('E%06d', number) AS episode_id, robot AS robot_id, robot_type,
      type_version AS robot_type_version, site, task, NULL AS policy_version, ${startedAt} AS started_at,
      frames * 100 AS duration_ms, outcome, NULL AS failure_reason, intervened, NULL AS latency_p50_ms,
      NULL AS latency_p95_ms, frames AS frame_count, media, ${startedAt} AS received_at, split,
      DATE '2026-11-22' + day AS recorded_on
    FROM ${source})`;
  await fixture.lake.append(fixture.session, 'frames', frames, transaction(version), 'WRITE');
  await fixture.lake.append(fixture.session, 'episodes', rows, transaction(version), 'WRITE');
}

export const numbered = (first: number, count: number, episode: Omit<Episode, 'number'> = {}): readonly Episode[] =>
  Array.from({ length: count }, (_, index) => ({ ...episode, number: first + index }));

export interface MixFixture extends LakeFixture {
  readonly store: ObjectStore;
  readonly ports: SetPorts;
}

export async function openMixFixture(threads = 1): Promise<MixFixture> {
  const fixture = await openLakeFixture((directory) => fileObjectStore({ root: join(directory, 'store') }), threads);
  await publishRobotType(fixture.store, robotType);
  const { store, engine, lake, directory } = fixture;
  const ports = { store, engine, lake, progress: () => {}, scratchDirectory: join(directory, 'scratch') };
  return { ...fixture, ports };
}

export interface Row {
  readonly episode: number;
  readonly frame: number;
  readonly label: number;
  readonly task: number;
  readonly weight: number;
}

/** The rows of a set's file, by the number and frame that their observation tells. */
export async function rowsOf(store: ObjectStore, key: string): Promise<readonly Row[]> {
  const bytes = await store.get(key);
  if (bytes === undefined) throw new Error(`no object ${key}`);
  return tableFromIPC(bytes)
    .toArray()
    .map((row) => {
      const [number = 0, frame = 0] = row.observation as Iterable<number>;
      return {
        episode: Math.floor(number / 1_000),
        frame,
        label: Number(row.label),
        task: Number(row.task),
        weight: Number(row.weight),
      };
    });
}

export async function manifestOf(store: ObjectStore, digest: string): Promise<TrainingSetManifest> {
  const bytes = await store.get(trainingSetFile(digest, 'manifest.json'));
  return JSON.parse(new TextDecoder().decode(bytes)) as TrainingSetManifest;
}
