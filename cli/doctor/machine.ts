import { existsSync, readFileSync, statfsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Settings } from '../../workers/config.ts';
import { unknownSettings } from '../../workers/known-settings.ts';
import type { FoundSettings } from '../find-settings.ts';
import { ok, problem, warning, type Check, type Found } from './finding.ts';

const gib = 2 ** 30;
const leastFreeBytes = gib;
const wantedFreeBytes = 5 * gib;

/** The settings in use; with `refused`, why they cannot be read. */
export const settingsCheck = (
  environment: Readonly<Record<string, string | undefined>>,
  found: FoundSettings | undefined,
  refused: string | undefined,
): Check => ({
  name: 'settings',
  expected: 'settings that can be read',
  mend: 'see the table of settings in docs/operations.md',
  look() {
    const unknown = unknownSettings(environment).map((sentence) =>
      problem(
        sentence,
        'settings that some process reads',
        `unset ${sentence.split(':')[0] ?? ''}, or correct its name (docs/operations.md)`,
      ),
    );
    if (refused !== undefined)
      return [...unknown, problem(refused, 'settings that can be read', 'correct the setting (docs/operations.md)')];
    const aside = found?.leftAside;
    const leftAside =
      aside === undefined
        ? []
        : [warning(aside, 'environment and context file of one installation', '`flywheel context` shows both')];
    const from = found?.file === undefined ? 'the environment and defaults' : `the environment and ${found.file}`;
    return [...unknown, ...leftAside, ok(`from ${from}`)];
  },
});

export const nodeCheck = (version: string = process.versions.node): Check => ({
  name: 'Node.js',
  expected: 'a version number',
  mend: 'install the version that .nvmrc names',
  look() {
    const { least, recommended } = wantedNode();
    const expected = `${least} or newer; tested with ${recommended}`;
    const mend = `install Node.js ${recommended}, e.g. \`nvm install ${recommended}\``;
    if (isBefore(version, least)) return [problem(version, expected, mend)];
    const major = Number(version.split('.')[0]);
    return [
      major > Number(recommended) || major % 2 === 1
        ? warning(`${version}, with which nothing was tested`, expected, mend)
        : ok(version),
    ];
  },
});

const fileOfOurs = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../../${name}`, import.meta.url)), 'utf8');

function wantedNode(): { readonly least: string; readonly recommended: string } {
  const { engines } = JSON.parse(fileOfOurs('package.json')) as { engines: { node: string } };
  return { least: engines.node.replace('>=', ''), recommended: fileOfOurs('.nvmrc').trim() };
}

/** By numbers between dots: 22.9 is before 22.18. */
export function isBefore(version: string, least: string): boolean {
  const [a, b] = [version, least].map((text) => text.split('.').map(Number));
  for (let place = 0; place < (b?.length ?? 0); place += 1)
    if ((a?.[place] ?? 0) !== (b?.[place] ?? 0)) return (a?.[place] ?? 0) < (b?.[place] ?? 0);
  return false;
}

const freeBytesOf = (folder: string): number => {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
};

export function diskChecks(
  { store, scratchDirectory }: Pick<Settings, 'store' | 'scratchDirectory'>,
  freeBytes: (folder: string) => number = freeBytesOf,
): readonly Check[] {
  const check = (what: string, folder: string): Check => ({
    name: `disk of ${what}`,
    expected: 'a folder on a disk that tells its free bytes',
    mend: `df -h ${folder}`,
    look: () => [spaceOf(folder, freeBytes(nearestFolder(folder)))],
  });
  return [...(store.kind === 'file' ? [check('the store', store.directory)] : []), check('scratch', scratchDirectory)];
}

function spaceOf(folder: string, freeBytes: number): Found {
  const found = `${(freeBytes / gib).toFixed(1)} GiB free at ${folder}`;
  const mend = '`flywheel data retention run --dry-run` shows what can go; or give it a larger disk';
  if (freeBytes < leastFreeBytes) return problem(found, 'at least 1 GiB', mend);
  return freeBytes < wantedFreeBytes ? warning(found, 'at least 5 GiB', mend) : ok(found);
}

/** What is made there later lies on the disk of the folder above. */
function nearestFolder(folder: string): string {
  let nearest = path.resolve(folder);
  while (!existsSync(nearest) && path.dirname(nearest) !== nearest) nearest = path.dirname(nearest);
  return nearest;
}
