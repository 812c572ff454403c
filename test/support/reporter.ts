import path from 'node:path';

import Mocha from 'mocha';

/** A run this short says nothing about its time. */
const longMs = 60_000;
const shown = 15;

/**
 * Mocha's spec reporter; after a long run the files that took most of its time, hooks included; and a last line for programs:
 * `12 passed, 0 failed, 0 skipped`.
 */
export default class ClosingLineReporter extends Mocha.reporters.Spec {
  readonly #startedMs = performance.now();
  readonly #msByFile = new Map<string, number>();
  readonly #begunMs = new Map<Mocha.Suite, number>();

  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    const { EVENT_SUITE_BEGIN, EVENT_SUITE_END, EVENT_RUN_END } = Mocha.Runner.constants;
    const isOfFile = ({ parent }: Mocha.Suite): boolean => parent?.root === true;
    runner.on(EVENT_SUITE_BEGIN, (suite) => {
      if (isOfFile(suite)) this.#begunMs.set(suite, performance.now());
    });
    runner.on(EVENT_SUITE_END, (suite) => {
      const begunMs = this.#begunMs.get(suite);
      if (begunMs === undefined || suite.file === undefined) return;
      this.#msByFile.set(suite.file, (this.#msByFile.get(suite.file) ?? 0) + performance.now() - begunMs);
    });
    runner.once(EVENT_RUN_END, () => {
      const { passes, failures, pending } = this.stats;
      process.stdout.write(`${this.#slowest()}${passes} passed, ${failures} failed, ${pending} skipped\n`);
    });
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
