import { z } from 'zod';
import type { Column, ColumnType } from '../columns.ts';
import { DeltaLogError } from './delta-log-error.ts';

/** A type in a Delta schema: a name, or an array or struct of types. https://github.com/delta-io/delta/blob/master/PROTOCOL.md#schema-serialization-format */
type DeltaType =
  | string
  | { readonly type: 'array'; readonly elementType: DeltaType; readonly containsNull: boolean }
  | { readonly type: 'struct'; readonly fields: readonly DeltaField[] };

interface DeltaField {
  readonly name: string;
  readonly type: DeltaType;
  readonly nullable: boolean;
  readonly metadata: Readonly<Record<string, unknown>>;
}

const field = (name: string, type: DeltaType, nullable = true): DeltaField => ({ name, type, nullable, metadata: {} });

const deltaTypes: Readonly<Record<ColumnType, DeltaType>> = {
  string: 'string',
  int32: 'integer',
  int64: 'long',
  float32: 'float',
  float64: 'double',
  boolean: 'boolean',
  timestamp: 'timestamp',
  date: 'date',
  float32List: { type: 'array', elementType: 'float', containsNull: true },
  mediaList: {
    type: 'array',
    containsNull: true,
    elementType: {
      type: 'struct',
      fields: [
        field('sha256', 'string'),
        field('kind', 'string'),
        field('startedAt', 'timestamp'),
        field('durationMs', 'long'),
        field('key', 'string'),
      ],
    },
  },
};

/** The `schemaString` of a table with these columns. */
export const schemaStringOf = (columns: readonly Column[]): string =>
  JSON.stringify({
    type: 'struct',
    fields: columns.map(({ name, type, nullable }) => field(name, deltaTypes[type], nullable)),
  });

const schemaShape = z.object({
  type: z.literal('struct'),
  fields: z.array(z.object({ name: z.string(), type: z.unknown(), nullable: z.boolean() })),
});

/**
 * The columns a table lacks to hold `columns`: none, or nullable ones that a newer program has added. Throws
 * `unsupported` when a column is there with another type, or one that may not be null is missing.
 */
export function missingColumns(schemaString: string, columns: readonly Column[], root: string): readonly Column[] {
  const parsed = schemaShape.safeParse(parseJson(schemaString, root));
  if (!parsed.success) {
    throw new DeltaLogError('corrupt', 'expected a Delta schema of type struct', { table: root }, parsed.error);
  }
  const types = new Map(parsed.data.fields.map((field) => [field.name, field.type]));
  return columns.filter((column) => {
    const type = types.get(column.name);
    if (type === undefined && column.nullable) return true;
    if (canonical(type) === canonical(deltaTypes[column.type])) return false;
    throw new DeltaLogError(
      'unsupported',
      `expected column ${column.name} of type ${canonical(deltaTypes[column.type])}, got ${canonical(type)}`,
      { table: root },
    );
  });
}

/** The schema with `added` columns behind those it has. */
export function extendedSchemaString(schemaString: string, added: readonly Column[], root: string): string {
  const schema = parseJson(schemaString, root) as { readonly fields: readonly unknown[] };
  const more = added.map(({ name, type, nullable }) => field(name, deltaTypes[type], nullable));
  return JSON.stringify({ ...schema, fields: [...schema.fields, ...more] });
}

function parseJson(text: string, root: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new DeltaLogError('corrupt', 'expected JSON in schemaString', { table: root }, cause);
  }
}

/** One text a type, whatever the order of keys and the metadata other writers add; nullability is not compared. */
function canonical(type: unknown): string {
  if (typeof type !== 'object' || type === null) return String(type);
  const { elementType, fields } = type as {
    elementType?: unknown;
    fields?: readonly { name: string; type: unknown }[];
  };
  if (fields !== undefined) return `struct<${fields.map((each) => `${each.name}:${canonical(each.type)}`).join(',')}>`;
  return `array<${canonical(elementType)}>`;
}
