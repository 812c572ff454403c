import { z } from 'zod';

import {
  countSigners,
  keyIdSchema,
  publicKeySchema,
  type Envelope,
  type PublicKey,
  type TrustCrypto,
} from './signed.ts';

const instantSchema = z.int().min(0).max(9_999_999_999_999);
const keySchema = z.object({ keyId: keyIdSchema, publicKey: publicKeySchema });
const expiringKeySchema = z.object({ ...keySchema.shape, notAfterMs: instantSchema });

/** Which keys count: `trust/roots/<version>.json` holds it signed. */
export const rootSchema = z.object({
  kind: z.literal('flywheel.root/1'),
  /** 1, 2, 3, … without a gap. */
  version: z.int().min(1).max(1_000_000),
  issuedAtMs: instantSchema,
  /** How many root keys must sign. */
  threshold: z.int().min(1).max(16),
  rootKeys: z.array(keySchema).min(1).max(16),
  /** Sign manifests; what one signed while it was valid counts for ever, unless it is revoked. */
  releaseKeys: z.array(expiringKeySchema).max(64),
  /** Sign seals of orders. A later key has a higher epoch. */
  orderKeys: z.array(z.object({ ...expiringKeySchema.shape, epoch: z.int().min(1).max(1_000_000) })).max(64),
  /** Keys that somebody else may have: nothing they signed counts, whenever it was. */
  revoked: z.array(z.object({ keyId: keyIdSchema, atMs: instantSchema, why: z.string().max(500) })).max(256),
});
export type Root = z.infer<typeof rootSchema>;
export type OrderKey = Root['orderKeys'][number];
export type ReleaseKey = Root['releaseKeys'][number];

/** The part of a root that says which root may follow it. */
export type RootAuthority = Pick<Root, 'version' | 'threshold' | 'rootKeys'>;

/** What a robot that was given one public key starts with: root 0. */
export const pinnedAuthority = (key: PublicKey): RootAuthority => ({ version: 0, threshold: 1, rootKeys: [key] });

export type RootVerdict = { readonly root: Root } | { readonly refusal: string };

/** Whether a root stands on its own: it is well formed and enough of its own keys signed it. */
export function readRoot(envelope: Envelope, crypto: TrustCrypto): RootVerdict {
  const parsed = rootSchema.safeParse(envelope.signed);
  if (!parsed.success) return { refusal: `expected a root document, got ${firstIssue(parsed.error)}` };
  const root = parsed.data;
  const fault = inconsistency(root, crypto);
  if (fault !== undefined) return { refusal: fault };
  const signers = countSigners(envelope, root.rootKeys, crypto);
  if (signers < root.threshold)
    return { refusal: `expected ${root.threshold} signatures by keys of root ${root.version} itself, got ${signers}` };
  return { root };
}

/** The root after the one that is known, or why it is not: the next number, signed by enough keys of both. */
export function followRoot(known: RootAuthority, envelope: Envelope, crypto: TrustCrypto): RootVerdict {
  const verdict = readRoot(envelope, crypto);
  if ('refusal' in verdict) return verdict;
  const { root } = verdict;
  if (root.version !== known.version + 1)
    return { refusal: `expected root ${known.version + 1}, got root ${root.version}` };
  const signers = countSigners(envelope, known.rootKeys, crypto);
  if (signers < known.threshold)
    return { refusal: `expected ${known.threshold} signatures by keys of root ${known.version}, got ${signers}` };
  return { root };
}

function inconsistency(root: Root, crypto: TrustCrypto): string | undefined {
  const { rootKeys, releaseKeys, orderKeys, threshold } = root;
  if (threshold > rootKeys.length)
    return `expected a threshold of at most ${rootKeys.length}, one a root key, got ${threshold}`;
  for (const [what, keys] of Object.entries({ root: rootKeys, release: releaseKeys, order: orderKeys })) {
    const wrong = keys.find(({ keyId, publicKey }) => crypto.keyId(publicKey) !== keyId);
    if (wrong !== undefined) return `expected ${what} key ${wrong.keyId} under its own id`;
    if (new Set(keys.map(({ keyId }) => keyId)).size !== keys.length) return `expected every ${what} key once`;
  }
  if (new Set(orderKeys.map(({ epoch }) => epoch)).size !== orderKeys.length)
    return 'expected an epoch of its own for every order key';
  const revokedRootKey = rootKeys.find(({ keyId }) => isRevoked(root, keyId));
  return revokedRootKey === undefined
    ? undefined
    : `expected root keys that are not revoked, got ${revokedRootKey.keyId}`;
}

const firstIssue = ({ issues }: z.ZodError): string =>
  `${issues[0]?.path.join('.') ?? ''}: ${issues[0]?.message ?? 'something else'}`;

export const isRevoked = (root: Pick<Root, 'revoked'>, keyId: string): boolean =>
  root.revoked.some((each) => each.keyId === keyId);

/** A key as it counts for what was signed at a moment; or why it does not. */
export type KeyVerdict<Key> = { readonly key: Key } | { readonly refusal: string; readonly isRevoked: boolean };

const keyFor = <Key extends ReleaseKey>(
  root: Root,
  keys: readonly Key[],
  what: string,
  keyId: string,
  signedAtMs: number,
): KeyVerdict<Key> => {
  if (isRevoked(root, keyId))
    return { refusal: `${what} key ${keyId} is revoked (root ${root.version})`, isRevoked: true };
  const key = keys.find((each) => each.keyId === keyId);
  if (key === undefined)
    return { refusal: `expected a ${what} key of root ${root.version}, got ${keyId}`, isRevoked: false };
  if (signedAtMs > key.notAfterMs)
    return { refusal: `${what} key ${keyId} expired before this was signed`, isRevoked: false };
  return { key };
};

export const releaseKeyFor = (root: Root, keyId: string, signedAtMs: number): KeyVerdict<ReleaseKey> =>
  keyFor(root, root.releaseKeys, 'release', keyId, signedAtMs);

export const orderKeyFor = (root: Root, keyId: string, signedAtMs: number): KeyVerdict<OrderKey> =>
  keyFor(root, root.orderKeys, 'order', keyId, signedAtMs);

/** The release key that signs now: the last of the list that is not revoked. */
export const currentReleaseKey = (root: Root): ReleaseKey | undefined =>
  root.releaseKeys.findLast(({ keyId }) => !isRevoked(root, keyId));

/** The order key that signs now: the highest epoch that is not revoked. */
export const currentOrderKey = (root: Root): OrderKey | undefined =>
  root.orderKeys.filter(({ keyId }) => !isRevoked(root, keyId)).toSorted((a, b) => b.epoch - a.epoch)[0];
