import { z } from 'zod';

import { standingHolds, type DataScope, type Hold, type HoldEvent } from '../../domain/legal-hold.ts';
import { appendOnce, readLog } from '../append-log.ts';
import type { Clock } from '../clock.ts';
import { failure } from '../failures.ts';
import type { ObjectStore } from '../object-store.ts';

export const personalText = z.string().trim().min(1).max(1_000);

export const dataScopeSchema: z.ZodType<DataScope> = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('everything') }),
  z.strictObject({
    kind: z.literal('robot'),
    robotId: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'expected a robot id: letters, digits, dots, dashes'),
  }),
  z.strictObject({ kind: z.literal('site'), site: z.string().min(1).max(4_096) }),
  z.strictObject({ kind: z.literal('episodes'), digest: z.string().regex(/^[0-9a-f]{64}$/), count: z.int().min(1) }),
]);

const holdId = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'expected a name of lower-case letters, digits and dashes');
const word = { who: personalText, why: personalText, atMs: z.int() };
const eventSchema: z.ZodType<HoldEvent> = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('add'), holdId, scope: dataScopeSchema, ...word }),
  z.strictObject({ kind: z.literal('lift'), holdId, ...word }),
]);

const prefix = 'legal-holds/log';

interface Ports {
  readonly store: ObjectStore;
  readonly clock: Clock;
}

export interface HoldWord {
  readonly who: string;
  readonly why: string;
}

/** Every line, oldest first. One that cannot be read is an error: what it holds is not known, so nothing may go. */
export const readHoldEvents = async (store: ObjectStore): Promise<readonly HoldEvent[]> =>
  (await readLog(store, prefix, eventSchema)).map(({ record }) => record);

export const readHolds = async (store: ObjectStore): Promise<readonly Hold[]> =>
  standingHolds(await readHoldEvents(store));

/** Adds a hold with the next number as its name. */
export async function addHold({ store, clock }: Ports, scope: DataScope, { who, why }: HoldWord): Promise<Hold> {
  const added = await appendOnce(store, prefix, eventSchema, (earlier) => {
    const holdId = `hold-${earlier.filter(({ record }) => record.kind === 'add').length + 1}`;
    return { append: checked({ kind: 'add', holdId, scope, who, why, atMs: clock() }) };
  });
  return added as Hold;
}

/** Lifts a hold; lifting it again changes nothing. `NotFound` for one that was never added. */
export const liftHold = ({ store, clock }: Ports, name: string, { who, why }: HoldWord): Promise<HoldEvent> =>
  appendOnce(store, prefix, eventSchema, (earlier) => {
    const own = earlier.map(({ record }) => record).filter((record) => record.holdId === name);
    const lifted = own.find(({ kind }) => kind === 'lift');
    if (lifted !== undefined) return { found: lifted };
    if (own.length === 0)
      throw failure(
        'NotFound',
        `expected a hold that was added, got ${JSON.stringify(name.slice(0, 64))}: see \`flywheel data hold list\``,
      );
    return { append: checked({ kind: 'lift', holdId: name, who, why, atMs: clock() }) };
  });

function checked(event: HoldEvent): HoldEvent {
  const parsed = eventSchema.safeParse(event);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw failure('InvalidInput', `${issue?.path.join('.')}: ${issue?.message}`);
}
