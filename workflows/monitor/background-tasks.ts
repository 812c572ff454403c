import { isCancellation, log, rootCause } from '@temporalio/workflow';

/** Work beside a loop that must not wait for it: each kind once at a time; a failure is noted and tried again by the caller. */
export class BackgroundTasks {
  readonly #running = new Set<string>();

  /** True while any of them runs: no time for continue-as-new. */
  get areRunning(): boolean {
    return this.#running.size > 0;
  }

  start(name: string, work: () => Promise<void>): void {
    if (this.#running.has(name)) return;
    this.#running.add(name);
    void work()
      .catch((error: unknown) => {
        if (!isCancellation(error)) log.warn(`${name} failed`, { reason: rootCause(error) ?? String(error) });
      })
      .finally(() => this.#running.delete(name));
  }
}
