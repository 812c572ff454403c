import { canonicalJson } from '../../domain/canonical-json.ts';
import type { Clock } from '../../store/clock.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { readAliases } from '../../store/records/aliases.ts';
import type { OrderSigner, Signer } from '../../policies/signer.ts';
import { maxLeaseMs, sealValidForMs, type Seal } from '../protocol/index.ts';
import type { AssignmentState } from './assignment-log.ts';
import type { AssignmentRecord } from './assignment-record.ts';
import { bodiesOf } from './body-orders.ts';
import { askedSheet, fitSheet } from './fit-sheet.ts';
import { makeSheet, plantSheet, type OrderSheet, type PlantedSheet, type SheetRequest } from './order-sheet.ts';
import { isRevokedRobot, keepsOf, readRobots, type RobotRecord } from './robots.ts';
import { lastSeal, writeSeal, type StoredSeal } from './seal-store.ts';
import { SealedSheets } from './sealed-sheets.ts';
import { servedReader, type ServedReader } from './served-reader.ts';

export interface SealerPorts {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly signer: Signer;
  readonly orders: OrderSigner;
  readonly readAssignments: (policy: string) => Promise<AssignmentState>;
}

/** `unsealed`: it could not be signed, and the sentence says what to do · `nothing`: the policy has no champion yet. */
export type SealOutcome =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'sealed'; readonly seal: Seal }
  | { readonly kind: 'unsealed'; readonly why: string };

/**
 * Signs what the desk decides, and signs anew what it has signed. Never signs what it merely finds in the store; only `adopt`
 * does, for a person.
 */
export interface OrderSealer {
  /** After the record was written at its place. Safe to repeat. */
  sealAssignment(policy: string, seq: number, record: AssignmentRecord): Promise<SealOutcome>;
  /** Lets a trial's candidate run until `endMs`. */
  renewLease(policy: string, trialId: string, endMs: number): Promise<SealOutcome>;
  /** Says that what was ordered still holds; what remains of leases is carried on, the baseline follows its alias, orders follow robots' bodies. */
  refresh(policy: string): Promise<SealOutcome>;
  /** Signs what the assignment log says now, whoever wrote it. */
  adopt(policy: string): Promise<SealOutcome>;
}

/** A seal this young is not signed again without need. */
const refreshAfterMs = 5_000;

const unsigned = (policy: string, seq: number): SealOutcome => ({
  kind: 'unsealed',
  why: `record ${seq} of the assignments of ${policy} is not signed: inspect it and run \`flywheel keys adopt\``,
});

const sealedBy = ({ seal }: StoredSeal): SealOutcome => ({ kind: 'sealed', seal });

export const orderSealer = (ports: SealerPorts): OrderSealer => new DeskSealer(ports);

/** What a new seal says otherwise of leases than the seal before it. */
interface LeaseChange {
  readonly trialId?: string;
  readonly endMs?: number;
  readonly closedTrialId?: string | undefined;
}

class DeskSealer implements OrderSealer {
  readonly #ports: SealerPorts;
  readonly #sheets: SealedSheets;
  readonly #ownSeals = new Map<string, StoredSeal>();
  readonly #lines = new Map<string, Promise<unknown>>();
  readonly #served = new Map<string, ServedReader>();
  readonly #seenRobots = new Map<string, RobotRecord>();

  constructor(ports: SealerPorts) {
    this.#ports = ports;
    this.#sheets = new SealedSheets(ports);
  }

  sealAssignment(policy: string, seq: number, record: AssignmentRecord): Promise<SealOutcome> {
    return this.#inLine(policy, async () => {
      const { current } = await this.#ports.readAssignments(policy);
      if (current?.seq !== seq) return { kind: 'unsealed', why: `record ${seq} of ${policy} is not in force` };
      const { baseline: baselineVersion } = await readAliases(this.#ports)({ policy });
      const closedTrialId = record.kind === 'closeTrial' ? record.closedTrialId : undefined;
      const before = await this.#trusted(policy, seq);
      return this.#sealSheet({ policy, seq, record, baselineVersion }, before, closedTrialId);
    });
  }

  renewLease(policy: string, trialId: string, endMs: number): Promise<SealOutcome> {
    return this.#inLine(policy, async () => {
      const held = await this.#holding(policy);
      const stored = 'kind' in held ? await this.#trusted(policy, -1) : held;
      if (stored === undefined) return 'kind' in held ? held : { kind: 'unsealed', why: 'no seal' };
      return this.#sign(stored, stored.seal, { trialId, endMs });
    });
  }

  refresh(policy: string): Promise<SealOutcome> {
    const { clock, orders, readAssignments } = this.#ports;
    return this.#inLine(policy, async () => {
      const held = await this.#holding(policy);
      if ('kind' in held) return held;
      const followed = await this.#follow(held);
      const isYoung = clock() - held.seal.issuedAtMs < refreshAfterMs && held.seal.epoch === orders.epoch;
      const sealed = followed ?? (isYoung ? sealedBy(held) : await this.#sign(held, held.seal));
      const { current } = await readAssignments(policy);
      return current === undefined || current.seq <= held.seal.seq ? sealed : unsigned(policy, current.seq);
    });
  }

  adopt(policy: string): Promise<SealOutcome> {
    return this.#inLine(policy, async () => {
      const request = await this.#standing(policy);
      if (request === undefined) return { kind: 'nothing' };
      return this.#sealSheet(request, await this.#trusted(policy, request.seq));
    });
  }

  /** Of one policy one after the other: a renewal must not undo another. */
  #inLine(policy: string, work: () => Promise<SealOutcome>): Promise<SealOutcome> {
    const before = this.#lines.get(policy) ?? Promise.resolve();
    const now = before.then(work, work);
    this.#lines.set(
      policy,
      now.catch(() => undefined),
    );
    return now;
  }

  readonly #counts = ({ seal, envelope }: StoredSeal): boolean => this.#ports.orders.trusts(envelope, seal.issuedAtMs);

  /** The last seal that counts, as stored; what this process signed itself, should somebody have taken that away. */
  async #trusted(policy: string, seq: number): Promise<StoredSeal | undefined> {
    const stored = await lastSeal(this.#ports.store, policy, seq, this.#counts);
    const own = this.#ownSeals.get(policy);
    if (own === undefined || own.seal.seq > seq || !this.#counts(own)) return stored;
    const place = (stored?.seal.seq ?? -2) - own.seal.seq;
    return place < 0 || (place === 0 && (stored?.seal.issuedAtMs ?? 0) < own.seal.issuedAtMs) ? own : stored;
  }

  async #sign(
    before: StoredSeal | undefined,
    content: Pick<Seal, 'policy' | 'seq' | 'orders'>,
    change: LeaseChange = {},
  ): Promise<SealOutcome> {
    const { store, clock, orders } = this.#ports;
    const nowMs = clock();
    const issuedAtMs = Math.max(nowMs, (before?.seal.issuedAtMs ?? 0) + 1);
    const leases = leasesAfter(before?.seal, change, issuedAtMs);
    const { epoch, rootVersion } = orders;
    const dates = { issuedAtMs, validForMs: sealValidForMs };
    const seal: Seal = { kind: 'flywheel.seal/1', ...content, epoch, rootVersion, ...dates, leases };
    const stored = { seal, envelope: orders.sign(seal, nowMs) };
    await writeSeal(store, stored);
    this.#ownSeals.set(content.policy, stored);
    return { kind: 'sealed', seal };
  }

  async #sealSheet(
    request: SheetRequest,
    before: StoredSeal | undefined,
    closedTrialId?: string,
  ): Promise<SealOutcome> {
    const { policy, seq } = request;
    const last = before === undefined ? undefined : await this.#sheets.of(before.seal);
    const sheet = await makeSheet(request, this.#sheets.versions(policy, last));
    if (sheet === undefined)
      return {
        kind: 'unsealed',
        why: `champion ${request.record.championVersion} of ${policy} has no valid manifest`,
      };
    const { tree } = await this.#sheets.write(policy, await this.#fit(policy, sheet, last));
    return this.#sign(before, { policy, seq, orders: tree.root }, { closedTrialId });
  }

  /** What the log says now, or the registry's champion before any assignment. */
  async #standing(policy: string): Promise<SheetRequest | undefined> {
    const { current } = await this.#ports.readAssignments(policy);
    const { champion, baseline: baselineVersion } = await readAliases(this.#ports)({ policy });
    if (current !== undefined) return { policy, seq: current.seq, record: current.record, baselineVersion };
    if (champion === undefined) return undefined;
    const version = { defaultVersion: champion, championVersion: champion };
    return {
      policy,
      seq: -1,
      record: { ...version, trialId: null, urgency: 'whenIdle', overrides: [] },
      baselineVersion,
    };
  }

  /** The seal that holds now; the first one of a policy without assignments is made here. */
  async #holding(policy: string): Promise<StoredSeal | SealOutcome> {
    const { current } = await this.#ports.readAssignments(policy);
    const seq = current?.seq ?? -1;
    const found = await this.#trusted(policy, seq);
    if (found !== undefined) return found;
    if (current !== undefined) return unsigned(policy, seq);
    const request = await this.#standing(policy);
    if (request === undefined) return { kind: 'nothing' };
    return this.#sealSheet(request, undefined);
  }

  /** What was signed, for the baseline and the bodies as they are now; undefined where that is what was signed. */
  async #follow(held: StoredSeal): Promise<SealOutcome | undefined> {
    const { policy, seq } = held.seal;
    const planted = await this.#sheets.of(held.seal);
    if (planted === undefined) return undefined;
    const asked = askedSheet(planted.sheet);
    const { baseline } = await readAliases(this.#ports)({ policy });
    const isNewBaseline = baseline !== undefined && baseline !== asked.orders[0]?.baseline?.version;
    const known = isNewBaseline ? await this.#sheets.versions(policy, planted)(baseline) : undefined;
    const orders =
      known === undefined ? asked.orders : asked.orders.map((each) => ({ ...each, baseline: known.reference }));
    const sheet = await this.#fit(policy, { ...asked, orders }, planted);
    const isOfToday = sheet.unserved === undefined || plantSheet(sheet).tree.root === planted.tree.root;
    if (isOfToday && canonicalJson(sheet) === canonicalJson(planted.sheet)) return undefined;
    const { tree } = await this.#sheets.write(policy, sheet);
    return this.#sign(held, { policy, seq, orders: tree.root });
  }

  async #fit(policy: string, asked: OrderSheet, before: PlantedSheet | undefined): Promise<OrderSheet> {
    const { store } = this.#ports;
    const records = await readRobots(store, this.#seenRobots, () => undefined);
    const robots = [...records.values()]
      .filter((robot) => robot.policy === policy && !isRevokedRobot(robot))
      .map((robot) => ({ ...robot, keeps: keepsOf(robot) }));
    const keeps = robots.flatMap((robot) => robot.keeps ?? []);
    const served = this.#served.get(policy) ?? servedReader(store, policy);
    this.#served.set(policy, served);
    const champions = asked.orders.map(({ champion }) => champion.version);
    const versions = [
      ...champions,
      ...asked.orders.flatMap(({ model, baseline }) => [model.version, baseline?.version ?? []].flat()),
    ];
    const { current } = await this.#ports.readAssignments(policy);
    const orderedBy = current?.seq === asked.orders[0]?.seq ? current?.record.operationId : undefined;
    const facts = await served.read([...new Set(versions)], bodiesOf(robots), { keeps, orderedBy });
    return fitSheet(asked, robots, facts, this.#sheets.versions(policy, before), before);
  }
}

/** What remains of the leases of the seal before, with the change; newest last, those that have ended left out. */
function leasesAfter(before: Seal | undefined, change: LeaseChange, issuedAtMs: number): Seal['leases'] {
  const ends = new Map(
    (before?.leases ?? []).map(({ trialId, leaseMs }) => [trialId, (before?.issuedAtMs ?? 0) + leaseMs]),
  );
  if (change.trialId !== undefined)
    ends.set(change.trialId, Math.max(change.endMs ?? 0, ends.get(change.trialId) ?? 0));
  if (change.closedTrialId !== undefined) ends.delete(change.closedTrialId);
  return [...ends]
    .map(([trialId, endMs]) => ({ trialId, leaseMs: Math.min(maxLeaseMs, Math.floor(endMs - issuedAtMs)) }))
    .filter(({ leaseMs }) => leaseMs > 0)
    .slice(-100);
}
