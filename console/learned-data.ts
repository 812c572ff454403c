import type { LakeReader } from '../activities/lake/lake-reader.ts';
import type { SqlEngine } from '../activities/ports/sql.ts';
import type { DatasetVersion } from '../datasets/dataset-version.ts';
import { sqlText } from '../datasets/sql-types.ts';
import { isFailure } from '../store/failures.ts';
import type { ModelAnswer } from './answers/models.ts';
import { ConsoleError } from './errors.ts';
import type { Questions } from './questions.ts';

interface NewData {
  /** `id@version`. */
  readonly robotType: string;
  readonly version: DatasetVersion;
  readonly newSince: DatasetVersion;
}

const mostNames = 500;

/**
 * What the lake held for training at one version that it did not hold at another: on which days, of how many robots. null: its files are gone, or the
 * console is too busy to count. Only reads, and only files of that difference.
 */
export async function readLearnedData(
  ports: { readonly lake: LakeReader; readonly questions: Questions },
  { robotType, version, newSince }: NewData,
): Promise<ModelAnswer['learned']> {
  try {
    const scan = await ports.lake.scan('episodes', version.episodes, { absentFrom: newSince.episodes });
    return await ports.questions.ask((engine) => counted(engine, scan, robotType.split('@')[0] ?? ''));
  } catch (error) {
    const isExpected = isFailure(error, 'NotFound') || (error instanceof ConsoleError && error.type === 'tooMany');
    if (isExpected) return null;
    throw error;
  }
}

async function counted(engine: SqlEngine, scan: string, robotTypeId: string): Promise<ModelAnswer['learned']> {
  const session = await engine.open();
  try {
    const learned = `${scan} AS episode_rows WHERE split = 'train' AND robot_type = ${sqlText(robotTypeId)}`;
    const [row] = await session.rows(
      `SELECT count(*) AS episodes, coalesce(sum(frame_count), 0)::DOUBLE AS frames, count(DISTINCT robot_id) AS robots,
         min(recorded_on)::VARCHAR AS first_day, max(recorded_on)::VARCHAR AS last_day
       FROM ${learned}`,
    );
    const names = await session.rows(`SELECT DISTINCT robot_id FROM ${learned} ORDER BY robot_id LIMIT ${mostNames}`);
    return {
      episodes: Number(row?.['episodes'] ?? 0),
      frames: Number(row?.['frames'] ?? 0),
      robots: Number(row?.['robots'] ?? 0),
      robotIds: names.map((each) => each['robot_id'] as string),
      firstDay: (row?.['first_day'] ?? null) as string | null,
      lastDay: (row?.['last_day'] ?? null) as string | null,
    };
  } finally {
    await session.close();
  }
}
