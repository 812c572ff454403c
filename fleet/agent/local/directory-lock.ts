import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';

/** Folders that agents of this process hold. */
const held = new Set<string>();

/**
 * Makes sure that one agent at most writes a folder: two would tear each other's records. The lock of a dead process, or of
 * another boot of the machine, is taken over. Returns what releases it.
 */
export function lockDirectory(directory: string, machineBootId: string): () => void {
  const file = path.join(directory, 'agent.lock');
  const holder = held.has(file) ? process.pid : livingHolder(file, machineBootId);
  if (holder !== undefined)
    throw new Error(`expected a folder that no agent uses, got one of process ${holder} [directory=${directory}]`);
  rmSync(file, { force: true });
  const descriptor = openSync(file, 'wx');
  writeSync(descriptor, `${process.pid} ${machineBootId}\n`);
  closeSync(descriptor);
  held.add(file);
  return () => {
    held.delete(file);
    rmSync(file, { force: true });
  };
}

function livingHolder(file: string, machineBootId: string): number | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
  const [pid, bootId] = text.trim().split(' ');
  const holder = Number(pid);
  if (bootId !== machineBootId || !Number.isInteger(holder) || holder <= 0 || holder === process.pid) return undefined;
  try {
    process.kill(holder, 0);
    return holder;
  } catch {
    return undefined;
  }
}
