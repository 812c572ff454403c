import { FrameColumns } from '../frame-columns.ts';
import { type RobotType } from '../robot-type.ts';
import type { BatchColumns } from './batch-columns.ts';
import { endOfAlike, endsBefore } from './episode-end.ts';
import { rowsOfFile } from './file-columns.ts';
import type { ImportMap } from './import-map.ts';
import { quoted } from './import-summary.ts';
import { outcomeRule, type OutcomeRule } from './outcome-rule.ts';
import { resolveMap, type ResolvedMap } from './resolve-map.ts';
import { RowReader, type FrameOfRow } from './row-reader.ts';
import { mostEpisodeFrames, mostOpenNumbers, numbersOfFrame, type SourceEpisode } from './source-episode.ts';
import type { SourceFile, TableBatch, TableReader, TableRow } from './table.ts';
import type { Tally } from './tally.ts';

export interface TableSource {
  readonly files: readonly SourceFile[];
  readonly reader: TableReader;
  readonly map: ImportMap;
  readonly type: RobotType;
  readonly tally: Tally;
  /** Frames that an episode may have; 200,000 unless a test says otherwise. */
  readonly mostFrames?: number;
  /** Numbers of all open episodes together; {@link mostOpenNumbers} unless a test says otherwise. */
  readonly mostNumbers?: number;
}

/** What is told of a whole import while it runs. */
export interface ReadCount {
  rows: number;
}

/** Robots whose episodes may be open at once. */
const mostOpenRobots = 1_000;
const mostKnownValues = 100_000;

interface OpenEpisode {
  readonly robot: string;
  readonly task: string;
  /** Empty unless a column says it. */
  readonly site: string;
  readonly value: string;
  readonly file: string;
  /** Row of its file from 0. */
  readonly row: number;
  readonly firstRow: number;
  /** Empty unless a column says it. */
  readonly id: string;
  readonly beganUs: number;
  rows: number;
  lastUs: number;
  readonly frames: FrameColumns;
  isTooLong: boolean;
  /** Frames are missing in the middle of it. */
  hasGap: boolean;
  readonly outcome: OutcomeRule;
}

/**
 * Reads tables row by row as their map says, and gives every episode when it is whole. Rows of several robots may take turns. Memory
 * is that of the open episodes, which is bounded.
 */
export async function* tableEpisodes(source: TableSource, read: ReadCount): AsyncGenerator<SourceEpisode> {
  const state = new TableState(source);
  for (const file of source.files) {
    await countUnmapped(source, state.map, file.path);
    state.beginFile(file);
    for await (const batch of rowsOfFile(source.reader, file, state.map.wanted)) {
      read.rows += batch.length;
      yield* state.takeBatch(batch);
    }
    if (source.map.episodes.by.kind === 'file') yield* state.endAll();
  }
  yield* state.endAll();
}

async function countUnmapped({ reader, tally }: TableSource, { wanted }: ResolvedMap, file: string): Promise<void> {
  for (const { name, kind } of await reader.columns(file)) {
    if (wanted.some(({ column }) => column === name || column.startsWith(`${name}[`))) continue;
    const reason = name === '' ? 'a column without a name' : 'not in the map';
    tally.leftOut('field', kind === 'other' ? 'neither numbers nor text' : reason, name);
  }
}

class TableState {
  readonly map: ResolvedMap;
  readonly #source: TableSource;
  readonly #reader: RowReader;
  readonly #open = new Map<string, OpenEpisode>();
  readonly #values = new Set<string>();
  #openNumbers = 0;
  #file: SourceFile = { path: '', name: '' };
  #rowOfFile = -1;
  #rowsBefore = 0;
  #episodesGiven = 0;
  /** End of the last episode, for times that restart. */
  #clockUs: number;

  constructor(source: TableSource) {
    this.#source = source;
    this.map = resolveMap(source.map, source.type);
    this.#reader = new RowReader(source, this.map);
    const { time } = source.map;
    this.#clockUs = 'startsAt' in time && time.startsAt !== undefined ? Date.parse(time.startsAt) * 1000 : 0;
  }

  beginFile(file: SourceFile): void {
    this.#file = file;
    this.#reader.beginFile(file.path);
    this.#rowsBefore += this.#rowOfFile + 1;
    this.#rowOfFile = -1;
  }

  *takeBatch(batch: TableBatch): Generator<SourceEpisode> {
    const columns = this.#reader.columns(batch, this.#rowsBefore + this.#rowOfFile + 1);
    if (columns === undefined) for (const row of batch) yield* this.#take(row);
    else
      for (let place = 0; place < batch.length; place += 1) {
        const row = batch.at(place);
        const open = row && (yield* this.#take(row));
        if (open !== undefined) place += this.#takeAlike(open, columns, place + 1);
      }
  }

  /** Takes rows behind one of an open episode that say the same; how many. What may end the episode or the import is left to {@link #take}. */
  #takeAlike(open: OpenEpisode, columns: BatchColumns, from: number): number {
    const { map, mostFrames = mostEpisodeFrames, mostNumbers = mostOpenNumbers } = this.#source;
    const count = endOfAlike(map.episodes.by, open, columns, from) - from;
    const numbers = count * numbersOfFrame(columns);
    const isFull = open.frames.length + count > mostFrames || this.#openNumbers + numbers > mostNumbers;
    if (count === 0 || open.isTooLong || isFull) return 0;
    const { atUs, observations, observationWidth, actions, actionWidth } = columns;
    const end = from + count;
    open.frames.append(
      atUs.subarray(from, end),
      observations.subarray(from * observationWidth, end * observationWidth),
      actions.subarray(from * actionWidth, end * actionWidth),
    );
    open.rows += count;
    open.lastUs = atUs[end - 1] ?? 0;
    this.#openNumbers += numbers;
    this.#rowOfFile += count;
    return count;
  }

  /** The episode that a row belongs to, if it belongs to any. */
  *#take(row: TableRow): Generator<SourceEpisode, OpenEpisode | undefined> {
    this.#rowOfFile += 1;
    const read = this.#reader.read(row, this.#rowsBefore + this.#rowOfFile);
    if (read === undefined) return undefined;
    const { robot, task, site, value, id, atUs, frame } = read;
    let open = this.#open.get(robot);
    const isOutside = this.#isOutside(value);
    if (
      open !== undefined &&
      (isOutside || endsBefore(this.#source.map.episodes.by, open, read) || this.#splitsBefore(open, row))
    ) {
      yield* this.#end(open);
      open = undefined;
    }
    if (isOutside) {
      this.#source.tally.leftOut('row', 'outside of episodes');
      return undefined;
    }
    open ??= this.#begin({ robot, task, site, value, id, beganUs: atUs });
    if (row.isEvent !== true) open.rows += 1;
    if (row.isAfterGap === true && open.frames.length > 0) open.hasGap = true;
    open.lastUs = atUs;
    const { successCells } = this.map;
    if (successCells.length > 0) {
      // How the episode before this one ended says nothing of it, even while nobody has said otherwise.
      const { beganUs } = open;
      const isOld = (cell: number): boolean => (row.saidUs?.(cell) ?? beganUs) < beganUs;
      open.outcome.see(successCells.map((cell) => (isOld(cell) ? '' : row.text(cell))));
    }
    if (frame !== undefined) this.#keep(open, atUs, frame, row);
    return open;
  }

  *endAll(): Generator<SourceEpisode> {
    for (const open of this.#open.values()) yield* this.#end(open);
  }

  #begin(of: Pick<OpenEpisode, 'robot' | 'task' | 'site' | 'value' | 'id' | 'beganUs'>): OpenEpisode {
    if (this.#open.size >= mostOpenRobots)
      throw this.#reader.error('rows of at most 1,000 robots taking turns', `one more, ${quoted(of.robot)}`, undefined);
    const { map, tally } = this.#source;
    if (map.episodes.by.kind === 'column') {
      if (this.#values.has(of.value)) tally.handled('boundaryValuesUsedAgain');
      else if (this.#values.size < mostKnownValues) this.#values.add(of.value);
    }
    const place = { file: this.#file.name, row: this.#rowOfFile, firstRow: this.#rowsBefore + this.#rowOfFile };
    const open = {
      ...of,
      ...place,
      rows: 0,
      lastUs: 0,
      frames: new FrameColumns(),
      isTooLong: false,
      hasGap: false,
      outcome: outcomeRule(map.success),
    };
    this.#open.set(of.robot, open);
    return open;
  }

  /** Whether the recording says that the robot is between episodes. */
  #isOutside(value: string): boolean {
    const { by } = this.#source.map.episodes;
    return by.kind === 'column' && by.only?.includes(value) === false;
  }

  #splitsBefore(open: OpenEpisode, { isAfterGap }: TableRow): boolean {
    return isAfterGap === true && open.frames.length > 0 && this.#source.map.mcap?.gap !== 'leaveOut';
  }

  #keep(open: OpenEpisode, atUs: number, { observation, action }: FrameOfRow, row: TableRow): void {
    if (open.isTooLong) return;
    const { frames } = open;
    const numbers = numbersOfFrame({ observationWidth: observation.length, actionWidth: action.length });
    if (frames.length >= (this.#source.mostFrames ?? mostEpisodeFrames)) {
      open.isTooLong = true;
      this.#openNumbers -= frames.length * numbers;
      frames.clear();
      return;
    }
    this.#openNumbers += numbers;
    if (this.#openNumbers > (this.#source.mostNumbers ?? mostOpenNumbers))
      throw this.#reader.error('episodes that end: too much is open at once', `${this.#open.size} open episodes`, row);
    frames.push(atUs, observation, action);
  }

  *#end(open: OpenEpisode): Generator<SourceEpisode> {
    this.#open.delete(open.robot);
    const { map, tally, mostFrames = mostEpisodeFrames } = this.#source;
    const { frames } = open;
    this.#openNumbers -= frames.length * numbersOfFrame(frames);
    if (open.isTooLong) return tally.leftOut('episode', `more than ${mostFrames} frames: cut it by other boundaries`);
    if (frames.length === 0) return tally.leftOut('episode', 'no row of it could be taken');
    const { leaveOutShorterThan } = map.episodes;
    if (open.hasGap) {
      tally.leftOut('frame', 'of an episode with a gap', '', frames.length);
      return tally.leftOut('episode', 'a gap in its frames');
    }
    if (frames.length < leaveOutShorterThan) {
      tally.leftOut('episode', `shorter than ${leaveOutShorterThan} frames`);
      return tally.leftOut(
        'frame',
        `of an episode that is shorter than ${leaveOutShorterThan} frames`,
        '',
        frames.length,
      );
    }
    const { outcome, reason } = open.outcome.verdict();
    this.#place(frames);
    yield {
      name: this.#nameOf(open, frames.atUs[0] ?? 0),
      ...(open.id === '' ? {} : { id: open.id }),
      ...(open.site === '' ? {} : { site: open.site }),
      robotId: this.#robotOf(open),
      task: open.task,
      outcome,
      failureReason: reason,
      isDemonstration: map.demonstration,
      at: { value: open.value, firstRow: open.firstRow, rows: open.rows },
      frames,
    };
    this.#episodesGiven += 1;
  }

  /** Times that begin anew with each episode follow those of the episode before. */
  #place(frames: FrameColumns): void {
    const { time } = this.#source.map;
    if (!('restarts' in time) || !time.restarts) return;
    const [first = 0, last = 0] = [frames.atUs[0], frames.atUs.at(-1)];
    frames.shift(this.#clockUs - first);
    this.#clockUs += Math.max(0, last - first) + 2_000_000;
  }

  #nameOf({ value, row, file, robot }: OpenEpisode, startUs: number): string {
    const { source, episodes } = this.#source.map;
    const of = new Map(Object.entries({ source, file, robot, value, row: String(row), startUs: String(startUs) }));
    return episodes.name.replaceAll(/\{(\w+)\}/g, (whole, name: string) => of.get(name) ?? whole);
  }

  #robotOf(open: OpenEpisode): string {
    const { robot } = this.#source.map;
    if ('id' in robot) return robot.id;
    if ('column' in robot) return open.robot;
    const number = Math.floor(this.#episodesGiven / robot.episodesEach) + 1;
    return `${robot.prefix}${String(number).padStart(2, '0')}`;
  }
}
