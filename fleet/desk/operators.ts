import { z } from 'zod';

import { appendOnce, readLog, type LogEntry } from '../../store/append-log.ts';
import type { Clock } from '../../store/clock.ts';
import { failure } from '../../store/failures.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { instantMsSchema, sha256Schema } from '../protocol/index.ts';
import { parse } from './parse.ts';

/** What a person may do, each with what the ones before it may: see · steer · approve what others asked for · everything. */
export const operatorRoles = ['viewer', 'operator', 'approver', 'admin'] as const;
export type OperatorRole = (typeof operatorRoles)[number];

/** Whether someone of this role may do what is for `least`. */
export const mayAct = (role: OperatorRole, least: OperatorRole): boolean =>
  operatorRoles.indexOf(role) >= operatorRoles.indexOf(least);

const nameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'expected a name of 1 to 63 lower-case letters, digits and dashes');

/** One entry of `config/operators/<seq>.json`: somebody gets a role and a token, or loses both. */
const operatorRecordSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('added'),
    name: nameSchema,
    role: z.enum(operatorRoles),
    tokenHash: sha256Schema,
    atMs: instantMsSchema,
    who: z.string().min(1).max(200),
    why: z.string().min(1).max(500),
  }),
  z.strictObject({
    kind: z.literal('removed'),
    name: nameSchema,
    atMs: instantMsSchema,
    who: z.string().min(1).max(200),
    why: z.string().min(1).max(500),
  }),
]);
type OperatorRecord = z.infer<typeof operatorRecordSchema>;
/** Somebody who may use the console. */
export type Operator = Omit<Extract<OperatorRecord, { kind: 'added' }>, 'kind'>;

const prefix = 'config/operators';

interface OperatorPorts {
  readonly store: ObjectStore;
  readonly clock: Clock;
}

/** Who may use the console now, by name; `CorruptData` when the log cannot be read: then nobody may. */
export const readOperators = async (store: ObjectStore): Promise<ReadonlyMap<string, Operator>> =>
  operatorsOf(await readLog(store, prefix, operatorRecordSchema));

function operatorsOf(log: readonly LogEntry<OperatorRecord>[]): ReadonlyMap<string, Operator> {
  const operators = new Map<string, Operator>();
  for (const { record } of log) {
    if (record.kind === 'removed') operators.delete(record.name);
    else {
      const { kind: _, ...operator } = record;
      operators.set(record.name, operator);
    }
  }
  return operators;
}

/** Gives somebody a role and a token, of which only the hash is kept; `Conflict` for a name that is there. */
export async function addOperator({ store, clock }: OperatorPorts, operator: Omit<Operator, 'atMs'>): Promise<void> {
  const record = parse(operatorRecordSchema, { ...operator, kind: 'added', atMs: clock() });
  await appendOnce(store, prefix, operatorRecordSchema, (earlier) => {
    if (!operatorsOf(earlier).has(record.name)) return { append: record };
    throw failure('Conflict', 'expected a new name, got that of an existing operator: remove that operator first', {
      coordinates: { operator: record.name },
    });
  });
}

/** Takes role and token away; `NotFound` for a name that nobody has. */
export async function removeOperator(
  { store, clock }: OperatorPorts,
  word: { readonly name: string; readonly who: string; readonly why: string },
): Promise<void> {
  const record = parse(operatorRecordSchema, { ...word, kind: 'removed', atMs: clock() });
  await appendOnce(store, prefix, operatorRecordSchema, (earlier) => {
    if (operatorsOf(earlier).has(record.name)) return { append: record };
    throw failure('NotFound', 'expected the name of an operator; `flywheel operators list` shows them', {
      coordinates: { operator: record.name },
    });
  });
}

/** `fo.<name>.<256 random bits>`; `random` gives that many bytes. */
export const newOperatorToken = (name: string, random: (sizeBytes: number) => Uint8Array): string =>
  `fo.${name}.${Buffer.from(random(32)).toString('base64url')}`;

/** Whose token it says it is, before anything is proved; undefined when it is no token of ours. */
export const claimedOperator = (token: string): string | undefined =>
  /^fo\.([a-z0-9][a-z0-9-]{0,62})\.[A-Za-z0-9_-]{43}$/.exec(token)?.[1];
