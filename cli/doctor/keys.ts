import { existsSync } from 'node:fs';
import path from 'node:path';

import { readKey, readOldKey, rootsIn, type KeyKind } from '../../activities/adapters/key-folder.ts';
import { currentOrderKey, currentReleaseKey, type ReleaseKey, type Root } from '../../domain/trust/root.ts';
import { fleetKeys, logKey } from '../../fleet/desk/keys.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { ok, problem, warning, type Check, type Found } from './finding.ts';

const dayMs = 24 * 3_600_000;
const soonMs = 30 * dayMs;

/** The keys of this machine: there, a valid root document, signing keys that have not expired, the same root in the store. */
export const keysCheck = (directory: string, store: () => Promise<ObjectStore>, nowMs: number): Check => ({
  name: 'keys',
  expected: 'keys and root documents that can be read',
  mend: '`flywheel keys show`; restore the key folder from its backup',
  async look() {
    const root = existsSync(directory) ? rootsIn(directory).at(-1)?.root : undefined;
    if (root === undefined) return [withoutRoot(directory)];
    return [
      ok(`root ${root.version} in ${directory}, signed by enough of its own keys`),
      keyFound(directory, 'release', currentReleaseKey(root), nowMs),
      keyFound(directory, 'order', currentOrderKey(root), nowMs),
      ...(await published(directory, root, store)),
    ];
  },
});

function withoutRoot(directory: string): Found {
  const hasOld = existsSync(path.join(directory, 'signing-key.pem')) && readOldKey(directory) !== undefined;
  if (hasOld)
    return warning(
      `one key of an earlier version in ${directory}: orders go out unsigned`,
      'root, release and order keys',
      '`flywheel keys upgrade`',
    );
  return problem(
    `no keys in ${directory}`,
    'root, release and order keys',
    '`flywheel keys init` for a new installation; else copy the key folder here, or set FLYWHEEL_KEYS',
  );
}

function keyFound(directory: string, kind: KeyKind, key: ReleaseKey | undefined, nowMs: number): Found {
  const rotate = `\`flywheel keys rotate ${kind}\``;
  if (key === undefined) return problem(`no valid ${kind} key`, `one ${kind} key that signs`, rotate);
  const { keyId, notAfterMs } = key;
  const named = `${kind} key ${keyId}`;
  const until = new Date(notAfterMs).toISOString().slice(0, 10);
  if (notAfterMs < nowMs) return problem(`${named} expired on ${until}`, 'a key that has not expired', rotate);
  if (readKey(directory, kind, keyId) === undefined)
    return warning(
      `the private half of ${named} is not on this machine`,
      'it here, if workers run here or commands sign here',
      `copy it here, or \`flywheel keys lost ${kind}\` if nobody has it`,
    );
  const daysLeft = Math.floor((notAfterMs - nowMs) / dayMs);
  return notAfterMs - nowMs < soonMs
    ? warning(`${named} expires on ${until}, in ${daysLeft} days`, 'at least 30 days', rotate)
    : ok(`${named}, until ${until}`);
}

/** Gateways hand out the roots of the store: an older one there makes robots refuse what the newer keys sign. */
async function published(directory: string, root: Root, store: () => Promise<ObjectStore>): Promise<readonly Found[]> {
  const opened = await store().catch(() => undefined);
  if (opened === undefined) return [];
  const [own, next] = await Promise.all(
    [root.version, root.version + 1].map((version) => opened.get(logKey(fleetKeys.roots, version))),
  );
  if (own === undefined)
    return [
      problem(
        `root ${root.version} is not in the store`,
        'the newest root where gateways read it',
        `\`flywheel keys publish ${path.join(directory, 'roots', `${root.version}.json`)}\``,
      ),
    ];
  return next === undefined
    ? []
    : [
        warning(
          `the store has root ${root.version + 1}, newer than this machine's`,
          'the newest root on this machine',
          'copy the newest file of `roots` from the machine that rotated the keys',
        ),
      ];
}
