import { isFailure } from '../../store/failures.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { readSignedManifest } from '../../store/records/manifests.ts';
import type { Signer } from '../../policies/signer.ts';
import type { Seal } from '../protocol/index.ts';
import type { KnownVersion, OrderSheet, PlantedSheet } from './order-sheet.ts';
import { askedSheet } from './fit-sheet.ts';
import { readSheet, writeSheet } from './seal-store.ts';

/** The order sheets that seals name. The last one of each policy is kept in memory. */
export class SealedSheets {
  readonly #ports: { readonly store: ObjectStore; readonly signer: Signer };
  readonly #last = new Map<string, { readonly root: string; readonly planted: PlantedSheet }>();

  constructor(ports: { readonly store: ObjectStore; readonly signer: Signer }) {
    this.#ports = ports;
  }

  /** The sheet that the seal signs; undefined when the store has it no more. */
  async of({ policy, orders: root }: Seal): Promise<PlantedSheet | undefined> {
    const known = this.#last.get(policy);
    if (known?.root === root) return known.planted;
    const planted = await readSheet(this.#ports.store, policy, root);
    if (planted !== undefined) this.#last.set(policy, { root, planted });
    return planted;
  }

  /** Stores a sheet, under the root that its seal is to name. */
  async write(policy: string, sheet: OrderSheet): Promise<PlantedSheet> {
    const planted = await writeSheet(this.#ports.store, policy, sheet);
    this.#last.set(policy, { root: planted.tree.root, planted });
    return planted;
  }

  /** Looks versions up: what a signed sheet said of one holds; the registry is asked for others. */
  versions(policy: string, before: PlantedSheet | undefined): (version: string) => Promise<KnownVersion | undefined> {
    const known = new Map<string, KnownVersion>();
    const orders = before === undefined ? [] : askedSheet(before.sheet).orders;
    for (const { model, champion, baseline, robotType } of orders)
      for (const reference of [model, champion, baseline])
        if (reference !== null && !known.has(reference.version)) known.set(reference.version, { reference, robotType });
    // Versions of one sheet may be made for several robot types: an order names the one of its model.
    for (const { model, robotType } of orders) known.set(model.version, { reference: model, robotType });
    return async (version) => {
      const found = known.get(version) ?? (await this.#registered(policy, version));
      if (found !== undefined) known.set(version, found);
      return found;
    };
  }

  async #registered(policy: string, version: string): Promise<KnownVersion | undefined> {
    try {
      const { manifest, signature } = await readSignedManifest(this.#ports, policy, version);
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
}
