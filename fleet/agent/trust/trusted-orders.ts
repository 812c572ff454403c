import { robotTypeDigest } from '../../../datasets/robot-type-digest.ts';
import type { RobotType } from '../../../datasets/robot-type.ts';
import { followRoot, pinnedAuthority, readRoot, type Root } from '../../../domain/trust/root.ts';
import { envelopeSchema, type Envelope, type PublicKey } from '../../../domain/trust/signed.ts';
import { nodeCrypto, publicKeyOfPem, sha256Hex } from '../../../policies/signatures.ts';
import {
  readSealHeader,
  readTransferHeader,
  sealSchema,
  wireHeaders,
  type DesiredAnswer,
  type SignedDesired,
} from '../../protocol/index.ts';
import { readJson, replaceJson } from '../local/durable-files.ts';
import {
  GatewayError,
  leaseRemainingMs,
  UnreachedError,
  type Answered,
  type GatewayClient,
} from '../gateway-client.ts';
import { elapsedSince, type MachineMoment } from '../local/times.ts';
import type { OrderFacts } from './order-rules.ts';
import { cappedLease, judgePlainOrder } from './plain-order.ts';
import type { Refused } from './refused-order.ts';
import { createQueue } from '../local/waiting.ts';
import { createNews } from './told.ts';
import { judgeTransfer, judgeUnderTransfer } from './transfer-rules.ts';
import { emptyTrust, trustStateSchema, type TrustState } from './trust-state.ts';

export interface TrustedOrdersPorts extends Pick<OrderFacts, 'robotId'> {
  readonly robotType: RobotType;
  readonly file: string;
  /** What the robot was given: a root document, or one public key in PEM. */
  readonly root: string | undefined;
  readonly publicKeyPem: string | undefined;
  readonly gateway: Pick<GatewayClient, 'root'>;
  readonly now: () => MachineMoment;
  /** Says what was refused and what attack it looks like. */
  readonly refused: (refusal: Omit<Refused, 'kind'>) => Promise<void>;
  readonly log: (line: string) => void;
}

/** `pauseMs`: nothing to obey; come again after this time. */
export type TakenOrder =
  | { readonly kind: 'obey'; readonly order: DesiredAnswer; readonly leaseMs: number | undefined }
  | { readonly kind: 'renewed'; readonly leaseMs: number | undefined }
  | { readonly kind: 'askAgain' }
  | { readonly kind: 'nothing'; readonly pauseMs: number };

/** The keys a robot's manifests are held against. */
export type ManifestTrust = { readonly root: Root } | { readonly pinned: PublicKey };

/** What a robot believes: which keys count, which order holds, and how long ago somebody signed that it does. */
export interface TrustedOrders {
  readonly manifestTrust: () => ManifestTrust;
  /** The policy whose signed orders it follows; null before the first. */
  readonly policy: () => string | null;
  /** Whether this fleet signs its orders, as far as the robot knows: then it asks for signed ones and obeys no others. */
  readonly isSigned: () => boolean;
  /** How long nothing fresh was signed; 0 while this fleet signs no orders. */
  readonly unfreshMs: () => number;
  /** Before the first order of this life: takes root documents that follow the one that is known, as far as the gateway has them. */
  ready(): Promise<void>;
  /** What to do about an answer to `desired`. */
  take(answer: Answered<DesiredAnswer | SignedDesired | undefined>): Promise<TakenOrder>;
  /** Says that an answer did not end, or was larger than any answer is. */
  endless(detail: string): Promise<void>;
  /** Writes down how long nothing fresh was signed, when that is due, and says so after a day. */
  keep(): Promise<void>;
}

/** How often the measures are written: what a power cut can make the robot forget. */
const keepEveryMs = 10 * 60_000;
const unfreshNewsMs = 24 * 3_600_000;
const afterLateMs = 1_000;
const afterRefusalMs = 5_000;
/** A fleet changes its keys a few times a year. */
const mostRoots = 1_000;

/** Long because one story is told here: whom a robot believes. */
export async function openTrustedOrders(ports: TrustedOrdersPorts): Promise<TrustedOrders> {
  const { now, log } = ports;
  const { id, version } = ports.robotType;
  const robotType = { id, version, digest: robotTypeDigest(ports.robotType) };
  const given = readGiven(ports);
  const kept = await readJson(ports.file, trustStateSchema, log);
  let state: TrustState = kept?.anchor === given.anchor ? kept : emptyTrust(given.anchor, now());
  if (state.root === null && given.root !== undefined) state = { ...state, root: given.root };
  let root = state.root === null ? undefined : ownRoot(state.root);
  if (state.root !== null && root === undefined) {
    log('the root on this disk is damaged: beginning with the one that was given');
    state = { ...state, root: given.root ?? null };
    root = given.root === undefined ? undefined : ownRoot(given.root);
  }
  let sinceMs = now().monotonicMs - unfreshAtStart(state, now());
  let keptAtMs = Number.NEGATIVE_INFINITY;
  let isUnfreshTold = false;
  let isReady = false;
  let lastSeal = '';
  const isNews = createNews();
  const oneAfterTheOther = createQueue();

  async function remember(next: TrustState, isFresh: boolean): Promise<void> {
    const isNew = lastingPart(next) !== lastingPart(state);
    state = next;
    if (isFresh) {
      sinceMs = now().monotonicMs;
      isUnfreshTold = false;
    }
    if (isNew) await write();
  }

  const unfreshMs = (): number => (root === undefined ? 0 : Math.max(0, now().monotonicMs - sinceMs));

  async function write(): Promise<void> {
    const at = now();
    keptAtMs = at.monotonicMs;
    state = { ...state, unfresh: { forMs: unfreshMs(), at } };
    try {
      await oneAfterTheOther(() => replaceJson(ports.file, state));
    } catch (cause) {
      // A disk that takes nothing any more must not keep the robot from obeying.
      log(`trust.json is not written: ${cause instanceof Error ? cause.message : String(cause)}`);
    }
  }

  async function refuse({ reason, detail, seq, version }: Omit<Refused, 'kind'>): Promise<void> {
    if (!isNews(reason, seq, now().monotonicMs)) return;
    log(`order refused, ${reason}: ${detail}`);
    await ports.refused({ reason, detail, seq, version });
  }

  async function followRoots(): Promise<void> {
    for (let taken = 0; taken < mostRoots; taken++) {
      const authority = root ?? pinnedAuthority(given.pinned);
      const envelope = await ports.gateway.root(authority.version + 1);
      if (envelope === undefined) return;
      const verdict = followRoot(authority, envelope, nodeCrypto);
      if ('refusal' in verdict) {
        await refuse({ reason: 'forgedRoot', detail: verdict.refusal, seq: null, version: null });
        return;
      }
      if (root === undefined) sinceMs = now().monotonicMs;
      root = verdict.root;
      state = { ...state, root: envelope };
      await write();
      log(`root ${root.version} is trusted from now on`);
    }
  }

  /** A robot that trusts a root goes on with it where the gateway cannot give the next one just now. */
  async function followRootsIfThere(): Promise<void> {
    try {
      await followRoots();
    } catch (cause) {
      if (root === undefined || !(cause instanceof GatewayError) || cause instanceof UnreachedError) throw cause;
      log(`the next root is not to be had: ${cause.message}`);
    }
  }

  async function followHints(answer: Answered<unknown>, envelope: Envelope | undefined): Promise<void> {
    const hinted = Number(answer.headers.get(wireHeaders.rootVersion) ?? 0);
    const sealed = sealSchema.safeParse(envelope?.signed);
    const wanted = Math.max(hinted, sealed.success ? sealed.data.rootVersion : 0);
    if (wanted > (root?.version ?? 0)) await followRootsIfThere();
  }

  const factsNow = (): OrderFacts => {
    const { robotId } = ports;
    return { robotId, robotType, state, now: now(), crypto: nodeCrypto };
  };

  /** What to judge an answer by: as the robot knows it, or as it will once a transfer that came with the answer is taken. */
  async function factsUnderTransfer(answer: Answered<unknown>, seal: Envelope, known: Root): Promise<OrderFacts> {
    const facts = factsNow();
    const header = answer.headers.get(wireHeaders.transfer);
    if (header === null) return facts;
    const verdict = judgeTransfer(readTransferHeader(header) ?? noEnvelope, known, facts);
    if (verdict.kind === 'refused') await refuse(verdict);
    if (verdict.kind !== 'take') return facts;
    const sealed = sealSchema.safeParse(seal.signed);
    return sealed.success && sealed.data.policy === verdict.transfer.to ? { ...facts, state: verdict.state } : facts;
  }

  async function takePlain(order: DesiredAnswer | undefined, leaseMs: number | undefined): Promise<TakenOrder> {
    if (order === undefined)
      // Nothing is new, says somebody: that is contact, and in a fleet that signs its orders no fresh word.
      return root === undefined ? { kind: 'renewed', leaseMs: cappedLease(leaseMs) } : { kind: 'nothing', pauseMs: 0 };
    const verdict = judgePlainOrder(order, leaseMs, state);
    if (verdict.kind === 'refused') {
      await refuse(verdict);
      return { kind: 'nothing', pauseMs: afterRefusalMs };
    }
    if (verdict.kind !== 'obey') return { kind: 'nothing', pauseMs: afterLateMs };
    await remember(verdict.state, true);
    return { kind: 'obey', order: verdict.order, leaseMs: verdict.leaseMs };
  }

  return {
    async ready() {
      if (isReady) return;
      await followRootsIfThere();
      isReady = true;
    },
    unfreshMs,
    isSigned: () => root !== undefined,
    policy: () => state.policy,
    manifestTrust: () => (root === undefined ? { pinned: given.pinned } : { root }),
    async take(answer) {
      const header = answer.headers.get(wireHeaders.seal);
      const envelope = readSealHeader(header);
      await followHints(answer, envelope);
      const leaseHeaderMs = leaseRemainingMs(answer.headers);
      const { body } = answer;
      if (body !== undefined && 'seq' in body) return takePlain(body, leaseHeaderMs);
      if (envelope === undefined && body === undefined) return takePlain(undefined, leaseHeaderMs);
      if (envelope === undefined || root === undefined) {
        const detail =
          root === undefined ? 'a signed order by keys this robot knows nothing of' : 'an order without its seal';
        await refuse({ reason: 'forgedOrder', detail, seq: null, version: null });
        return { kind: 'nothing', pauseMs: afterRefusalMs };
      }
      // The same words again: nothing to check anew, and nothing fresh.
      if (body === undefined && header === lastSeal) return { kind: 'nothing', pauseMs: 0 };
      const facts = await factsUnderTransfer(answer, envelope, root);
      const verdict = judgeUnderTransfer({ envelope, body, leaseHeaderMs }, root, facts, state.policy);
      if (verdict.kind === 'refused') {
        await refuse(verdict);
        return { kind: 'nothing', pauseMs: afterRefusalMs };
      }
      if (verdict.kind === 'late') return { kind: 'nothing', pauseMs: afterLateMs };
      if (verdict.kind === 'askAgain') return { kind: 'askAgain' };
      lastSeal = header ?? '';
      await remember(verdict.state, verdict.isFresh);
      const { leaseMs } = verdict;
      return verdict.kind === 'obey' ? { kind: 'obey', order: verdict.order, leaseMs } : { kind: 'renewed', leaseMs };
    },
    endless: (detail) => refuse({ reason: 'endlessData', detail, seq: null, version: null }),
    async keep() {
      if (root !== undefined && !isUnfreshTold && unfreshMs() >= unfreshNewsMs) {
        isUnfreshTold = true;
        const detail = `nothing fresh was signed for ${Math.floor(unfreshMs() / 3_600_000)} h`;
        await refuse({ reason: 'noFreshOrder', detail, seq: null, version: null });
      }
      if (now().monotonicMs - keptAtMs >= keepEveryMs) await write();
    },
  };
}

/** What must be on the disk before it is obeyed. */
const lastingPart = ({ held, plainSeq, transfer }: TrustState): string => JSON.stringify([held, plainSeq, transfer]);

const noEnvelope: Envelope = { signed: null, signatures: [] };

interface Given {
  readonly anchor: string;
  readonly root: Envelope | undefined;
  readonly pinned: PublicKey;
}

/** Throws on what is neither a root document nor a key: a robot that trusts nothing is of no use. */
function readGiven({ root: text, publicKeyPem }: Pick<TrustedOrdersPorts, 'root' | 'publicKeyPem'>): Given {
  if (text === undefined) {
    if (publicKeyPem === undefined)
      throw new TypeError('expected a root document or a public key to trust, got neither');
    const publicKey = publicKeyOfPem(publicKeyPem);
    const keyId = nodeCrypto.keyId(publicKey);
    return { anchor: `key ${keyId}`, root: undefined, pinned: { keyId, publicKey } };
  }
  const parsed = envelopeSchema.safeParse(parseJson(text));
  const verdict = parsed.success ? readRoot(parsed.data, nodeCrypto) : { refusal: 'expected a signed root document' };
  if ('refusal' in verdict || !parsed.success)
    throw new TypeError('refusal' in verdict ? verdict.refusal : 'expected a root');
  const [first] = verdict.root.rootKeys;
  if (first === undefined) throw new TypeError('expected a root with keys');
  return { anchor: `root ${sha256Hex(JSON.stringify(verdict.root))}`, root: parsed.data, pinned: first };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new TypeError('expected a root document in JSON, got something else', { cause });
  }
}

/** A root this robot wrote down itself; undefined when it is damaged. */
function ownRoot(envelope: Envelope): Root | undefined {
  const verdict = readRoot(envelope, nodeCrypto);
  return 'root' in verdict ? verdict.root : undefined;
}

function unfreshAtStart({ unfresh }: TrustState, now: MachineMoment): number {
  return unfresh.forMs + Math.max(0, elapsedSince(unfresh.at, now) ?? 0);
}
