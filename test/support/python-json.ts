import { execFile } from 'node:child_process';
import { join } from 'node:path';
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
