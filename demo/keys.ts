import { existsSync } from 'node:fs';
import path from 'node:path';

import { initKeys, upgradeKeys } from '../activities/adapters/key-changes.ts';

/** The development stack's own step for what `flywheel keys init` and `flywheel keys upgrade` do elsewhere; says what it made. */
export function ensureDevKeys(directory: string, say: (line: string) => void): void {
  if (existsSync(path.join(directory, 'roots'))) return;
  const isOld = existsSync(path.join(directory, 'signing-key.pem'));
  if (isOld) upgradeKeys(directory, Date.now());
  else initKeys(directory, { nowMs: Date.now() });
  say(
    `${isOld ? 'Gave the key in' : 'Made keys in'} ${directory}${isOld ? ' a root document and an order key' : ''}: root, release and order key, for this stack only.`,
  );
}
