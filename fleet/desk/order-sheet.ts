import { z } from 'zod';

import { orderTree, type OrderTree } from '../../domain/trust/order-tree.ts';
import { nodeCrypto } from '../../policies/signatures.ts';
import { orderDigest, robotDigest, robotIdSchema, robotOrderSchema, type RobotOrder } from '../protocol/index.ts';
import type { AssignmentRecord } from './assignment-record.ts';

/** 101 of an assignment, for each body, and one for each time that robots were given another under one place. */
const mostOrders = 100_000;

/**
 * Every order of an assignment and whom it is for, as `fleet/<policy>/sheets/<root>.json`: gateways make each robot's answer
 * from it. Its name is the root of its tree, so it holds what a seal names or is no use.
 */
export const orderSheetSchema = z.object({
  orders: z.array(robotOrderSchema).min(1).max(mostOrders),
  /** Robots with an order of their own, and which; all others have the first. */
  robots: z.array(z.tuple([robotIdSchema, z.int().min(0)])).max(1_000_000),
  /** Robots with a body that nothing serves: they get no order, and each has a leaf that no order fits. */
  unserved: z.array(robotIdSchema).max(1_000_000).exactOptional(),
  /** The greatest `fit` that was given under this place. */
  fits: z.int().min(0).max(1_000_000_000).exactOptional(),
});
export type OrderSheet = z.infer<typeof orderSheetSchema>;

/** A version as orders name it. */
export interface KnownVersion {
  readonly reference: RobotOrder['model'];
  readonly robotType: RobotOrder['robotType'];
}

export type VersionReader = (version: string) => Promise<KnownVersion | undefined>;

/** What an assignment orders; `seq` -1 for the registry's champion before any assignment. */
export interface SheetRequest {
  readonly policy: string;
  readonly seq: number;
  readonly record: Pick<AssignmentRecord, 'defaultVersion' | 'championVersion' | 'trialId' | 'urgency' | 'overrides'>;
  readonly baselineVersion: string | undefined;
}

/** The sheet of an assignment; undefined when its champion is not registered. A version nobody registered is replaced by the champion. */
export async function makeSheet(request: SheetRequest, read: VersionReader): Promise<OrderSheet | undefined> {
  const { policy, seq, record, baselineVersion } = request;
  const champion = await read(record.championVersion);
  if (champion === undefined) return undefined;
  const baseline = baselineVersion === undefined ? undefined : await read(baselineVersion);
  const order = async (
    wanted: Pick<SheetRequest['record'], 'trialId' | 'urgency'>,
    version: string,
  ): Promise<RobotOrder> => {
    const known = (await read(version)) ?? champion;
    const isChampion = known.reference.version === champion.reference.version;
    const isReplaced = isChampion && version !== record.championVersion;
    return {
      policy,
      seq,
      model: known.reference,
      urgency: wanted.urgency,
      trialId: isReplaced ? null : wanted.trialId,
      isLeased: !isChampion && wanted.trialId !== null,
      champion: champion.reference,
      baseline: baseline?.reference ?? null,
      robotType: known.robotType,
    };
  };
  const orders = [await order(record, record.defaultVersion)];
  const robots: [string, number][] = [];
  for (const override of record.overrides) {
    orders.push(await order(override, override.version));
    robots.push(...override.robotIds.map((id): [string, number] => [id, orders.length - 1]));
  }
  return { orders, robots };
}

/** A sheet with its tree. */
export interface PlantedSheet {
  readonly sheet: OrderSheet;
  readonly tree: OrderTree;
  /** Undefined for a robot that nothing serves. */
  readonly of: (robotId: string) => RobotOrder | undefined;
}

/**
 * Throws on a sheet whose robots name an order that it does not have. Without leaves of unserved robots it is the tree as desks signed it
 * before 2026-11-27.
 */
export function plantSheet(sheet: OrderSheet, hasUnservedLeaves = true): PlantedSheet {
  const digests = sheet.orders.map((order) => orderDigest(order, nodeCrypto));
  const own = new Map(sheet.robots);
  const unserved = new Set(sheet.unserved);
  const named = new Map(
    sheet.robots.map(([robotId, index]) => {
      const digest = digests[index];
      if (digest === undefined)
        throw new RangeError(`expected an order ${index} on the sheet, got ${digests.length} orders`);
      return [robotDigest(robotId, nodeCrypto), digest];
    }),
  );
  // Of its own and of no order: a gateway cannot give such a robot the order of all others.
  for (const robotId of hasUnservedLeaves ? unserved : [])
    named.set(robotDigest(robotId, nodeCrypto), nodeCrypto.sha256(`no order\n${robotId}`));
  const [first] = sheet.orders;
  if (first === undefined) throw new RangeError('expected at least one order on the sheet');
  return {
    sheet,
    tree: orderTree(named, digests[0] ?? '', nodeCrypto),
    of: (robotId) => (unserved.has(robotId) ? undefined : (sheet.orders[own.get(robotId) ?? 0] ?? first)),
  };
}
