import { setTimeout as sleep } from 'node:timers/promises';

import type { Clock } from '../store/clock.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { verifyAudit, type ChainVerdict } from '../store/records/audit-chain.ts';

/** Not oftener than this is the whole log read. */
const everyMs = 60_000;
/** So long a question waits for it. */
const waitMs = 1_000;

export interface CheckedChain extends ChainVerdict {
  readonly checkedAtMs: number;
}

/** Checks the hash chain of the audit log from its first entry, once a minute at most while somebody asks, one check at a time. */
export class ChainCheck {
  readonly #ports: { readonly store: ObjectStore; readonly clock: Clock; readonly monotonicMs: () => number };
  #last: CheckedChain | undefined;
  #lastMs = 0;
  #checking: Promise<void> | undefined;

  constructor(ports: { readonly store: ObjectStore; readonly clock: Clock; readonly monotonicMs: () => number }) {
    this.#ports = ports;
  }

  /** The last verdict; null: the first check is not done. A check that fails tells nothing: the one before stands with its time. */
  async ask(): Promise<CheckedChain | null> {
    if (this.#last === undefined || this.#ports.monotonicMs() - this.#lastMs > everyMs) {
      this.#checking ??= this.#check().finally(() => (this.#checking = undefined));
      await Promise.race([this.#checking, sleep(waitMs, undefined, { ref: false })]);
    }
    return this.#last ?? null;
  }

  async #check(): Promise<void> {
    const { store, clock, monotonicMs } = this.#ports;
    const startedAtMs = clock();
    try {
      this.#last = { ...(await verifyAudit(store)), checkedAtMs: startedAtMs };
      this.#lastMs = monotonicMs();
    } catch {
      // The store did not answer: the entries themselves are not read either then, and that is said.
    }
  }
}
