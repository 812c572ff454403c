import { epochGroups, groupOrder, stepsInEpoch, type OrderGroup } from './data-order.ts';
import { randomStream, type RandomStream } from './random.ts';
import { mapColumns, totalRows, type RowBlock, type RowSource, type RowValues } from './rows.ts';

/** Rows that lie together in memory; minibatches are picked out of them by index. */
export interface LoadedRows {
  readonly block: RowBlock;
  /** Positions in `block` in the order of the epoch, from the row `first` of the epoch on. */
  readonly order: Int32Array;
  readonly first: number;
}

export interface FeederInput {
  readonly source: RowSource;
  readonly batchSize: number;
  readonly groupRows: number;
  readonly seed: number;
  /** Makes other rows of a group's for one epoch, in memory of their own; a pure function of rows and stream. */
  readonly vary?: ((block: RowBlock, random: RandomStream) => RowBlock) | undefined;
}

export interface Picked {
  readonly rows: LoadedRows;
  /** Positions of the minibatch's rows in `rows.block`. */
  readonly index: Int32Array;
}

/**
 * Says which rows belong to any step, a pure function of (seed, step): a resumed training sees the rows it would have seen.
 * While one group of blocks is in use the next is being read; memory is three groups at most, whatever the length of the
 * set. Rows that do not fill a minibatch at the end of a group are carried to the next group, at the end of an epoch left out.
 */
export function batchFeeder({ source, batchSize, groupRows, seed, vary }: FeederInput): {
  pick(step: number): Promise<Picked>;
} {
  const rows = totalRows(source);
  const size = Math.min(batchSize, rows);
  const steps = stepsInEpoch(rows, batchSize);
  const reader = rows <= groupRows ? wholeSet(source, rows) : source;
  let epochNow = -1;
  let groups: readonly OrderGroup[] = [];
  let loading = new Map<number, Promise<LoadedRows>>();

  const load = (number: number): Promise<LoadedRows> => {
    const known = loading.get(number);
    if (known !== undefined) return known;
    const group = groups[number];
    if (group === undefined) throw new Error(`expected a group of rows, got number ${number} of ${groups.length}`);
    const order = groupOrder(group.rows, seed, epochNow, number);
    const carried = number === 0 ? 0 : group.start % size;
    const previous = carried === 0 ? undefined : load(number - 1);
    const random = vary && randomStream(seed, `pictures of epoch ${epochNow}, group ${number}`);
    const varied = (block: RowBlock): RowBlock => (vary && random ? vary(block, random) : block);
    const fresh = readGroup(reader, group, order, carried, previous, varied);
    fresh.catch(() => undefined);
    loading.set(number, fresh);
    return fresh;
  };

  return {
    async pick(step) {
      const epoch = Math.floor(step / steps);
      if (epoch !== epochNow) {
        groups = epochGroups({ blockRows: reader.blockRows, groupRows, seed, epoch });
        [epochNow, loading] = [epoch, new Map()];
      }
      const position = (step % steps) * batchSize;
      const number = groups.findIndex((group) => position + size <= group.start + group.rows);
      const loaded = await load(number);
      loading.delete(number - 1);
      if (number + 1 < groups.length) void load(number + 1);
      const start = position - loaded.first;
      return { rows: loaded, index: loaded.order.subarray(start, start + size) };
    },
  };
}

/** A set that fits one group is read once and stays in memory as one block. */
function wholeSet(source: RowSource, rows: number): RowSource {
  const readAll = async (): Promise<RowBlock> => {
    const parts: RowBlock[] = [];
    for (let block = 0; block < source.blockRows.length; block += 1) parts.push(await source.read(block));
    return joinBlocks(parts);
  };
  let whole: Promise<RowBlock> | undefined;
  return { blockRows: [rows], read: () => (whole ??= readAll()) };
}

async function readGroup(
  source: RowSource,
  group: OrderGroup,
  order: Int32Array,
  carried: number,
  previous: Promise<LoadedRows> | undefined,
  varied: (block: RowBlock) => RowBlock,
): Promise<LoadedRows> {
  const parts: RowBlock[] = [];
  const before = await previous;
  if (before !== undefined) parts.push(pickRows(before.block, before.order.subarray(before.order.length - carried)));
  for (const block of group.blocks) parts.push(varied(await source.read(block)));
  const block = joinBlocks(parts);
  if (carried === 0) return { block, order, first: group.start };
  const shifted = new Int32Array(carried + order.length);
  for (let row = 0; row < carried; row += 1) shifted[row] = row;
  for (let row = 0; row < order.length; row += 1) shifted[carried + row] = (order[row] as number) + carried;
  return { block, order: shifted, first: group.start - carried };
}

/** Copies single rows; for the few that are carried over. */
const pickRows = (block: RowBlock, positions: Int32Array): RowBlock =>
  mapColumns([block], positions.length, ([values]) => {
    if (values === undefined) throw new Error('expected a column, got none');
    const width = values.length / block.rows;
    const picked = values.slice(0, positions.length * width) as typeof values;
    positions.forEach((row, to) => picked.set(values.subarray(row * width, (row + 1) * width), to * width));
    return picked;
  });

/** Puts blocks one after the other into memory of their own; a single block is used as it is. */
function joinBlocks(blocks: readonly RowBlock[]): RowBlock {
  const [only] = blocks;
  if (only !== undefined && blocks.length === 1) return only;
  const rows = blocks.reduce((sum, block) => sum + block.rows, 0);
  return mapColumns(blocks, rows, <T extends RowValues>(parts: readonly T[]): T => {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    const joined = emptyLike(parts[0], length);
    let position = 0;
    for (const part of parts) {
      joined.set(part, position);
      position += part.length;
    }
    return joined as T;
  });
}

function emptyLike(values: RowValues | undefined, length: number): RowValues {
  if (values instanceof Int32Array) return new Int32Array(length);
  return values instanceof Uint8Array ? new Uint8Array(length) : new Float32Array(length);
}
