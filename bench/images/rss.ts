import { readFileSync } from 'node:fs';

const sampleEveryMs = 50;

/** The most memory that this process and those it started held at a time, bytes, while `work` ran; 0 where the system does not tell. */
export async function peakRssOf(work: () => Promise<void>): Promise<number> {
  let peak = 0;
  const sample = (): void => {
    peak = Math.max(peak, treeRss(process.pid));
  };
  const timer = setInterval(sample, sampleEveryMs);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  sample();
  return peak;
}

function treeRss(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    const own = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
    return children === '' ? own : children.split(' ').reduce((sum, child) => sum + treeRss(Number(child)), own);
  } catch {
    return 0;
  }
}
