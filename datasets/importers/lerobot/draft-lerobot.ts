import { draftOf, type Draft, type DraftedNumber, type Parts } from '../draft.ts';
import { tasksOf } from '../guess-parts.ts';
import { unknownStart } from '../guess-timing.ts';
import { ImportError } from '../import-summary.ts';
import { measureColumns } from '../measure-columns.ts';
import { refusePointer, sourceFiles } from '../source-files.ts';
import type { TableReader } from '../table.ts';
import { Tally } from '../tally.ts';
import { dataReader } from './data-reader.ts';
import { draftCameras, type CameraSource } from './draft-cameras.ts';
import { readLeRobotInfo, type LeRobotFeature } from './info.ts';
import { readTasks } from './meta.ts';

/** Columns that LeRobot itself adds to every row. */
const own = new Set([
  'timestamp',
  'frame_index',
  'episode_index',
  'index',
  'task_index',
  'next.done',
  'next.reward',
  'next.success',
]);

/** Drafts robot type and map of a LeRobot data set: names by `meta/info.json`, ranges by its data, cameras by the first of its videos and images. */
export async function draftLeRobot(
  folder: string,
  id: string,
  reader: TableReader,
  cameraSource?: CameraSource,
): Promise<Draft> {
  const info = await readLeRobotInfo(folder);
  const tasks = [...(await readTasks(folder, info, reader))];
  const files = await sourceFiles(`${folder}/data`, ['.parquet'], new Tally());
  for (const { path } of files) await refusePointer(path);
  const numbers = info.features.filter(({ key, kind }) => kind === 'numbers' && !own.has(key));
  const parts: Parts = {
    observations: numbersOf(numbers.filter((feature) => !isAction(feature))),
    actions: numbersOf(numbers.filter(isAction)),
    time: { column: 'timestamp', kind: 's', startsAt: unknownStart, restarts: true },
    rateHz: info.fps,
    discrete: undefined,
    robot: { id: 'robot-1' },
    episodes: { by: { kind: 'column', column: 'episode_index' }, name: '{source}:{value}' },
    episodesFound: info.episodes,
    ...taskPart(tasks),
    success: info.features.some(({ key }) => key === 'next.success')
      ? { kind: 'succeededWhen', row: 'any', column: 'next.success', equals: 'true', otherwise: 'not successful' }
      : { kind: 'always' },
    demonstration: true,
  };
  if (parts.observations.length > 1_024)
    throw new ImportError(`expected at most 1,024 numbers to observe, got ${parts.observations.length}`);
  const columns = [...parts.observations, ...parts.actions].map(({ column }) => column);
  const { cameras, notes } = await draftCameras(folder, info, files, reader, cameraSource);
  const withCameras = { ...parts, cameras: cameras.map(({ camera }) => camera) };
  const draft = draftOf(id, withCameras, await measureColumns(dataReader(reader), files, columns), undefined);
  const mapped = cameras.map(({ camera: { name }, column }) => ({ name, column }));
  return {
    ...draft,
    ...(mapped.length === 0 ? {} : { map: { ...draft.map, lerobot: { cameras: mapped } } }),
    notes: [...draft.notes, ...notes, `times begin at ${unknownStart}: put in when it was recorded`],
  };
}

const isAction = ({ key }: LeRobotFeature): boolean => key === 'action' || key.startsWith('action.');
const numbersOf = (features: readonly LeRobotFeature[]): readonly DraftedNumber[] =>
  unique(features.flatMap(({ numbers }) => numbers));

function taskPart(tasks: readonly (readonly [number, string])[]): Pick<Parts, 'task' | 'tasks'> {
  const named = tasksOf({ values: tasks.map(([, sentence]) => sentence) });
  const ids = named.map(({ is }) => is);
  const values = tasks.map(([index], place) => ({ value: String(index), is: ids[place] ?? 'task' }));
  return ids.length === 0 ? { task: 'task', tasks: ['task'] } : { task: { column: 'task_index', values }, tasks: ids };
}

/** Every name once: what comes a second time is named by its column. */
function unique(numbers: readonly DraftedNumber[]): readonly DraftedNumber[] {
  const taken = new Set<string>();
  return numbers.map(({ name, column }) => {
    const free = taken.has(name) ? column : name;
    taken.add(free);
    return { name: free, column };
  });
}
