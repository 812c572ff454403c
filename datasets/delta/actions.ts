import { z } from 'zod';
import { DeltaLogError } from './delta-log-error.ts';
import { dictionarySchema } from '../../domain/dictionary-schema.ts';

/**
 * The actions of a Delta log that make up a table's state, as far as this project needs them. Unknown fields and
 * actions of other writers are ignored. https://github.com/delta-io/delta/blob/master/PROTOCOL.md#actions
 */
const text = z.string();
const count = z.number();
/** Checkpoints carry NULL where a commit leaves a field out. */
const optional = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value) => value ?? undefined);
const texts = dictionarySchema(text.nullable());

const protocolSchema = z.object({
  minReaderVersion: count,
  minWriterVersion: count,
  readerFeatures: optional(z.array(text)),
  writerFeatures: optional(z.array(text)),
});

const metaDataSchema = z.object({
  id: text,
  format: z.object({ provider: text, options: optional(texts) }),
  schemaString: text,
  partitionColumns: z.array(text),
  configuration: optional(texts),
  createdTime: optional(count),
});

const transactionSchema = z.object({ appId: text, version: count, lastUpdated: optional(count) });

const addSchema = z.object({
  path: text,
  partitionValues: texts,
  size: count,
  modificationTime: count,
  dataChange: z.boolean(),
  stats: optional(text),
  tags: optional(texts),
});

const removeSchema = z.object({
  path: text,
  deletionTimestamp: optional(count),
  dataChange: z.boolean(),
  extendedFileMetadata: optional(z.boolean()),
  partitionValues: optional(texts),
  size: optional(count),
});

const actionSchema = z.object({
  protocol: protocolSchema.nullish(),
  metaData: metaDataSchema.nullish(),
  txn: transactionSchema.nullish(),
  add: addSchema.nullish(),
  remove: removeSchema.nullish(),
});

/** Leaves out keys whose value is undefined, so that optional fields are either there or not. */
type Present<T> = { readonly [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  readonly [K in keyof T as undefined extends T[K] ? K : never]?: T[K];
};
export type Protocol = Present<z.infer<typeof protocolSchema>>;
export type MetaData = Present<z.infer<typeof metaDataSchema>>;
export type Transaction = Present<z.infer<typeof transactionSchema>>;
export type AddFile = Present<z.infer<typeof addSchema>>;
export type RemoveFile = Present<z.infer<typeof removeSchema>>;

export type Action =
  | { readonly protocol: Protocol }
  | { readonly metaData: MetaData }
  | { readonly txn: Transaction }
  | { readonly add: AddFile }
  | { readonly remove: RemoveFile };

/** Who did what and why; for people, never part of the state. */
export interface CommitInfo {
  readonly commitInfo: Readonly<Record<string, unknown>>;
}

/** The bytes of a commit file: one JSON object a line. */
export const serialiseActions = (actions: readonly (Action | CommitInfo)[]): Uint8Array =>
  new TextEncoder().encode(actions.map((action) => `${JSON.stringify(action)}\n`).join(''));

/** The actions of one line of a commit file, or of one row of a checkpoint as JSON; none when it is of another kind. */
export function parseAction(line: string, coordinates: Readonly<Record<string, string | number>>): readonly Action[] {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new DeltaLogError('corrupt', 'expected a JSON object on every line of a Delta commit', coordinates, cause);
  }
  const parsed = actionSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const message = `expected an action of the Delta format, got ${issue?.path.join('.')}: ${issue?.message}`;
    throw new DeltaLogError('corrupt', message, coordinates);
  }
  const { protocol, metaData, txn, add, remove } = parsed.data;
  const actions: Action[] = [];
  if (protocol) actions.push({ protocol });
  if (metaData) actions.push({ metaData });
  if (txn) actions.push({ txn });
  if (remove) actions.push({ remove });
  if (add) actions.push({ add });
  return actions;
}

/** The actions of a commit file, in order. An empty file is a version without actions, as other engines read it. */
export function parseCommit(
  bytes: Uint8Array,
  coordinates: Readonly<Record<string, string | number>>,
): readonly Action[] {
  const lines = new TextDecoder().decode(bytes).split('\n');
  return lines.flatMap((line, index) =>
    line.trim() === '' ? [] : parseAction(line, { ...coordinates, line: index + 1 }),
  );
}
