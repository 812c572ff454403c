import type { DatasetVersion } from '../../datasets/dataset-version.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import { robotTypeName } from '../../datasets/robot-type.ts';
import { measureEpisode, type MeasuredBody } from '../../domain/quality/measure-episode.ts';
import { nearestDistances } from '../../domain/quality/near-duplicates.ts';
import { measuredColumns } from '../../policies/measured-state.ts';
import { jsonBytes } from '../../store/json-objects.ts';
import type { SqlSession } from '../ports/sql.ts';
import { createTableAs } from '../temp-table.ts';
import { daysOf } from './labelled-episodes.ts';
import type { SetPorts } from './ports.ts';
import { qualityDocument, qualityKeyOf, type MeasuredEpisode } from './quality-document.ts';
import { measuredEpisodeTable } from './tables.ts';
import { watched } from './watched.ts';

/** Frames from its beginning on that are looked at of an episode. */
export const framesOfEpisode = 512;
const mostEpisodes = 2_000;
/** Numbers that are read at most, unless fifty episodes have more: 128 MiB, which the engine sorts. */
const mostNumbers = 32 * 1024 * 1024;
const fewestEpisodes = 50;

const newOwnEpisodes = '(FROM labelled_episode WHERE is_new AND body_index = 0)';

/**
 * Measures what the new episodes of a cycle are like and writes it to `evaluations/<cycleId>/quality.json`. Needs `labelled_episode` in the session. Idempotent
 * by cycleId: the same lake gives the same document. Of more than 2,000 episodes, those with the smallest digests are measured.
 */
export async function measureQuality(
  ports: SetPorts,
  session: SqlSession,
  robotType: RobotType,
  { cycleId, datasetVersion }: { readonly cycleId: string; readonly datasetVersion: DatasetVersion },
): Promise<void> {
  await watched(session, ports.progress, 'measuring quality', async () => {
    const [count] = await session.rows(`SELECT count(*) AS episodes FROM ${newOwnEpisodes}`);
    const newEpisodes = Number(count?.['episodes'] ?? 0);
    const asked = { relation: newOwnEpisodes, datasetVersion, mostEpisodes };
    const episodes = await measuredEpisodes(ports, session, robotType, asked);
    const document = qualityDocument({ robotType: robotTypeName(robotType), newEpisodes, framesOfEpisode, episodes });
    await ports.store.put(qualityKeyOf(cycleId), jsonBytes(document));
  });
}

interface EpisodesAsked {
  /** SQL of the episodes, in any order: `episode_id`, `robot_id`, `recorded_on`; all of the robot type's own body. */
  readonly relation: string;
  readonly datasetVersion: DatasetVersion;
  readonly mostEpisodes: number;
}

/** Every measure of at most so many of some episodes, chosen by a digest of their ids; fewer where frames are wide. */
export async function measuredEpisodes(
  { lake }: Pick<SetPorts, 'lake'>,
  session: SqlSession,
  robotType: RobotType,
  { relation, datasetVersion, mostEpisodes: mostAsked }: EpisodesAsked,
): Promise<readonly MeasuredEpisode[]> {
  const body = measuredBody(robotType);
  const [width, actionWidth] = [body.widths.length, sizeOfActions(robotType)];
  const most = Math.max(
    fewestEpisodes,
    Math.min(
      mostAsked,
      Math.floor((mostNumbers * (mostAsked / mostEpisodes)) / (framesOfEpisode * (width + actionWidth))),
    ),
  );
  await session.run(
    createTableAs(
      measuredEpisodeTable,
      `SELECT episode_id, robot_id, recorded_on, (row_number() OVER (ORDER BY md5(episode_id), episode_id))::INTEGER - 1 AS number
       FROM ${relation} ORDER BY number LIMIT ${most}`,
    ),
  );
  const rows = await session.rows('SELECT episode_id, robot_id FROM measured_episode ORDER BY number');
  const recordedOn = await daysOf(session, measuredEpisodeTable.name);
  const frames = await lake.scan('frames', datasetVersion.frames, { recordedOn });
  const action = actionWidth === 0 ? '' : `, f.action::FLOAT[${actionWidth}]`;
  const chunks = session.chunks(
    `SELECT e.number, f.observation::FLOAT[${width}]${action} FROM ${frames} AS f JOIN measured_episode AS e USING (episode_id)
     WHERE f.frame_index < ${framesOfEpisode} ORDER BY e.number, f.frame_index`,
  );
  const signatures: (Float32Array | undefined)[] = rows.map(() => undefined);
  const measures: MeasuredEpisode['measures'][] = rows.map(() => ({}));
  for await (const { number, observations, actions } of framesByEpisode(chunks, width, actionWidth)) {
    const found = measureEpisode(body, { values: observations, width }, { values: actions, width: actionWidth });
    measures[number] = found.measures;
    signatures[number] = found.signature;
  }
  const compared = signatures.flatMap((signature, number) => (signature === undefined ? [] : [{ signature, number }]));
  const distances = nearestDistances(compared.map(({ signature }) => signature));
  const nearest = new Map(compared.map(({ number }, place) => [number, distances[place] ?? Number.POSITIVE_INFINITY]));
  return rows.map((row, number) => {
    const nearestDistance = nearest.get(number);
    return {
      episodeId: row['episode_id'] as string,
      robotId: row['robot_id'] as string,
      measures: {
        ...measures[number],
        ...(nearestDistance === undefined || !Number.isFinite(nearestDistance) ? {} : { nearestDistance }),
      },
    };
  });
}

const sizeOfActions = ({ actions }: RobotType): number => (actions.kind === 'continuous' ? actions.ranges.length : 0);

function measuredBody(robotType: RobotType): MeasuredBody {
  return {
    rateHz: robotType.rateHz,
    widths: robotType.observations.map(({ min, max }) => max - min),
    pairs: measuredColumns(robotType).flatMap((observation, action) =>
      observation === undefined ? [] : [{ action, observation }],
    ),
  };
}

/** Chunks put together again, an episode at a time. */
async function* framesByEpisode(
  chunks: ReturnType<SqlSession['chunks']>,
  width: number,
  actionWidth: number,
): AsyncGenerator<{ readonly number: number; readonly observations: Float32Array; readonly actions: Float32Array }> {
  const [observations, actions] = [
    new Float32Array(framesOfEpisode * width),
    new Float32Array(framesOfEpisode * actionWidth),
  ];
  let [open, count] = [-1, 0];
  const ended = () => ({
    number: open,
    observations: observations.slice(0, count * width),
    actions: actions.slice(0, count * actionWidth),
  });
  for await (const chunk of chunks) {
    const numbers = chunk.numbers(0);
    const seen = chunk.numbers(1);
    const done = actionWidth === 0 ? undefined : chunk.numbers(2);
    for (let row = 0; row < chunk.rowCount; row += 1) {
      const number = numbers[row] ?? -1;
      if (number !== open) {
        if (count > 0) yield ended();
        [open, count] = [number, 0];
      }
      if (count >= framesOfEpisode) continue;
      observations.set(seen.subarray(row * width, (row + 1) * width), count * width);
      if (done !== undefined)
        actions.set(done.subarray(row * actionWidth, (row + 1) * actionWidth), count * actionWidth);
      count += 1;
    }
  }
  if (count > 0) yield ended();
}
