import { isFailure } from '../../store/failures.ts';
import type { Clock } from '../../store/clock.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { readAliases } from '../../store/records/aliases.ts';
import { readSignedManifest } from '../../store/records/manifests.ts';
import type { OrderSigner, Signer } from '../../policies/signer.ts';
import { maxLeaseMs, sealValidForMs, type Seal } from '../protocol/index.ts';
import type { AssignmentState } from './assignment-log.ts';
import type { AssignmentRecord } from './assignment-record.ts';
import { makeSheet, type KnownVersion, type PlantedSheet, type SheetRequest } from './order-sheet.ts';
import { lastSeal, readSheet, writeSeal, writeSheet, type StoredSeal } from './seal-store.ts';

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
  /** Says that what was ordered still holds; what remains of leases is carried on, the baseline follows its alias. */
  refresh(policy: string): Promise<SealOutcome>;
  /** Signs what the assignment log says now, whoever wrote it. */
  adopt(policy: string): Promise<SealOutcome>;
}

/** A seal this young is not signed again without need. */
const refreshAfterMs = 5_000;

const unsigned = (policy: string, seq: number): SealOutcome => ({
  kind: 'unsealed',
  why: `record ${seq} of the assignments of ${policy} is not signed: look at it and run \`flywheel keys adopt\``,
});

const sealedBy = ({ seal }: StoredSeal): SealOutcome => ({ kind: 'sealed', seal });

export function orderSealer(ports: SealerPorts): OrderSealer {
  const { store, clock, orders } = ports;
  const lastSheets = new Map<string, { readonly root: string; readonly planted: PlantedSheet }>();
  const ownSeals = new Map<string, StoredSeal>();
  const lines = new Map<string, Promise<unknown>>();

  /** Of one policy one after the other: a renewal must not undo another. */
  function inLine(policy: string, work: () => Promise<SealOutcome>): Promise<SealOutcome> {
    const before = lines.get(policy) ?? Promise.resolve();
    const now = before.then(work, work);
    lines.set(
      policy,
      now.catch(() => undefined),
    );
    return now;
  }

  const counts = ({ seal, envelope }: StoredSeal): boolean => orders.trusts(envelope, seal.issuedAtMs);
  /** The last seal that counts, as stored; what this process signed itself, should somebody have taken that away. */
  async function trusted(policy: string, seq: number): Promise<StoredSeal | undefined> {
    const stored = await lastSeal(store, policy, seq, counts);
    const own = ownSeals.get(policy);
    if (own === undefined || own.seal.seq > seq || !counts(own)) return stored;
    const place = (stored?.seal.seq ?? -2) - own.seal.seq;
    return place < 0 || (place === 0 && (stored?.seal.issuedAtMs ?? 0) < own.seal.issuedAtMs) ? own : stored;
  }

  async function sheetOf({ policy, orders: root }: Seal): Promise<PlantedSheet | undefined> {
    const known = lastSheets.get(policy);
    if (known?.root === root) return known.planted;
    const planted = await readSheet(store, policy, root);
    if (planted !== undefined) lastSheets.set(policy, { root, planted });
    return planted;
  }

  /** What a signed sheet said of a version holds; the registry is asked for others. */
  async function versionsOf(policy: string, before: PlantedSheet | undefined) {
    const known = new Map<string, KnownVersion>();
    for (const { model, champion, baseline, robotType } of before?.sheet.orders ?? [])
      for (const reference of [model, champion, baseline])
        if (reference !== null) known.set(reference.version, { reference, robotType });
    return async (version: string): Promise<KnownVersion | undefined> => {
      const found = known.get(version) ?? (await registered(policy, version));
      if (found !== undefined) known.set(version, found);
      return found;
    };
  }

  async function registered(policy: string, version: string): Promise<KnownVersion | undefined> {
    try {
      const { manifest, signature } = await readSignedManifest(ports, policy, version);
      const model = manifest.files['model.onnx'];
      if (model === undefined) return undefined;
      const { sha256, sizeBytes } = model;
      const signed = { signature: signature.value, publicKeyId: signature.publicKeyId };
      return { reference: { version, sha256, sizeBytes, ...signed }, robotType: manifest.robotType };
    } catch (error) {
      if (isFailure(error, 'NotFound') || isFailure(error, 'UntrustedArtifact') || isFailure(error, 'CorruptData'))
        return undefined;
      throw error;
    }
  }

  async function sign(
    before: StoredSeal | undefined,
    content: Pick<Seal, 'policy' | 'seq' | 'orders'>,
    change: { readonly trialId?: string; readonly endMs?: number; readonly closedTrialId?: string | undefined } = {},
  ): Promise<SealOutcome> {
    const nowMs = clock();
    const issuedAtMs = Math.max(nowMs, (before?.seal.issuedAtMs ?? 0) + 1);
    const ends = new Map(
      (before?.seal.leases ?? []).map(({ trialId, leaseMs }) => [trialId, (before?.seal.issuedAtMs ?? 0) + leaseMs]),
    );
    if (change.trialId !== undefined)
      ends.set(change.trialId, Math.max(change.endMs ?? 0, ends.get(change.trialId) ?? 0));
    if (change.closedTrialId !== undefined) ends.delete(change.closedTrialId);
    const leases = [...ends]
      .map(([trialId, endMs]) => ({ trialId, leaseMs: Math.min(maxLeaseMs, Math.floor(endMs - issuedAtMs)) }))
      .filter(({ leaseMs }) => leaseMs > 0)
      .slice(-100);
    const { epoch, rootVersion } = orders;
    const dates = { issuedAtMs, validForMs: sealValidForMs };
    const { policy } = content;
    const seal: Seal = { kind: 'flywheel.seal/1', ...content, epoch, rootVersion, ...dates, leases };
    const stored = { seal, envelope: orders.sign(seal, nowMs) };
    await writeSeal(store, stored);
    ownSeals.set(policy, stored);
    return { kind: 'sealed', seal };
  }

  async function sealSheet(
    request: SheetRequest,
    before: StoredSeal | undefined,
    closedTrialId?: string,
  ): Promise<SealOutcome> {
    const { policy, seq } = request;
    const last = before === undefined ? undefined : await sheetOf(before.seal);
    const sheet = await makeSheet(request, await versionsOf(policy, last));
    if (sheet === undefined)
      return {
        kind: 'unsealed',
        why: `champion ${request.record.championVersion} of ${policy} has no manifest that counts`,
      };
    const planted = await writeSheet(store, policy, sheet);
    lastSheets.set(policy, { root: planted.tree.root, planted });
    return sign(before, { policy, seq, orders: planted.tree.root }, { closedTrialId });
  }

  /** What the log says now, or the registry's champion before any assignment. */
  async function standing(policy: string): Promise<SheetRequest | undefined> {
    const { current } = await ports.readAssignments(policy);
    const { champion, baseline: baselineVersion } = await readAliases({ store })({ policy });
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
  async function holding(policy: string): Promise<StoredSeal | SealOutcome> {
    const { current } = await ports.readAssignments(policy);
    const seq = current?.seq ?? -1;
    const found = await trusted(policy, seq);
    if (found !== undefined) return found;
    if (current !== undefined) return unsigned(policy, seq);
    const request = await standing(policy);
    if (request === undefined) return { kind: 'nothing' };
    return sealSheet(request, undefined);
  }

  async function followBaseline(held: StoredSeal): Promise<SealOutcome | undefined> {
    const { policy, seq } = held.seal;
    const planted = await sheetOf(held.seal);
    const { baseline } = await readAliases({ store })({ policy });
    const first = planted?.sheet.orders[0];
    if (planted === undefined || first === undefined || baseline === first.baseline?.version) return undefined;
    const known = baseline === undefined ? undefined : await (await versionsOf(policy, planted))(baseline);
    if (known === undefined) return undefined;
    const sheet = {
      ...planted.sheet,
      orders: planted.sheet.orders.map((order) => ({ ...order, baseline: known.reference })),
    };
    const next = await writeSheet(store, policy, sheet);
    lastSheets.set(policy, { root: next.tree.root, planted: next });
    return sign(held, { policy, seq, orders: next.tree.root });
  }

  return {
    sealAssignment: (policy, seq, record) =>
      inLine(policy, async () => {
        const { current } = await ports.readAssignments(policy);
        if (current?.seq !== seq) return { kind: 'unsealed', why: `record ${seq} of ${policy} is not in force` };
        const { baseline: baselineVersion } = await readAliases({ store })({ policy });
        const closedTrialId = record.kind === 'closeTrial' ? record.closedTrialId : undefined;
        const before = await trusted(policy, seq);
        return sealSheet({ policy, seq, record, baselineVersion }, before, closedTrialId);
      }),
    renewLease: (policy, trialId, endMs) =>
      inLine(policy, async () => {
        const held = await holding(policy);
        const stored = 'kind' in held ? await trusted(policy, -1) : held;
        if (stored === undefined) return 'kind' in held ? held : { kind: 'unsealed', why: 'no seal' };
        return sign(stored, stored.seal, { trialId, endMs });
      }),
    refresh: (policy) =>
      inLine(policy, async () => {
        const held = await holding(policy);
        if ('kind' in held) return held;
        const followed = await followBaseline(held);
        const isYoung = clock() - held.seal.issuedAtMs < refreshAfterMs && held.seal.epoch === orders.epoch;
        const sealed = followed ?? (isYoung ? sealedBy(held) : await sign(held, held.seal));
        const { current } = await ports.readAssignments(policy);
        return current === undefined || current.seq <= held.seal.seq ? sealed : unsigned(policy, current.seq);
      }),
    adopt: (policy) =>
      inLine(policy, async () => {
        const request = await standing(policy);
        if (request === undefined) return { kind: 'nothing' };
        return sealSheet(request, await trusted(policy, request.seq));
      }),
  };
}
