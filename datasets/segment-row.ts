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

function isNumbers(value: unknown): value is readonly number[] | Float32Array {
  return value instanceof Float32Array || (Array.isArray(value) && value.every((item) => typeof item === 'number'));
}
