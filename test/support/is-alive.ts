import { spawnSync } from 'node:child_process';

/** Whether a process runs; one that ended, and whom nobody asked how yet, does not. */
export function isAlive(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
  const state = stdout.trim();
  return state !== '' && !state.startsWith('Z');
}
