import { z } from 'zod';

import { robotTypeName } from '../../datasets/robot-type.ts';
import { appendOnce, readLog } from '../../store/append-log.ts';
import type { Clock } from '../../store/clock.ts';
import { readSoundJson, type OnDamage } from '../../store/damaged-objects.ts';
import { failure } from '../../store/failures.ts';
import { jsonBytes, requireJson } from '../../store/json-objects.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { readRobotType, type RobotTypeReference } from '../../store/records/robot-types.ts';
import { readTaskCatalogue } from '../../store/records/task-log.ts';

/** A policy belongs to one robot type; written once, when its baseline is registered. A newer body is a record of its own, see {@link adoptForPolicy}. */
export const policyDocumentSchema = z.strictObject({
  policy: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'expected lower-case letters, digits and dashes'),
  robotType: z.strictObject({ id: z.string(), version: z.int().min(1) }),
});

export type PolicyDocument = z.infer<typeof policyDocumentSchema>;

/** One entry of `config/adopted-bodies/<policy>/<seq>.json`: the policy's next models are made for this version of its robot type. */
const adoptionSchema = z.strictObject({
  robotType: policyDocumentSchema.shape.robotType,
  atMs: z.int(),
  who: z.string().min(1).max(200),
  why: z.string().min(1).max(500),
});

const adoptionLog = (policy: string): string => `config/adopted-bodies/${policy}`;

/** With the newest body in place of the first one. */
async function withNewestBody(store: ObjectStore, document: PolicyDocument): Promise<PolicyDocument> {
  const newest = (await readLog(store, adoptionLog(document.policy), adoptionSchema)).at(-1);
  return newest === undefined ? document : { ...document, robotType: newest.record.robotType };
}

/** Says for which body the policy's next models are made, from now on. Appends nothing when it is so already. */
export async function adoptForPolicy(
  { store, clock }: { readonly store: ObjectStore; readonly clock: Clock },
  { policy, robotType, who, why }: PolicyDocument & { readonly who: string; readonly why: string },
): Promise<void> {
  await appendOnce(store, adoptionLog(policy), adoptionSchema, (earlier) => {
    const newest = earlier.at(-1)?.record;
    const isSo = newest?.robotType.id === robotType.id && newest.robotType.version === robotType.version;
    if (newest !== undefined && isSo) return { found: newest };
    return { append: { robotType, atMs: clock(), who, why } };
  });
}

const prefix = 'config/policies/';
const keyOf = (policy: string): string => `${prefix}${policy}.json`;

/** The policies that there are, by name. A damaged document is passed over with a word to `onDamage`. */
export async function readPolicyDocuments(store: ObjectStore, onDamage: OnDamage): Promise<readonly PolicyDocument[]> {
  const documents: PolicyDocument[] = [];
  for await (const { key } of store.list(prefix)) {
    const document = await readSoundJson(store, key, policyDocumentSchema, onDamage);
    if (document !== undefined && key === keyOf(document.policy)) documents.push(await withNewestBody(store, document));
  }
  return documents;
}

/** The policy, with its newest body; `NotFound` for one that nobody made. */
export const readPolicyDocument = async (store: ObjectStore, policy: string): Promise<PolicyDocument> =>
  withNewestBody(
    store,
    await requireJson(
      store,
      keyOf(policy),
      policyDocumentSchema,
      `there is no policy "${policy}"; name yours with \`--policy\`, or create it with \`flywheel models baseline\``,
    ),
  );

/** The catalogue's part of a reference: `untilSeq` pins it (−1: before its first record), default now. */
export async function pinnedTasks(
  store: ObjectStore,
  policy: string,
  { id, version }: PolicyDocument['robotType'],
  untilSeq?: number,
): Promise<Pick<RobotTypeReference, 'catalogue'>> {
  const { seq } = await readTaskCatalogue(store, policy, await readRobotType(store, id, version), untilSeq);
  return seq < 0 ? {} : { catalogue: { policy, seq } };
}

/** The robot type of a policy with the tasks that it has now; `NotFound` for a policy that nobody made. */
export async function robotTypeOfPolicy(store: ObjectStore, policy: string): Promise<RobotTypeReference> {
  const { robotType } = await readPolicyDocument(store, policy);
  return { ...robotType, ...(await pinnedTasks(store, policy, robotType)) };
}

/** Idempotent by policy; another robot type for a policy that exists is `Conflict`, unless it is one that the policy had or adopted. */
export async function createPolicyDocument(store: ObjectStore, document: PolicyDocument): Promise<void> {
  if ((await store.putIfAbsent(keyOf(document.policy), jsonBytes(document))) === 'created') return;
  const { policy, robotType } = document;
  const first = await requireJson(store, keyOf(policy), policyDocumentSchema, 'it was there a moment ago');
  const adopted = (await readLog(store, adoptionLog(policy), adoptionSchema)).map(({ record }) => record);
  const bodies = [first, ...adopted].map((each) => robotTypeName(each.robotType));
  if (bodies.includes(robotTypeName(robotType))) return;
  throw failure(
    'Conflict',
    `expected policy ${policy} to be new or of robot type ${robotTypeName(robotType)}, got one of ${bodies.join(', ')}`,
    { coordinates: { key: keyOf(document.policy) } },
  );
}
