import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** Folder of the Python client. */
export const pythonClient = path.join(root, 'clients/python');
export const agentCommand = [process.execPath, path.join(root, 'cli/start.mjs')];

/** Runs a Python and fails with all it said unless it succeeds; returns what it said. */
export async function succeeds(
  python: string,
  args: readonly string[],
  { cwd = pythonClient, env = {} }: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<string> {
  const child = spawn(python, args, {
    cwd,
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (said += bytes.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  assert.equal(code, 0, said);
  return said;
}

export const unittests = (pattern: string): readonly string[] => [
  '-m',
  'unittest',
  'discover',
  '-s',
  'tests',
  '-p',
  pattern,
];
