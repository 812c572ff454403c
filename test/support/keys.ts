import { createPublicKey } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';

import { openFileKeys, type FileKeys } from '../../activities/adapters/file-signer.ts';
import { initKeys } from '../../activities/adapters/key-changes.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import type { Signer } from '../../policies/signer.ts';
import { publishRoots, type DeskPorts } from '../../fleet/desk/index.ts';

export interface TestKeys extends FileKeys {
  readonly sealing: NonNullable<DeskPorts['sealing']>;
  /** The first root key, for robots that pin one. */
  readonly pinnedPem: string;
  /** The newest root document. */
  readonly rootDocument: string;
}

/** Keys in a new folder, as `flywheel keys init` makes them; their root is published where a store is given. */
export async function openTestKeys(directory: string, store?: ObjectStore, clock = Date.now): Promise<TestKeys> {
  initKeys(directory, { nowMs: clock() });
  const keys = openFileKeys(directory);
  const { signer, orders } = keys;
  if (orders === undefined) throw new Error('expected keys with a root');
  if (store !== undefined) await publishRoots(store, keys.roots());
  return {
    ...keys,
    sealing: {
      clock,
      signer,
      orders,
      onUnsealed(why) {
        throw new Error(`expected orders to be signed: ${why}`);
      },
    },
    pinnedPem: pemOf(keys.pinnedKey()),
    get rootDocument() {
      return JSON.stringify(keys.roots().at(-1)?.envelope);
    },
  };
}

/** The signer of the keys in a folder, made when it has none. */
export function testSigner(directory: string): Signer {
  if (!existsSync(directory) || readdirSync(directory).length === 0) initKeys(directory, { nowMs: Date.now() });
  return openFileKeys(directory).signer;
}

export const pemOf = (publicKey: string): string =>
  createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' })
    .export({ type: 'spki', format: 'pem' })
    .toString();
