import { isUlid } from '../deterministic-ulid.ts';
import type { RobotType } from '../robot-type.ts';
import { BatchColumns } from './batch-columns.ts';
import type { ImportMap } from './import-map.ts';
import { ImportError, quoted } from './import-summary.ts';
import type { ResolvedMap, ValueRule } from './resolve-map.ts';
import { instantUs, unitUs } from './source-time.ts';
import { isNoValue, type TableBatch, type TableRow } from './table.ts';
import type { Tally } from './tally.ts';

interface RowSource {
  readonly map: ImportMap;
  readonly type: RobotType;
  readonly tally: Tally;
}

/** Reads single rows as the map says; what it leaves out it counts. */
export class RowReader {
  readonly #source: RowSource;
  readonly #map: ResolvedMap;
  readonly #startUs: number;
  readonly #frame: FrameOfRow;
  readonly #columns: BatchColumns;
  #path = '';
  /** The robot of the row before: most rows say the same. */
  #robot: { readonly text: string; readonly id: string | undefined } | undefined;

  /** Likewise. */
  #boundary = { text: '', value: '' };
  #id = '';

  constructor(source: RowSource, map: ResolvedMap) {
    this.#source = source;
    this.#map = map;
    this.#columns = new BatchColumns(map);
    this.#frame = {
      observation: new Float32Array(map.observations.length),
      action: new Float32Array(map.discrete === undefined ? map.ranges.length : 1),
    };
    const { time } = source.map;
    this.#startUs = 'startsAt' in time && time.startsAt !== undefined ? Date.parse(time.startsAt) * 1000 : 0;
  }

  /** The file that rows come from, for what errors say. */
  beginFile(path: string): void {
    this.#path = path;
  }

  /** What a row says; undefined where it is left out, and counted. A row without readings still says where it belongs. */
  read(row: TableRow, rowOfAll: number): ReadRow | undefined {
    const { rows } = this.#source.map;
    const atUs = this.#timeOf(row, rowOfAll);
    const robot = this.#idOf(row);
    const task = this.#taskOf(row);
    const site = this.#siteOf(row);
    const value = this.#map.boundaryCell === undefined ? '' : this.#boundaryOf(row.text(this.#map.boundaryCell));
    if (Number.isNaN(atUs) || robot === undefined || task === undefined || site === undefined) {
      const name = Number.isNaN(atUs) ? 'time' : robot === undefined ? 'robot' : task === undefined ? 'task' : 'site';
      return this.#leaveOut(row, rows.unreadable, name, 'that can be read', this.#textOf(row, name));
    }
    if (value === '' && this.#map.boundaryCell !== undefined)
      return this.#leaveOut(row, rows.blank, this.#map.wanted[this.#map.boundaryCell]?.column ?? '', 'a value', '');
    const { idCell } = this.#map;
    const id = idCell === undefined ? '' : row.text(idCell);
    // It becomes part of keys of the store, and clips are landed under it before any rule looks at their episode.
    if (id !== this.#id && id !== '' && !isUlid(id))
      return this.#leaveOut(row, rows.unreadable, this.#map.wanted[idCell ?? -1]?.column ?? '', ulidOfLake, id);
    this.#id = id;
    const frame = row.isEvent === true ? undefined : this.#frameOf(row);
    return { robot, task, site, value, id, atUs, frame };
  }

  /** The rows of a batch as columns, where its format has any; until the next batch. */
  columns(batch: TableBatch, rowsBefore: number): BatchColumns | undefined {
    const timeOf = (place: number): number => {
      const row = batch.at(place);
      return row === undefined ? Number.NaN : this.#timeOf(row, rowsBefore + place);
    };
    return this.#columns.read(batch, timeOf) ? this.#columns : undefined;
  }

  #boundaryOf(text: string): string {
    if (text !== this.#boundary.text) this.#boundary = { text, value: sameNumber(text) };
    return this.#boundary.value;
  }

  #frameOf(row: TableRow): FrameOfRow | undefined {
    const { observations, ranges, discrete, wanted } = this.#map;
    const { rows } = this.#source.map;
    const { observation, action } = this.#frame;
    const wrong = valuesOf(row, observations, observation) ?? valuesOf(row, ranges, action);
    if (wrong !== undefined) {
      const text = row.text(wrong.cell);
      const column = wanted[wrong.cell]?.column ?? '';
      if (isNoValue(text)) return this.#leaveOut(row, rows.blank, column, 'a number', '', row.missing?.(wrong.cell));
      return this.#leaveOut(row, rows.unreadable, column, 'a number', text);
    }
    if (discrete === undefined) return this.#frame;
    const text = row.text(discrete.cell);
    const index = discrete.indexOf.get(text);
    const column = wanted[discrete.cell]?.column ?? '';
    if (index === undefined) {
      const expected = `one of ${[...discrete.indexOf.keys()].slice(0, 20).join(', ')}`;
      const missing = row.missing?.(discrete.cell);
      return this.#leaveOut(row, text === '' ? rows.blank : rows.unreadable, column, expected, text, missing);
    }
    action[0] = index;
    return this.#frame;
  }

  #leaveOut(
    row: TableRow,
    how: 'leaveOut' | 'fail',
    column: string,
    expected: string,
    got: string,
    missing?: string,
  ): undefined {
    if (missing === undefined && how === 'fail') throw this.error(`${column}: ${expected}`, quoted(got), row);
    this.#source.tally.leftOut('row', missing ?? (got === '' ? 'blank' : `expected ${expected}`), column);
    return undefined;
  }

  error(expected: string, got: string, row: TableRow | undefined): ImportError {
    const where = row === undefined ? '' : `, line=${row.place}`;
    return new ImportError(`expected ${expected}, got ${got} [file=${this.#path}${where}]`);
  }

  #textOf(row: TableRow, name: 'time' | 'robot' | 'task' | 'site'): string {
    const { timeCell: time, robotCell: robot, taskCell: task, siteCell: site } = this.#map;
    const cell = { time, robot, task, site }[name];
    return cell === undefined ? '' : row.text(cell);
  }

  #timeOf(row: TableRow, rowOfAll: number): number {
    const { map, type } = this.#source;
    const { time } = map;
    const cell = this.#map.timeCell;
    const startUs = this.#startUs;
    if (time.kind === 'rows') return startUs + Math.round((rowOfAll * 1e6) / type.rateHz);
    if (cell === undefined) return Number.NaN;
    const us =
      time.kind === 'iso'
        ? instantUs(this.#timeText(row, cell), time.zone, time.order)
        : row.number(cell) * unitUs(time.kind === 'log' ? 'us' : time.kind);
    const rounded = Math.round(startUs + us);
    return rounded >= 0 && rounded < latestUs ? rounded : Number.NaN;
  }

  #timeText(row: TableRow, cell: number): string {
    const { dateCell } = this.#map;
    return dateCell === undefined ? row.text(cell) : `${row.text(dateCell)} ${row.text(cell)}`;
  }

  #idOf(row: TableRow): string | undefined {
    const { robot } = this.#source.map;
    if (!('column' in robot) || this.#map.robotCell === undefined) return 'id' in robot ? robot.id : '';
    const text = row.text(this.#map.robotCell);
    if (this.#robot?.text !== text) {
      this.#robot = { text, id: robotIdOf(`${robot.prefix}${text}`.toLowerCase()) };
    }
    return this.#robot.id;
  }

  #siteOf(row: TableRow): string | undefined {
    const text = this.#map.siteCell === undefined ? '' : row.text(this.#map.siteCell);
    const isKnown = this.#map.siteCell === undefined || (text !== '' && text.length <= longestSite);
    return isKnown ? text : undefined;
  }

  #taskOf(row: TableRow): string | undefined {
    const { task } = this.#source.map;
    if (typeof task === 'string' || this.#map.taskCell === undefined)
      return typeof task === 'string' ? task : undefined;
    const text = row.text(this.#map.taskCell);
    const named = task.values.find(({ value }) => value === text)?.is ?? text;
    return /^[a-z0-9][a-z0-9-]{0,62}$/.test(named) ? named : undefined;
  }
}

const isId = (text: string): boolean => /^[a-z0-9][a-z0-9-]{0,62}$/.test(text);

/** `Arm 7` → arm-7, `#3 (left)` → 3-left; undefined where nothing of an id is left, or something cannot be printed. */
function robotIdOf(text: string): string | undefined {
  const plain = text.replaceAll(/[\s_.]+/g, '-');
  if (isId(plain)) return plain;
  if (/\p{C}/u.test(text)) return undefined;
  const bare = text.replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-+|-+$/g, '');
  return isId(bare) ? bare : undefined;
}

const ulidOfLake =
  'the id of an episode from a lake, a ULID of 26 capital letters and digits (take episodes.idColumn out of the map where the recording has none)';

/** Characters of a site. */
const longestSite = 300;

/** What one row says. */
export interface ReadRow {
  readonly robot: string;
  readonly task: string;
  /** Empty where no column says it. */
  readonly site: string;
  readonly value: string;
  /** Of the episode; empty where no column says it. */
  readonly id: string;
  readonly atUs: number;
  /** Undefined where a reading is blank: the row still says where episodes end and how. */
  readonly frame: FrameOfRow | undefined;
}

/** What a robot saw and did; valid until the next row is read. */
export interface FrameOfRow {
  readonly observation: Float32Array;
  readonly action: Float32Array;
}

/** Before the year 2200. */
const latestUs = Date.UTC(2200, 0, 1) * 1000;

/** `7` and `7.0` are one episode number. */
const sameNumber = (text: string): string => (/^[+-]?\d+\.0+$/.test(text) ? String(Number(text)) : text);

/** Fills `into`; the rule whose cell holds no number that a 32-bit float can hold, if there is one. */
function valuesOf(
  row: TableRow,
  rules: readonly ValueRule[],
  into: Float32Array,
): Exclude<ValueRule, { fill: number }> | undefined {
  for (let place = 0; place < rules.length; place += 1) {
    const rule = rules[place];
    if (rule === undefined) continue;
    if ('fill' in rule) into[place] = rule.fill;
    else {
      into[place] = row.number(rule.cell) * rule.factor + rule.offset;
      if (!Number.isFinite(into[place])) return rule;
    }
  }
  return undefined;
}
