import { z } from 'zod';

import { outcomes, segmentColumns, type Column, type ColumnType, type RowOf } from './columns.ts';

/** A frame with the columns of its episode, as a robot records it and an importer makes it. */
export type SegmentRow = RowOf<typeof segmentColumns>;

/** Microseconds since 1970 UTC; whole numbers that a double holds exactly. */
const instant = z.int().min(0);
/** Single-precision numbers; NaN and infinities cannot be recorded. */
const floats = z.custom<ArrayLike<number>>(
  (value) => isNumbers(value) && value.every(Number.isFinite),
  'expected a list of finite numbers',
);

const mediaSchema = z.strictObject({
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hex digits'),
  kind: z.string().min(1),
  startedAt: instant,
  durationMs: z.int().min(0),
  key: z.string().min(1).max(1024),
});

/** What the `media` column holds, as JSON text in a segment. */
export const mediaListSchema = z.array(mediaSchema).max(64);

const valueSchemas: Readonly<Record<ColumnType, z.ZodType>> = {
  string: z.string().min(1),
  int32: z.int32(),
  int64: z.int(),
  float32: z.number(),
  float64: z.number(),
  boolean: z.boolean(),
  timestamp: instant,
  date: z.iso.date(),
  float32List: floats,
  mediaList: mediaListSchema,
};

const columnSchema = ({ name, type, nullable }: Column): z.ZodType => {
  const schema = name === 'outcome' ? z.enum(outcomes) : valueSchemas[type];
  return nullable ? schema.nullable() : schema;
};

/** Checks one row before it is recorded; derived from the columns. Says which column is wrong and what was expected. */
export const segmentRowSchema = z.strictObject(
  Object.fromEntries(segmentColumns.map((column) => [column.name, columnSchema(column)])),
) as unknown as z.ZodType<SegmentRow>;

/** Columns with a test that passes for no value that the schema refuses; not every value that it accepts passes. */
const plainTests = segmentColumns.map(({ name, type, nullable }) => ({
  name,
  test: name === 'outcome' ? (value: unknown) => outcomes.includes(value as never) : plainTestOf(type),
  nullable,
}));

function plainTestOf(type: ColumnType): (value: unknown) => boolean {
  if (type === 'string') return (value) => typeof value === 'string' && value !== '';
  if (type === 'int32') return (value) => Number.isSafeInteger(value) && value === ((value as number) | 0);
  if (type === 'int64') return Number.isSafeInteger;
  if (type === 'float64') return Number.isFinite;
  if (type === 'boolean') return (value) => typeof value === 'boolean';
  if (type === 'timestamp') return (value) => Number.isSafeInteger(value) && (value as number) >= 0;
  if (type === 'float32List') return (value) => value instanceof Float32Array && areFinite(value);
  return () => false;
}

/** Whether every one of some numbers, from one place to before another, is finite. */
export function areFinite(values: Float32Array, from = 0, to = values.length): boolean {
  for (let place = from; place < to; place += 1) if (!Number.isFinite(values[place])) return false;
  return true;
}

/** Whether a row is one of the plain ones that {@link segmentRowSchema} accepts, in a fraction of its time; false says nothing. */
export function isPlainRow(row: SegmentRow): boolean {
  let columns = 0;
  for (const name in row) if (Object.hasOwn(row, name)) columns += 1;
  if (columns !== plainTests.length) return false;
  for (const { name, test, nullable } of plainTests) {
    const value: unknown = row[name];
    if (value === null ? !nullable : !test(value)) return false;
  }
  return true;
}

function isNumbers(value: unknown): value is readonly number[] | Float32Array {
  return value instanceof Float32Array || (Array.isArray(value) && value.every((item) => typeof item === 'number'));
}
