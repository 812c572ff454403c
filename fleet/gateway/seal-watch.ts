import type { Clock } from '../../store/clock.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { nodeCrypto } from '../../policies/signatures.ts';
import { robotDigest, sealHeader, type RobotOrder, type SignedDesired } from '../protocol/index.ts';
import type { PlantedSheet } from '../desk/order-sheet.ts';
import { lastSeal, readSeal, readSheet, type StoredSeal } from '../desk/seal-store.ts';

/** The orders of a policy as the desk signed them. The gateway passes on; it could not make one. */
export interface SignedOrders {
  /** Names the orders: robots' answers change with it. */
  readonly root: string;
  /** The seal as a header value; changes with every tick. */
  readonly header: string;
  /** What one robot is sent; undefined for one with a body that nothing serves. */
  readonly of: (robotId: string) => (SignedDesired & { readonly order: RobotOrder }) | undefined;
  /** What remains of the lease behind an order; null when it needs none. */
  readonly leaseRemainingMs: (order: RobotOrder) => number | null;
}

/** Follows the seals of one policy. */
export interface SealWatch {
  /** By the last look; undefined while nothing is signed. */
  readonly now: () => SignedOrders | undefined;
  look(seq: number): Promise<void>;
}

const searchEveryMs = 30_000;

export function sealWatch(ports: {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly policy: string;
}): SealWatch {
  const { store, clock, policy } = ports;
  let planted: PlantedSheet | undefined;
  let searchedMs = Number.NEGATIVE_INFINITY;
  let seen: { readonly stored: StoredSeal; readonly now: SignedOrders } | undefined;

  async function sheetOf(root: string): Promise<PlantedSheet | undefined> {
    if (planted?.tree.root !== root) planted = (await readSheet(store, policy, root)) ?? planted;
    return planted?.tree.root === root ? planted : undefined;
  }

  /** What is decided and not signed yet leaves the last seal in force; the whole folder is looked through now and then. */
  async function newest(seq: number): Promise<StoredSeal | undefined> {
    const stored = await readSeal(store, policy, seq);
    if (stored !== undefined) return stored;
    if (seen !== undefined) return readSeal(store, policy, Math.min(seq, seen.stored.seal.seq));
    const nowMs = clock();
    if (Math.abs(nowMs - searchedMs) < searchEveryMs) return undefined;
    searchedMs = nowMs;
    return lastSeal(store, policy, seq, () => true);
  }

  return {
    now: () => seen?.now,
    async look(seq) {
      const stored = await newest(seq);
      if (stored === undefined) return;
      const { seal, envelope } = stored;
      if (seen?.stored.seal.issuedAtMs === seal.issuedAtMs && seen.stored.seal.seq === seal.seq) return;
      const sheet = await sheetOf(seal.orders);
      // A seal whose sheet is not there yet, or not what its name says: what was known goes on.
      if (sheet === undefined) return;
      const now: SignedOrders = {
        root: seal.orders,
        header: sealHeader(envelope),
        of(robotId) {
          const order = sheet.of(robotId);
          if (order === undefined) return undefined;
          const { place, path } = sheet.tree.of(robotDigest(robotId, nodeCrypto));
          return { order, place, path };
        },
        leaseRemainingMs({ isLeased, trialId }) {
          if (!isLeased) return null;
          const lease = seal.leases.find((each) => each.trialId === trialId);
          return lease === undefined ? 0 : Math.max(0, seal.issuedAtMs + lease.leaseMs - clock());
        },
      };
      seen = { stored, now };
    },
  };
}
