import path from 'node:path';

import Mocha from 'mocha';

/** A run this short says nothing about its time. */
const longMs = 60_000;
const shown = 15;

/**
 * Mocha's spec reporter; after a long run the files that took most of its time, hooks included; and a last line for programs:
 * `12 passed, 0 failed, 0 skipped`. Times are what tests and hooks say themselves: with `--parallel` their events come all at once, when
 * a file has ended.
 */
export default class ClosingLineReporter extends Mocha.reporters.Spec {
  readonly #startedMs = performance.now();
  readonly #msByFile = new Map<string, number>();

  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    const { EVENT_TEST_END, EVENT_HOOK_END, EVENT_RUN_END } = Mocha.Runner.constants;
    for (const event of [EVENT_TEST_END, EVENT_HOOK_END])
      runner.on(event as typeof EVENT_TEST_END, ({ file, duration }) => this.#add(file, duration));
    runner.once(EVENT_RUN_END, () => {
      const { passes, failures, pending } = this.stats;
      process.stdout.write(`${this.#slowest()}${passes} passed, ${failures} failed, ${pending} skipped\n`);
    });
  }

  #add(file: string | undefined, durationMs: number | undefined): void {
    if (file === undefined || durationMs === undefined) return;
    this.#msByFile.set(file, (this.#msByFile.get(file) ?? 0) + durationMs);
  }

  #slowest(): string {
    const totalMs = performance.now() - this.#startedMs;
    if (totalMs < longMs || this.#msByFile.size < 2) return '';
    const files = [...this.#msByFile].toSorted(([, one], [, other]) => other - one).slice(0, shown);
    const lines = files.map(
      ([file, ms]) => `${(ms / 1_000).toFixed(0).padStart(5)} s  ${path.relative(process.cwd(), file)}`,
    );
    return `Of ${(totalMs / 1_000).toFixed(0)} s most went to:\n${lines.join('\n')}\n`;
  }
}
