import { failure } from '../../store/failures.ts';
import { jsonBytes, readJson } from '../../store/json-objects.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { canonicalJson } from '../../domain/canonical-json.ts';
import { envelopeSchema, type Envelope } from '../../domain/trust/signed.ts';
import { fleetKeys, logKey } from './keys.ts';

/**
 * Puts root documents where gateways find them: `trust/roots/<number>.json`. Safe to repeat; `Conflict` when another document
 * stands under a number, which only somebody without the keys can have written.
 */
export async function publishRoots(
  store: ObjectStore,
  roots: readonly { readonly root: { readonly version: number }; readonly envelope: Envelope }[],
): Promise<void> {
  for (const { root, envelope } of roots) {
    const key = logKey(fleetKeys.roots, root.version);
    if ((await store.putIfAbsent(key, jsonBytes(envelope))) === 'created') continue;
    const standing = await readJson(store, key, envelopeSchema);
    if (canonicalJson(standing?.signed) !== canonicalJson(envelope.signed))
      throw failure('Conflict', `expected root ${root.version} of these keys in the store, got another`, {
        coordinates: { key },
      });
  }
}
