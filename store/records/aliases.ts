import { z } from 'zod';

import { aliasesAt, aliasNames, type Aliases, type AliasRecord } from '../../domain/registry/index.ts';
import { appendOnce, readLog } from '../append-log.ts';
import type { Clock } from '../clock.ts';
import type { ObjectStore } from '../object-store.ts';

const aliasRecordSchema: z.ZodType<AliasRecord> = z.strictObject({
  seq: z.int(),
  operationId: z.string(),
  set: z.partialRecord(z.enum(aliasNames), z.string()) as z.ZodType<Aliases>,
  atMs: z.int(),
  who: z.string(),
  why: z.string(),
});

const prefixOf = (policy: string): string => `registry/${policy}/aliases`;

/** Every move of the policy's aliases, oldest first, those after record `after` only: which version was champion at any past moment is a query on it. */
export const readAliasHistory =
  (ports: { store: ObjectStore }) =>
  async (input: { policy: string; after?: number }): Promise<readonly AliasRecord[]> =>
    (await readLog(ports.store, prefixOf(input.policy), aliasRecordSchema, input.after)).map(({ record }) => record);

/** The policy's aliases now; an empty object for a policy without any. */
export const readAliases =
  (ports: { store: ObjectStore }) =>
  async (input: { policy: string }): Promise<Aliases> =>
    aliasesAt(await readAliasHistory(ports)(input));

export interface MoveAliasesInput {
  readonly policy: string;
  readonly operationId: string;
  readonly who: string;
  readonly why: string;
}

/**
 * Moves aliases in one atomic record, as `moves` decides from what they are; undefined moves nothing. Idempotent by
 * (policy, operationId): the first record of an operation is its only one.
 */
export async function moveAliases(
  ports: { store: ObjectStore; clock: Clock },
  input: MoveAliasesInput,
  moves: (aliases: Aliases) => Aliases,
): Promise<AliasRecord> {
  return appendOnce(ports.store, prefixOf(input.policy), aliasRecordSchema, (earlier) => {
    const found = earlier.find(({ record }) => record.operationId === input.operationId);
    if (found !== undefined) return { found: found.record };
    return {
      append: {
        seq: (earlier.at(-1)?.seq ?? -1) + 1,
        operationId: input.operationId,
        set: moves(aliasesAt(earlier.map(({ record }) => record))),
        atMs: ports.clock(),
        who: input.who,
        why: input.why,
      },
    };
  });
}
