import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Clock } from '../../store/clock.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { fleetKeys, telemetryHour } from '../desk/keys.ts';
import type { TelemetryBatch } from '../desk/telemetry-log.ts';
import { ByteBudget } from './robot-limits.ts';

export interface TelemetryCommitterOptions {
  readonly store: ObjectStore;
  readonly clock: Clock;
  /** A batch waits at most this long for others to share its object. */
  readonly commitMs: number;
  /** An object this large is written at once. */
  readonly commitBytes: number;
  /** What may wait in memory; more is refused. */
  readonly maxPendingBytes: number;
}

interface Group {
  readonly lines: string[];
  sizeBytes: number;
  readonly committed: Promise<void>;
  readonly start: () => void;
}

/** Groups the batches of many robots into one object, so that the number of writes does not grow with the fleet. */
export class TelemetryCommitter {
  readonly #options: TelemetryCommitterOptions;
  readonly #budget: ByteBudget;
  readonly #groups = new Map<string, Group>();

  constructor(options: TelemetryCommitterOptions) {
    this.#options = options;
    this.#budget = new ByteBudget(options.maxPendingBytes);
  }

  get pendingBytes(): number {
    return this.#budget.heldBytes;
  }

  /** Resolves once the batch is stored for good; fails when the store did, for the robot to send it again. */
  async add(policy: string, line: TelemetryBatch): Promise<void> {
    const text = `${JSON.stringify(line)}\n`;
    const sizeBytes = Buffer.byteLength(text);
    const giveBack = this.#budget.take(sizeBytes);
    try {
      const group = this.#groups.get(policy) ?? this.#open(policy);
      group.lines.push(text);
      group.sizeBytes += sizeBytes;
      if (group.sizeBytes >= this.#options.commitBytes) group.start();
      await group.committed;
    } finally {
      giveBack();
    }
  }

  /** Writes what waits without waiting for more. */
  async flush(): Promise<void> {
    const groups = [...this.#groups.values()];
    for (const group of groups) group.start();
    await Promise.allSettled(groups.map(({ committed }) => committed));
  }

  #open(policy: string): Group {
    const overflow = new AbortController();
    const started = sleep(this.#options.commitMs, undefined, { signal: overflow.signal }).catch(() => undefined);
    const committed = started.then(() => this.#commit(policy));
    const group = { lines: [], sizeBytes: 0, committed, start: () => overflow.abort() };
    this.#groups.set(policy, group);
    return group;
  }

  async #commit(policy: string): Promise<void> {
    const lines = this.#groups.get(policy)?.lines ?? [];
    this.#groups.delete(policy);
    const bytes = Buffer.from(lines.join(''));
    const digest = createHash('sha256').update(bytes).digest('hex');
    const hour = telemetryHour(this.#options.clock());
    await this.#options.store.putIfAbsent(`${fleetKeys.telemetryHour(policy, hour)}/${digest}`, bytes);
  }
}
