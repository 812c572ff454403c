import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import {
  currentOrderKey,
  currentReleaseKey,
  followRoot,
  rootSchema,
  type Root,
  type RootAuthority,
} from '../../domain/trust/root.ts';
import { countSigners, type Envelope, type PublicKey } from '../../domain/trust/signed.ts';
import { nodeCrypto } from '../../policies/signatures.ts';
import { failure } from '../../store/failures.ts';
import {
  createKey,
  forgetKey,
  keepRoot,
  keyKinds,
  readKey,
  readOldKey,
  rootsIn,
  signatureOf,
  type KeyKind,
  type OwnKey,
} from './key-folder.ts';

const yearMs = 365 * 24 * 3_600_000;
/** How long new keys may sign. */
export const keyLifeMs = { release: 2 * yearMs, order: yearMs } as const;

/** What became of a change: the root that holds now, or a draft that waits for signatures of other root keys. */
export type ChangeOutcome =
  | { readonly kind: 'done'; readonly root: Root }
  | { readonly kind: 'draft'; readonly file: string; readonly missing: string };

export interface InitOptions {
  readonly nowMs: number;
  /** Root keys made here; 1 unless given. */
  readonly rootKeys?: number;
  /** How many must sign; all of them unless given. */
  readonly threshold?: number;
  /** Public halves of root keys that are made elsewhere and stay offline; none is made here then. */
  readonly offlineRootKeys?: readonly PublicKey[];
}

/** The first keys of a new installation; `Conflict` where there are some. */
export function initKeys(directory: string, options: InitOptions): ChangeOutcome {
  if (rootsIn(directory).length > 0 || readOldKey(directory) !== undefined)
    throw failure('Conflict', 'expected a folder without keys, got one with keys: `flywheel keys show` lists them', {
      coordinates: { directory },
    });
  const offline = options.offlineRootKeys ?? [];
  const made = offline.length > 0 ? 0 : (options.rootKeys ?? 1);
  const rootKeys = [...offline, ...Array.from({ length: made }, () => publicHalf(createKey(directory, 'root')))];
  const first: Root = {
    ...emptyRoot(options.nowMs),
    rootKeys,
    threshold: options.threshold ?? rootKeys.length,
    releaseKeys: [expiring('release', createKey(directory, 'release'), options.nowMs)],
    orderKeys: [{ ...expiring('order', createKey(directory, 'order'), options.nowMs), epoch: 1 }],
  };
  return conclude(directory, draftOf(directory, first, undefined));
}

/** Makes the one key of an older installation its first root and release key; robots pin it already, manifests carry it. */
export function upgradeKeys(directory: string, nowMs: number): ChangeOutcome {
  const old = readOldKey(directory);
  if (rootsIn(directory).length > 0)
    throw failure('Conflict', 'these keys have a root already', { coordinates: { directory } });
  if (old === undefined)
    throw failure(
      'InvalidInput',
      'expected the signing-key.pem of an older installation, got none: for a new installation use `flywheel keys init`',
      {
        coordinates: { directory },
      },
    );
  const first: Root = {
    ...emptyRoot(nowMs),
    rootKeys: [publicHalf(old)],
    releaseKeys: [expiring('release', old, nowMs)],
    orderKeys: [{ ...expiring('order', createKey(directory, 'order'), nowMs), epoch: 1 }],
  };
  return conclude(directory, draftOf(directory, first, undefined));
}

/** A new release or order key in place of the one that signs now; the earlier one goes on counting for what it signed. */
export function rotateKey(directory: string, kind: 'release' | 'order', nowMs: number): ChangeOutcome {
  return changeRoot(directory, nowMs, (root) => withNewKey(directory, root, kind, nowMs));
}

/** Other root keys: as many as given, by their public halves, or made here. */
export function rotateRoot(directory: string, options: InitOptions): ChangeOutcome {
  return changeRoot(directory, options.nowMs, (root) => {
    const offline = options.offlineRootKeys ?? [];
    const made = offline.length > 0 ? 0 : (options.rootKeys ?? 1);
    const rootKeys = [...offline, ...Array.from({ length: made }, () => publicHalf(createKey(directory, 'root')))];
    return { ...root, rootKeys, threshold: options.threshold ?? rootKeys.length };
  });
}

/** Takes all trust from a key that somebody else may have; where it signed until now, a new one takes its place. */
export function revokeKey(directory: string, keyId: string, why: string, nowMs: number): ChangeOutcome {
  return changeRoot(directory, nowMs, (root) => {
    const isKnown = [root.releaseKeys, root.orderKeys].some((keys) => keys.some((key) => key.keyId === keyId));
    if (!isKnown)
      throw failure(
        'InvalidInput',
        `expected a release or order key of root ${root.version}, got ${keyId}; root keys are changed with \`flywheel keys rotate root\``,
      );
    const revoked: Root = { ...root, revoked: [...root.revoked, { keyId, atMs: nowMs, why: why.slice(0, 500) }] };
    const replaced =
      currentReleaseKey(root)?.keyId === keyId ? withNewKey(directory, revoked, 'release', nowMs) : revoked;
    return currentOrderKey(root)?.keyId === keyId ? withNewKey(directory, replaced, 'order', nowMs) : replaced;
  });
}

/** Takes a draft or a root that was signed elsewhere; signatures by keys of this folder are added. */
export function publishRoot(directory: string, envelope: Envelope): ChangeOutcome {
  return conclude(directory, signedHere(directory, envelope));
}

/** Adds the signature of one root key to a draft, wherever that key is. */
export function signDraft(envelope: Envelope, key: OwnKey): Envelope {
  const others = envelope.signatures.filter(({ keyId }) => keyId !== key.keyId);
  return { ...envelope, signatures: [...others, signatureOf(key, envelope.signed)] };
}

const emptyRoot = (nowMs: number): Root => ({
  kind: 'flywheel.root/1',
  version: 1,
  issuedAtMs: nowMs,
  threshold: 1,
  rootKeys: [],
  releaseKeys: [],
  orderKeys: [],
  revoked: [],
});

const publicHalf = ({ keyId, publicKey }: PublicKey): PublicKey => ({ keyId, publicKey });

const expiring = (kind: 'release' | 'order', key: PublicKey, nowMs: number) => ({
  ...publicHalf(key),
  notAfterMs: nowMs + keyLifeMs[kind],
});

function withNewKey(directory: string, root: Root, kind: 'release' | 'order', nowMs: number): Root {
  const key = expiring(kind, createKey(directory, kind), nowMs);
  if (kind === 'release') return { ...root, releaseKeys: [...root.releaseKeys, key] };
  const epoch = Math.max(0, ...root.orderKeys.map((each) => each.epoch)) + 1;
  return { ...root, orderKeys: [...root.orderKeys, { ...key, epoch }] };
}

function changeRoot(directory: string, nowMs: number, change: (root: Root) => Root): ChangeOutcome {
  const root = rootsIn(directory).at(-1)?.root;
  if (root === undefined)
    throw failure(
      'InvalidInput',
      'expected keys with a root, got none: run `flywheel keys init`, or `flywheel keys upgrade` if there is a signing-key.pem',
      {
        coordinates: { directory },
      },
    );
  const draft = path.join(directory, draftFile);
  if (existsSync(draft))
    throw failure(
      'Conflict',
      'a draft of the next root waits for signatures: `flywheel keys publish` it, or delete it',
      {
        coordinates: { file: draft },
      },
    );
  const next = change({ ...root, version: root.version + 1, issuedAtMs: Math.max(nowMs, root.issuedAtMs + 1) });
  return conclude(directory, draftOf(directory, next, root));
}

const draftFile = 'root-draft.json';

function draftOf(directory: string, next: Root, before: Root | undefined): Envelope {
  const signers = [...next.rootKeys, ...(before?.rootKeys ?? [])];
  const keys = new Map(signers.map(({ keyId }) => [keyId, readKey(directory, 'root', keyId)]));
  const signatures = [...keys.values()].flatMap((key) => (key === undefined ? [] : [signatureOf(key, next)]));
  return { signed: next, signatures };
}

function signedHere(directory: string, envelope: Envelope): Envelope {
  const { rootKeys = [] } = envelope.signed as Partial<Root>;
  const before = rootsIn(directory).at(-1)?.root.rootKeys ?? [];
  return [...rootKeys, ...before].reduce((signed, { keyId }) => {
    const key = readKey(directory, 'root', keyId);
    return key === undefined ? signed : signDraft(signed, key);
  }, envelope);
}

/** Keeps the root when enough have signed, and lets go of private keys it no longer needs; a draft otherwise. */
function conclude(directory: string, envelope: Envelope): ChangeOutcome {
  const before = rootsIn(directory).at(-1)?.root;
  const parsed = rootSchema.safeParse(envelope.signed);
  if (!parsed.success) throw failure('InvalidInput', `expected a root document: ${parsed.error.issues[0]?.message}`);
  const next = parsed.data;
  // The first root stands on its own signatures: robots are given it by hand.
  const authority: RootAuthority = before ?? { ...next, version: 0 };
  const verdict = followRoot(authority, envelope, nodeCrypto);
  if ('root' in verdict) {
    keepRoot(directory, { root: verdict.root, envelope });
    rmSync(path.join(directory, draftFile), { force: true });
    if (before !== undefined) forgetOld(directory, before, verdict.root);
    return { kind: 'done', root: verdict.root };
  }
  const isSigned = [next, authority].every(
    ({ rootKeys, threshold }) => countSigners(envelope, rootKeys, nodeCrypto) >= threshold,
  );
  if (isSigned) throw failure('InvalidInput', verdict.refusal);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const draft = path.join(directory, draftFile);
  writeFileSync(`${draft}.tmp`, `${JSON.stringify(envelope, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(`${draft}.tmp`, draft);
  return { kind: 'draft', file: draft, missing: verdict.refusal };
}

function forgetOld(directory: string, before: Root, root: Root): void {
  const kept: Readonly<Record<KeyKind, readonly (string | undefined)[]>> = {
    root: root.rootKeys.map(({ keyId }) => keyId),
    release: [currentReleaseKey(root)?.keyId],
    order: [currentOrderKey(root)?.keyId],
  };
  const had = { root: before.rootKeys, release: before.releaseKeys, order: before.orderKeys };
  for (const kind of keyKinds)
    for (const { keyId } of had[kind]) if (!kept[kind].includes(keyId)) forgetKey(directory, kind, keyId);
}
