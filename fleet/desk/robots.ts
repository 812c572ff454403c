import { z } from 'zod';

import { appendOnce, readLog } from '../../store/append-log.ts';
import { readSoundJson, type OnDamage } from '../../store/damaged-objects.ts';
import { failure } from '../../store/failures.ts';
import { readJson } from '../../store/json-objects.ts';
import type { Clock } from '../../store/clock.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { canonicalJson } from '../../domain/canonical-json.ts';
import type { KeptOn } from '../../domain/registry/index.ts';
import { envelopeSchema } from '../../domain/trust/signed.ts';
import {
  instantMsSchema,
  policyNameSchema,
  policyVersionSchema,
  robotIdSchema,
  sha256Schema,
  trialIdSchema,
} from '../protocol/index.ts';
import { fleetKeys, parseLogKey } from './keys.ts';
import { parse } from './parse.ts';
import { noteRobotChange } from './robot-changes.ts';

/** A site or a stratum as people write it. */
export const siteSchema = z
  .string()
  .regex(/^[\p{L}\p{N}][\p{L}\p{N} ._/-]{0,62}$/u, 'expected 1 to 63 letters, digits, spaces, dots, dashes');

const whoSchema = z.string().min(1).max(200);
const whySchema = z.string().min(1).max(500);

const quarantineSchema = z.strictObject({
  sinceMs: instantMsSchema,
  /** Null: until somebody releases it. */
  untilMs: instantMsSchema.nullable(),
  who: whoSchema,
  why: whySchema,
  /** What it was ordered, and stays on; absent where it was ordered nothing, and in records of old: such a robot follows all others. */
  keeps: z
    .strictObject({
      policy: policyNameSchema,
      version: policyVersionSchema,
      trialId: trialIdSchema.nullable(),
      atMs: instantMsSchema,
    })
    .optional(),
});
/** A time in which a robot was left out of trials and of what is learned. */
export type Quarantine = z.infer<typeof quarantineSchema>;

/** Quarantines that a record keeps; the oldest beyond it are in earlier records only. */
export const mostQuarantines = 20;

/** Changes of policy that a record keeps; the oldest beyond it are in earlier records only. */
export const mostMoves = 20;

/** One entry of `robots/<robotId>/<seq>.json`; the last one holds. */
export const robotRecordSchema = z.strictObject({
  robotId: robotIdSchema,
  policy: policyNameSchema,
  robotType: z.strictObject({ id: z.string().min(1).max(63), version: z.int().min(1) }),
  site: siteSchema,
  /** Robots of one stratum are alike; arms of a trial take their share of each. */
  stratum: siteSchema,
  /** sha256 of each token that opens the gateway; empty: none does. */
  tokenHashes: z.array(sha256Schema).max(2),
  /** Left out of trials and of what is learned until somebody looked at it. */
  isQuarantined: z.boolean(),
  /** Its tokens were taken away: it counts nowhere until it is given one again. */
  isRevoked: z.boolean().optional(),
  /** Every quarantine, the last one last; records of old have `isQuarantined` alone. */
  quarantines: z.array(quarantineSchema).max(mostQuarantines).optional(),
  /** When it got another body, the last one last. */
  bodyChangesMs: z.array(instantMsSchema).max(mostQuarantines).optional(),
  /** Since when it is out of service for good: its token is dead, its data stays. */
  retiredMs: instantMsSchema.optional(),
  /** Policies that it was taken out of, the last one last; absent for a robot that always had the same. */
  moves: z
    .array(z.strictObject({ from: policyNameSchema, to: policyNameSchema, atMs: instantMsSchema }))
    .max(mostMoves)
    .optional(),
  /** The last transfer to another policy as the order key signed it, which gateways pass on. */
  transfer: envelopeSchema.optional(),
  atMs: instantMsSchema,
  who: whoSchema,
  why: whySchema,
});
export type RobotRecord = z.infer<typeof robotRecordSchema>;

/** Nothing opens the gateway to it: it counts nowhere until it is given a token. Records of old say it by that alone. */
export const isRevokedRobot = ({ isRevoked, tokenHashes }: RobotRecord): boolean =>
  isRevoked === true || tokenHashes.length === 0;

/** Its quarantines; of a record of old that is in one, since that record. */
export function quarantinesOf({ quarantines = [], isQuarantined, atMs, who, why }: RobotRecord): readonly Quarantine[] {
  const isKnown = quarantines.at(-1)?.untilMs === null;
  return isQuarantined && !isKnown ? [...quarantines, { sinceMs: atMs, untilMs: null, who, why }] : quarantines;
}

/** The one it is in; undefined when it is in none. */
export const quarantineOf = (robot: RobotRecord): Quarantine | undefined =>
  robot.isQuarantined ? quarantinesOf(robot).at(-1) : undefined;

/** What a robot in quarantine stays on; undefined outside of one, and where it was ordered nothing of its policy. */
export function keepsOf(robot: RobotRecord): KeptOn | undefined {
  const keeps = quarantineOf(robot)?.keeps;
  return keeps?.policy === robot.policy ? keeps : undefined;
}

/** The robot's quarantines with what it is kept on from now on in the one it is in; nothing outside of one, or where that is the same. */
export function keeping(robot: RobotRecord, keeps: Quarantine['keeps']): Pick<RobotRecord, 'quarantines'> {
  const last = quarantineOf(robot);
  if (last === undefined) return {};
  const { keeps: before, ...rest } = last;
  if (before?.policy === keeps?.policy && before?.version === keeps?.version) return {};
  return { quarantines: [...quarantinesOf(robot).slice(0, -1), keeps === undefined ? rest : { ...rest, keeps }] };
}

export interface RobotChange {
  readonly robotId: string;
  readonly who: string;
  readonly why: string;
}

interface RobotPorts {
  readonly store: ObjectStore;
  readonly clock: Clock;
}

/** A robot as it may be registered, without its tokens. */
export const newRobotSchema = robotRecordSchema.pick({
  robotId: true,
  policy: true,
  robotType: true,
  site: true,
  stratum: true,
  who: true,
  why: true,
});

export type NewRobot = RobotChange & Pick<RobotRecord, 'policy' | 'robotType' | 'site' | 'stratum' | 'tokenHashes'>;

/** Registers a robot; `Conflict` when there is one of that id. */
export async function addRobot(ports: RobotPorts, robot: NewRobot): Promise<RobotRecord> {
  const record = parse(robotRecordSchema, { ...robot, isQuarantined: false, atMs: ports.clock() });
  return appendOnce(ports.store, fleetKeys.robotLog(record.robotId), robotRecordSchema, (earlier) => {
    if (earlier.length === 0) return { append: record };
    throw failure('Conflict', 'expected a new robot id, got one that is registered', {
      coordinates: { robotId: record.robotId },
    });
  });
}

/**
 * Appends what changed of a robot, if anything did: tokens, quarantine, place. `NotFound` when it was never added, `Conflict` when it is
 * retired: that is for good.
 */
export async function changeRobot(
  ports: RobotPorts,
  change: RobotChange,
  next: (now: RobotRecord) => Partial<Omit<RobotRecord, 'robotId' | 'atMs' | 'who' | 'why'>>,
): Promise<RobotRecord> {
  const robotId = parse(robotIdSchema, change.robotId);
  const record = await appendOnce(ports.store, fleetKeys.robotLog(robotId), robotRecordSchema, (earlier) => {
    const now = earlier.at(-1)?.record;
    if (now === undefined) throw notRegistered(robotId);
    const { who, why } = change;
    if (now.retiredMs !== undefined) throw retired(robotId);
    const changed = { ...now, ...next(now) };
    if (canonicalJson(changed) === canonicalJson(now)) return { found: now };
    return { append: parse(robotRecordSchema, { ...changed, who, why, atMs: ports.clock() }) };
  });
  await noteRobotChange(ports.store, robotId, ports.clock());
  return record;
}

/**
 * Two machines had one identity: the other one becomes a robot of its own, like the first; and what opened the gateway to both opens
 * it to neither. `Conflict` when the new id is taken, `NotFound` when the first was never added; nothing has changed then.
 */
export async function splitRobot(
  ports: RobotPorts,
  {
    robotId,
    newId,
    hashOf,
    ...change
  }: RobotChange & { readonly newId: string; readonly hashOf: (id: string) => string },
): Promise<void> {
  const { policy, robotType, site, stratum } = await requireRobot(ports.store, robotId);
  await addRobot(ports, { robotId: newId, policy, robotType, site, stratum, tokenHashes: [hashOf(newId)], ...change });
  await changeRobot(ports, { robotId, ...change }, ({ isRevoked }) => ({
    ...(isRevoked === true ? { isRevoked: false } : {}),
    tokenHashes: [hashOf(robotId)],
  }));
}

/** The last record of a robot; `NotFound` for one that was never added. */
export async function requireRobot(store: ObjectStore, robotId: string): Promise<RobotRecord> {
  const log = fleetKeys.robotLog(parse(robotIdSchema, robotId));
  const now = (await readLog(store, log, robotRecordSchema)).at(-1)?.record;
  if (now === undefined) throw notRegistered(robotId);
  return now;
}

const retired = (robotId: string): Error =>
  failure('Conflict', 'expected a robot in service, got a retired one: add it again under another id', {
    coordinates: { robotId },
  });

const notRegistered = (robotId: string): Error =>
  failure('NotFound', 'expected a registered robot; add it with `flywheel robots add`', { coordinates: { robotId } });

/**
 * The last record of every registered robot, by robot id. Records never change, so a `seen` map spares reading them again. A
 * damaged record is passed over with a word to `onDamage`: the one before it holds; without `onDamage` it is `CorruptData`.
 */
export async function readRobots(
  store: ObjectStore,
  seen: Map<string, RobotRecord> = new Map(),
  onDamage?: OnDamage,
): Promise<ReadonlyMap<string, RobotRecord>> {
  const logs = new Map<string, string[]>();
  for await (const { key } of store.list(`${fleetKeys.robots}/`)) {
    const entry = parseLogKey(key);
    if (entry !== undefined) logs.set(entry.log, [...(logs.get(entry.log) ?? []).slice(-1), key]);
  }
  const read = (key: string): Promise<RobotRecord | undefined> =>
    onDamage === undefined
      ? readJson(store, key, robotRecordSchema)
      : readSoundJson(store, key, robotRecordSchema, onDamage);
  const robots = new Map<string, RobotRecord>();
  for (const keys of logs.values())
    for (const key of keys.toReversed()) {
      const record = seen.get(key) ?? (await read(key));
      if (record === undefined) continue;
      seen.set(key, record);
      robots.set(record.robotId, record);
      break;
    }
  return robots;
}
