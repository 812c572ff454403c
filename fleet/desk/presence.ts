import { z } from 'zod';

import { readSoundJson, type OnDamage } from '../../store/damaged-objects.ts';
import { jsonBytes } from '../../store/json-objects.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import {
  countSchema,
  gatewayIdSchema,
  imageCountsSchema,
  instantMsSchema,
  policyVersionSchema,
  robotIdSchema,
  seqSchema,
} from '../protocol/index.ts';
import { fleetKeys } from './keys.ts';

const seenRobotSchema = z.strictObject({
  robotId: robotIdSchema,
  /** Last request of the robot, by the gateway's clock. */
  lastSeenMs: instantMsSchema,
  /** Its last heartbeat or handshake; null when this gateway had none. */
  saidMs: instantMsSchema.nullable(),
  /** What it said then. */
  installedVersion: policyVersionSchema.nullable(),
  /** Order it obeys, as it said; null before the first. */
  assignmentSeq: seqSchema.nullable(),
  /** Newest order it holds for certain: it asked for the next one by that one's ETag. -1: the registry's champion. */
  deliveredSeq: z.int().min(-1).nullable(),
  isBusy: z.boolean().nullable(),
  droppedEpisodes: countSchema.nullable(),
  /** What it last said of its images; absent where it has no cameras, or its agent does not tell. */
  images: imageCountsSchema.optional(),
});
export type SeenRobot = z.infer<typeof seenRobotSchema>;

/** `fleet/<policy>/presence/<gatewayId>.json`: what one gateway sees, rewritten every 15 s. */
export const presenceSchema = z.strictObject({
  gatewayId: gatewayIdSchema,
  /** Start of an unbroken series of these: before it this gateway may have missed robots. */
  sinceMs: instantMsSchema,
  atMs: instantMsSchema,
  robots: z.array(seenRobotSchema).max(100_000),
});
export type Presence = z.infer<typeof presenceSchema>;

export const writePresence = (store: ObjectStore, policy: string, presence: Presence): Promise<void> =>
  store.put(fleetKeys.presence(policy, presence.gatewayId), jsonBytes(presence));

/** What every gateway sees; a damaged document is passed over. */
export async function readPresences(
  store: ObjectStore,
  policy: string,
  onDamage: OnDamage,
): Promise<readonly Presence[]> {
  const presences: Presence[] = [];
  for await (const { key } of store.list(`${fleetKeys.presences(policy)}/`)) {
    const presence = await readSoundJson(store, key, presenceSchema, onDamage);
    if (presence !== undefined) presences.push(presence);
  }
  return presences;
}
