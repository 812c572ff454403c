// Preloaded (`node --import`): the process is killed (SIGKILL) at one of its changes of files below a folder, an odd one before it is
// done, an even one after. Settings: TEST_DIE_ROOT, the folder; TEST_DIE_AT, number of the change, or 0.
import files from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

const root = process.env['TEST_DIE_ROOT'] ?? '';
const diesAt = Number(process.env['TEST_DIE_AT'] ?? 0);
let changes = 0;

export const changesSoFar = (): number => changes;

/** Never comes back from the change that the process dies at. */
async function die(change: number, isDone: boolean): Promise<void> {
  if (change !== diesAt || (change % 2 === 0) !== isDone) return;
  process.kill(process.pid, 'SIGKILL');
  await new Promise(() => undefined);
}

for (const name of ['rename', 'link', 'unlink'] as const) {
  const real = files[name] as (...paths: readonly unknown[]) => Promise<void>;
  const counted = async (...paths: readonly unknown[]): Promise<void> => {
    if (!paths.some((path) => String(path).startsWith(root))) return real(...paths);
    const change = (changes += 1);
    await die(change, false);
    await real(...paths);
    await die(change, true);
  };
  Object.assign(files, { [name]: counted });
}
syncBuiltinESMExports();
