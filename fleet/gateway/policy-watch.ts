import { robotTypeName } from '../../datasets/robot-type.ts';
import { readAliasHistory } from '../../store/records/aliases.ts';
import type { Clock } from '../../store/clock.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { ordersOf, type LoggedAssignment, type Order } from '../desk/assignment-log.ts';
import { orderFor } from '../desk/body-orders.ts';
import { assignmentReader } from '../desk/assignment-reader.ts';
import { trialsOf } from '../desk/assignment-record.ts';
import { fleetKeys, logKey } from '../desk/keys.ts';
import { readLease } from '../desk/lease.ts';
import { keepsOf, type RobotRecord } from '../desk/robots.ts';
import { servedReader, type ServedFacts, type ServedReader } from '../desk/served-reader.ts';
import { sealWatch, type SealWatch, type SignedOrders } from './seal-watch.ts';
import { aliasesAt, type Aliases, type KeptOn } from '../../domain/registry/index.ts';

/** What one policy's robots are ordered, as of the last look at the store. */
export interface PolicyOrders {
  /** Undefined while the policy has no champion; `notServed` for a robot with a body that nothing serves. */
  readonly of: (robot: RobotRecord) => Promise<BodiedOrder | 'notServed' | undefined>;
  /** The same as the desk signed it; undefined while it signs nothing. */
  readonly signed: SignedOrders | undefined;
}

/** An order as a robot's body gets it. */
export type BodiedOrder = Order & { readonly baselineVersion: string | undefined };

interface Seen {
  readonly entry: LoggedAssignment | undefined;
  readonly leaseEnds: ReadonlyMap<string, number>;
  readonly aliases: Aliases;
}

export interface PolicyWatchOptions {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly policy: string;
}

/** Follows one policy's assignment log, leases and aliases, and calls those who wait when what robots should run changed. */
export class PolicyWatch {
  readonly #options: PolicyWatchOptions;
  readonly #read: () => ReturnType<ReturnType<typeof assignmentReader>['read']>;
  readonly #seals: SealWatch;
  readonly #served: ServedReader;
  readonly #waiting = new Set<() => void>();
  #orders: PolicyOrders | undefined;
  #aliases: { readonly seq: number; readonly now: Aliases } | undefined;
  #signature = '';
  #looking: Promise<void> | undefined;

  constructor(options: PolicyWatchOptions) {
    this.#options = options;
    const reader = assignmentReader(options.store, options.policy);
    this.#read = () => reader.read();
    this.#seals = sealWatch(options);
    this.#served = servedReader(options.store, options.policy);
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** The orders by the last look; the first call looks itself. */
  async orders(): Promise<PolicyOrders> {
    if (this.#orders === undefined) await this.look();
    return this.#orders ?? { of: () => Promise.resolve(undefined), signed: undefined };
  }

  /** Reads what is new in the store, and wakes those who wait when it changes orders. Concurrent calls share one look. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  /** Resolves when orders change or `signal` fires, whichever comes first. */
  changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiting.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      if (signal.aborted) return resolve();
      this.#waiting.add(done);
      signal.addEventListener('abort', done);
    });
  }

  async #look(): Promise<void> {
    const { store, policy, clock } = this.#options;
    const { current } = await this.#read();
    const leaseEnds = new Map<string, number>();
    for (const trialId of current === undefined ? [] : trialsOf(current.record)) {
      const lease = await readLease(store, policy, trialId);
      if (lease !== undefined) leaseEnds.set(trialId, lease.endMs);
    }
    const seen = { entry: current, leaseEnds, aliases: await this.#readAliases() };
    await this.#seals.look(current?.seq ?? -1);
    this.#orders = { of: this.#bodied(ordersSeen(seen, clock), seen), signed: this.#seals.now() };
    this.#wakeWhenChanged(seen, clock());
  }

  /** Orders as robots' bodies get them, and robots in quarantine; what is served is read once a look for each of these that asks. */
  #bodied(of: (robotId: string) => Order | undefined, { entry, aliases }: Seen): PolicyOrders['of'] {
    const known = new Map<string, Promise<ServedFacts>>();
    const served = (order: Order, body: RobotRecord['robotType'], keeps: KeptOn | undefined): Promise<ServedFacts> => {
      const others = (entry?.record.overrides ?? []).map(({ version }) => version);
      const versions = [order.championVersion, order.version, entry?.record.defaultVersion ?? order.version, ...others];
      const name = JSON.stringify([robotTypeName(body), keeps]);
      const more = { keeps: keeps === undefined ? [] : [keeps], orderedBy: entry?.record.operationId };
      const read = known.get(name) ?? this.#served.read(versions, [body], more);
      known.set(name, read);
      return read;
    };
    return async (robot) => {
      const { robotId, robotType } = robot;
      const keeps = keepsOf(robot);
      const order = of(robotId);
      if (order === undefined) return undefined;
      const facts = await served(order, robotType, keeps);
      const fit = orderFor(order, robotType, facts, keeps);
      if (fit === undefined) return 'notServed';
      const { baseline } = aliases;
      const baselineVersion = baseline !== undefined && facts.serves(baseline, robotType) ? baseline : undefined;
      return { ...fit, leaseRemainingMs: fit.isReplaced ? null : fit.leaseRemainingMs, baselineVersion };
    };
  }

  /** The whole alias log only when there is more of it than before. */
  async #readAliases(): Promise<Aliases> {
    const { store, policy } = this.#options;
    const known = this.#aliases;
    const next = logKey(fleetKeys.aliasLog(policy), (known?.seq ?? -1) + 1);
    if (known !== undefined && (await store.get(next)) === undefined) return known.now;
    const history = await readAliasHistory({ store })({ policy });
    this.#aliases = { seq: history.at(-1)?.seq ?? -1, now: aliasesAt(history) };
    return this.#aliases.now;
  }

  #wakeWhenChanged({ entry, leaseEnds, aliases }: Seen, nowMs: number): void {
    const alive = [...leaseEnds].filter(([, endMs]) => endMs > nowMs).map(([trialId]) => trialId);
    const champion = entry === undefined ? aliases.champion : undefined;
    const signature = JSON.stringify([entry?.seq, alive, champion, aliases.baseline, this.#seals.now()?.root]);
    if (signature === this.#signature) return;
    this.#signature = signature;
    for (const wake of this.#waiting) wake();
  }
}

/** Before the first assignment everybody runs the registry's champion. */
function ordersSeen(
  { entry, leaseEnds, aliases: { champion } }: Seen,
  clock: Clock,
): (robotId: string) => Order | undefined {
  if (entry !== undefined) {
    const order = ordersOf(entry, (trialId) => leaseEnds.get(trialId));
    return (robotId) => order(robotId, clock());
  }
  if (champion === undefined) return () => undefined;
  const order: Order = {
    seq: -1,
    version: champion,
    championVersion: champion,
    trialId: null,
    urgency: 'whenIdle',
    leaseRemainingMs: null,
  };
  return () => order;
}
