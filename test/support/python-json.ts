import { execFile, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Runs a script of test/support/python and gives the JSON value it prints. */
export async function pythonJson(
  python: string,
  script: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  const path = join(import.meta.dirname, 'python', script);
  const { stdout } = await run(python, [path, ...args], { env: { ...process.env, ...env }, maxBuffer: 2 ** 26 });
  return JSON.parse(stdout);
}

/** A script of test/support/python that answers each line of JSON with one. */
export interface PythonLines {
  /** Fails with what it wrote to stderr when it ends instead. */
  ask(question: unknown): Promise<unknown>;
  close(): void;
}

export function openPythonLines(python: string, script: string): PythonLines {
  const child = spawn(python, [join(import.meta.dirname, 'python', script)], { stdio: 'pipe' });
  let said = '';
  child.stderr.on('data', (bytes: Buffer) => (said += bytes.toString()));
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async ask(question) {
      child.stdin.write(`${JSON.stringify(question)}\n`);
      const { value, done } = await answers.next();
      if (done === true) throw new Error(`${script} ended: ${said}`);
      return JSON.parse(value) as unknown;
    },
    close: () => child.stdin.end(),
  };
}
