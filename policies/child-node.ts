import { execFileSync } from 'node:child_process';

let reserved: number | undefined;
const kibibyte = 1024;

/**
 * Bytes of data that a Node.js process has reserved before it does anything, as the limit on data (RLIMIT_DATA) counts them: 50 MB up
 * to Node.js 20, 570 MB from 22 on, where the engine sets address space aside for compiled code. What a program may use has to
 * be added to it. Measured once a process, by starting one; 0 where the system does not tell (the limit does not hold there).
 */
export function reservedDataBytes(): number {
  reserved ??= measureReserved();
  return reserved;
}

function measureReserved(): number {
  const script = `process.stdout.write(require('node:fs').readFileSync('/proc/self/status', 'utf8'))`;
  try {
    const status = execFileSync(process.execPath, ['-e', script], { encoding: 'utf8', env: {}, timeout: 30_000 });
    return Number(/^VmData:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * kibibyte;
  } catch {
    return 0;
  }
}
