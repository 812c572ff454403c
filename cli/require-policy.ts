import { stat } from 'node:fs/promises';

import type { ObjectStore } from '../activities/ports.ts';
import { readPolicyDocument, type PolicyDocument } from '../activities/registry/policy-document.ts';
import type { Settings } from '../workers/config.ts';
import { CommandError } from './exit-codes.ts';

/** The document of a policy that exists. Tells a store that is not there from a policy that is not. */
export async function requirePolicy(
  { store, settings }: { readonly store: ObjectStore; readonly settings: Settings },
  policy: string,
): Promise<PolicyDocument> {
  await requireStore(settings);
  return readPolicyDocument(store, policy);
}

/** A folder that does not exist is no store: whoever only reads makes none. */
export async function requireStore({ store }: Settings): Promise<void> {
  if (store.kind !== 'file') return;
  const found = await stat(store.directory).catch(() => undefined);
  if (found?.isDirectory() !== true)
    throw new CommandError(
      'missing',
      `expected a store in ${store.directory}, there is none; FLYWHEEL_STORE says where`,
    );
}
