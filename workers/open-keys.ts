import { openFileKeys, type FileKeys } from '../activities/adapters/file-signer.ts';
import { failure } from '../store/failures.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { Signer } from '../policies/signer.ts';
import { publishRoots } from '../fleet/desk/index.ts';

/** The installation's keys, their roots where gateways find them. Makes none: without keys it says what to run. */
export async function openKeys(
  directory: string,
  store: ObjectStore,
  warn: (sentence: string) => void,
): Promise<FileKeys> {
  const keys = openFileKeys(directory);
  if (keys.orders === undefined)
    warn(`orders go out unsigned: ${directory} holds one key of an older version; see \`flywheel keys upgrade\``);
  else await publishRoots(store, keys.roots());
  return keys;
}

const noKeys = (): never => {
  throw failure('KeysUnavailable', 'expected a worker of the fleet queue, which has the keys, got one of other queues');
};

/** For workers that sign nothing and judge no signature. */
export const keylessSigner: Signer = {
  get publicKeyId() {
    return noKeys();
  },
  rootVersion: 0,
  sign: noKeys,
  trusts: noKeys,
};
