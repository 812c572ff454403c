import { ImportError } from './import-summary.ts';
import type { DraftedNumber, Parts } from './draft.ts';
import type { Measured, MeasuredColumn } from './measure-columns.ts';

const time = /^(t|time|times?tamp|stamp|date|datetime|seconds|ms|us|ns)$/i;
const episode = /^(episode|episode_?(id|index|number)|run|trial|lap|cycle|sequence|rollout)$/i;
const robot = /^(robot|robot_?id|device|device_?id|unit)$/i;
const task = /^(task|task_?id|task_?name|instruction)$/i;
const action = /^(action|act|command|cmd|control|target|u)(?:[._ \-[].*|\d+)?$/i;
const label = /^(action|class|label|command|decision)$/i;
/** Names and numbers of rows: no reading. */
const counter = /^(#|no|num|row|index|frame|frame_?index|id)$/i;

/** What a person gives where nothing in a recording says when it was. */
export const unknownStart = '2020-01-01T00:00:00Z';

/** Guesses by their names and values which columns are what. Throws where no column is a reading. */
export function guessParts({ columns }: Measured): Parts {
  const find = (pattern: RegExp, fits: (column: MeasuredColumn) => boolean = () => true): MeasuredColumn | undefined =>
    columns.find((column) => pattern.test(column.name) && fits(column));
  const timeColumn = find(time, ({ kind }) => kind !== 'text');
  const episodeColumn = find(episode);
  const robotColumn = find(robot);
  const taskColumn = find(task, ({ values }) => values !== undefined);
  const discrete = find(label, ({ kind, values }) => kind === 'text' && values !== undefined && values.length > 1);
  const taken = new Set([timeColumn, episodeColumn, robotColumn, taskColumn, discrete]);
  const numbers = columns.filter(
    (column) => column.kind === 'number' && !taken.has(column) && !counter.test(column.name),
  );
  const isAction = ({ name }: MeasuredColumn): boolean => discrete === undefined && action.test(name);
  const observations = numbers.filter((column) => !isAction(column)).map(drafted);
  if (observations.length > 1_024)
    throw new ImportError(`expected at most 1,024 columns of readings, got ${observations.length}`);
  const { rateHz, map } = timing(timeColumn);
  const tasks = taskColumn === undefined ? [] : tasksOf(taskColumn);
  return {
    observations,
    actions: numbers.filter(isAction).map(drafted),
    discrete: discrete?.name,
    time: map,
    rateHz,
    episodes: { by: episodeColumn === undefined ? { kind: 'file' } : { kind: 'column', column: episodeColumn.name } },
    robot: robotColumn === undefined ? { id: 'robot-1' } : { column: robotColumn.name },
    task: taskColumn === undefined ? 'task' : { column: taskColumn.name, values: tasks },
    tasks: tasks.length === 0 ? ['task'] : [...new Set(tasks.map(({ is }) => is))],
    success: { kind: 'always' },
    demonstration: false,
  };
}

const drafted = ({ name }: MeasuredColumn): DraftedNumber => ({ column: name, name: name.slice(0, 200) });

/** Names of tasks as ids, each with what the recording calls it. */
export function tasksOf({
  values = [],
}: Pick<MeasuredColumn, 'values'>): readonly { readonly value: string; readonly is: string }[] {
  const taken = new Set<string>();
  return values.map((value) => {
    const plain = taskId(value);
    let is = plain;
    for (let number = 2; taken.has(is); number += 1) is = `${plain.slice(0, 55)}-${number}`;
    taken.add(is);
    return { value, is };
  });
}

/** `Pick up the cube.` → `pick-up-the-cube` */
export function taskId(sentence: string): string {
  const id = sentence
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 60);
  return id.replace(/-+$/, '') || 'task';
}

function timing(column: MeasuredColumn | undefined): { readonly rateHz: number; readonly map: object } {
  if (column === undefined) return { rateHz: 10, map: { kind: 'rows', startsAt: unknownStart } };
  if (column.kind === 'instant')
    return { rateHz: rateOf(column.middleStep / 1e6), map: { column: column.name, kind: 'iso' } };
  // Seconds since 1970 have ten digits until the year 2286, milliseconds thirteen, and so on.
  const kind = column.max > 1e17 ? 'ns' : column.max > 1e14 ? 'us' : column.max > 1e11 ? 'ms' : guessUnit(column);
  const perSecond = { s: 1, ms: 1e3, us: 1e6, ns: 1e9 }[kind];
  const isSince1970 = column.min / perSecond > 5e8;
  const since = isSince1970 ? {} : { startsAt: unknownStart, restarts: column.min >= 0 };
  return { rateHz: rateOf(column.middleStep / perSecond), map: { column: column.name, kind, ...since } };
}

/** A number that counts from the beginning: robots record at 0.1 to 1,000 Hz. */
function guessUnit({ name, middleStep }: MeasuredColumn): 's' | 'ms' | 'us' | 'ns' {
  const named = /(?:^|_)(ms|us|ns)$/i.exec(name)?.[1]?.toLowerCase();
  if (named === 'ms' || named === 'us' || named === 'ns') return named;
  if (middleStep >= 1e6) return 'ns';
  if (middleStep >= 2_000) return 'us';
  return middleStep > 10 ? 'ms' : 's';
}

function rateOf(periodS: number): number {
  const rate = 1 / periodS;
  return Number.isFinite(rate) && rate > 0 ? Number(rate.toPrecision(3)) : 10;
}
