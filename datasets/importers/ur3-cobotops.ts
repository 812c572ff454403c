import { ur3CobotopsType } from '../built-in-robot-types.ts';
import { deterministicUlid } from '../deterministic-ulid.ts';
import { landSegment } from '../landing.ts';
import { robotTypeName } from '../robot-type.ts';
import type { SegmentRow } from '../segment-row.ts';
import { ImportError, type ImportInput, type ImportSummary } from './import-summary.ts';
import { fileAt, numberAt, readTable, type TableLine } from './read-table.ts';

const fileName = 'dataset_02052023.csv';
const type = ur3CobotopsType;
const robotId = 'ur3-01';
const cyclesPerSegment = 50;

/** Columns in the order of the robot type's observations; the file names the first joint's temperature `T0`. */
const readingColumns = [
  ...joints((joint) => `Current_J${joint}`),
  ...joints((joint) => (joint === 0 ? 'Temperature_T0' : `Temperature_J${joint}`)),
  ...joints((joint) => `Speed_J${joint}`),
  'Tool_current',
];
const otherColumns = ['Timestamp', 'cycle', 'Robot_ProtectiveStop', 'grip_lost'] as const;

function joints(name: (joint: number) => string): readonly string[] {
  return Array.from({ length: 6 }, (_, joint) => name(joint));
}

/** What the file has that a plain table has not; each is handled by a rule and counted. */
interface Handled {
  /** `0,25` for 0.25. */
  decimalCommas: number;
  /** Rows in which readings are blank: no frame, the episode goes on. */
  blankRowsLeftOut: number;
  /** Column names with blanks around them. */
  headerNamesTrimmed: number;
  /** Columns without a name at the end of every line. */
  emptyColumnsLeftOut: number;
  /** Cycle numbers that come a second time after the counter was set back: an episode of its own. */
  cycleNumbersUsedAgain: number;
}

interface Cycle {
  readonly number: string;
  readonly frames: { readonly us: number; readonly observation: readonly number[] }[];
  gripLost: boolean;
  protectiveStop: boolean;
}

/**
 * UR3 CobotOps (UCI 963): readings of a real UR3 about once a second, with cycle numbers, protective stops and lost
 * grips. A cycle is an episode; one with a stop or a lost grip failed. The file has no commands, so its episodes serve
 * the lake and validation only. Importing the same file again makes the same segments. One segment is in memory at a time.
 */
export async function importUr3Cobotops(input: ImportInput): Promise<ImportSummary> {
  const path = await fileAt(input.path, fileName);
  const handled: Handled = {
    decimalCommas: 0,
    blankRowsLeftOut: 0,
    headerNamesTrimmed: 0,
    emptyColumnsLeftOut: 0,
    cycleNumbersUsedAgain: 0,
  };
  const totals = { rows: 0, frames: 0, episodes: 0, segments: 0, segmentsAlreadyThere: 0 };
  let pending: Cycle[] = [];
  const land = async (): Promise<void> => {
    const rows = pending.flatMap(episodeRows);
    totals.episodes += pending.length;
    totals.frames += rows.length;
    pending = [];
    if (rows.length === 0) return;
    const { outcome, key } = await landSegment(input, { robotId, type, agentVersion: 'importer-ur3-cobotops', rows });
    totals.segments++;
    if (outcome === 'exists') totals.segmentsAlreadyThere++;
    input.progress(`${totals.episodes} cycles: ${rows.length} frames → ${key}`);
  };
  for await (const cycle of cyclesOf(path, handled, totals)) {
    if (cycle.frames.length > 0) pending.push(cycle);
    if (pending.length === cyclesPerSegment) await land();
  }
  await land();
  return { format: 'ur3-cobotops', robotType: robotTypeName(type), robots: 1, ...totals, handled: { ...handled } };
}

/** Rows with the same cycle number in a row. */
async function* cyclesOf(path: string, handled: Handled, totals: { rows: number }): AsyncGenerator<Cycle> {
  const seen = new Set<string>();
  let columns: ReadonlyMap<string, number> | undefined;
  let cycle: Cycle | undefined;
  for await (const row of readTable(path, ';')) {
    if (columns === undefined) {
      columns = columnsOf(path, row, handled);
      continue;
    }
    totals.rows++;
    const cell = (name: string): string => row.cells[columns?.get(name) ?? -1] ?? '';
    const number = String(numberAt(path, row, 'cycle', cell('cycle')));
    if (number !== cycle?.number) {
      if (cycle !== undefined) yield cycle;
      if (seen.has(number)) handled.cycleNumbersUsedAgain++;
      seen.add(number);
      cycle = { number, frames: [], gripLost: false, protectiveStop: false };
    }
    cycle.gripLost ||= cell('grip_lost') === 'True';
    cycle.protectiveStop ||= cell('Robot_ProtectiveStop') === 'True';
    if (readingColumns.some((name) => cell(name) === '')) handled.blankRowsLeftOut++;
    else cycle.frames.push(frameOf(path, row, cell, handled));
  }
  if (cycle !== undefined) yield cycle;
}

function columnsOf(path: string, { cells }: TableLine, handled: Handled): ReadonlyMap<string, number> {
  const names = cells.map((name) => name.trim());
  handled.headerNamesTrimmed = cells.filter((name) => name !== name.trim()).length;
  handled.emptyColumnsLeftOut = names.filter((name) => name === '').length;
  const missing = [...otherColumns, ...readingColumns].filter((name) => !names.includes(name));
  if (missing.length > 0) {
    throw new ImportError(`expected column ${missing.join(', ')}, got none of that name [path=${path}, line=1]`);
  }
  return new Map(names.map((name, index) => [name, index]));
}

function frameOf(
  path: string,
  row: TableLine,
  cell: (name: string) => string,
  handled: Handled,
): Cycle['frames'][number] {
  const ms = Date.parse(cell('Timestamp'));
  if (Number.isNaN(ms)) {
    throw new ImportError(`expected a time, got "${cell('Timestamp')}" [path=${path}, line=${row.line}]`);
  }
  const observation = readingColumns.map((name) => {
    const text = cell(name);
    if (text.includes(',')) handled.decimalCommas++;
    return numberAt(path, row, name, text.replace(',', '.'));
  });
  return { us: ms * 1000, observation };
}

function failureReason({ gripLost, protectiveStop }: Cycle): string | null {
  if (gripLost && protectiveStop) return 'grip-lost, protective-stop';
  if (gripLost) return 'grip-lost';
  return protectiveStop ? 'protective-stop' : null;
}

function episodeRows(cycle: Cycle): readonly SegmentRow[] {
  const { frames, number } = cycle;
  const startedAt = frames[0]?.us ?? 0;
  const lastUs = frames.at(-1)?.us ?? startedAt;
  const reason = failureReason(cycle);
  return frames.map(({ us, observation }, index) => ({
    episode_id: deterministicUlid(`ur3-cobotops:${number}:${startedAt}`, startedAt / 1000),
    robot_id: robotId,
    robot_type: type.id,
    robot_type_version: type.version,
    site: 'recording',
    task: 'pick-and-place',
    policy_version: null,
    started_at: startedAt,
    duration_ms: (lastUs - startedAt) / 1000 + 1000 / type.rateHz,
    outcome: reason === null ? 'success' : 'failure',
    failure_reason: reason,
    intervened: false,
    latency_p50_ms: null,
    latency_p95_ms: null,
    frame_count: frames.length,
    media: null,
    frame_index: index,
    timestamp: us,
    observation,
    action: [],
    expert_action: null,
    is_correction: false,
  }));
}
