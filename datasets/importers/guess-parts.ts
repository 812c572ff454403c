import { sqlName } from '../sql-types.ts';
import { lookedUp, namedColumn } from './column-name.ts';
import type { DraftedNumber, Parts } from './draft.ts';
import { folderColumn } from './file-columns.ts';
import { boundariesOf, episodeColumnOf, isSaidOnce, successOf } from './guess-episodes.ts';
import { dateBeside, isTimeName, timeColumnOf, timingOf, type MeasuredColumn } from './guess-timing.ts';
import { ImportError, quoted } from './import-summary.ts';
import type { Measured } from './measure-columns.ts';

const robot =
  /^(?:robot|device|unit|machine|vehicle|agent|roboter|gerät|geraet|maschine|fahrzeug)(?:_?(?:id|name|no|nr|number))?$/;
const task = /^(?:task|task_?id|task_?name|instruction|language_instruction|aufgabe|tâche|tarea)$/;
const action =
  /^(?:action|act|command|cmd|control|ctrl|target|setpoint|desired|u)(?:_.*|\d+)?$|_(?:action|cmd|command|target|setpoint|desired|des|ref|soll)(?:_?\d+|_[xyz])?$|^(?:soll|stellwert|stellgröße|vorgabe|consigne|consigna)/;
const label = /^(?:action|class|label|command|decision|output|target|maneuver|manoeuvre|behaviou?r)$/;
/** Names and numbers of rows and messages: no reading. */
const counter =
  /^(?:|no|nr|num|number|row|index|idx|frame|frame_?(?:index|id|no|number)|id|unnamed_\d+|step|timestep|sample)$|(?:^|_)(?:seq|stamp|secs|nsecs|frame_id)$/;
/** Different labels, and rows for each, of a column of whole numbers that is a choice and no quantity. */
const [mostChoices, rowsOfChoice] = [16, 5] as const;
const mostObservations = 1_024;

/** What is known of a recording beside its columns. */
export interface Guessed {
  readonly files: number;
  /** Unit by column, where the file says it below its header. */
  readonly units: ReadonlyMap<string, string>;
}

/** Guesses by their names and values which columns are what. Throws where no column is a reading. */
export function guessParts({ columns: measured, rows }: Measured, { files, units }: Guessed): Parts {
  const columns = measured.map((column) => ({
    ...column,
    unit: units.get(column.name) ?? namedColumn(column.name).unit,
  }));
  const find = (pattern: RegExp, fits: (column: MeasuredColumn) => boolean = () => true): MeasuredColumn | undefined =>
    columns.find((column) => pattern.test(lookedUp(column.name)) && fits(column));
  const timeColumn = timeColumnOf(columns);
  const untimed = columns.filter((column) => column !== timeColumn && !isTimeName(column.name));
  const episodeColumn = episodeColumnOf(untimed, { rows, files });
  const robotColumn = find(robot);
  const taskColumn = find(task, ({ values }) => values !== undefined);
  const episodesSaid = episodeColumn?.runs ?? (files > 1 ? files : undefined);
  const discrete = labelOf(columns, rows, episodesSaid);
  const success = successOf(
    columns.filter((column) => column !== discrete && column !== taskColumn && column !== robotColumn),
    episodesSaid,
  );
  const date = dateBeside(columns);
  const taken = new Set([timeColumn, date, episodeColumn, robotColumn, taskColumn, discrete, ...success.columns]);
  const numbers = columns.filter(
    (column) =>
      column.kind === 'number' &&
      !taken.has(column) &&
      !counter.test(lookedUp(column.name)) &&
      !isTimeName(column.name),
  );
  const isAction = ({ name }: MeasuredColumn): boolean => discrete === undefined && action.test(lookedUp(name));
  const drafted = draftedBy(numbers);
  const observations = numbers.filter((column) => !isAction(column)).map(drafted);
  if (observations.length > mostObservations)
    throw new ImportError(`expected at most 1,024 columns of readings, got ${observations.length}`);
  if (observations.length === 0) throw nothingToObserve(columns, rows);
  const timing = timingOf(timeColumn, { rows, hasRobots: robotColumn !== undefined, date });
  const { rateHz } = timing;
  const boundaries = boundariesOf(episodeColumn, timeColumn, { rows, files, rateHz });
  const tasks = taskColumn === undefined ? [] : tasksOf(taskColumn);
  const others = columns
    .filter((column) => column.kind !== 'number' && !taken.has(column) && column.name !== folderColumn)
    .map(({ name }) => name);
  const isUnreadable = columns.some(
    (column) => column.unreadable > 0 && (column.kind === 'number' || column === timeColumn || column === date),
  );
  return {
    observations,
    actions: numbers.filter(isAction).map(drafted),
    discrete: discrete?.name,
    time: timing.map,
    rateHz,
    episodes: { by: boundaries.by },
    // Rows of several robots take turns, so that every stretch is an episode of each of them.
    episodesFound:
      boundaries.episodes * (takeTurns(robotColumn, episodeColumn) ? (robotColumn?.values?.length ?? 1) : 1),
    robot: robotColumn === undefined ? { id: 'robot-1' } : { column: robotColumn.name },
    task: taskColumn === undefined ? 'task' : { column: taskColumn.name, values: tasks },
    tasks: tasks.length === 0 ? ['task'] : [...new Set(tasks.map(({ is }) => is))],
    success: success.rule,
    demonstration: false,
    ...(isUnreadable ? { rows: { unreadable: 'leaveOut' } } : {}),
    notes: [
      ...timing.notes,
      ...unreadTimes([timeColumn, date]),
      ...boundaries.notes,
      ...success.notes,
      ...folderNotes(columns.find((column) => column.name === folderColumn && !taken.has(column))),
      ...longTableNotes(numbers, others, timeColumn),
      ...(others.length === 0 ? [] : [`these hold text and are not used: ${others.slice(0, 50).join(', ')}`]),
    ],
  };
}

const takeTurns = (robots: MeasuredColumn | undefined, episodes: MeasuredColumn | undefined): boolean =>
  robots !== undefined && episodes !== undefined && robots.runs > 2 * episodes.runs;

function folderNotes(folders: MeasuredColumn | undefined): readonly string[] {
  if (folders === undefined) return [];
  const named = (folders.values ?? [folders.example]).slice(0, 5).map((name) => quoted(name));
  return [
    `the files lie in folders (${named.join(', ')}${(folders.values?.length ?? 65) > 5 ? ', …' : ''}): if these say the task, the site, the robot or the outcome, map {"column": "${folderColumn}"} to it`,
  ];
}

/** One row a reading instead of one a moment: a name, a number, and the same time again and again. */
function longTableNotes(
  numbers: readonly MeasuredColumn[],
  others: readonly string[],
  time: MeasuredColumn | undefined,
): readonly string[] {
  const [only] = numbers;
  const [name] = others;
  if (numbers.length !== 1 || only === undefined || name === undefined || time === undefined || time.repeats === 0)
    return [];
  return [
    `each row seems to hold one reading, named by ${name}: an import takes one row a frame, so pivot the table first, in DuckDB e.g. PIVOT t ON ${sqlName(name)} USING first(${sqlName(only.name)}) GROUP BY ${sqlName(time.name)}`,
  ];
}

const unreadTimes = (columns: readonly (MeasuredColumn | undefined)[]): readonly string[] =>
  columns.flatMap((column) =>
    column === undefined || column.kind === 'number' || column.unreadable === 0
      ? []
      : [`${column.unreadable} rows hold something else than a time as ${column.name}, and are left out`],
  );

function nothingToObserve(columns: readonly MeasuredColumn[], rows: number): ImportError {
  const seen = columns
    .slice(0, 10)
    .map(({ name, kind, example }) => `${quoted(name)} (${kind}, e.g. ${quoted(example)})`);
  const got = rows === 0 ? 'no row' : `none among ${seen.join(', ') || 'no columns'}`;
  return new ImportError(`expected numbers that can be observations, got ${got}: write robot type and map by hand`);
}

/** The column of labels: one that is called so, or the text at the end of every row, as in tables for learning, if it is not one for each episode. */
function labelOf(
  columns: readonly MeasuredColumn[],
  rows: number,
  episodes: number | undefined,
): MeasuredColumn | undefined {
  const named = columns.find((column) => label.test(lookedUp(column.name)) && isChoice(column, rows));
  if (named !== undefined) return named;
  const last = columns.at(-1);
  if (last?.kind !== 'text' || !isChoice(last, rows) || isSaidOnce(last, episodes)) return undefined;
  return columns.every(({ name }) => !action.test(lookedUp(name))) ? last : undefined;
}

function isChoice({ kind, values, areWhole, areTruths }: MeasuredColumn, rows: number): boolean {
  if (values === undefined || values.length < 2) return false;
  if (kind === 'text' || areTruths) return true;
  return areWhole && values.length <= mostChoices && rows >= rowsOfChoice * values.length;
}

/** A column as a number of the robot type: its name without the unit, unless two would have it. */
function draftedBy(numbers: readonly MeasuredColumn[]): (column: MeasuredColumn) => DraftedNumber {
  const plain = numbers.map(({ name }) => namedColumn(name).name);
  return ({ name: column, unit }) => {
    const { name } = namedColumn(column);
    const isAlone = plain.filter((other) => other === name).length === 1;
    return {
      column,
      name: (isAlone ? name : column).replaceAll(/\p{C}+/gu, ' ').slice(0, 200),
      ...(unit === undefined ? {} : { unit }),
    };
  };
}

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
