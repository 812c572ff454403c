import { lookedUp } from './column-name.ts';
import type { MeasuredColumn } from './measure-columns.ts';

const episode =
  /^(?:ep|episode|run|trial|lap|cycle|sequence|rollout|traj|trajectory|demo|demonstration|attempt|experiment|session|bag|segment|lauf|durchlauf|versuch|fahrt|zyklus|essai|ensayo|prova)(?:_?(?:id|idx|index|no|nr|num|number|name))?$/;
/** One of these is said once and for all of an episode, or at its end. */
const success =
  /^(?:is_|was_|next_)?(?:success|successful|succeeded|solved|task_success|erfolg|erfolgreich|réussi|éxito)$/;
const result = /^(?:outcome|result|verdict|ergebnis|resultat|résultat|resultado|risultato)$/;
const yes =
  /^(?:true|1|1\.0|yes|y|success|successful|succeeded|ok|pass|passed|done|i\.?\s?o\.?|ja|oui|s[ií]|erfolgreich|réussi|éxito)$/i;
const failure =
  /(?:^|_)(?:fail|failed|failure|fault|error|collision|collided|crash|crashed|dropped|lost|protective_stop|emergency_stop|estop)$/;

/** Rows of an episode where nothing says where one begins. */
const [fewestRows, mostRows, episodesWanted] = [20, 1_000, 120] as const;
const fewestStretches = 3;

/** The column with the number or name of the episode: one that is called so, or of a single file one that counts stretches of rows. */
export function episodeColumnOf<Column extends MeasuredColumn>(
  columns: readonly Column[],
  { rows, files }: Pick<Recording, 'rows' | 'files'>,
): Column | undefined {
  const named = columns.find(({ name, kind }) => episode.test(lookedUp(name)) && kind !== 'instant');
  return named ?? (files === 1 ? columns.find((column) => countsStretches(column, rows)) : undefined);
}

/** Whole numbers that go up by one, each after many rows. */
const countsStretches = ({ kind, areWhole, falls, runs, min, max }: MeasuredColumn, rows: number): boolean =>
  kind === 'number' &&
  areWhole &&
  falls === 0 &&
  runs >= fewestStretches &&
  max - min === runs - 1 &&
  rows >= fewestRows * runs;

/** Whether a column says one thing of an episode, and no more often another; `episodes` is undefined where nobody knows how many there are. */
export const isSaidOnce = (column: MeasuredColumn, episodes: number | undefined): boolean =>
  episodes !== undefined && column.runs <= episodes;

export interface Boundaries {
  readonly by: object;
  /** About how many there are. */
  readonly episodes: number;
  readonly notes: readonly string[];
}

export interface Recording {
  readonly rows: number;
  readonly files: number;
  readonly rateHz: number;
}

/** Where episodes end: by a column, by a file each, by pauses, or after so many rows, in the order of how much is known. */
export function boundariesOf(
  column: MeasuredColumn | undefined,
  time: MeasuredColumn | undefined,
  { rows, files, rateHz }: Recording,
): Boundaries {
  if (column !== undefined) {
    const isNamed = episode.test(lookedUp(column.name));
    const note = `every stretch of rows with the same ${column.name} is taken for an episode; correct episodes.by`;
    return { by: { kind: 'column', column: column.name }, episodes: column.runs, notes: isNamed ? [] : [note] };
  }
  if (files > 1) return { by: { kind: 'file' }, episodes: files, notes: ['every file is taken for an episode'] };
  if (time !== undefined && time.gaps + time.falls >= 2) {
    const longerThanS = Number((10 / rateHz).toPrecision(3));
    return {
      by: { kind: 'gap', longerThanS },
      episodes: time.gaps + time.falls + 1,
      notes: [`an episode is taken to end where nothing comes for ${longerThanS} s, or where the time begins again`],
    };
  }
  return boundariesByRows(rows);
}

/** Pieces of a recording that says nothing of episodes. */
export function boundariesByRows(rows: number): Boundaries {
  if (rows < 2 * fewestRows) return { by: { kind: 'file' }, episodes: 1, notes: [] };
  const each = Math.min(mostRows, Math.max(fewestRows, Math.round(rows / episodesWanted)));
  return {
    by: { kind: 'rows', rows: each },
    episodes: Math.ceil(rows / each),
    notes: [`nothing says where an episode begins: every ${each} rows are taken for one; correct episodes.by`],
  };
}

export interface SuccessRule {
  readonly rule: object;
  /** Columns that it reads. */
  readonly columns: readonly MeasuredColumn[];
  readonly notes: readonly string[];
}

/** How the recording says that an episode succeeded: in a column that is called so, or in one that says `ok` or the like once an episode. */
export function successOf(columns: readonly MeasuredColumn[], episodes: number | undefined): SuccessRule {
  const said = columns.find(({ name, values }) => success.test(lookedUp(name)) && values !== undefined);
  const isResult = (column: MeasuredColumn): boolean =>
    result.test(lookedUp(column.name)) ||
    // What is the same in every row tells no episodes apart.
    (column.kind === 'text' && column.runs > 1 && isSaidOnce(column, episodes));
  const ended =
    said ?? columns.find((column) => isResult(column) && column.values?.some((text) => yes.test(text)) === true);
  if (ended !== undefined) {
    const equals = ended.values?.find((text) => yes.test(text)) ?? 'true';
    return {
      rule: { kind: 'succeededWhen', row: 'any', column: ended.name, equals, otherwise: 'not successful' },
      columns: [ended],
      notes: [`an episode is a success if a row of it has ${equals} as ${ended.name}`],
    };
  }
  const flags = columns.filter(
    ({ name, areTruths, values }) => areTruths && failure.test(lookedUp(name)) && values !== undefined,
  );
  if (flags.length === 0)
    return {
      rule: { kind: 'always' },
      columns: [],
      notes: [
        'nothing was found that says whether an episode succeeded: every one is taken for a success; correct success',
      ],
    };
  const any = flags.map(({ name, values = [] }) => ({
    column: name,
    equals: values.find((text) => /^true$/i.test(text)) ?? 'true',
    reason: lookedUp(name).replaceAll('_', '-'),
  }));
  return {
    rule: { kind: 'failedWhen', any },
    columns: flags,
    notes: [`an episode is a failure if a row of it says ${flags.map(({ name }) => name).join(' or ')}`],
  };
}
