import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

interface LockEntry {
  readonly integrity?: string;
  readonly link?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}
interface LockFile {
  readonly packages: Record<string, LockEntry>;
}

const file = new URL('../package-lock.json', import.meta.url);
const read = (): LockFile => JSON.parse(readFileSync(file, 'utf8')) as LockFile;

/**
 * Run after `npm install`: sees that package-lock.json has every optional binary of other systems (`npm ci` refuses one without:
 * "Missing: … from lock file") and the sha512 of every package. npm leaves out what is not installed here when it keeps an old
 * entry, so entries without a digest are dropped and npm resolves them anew; what is then still missing is an error.
 */
function main(): void {
  const lock = read();
  const wanting = wantingOf(lock.packages);
  if (wanting.length > 0) {
    const packages = Object.fromEntries(Object.entries(lock.packages).filter(([path]) => !wanting.includes(path)));
    writeFileSync(file, `${JSON.stringify({ ...lock, packages }, undefined, 2)}\n`);
    execFileSync('npm', ['install', '--package-lock-only', '--ignore-scripts'], { stdio: 'inherit' });
  }
  const left = wantingOf(read().packages);
  if (left.length > 0)
    throw new Error(
      `expected a digest of every package in package-lock.json, got none of ${left.join(', ')}; try again later`,
    );
  process.stdout.write(`package-lock.json: complete, ${wanting.length} packages resolved anew\n`);
}

/** Packages without a digest, and optional ones that are not there at all. */
function wantingOf(packages: LockFile['packages']): readonly string[] {
  const bare = Object.entries(packages).filter(
    ([path, { integrity, link }]) => path !== '' && link !== true && integrity === undefined,
  );
  const absent = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies)
      .filter((name) => !isThere(packages, path, name))
      .map((name) => `node_modules/${name}`),
  );
  return [...bare.map(([path]) => path), ...absent];
}

/** Looks where Node would: in the package's own node_modules, then in those of the folders above it. */
function isThere(packages: LockFile['packages'], path: string, name: string): boolean {
  for (let at = path; ; at = at.includes('/node_modules/') ? at.slice(0, at.lastIndexOf('/node_modules/')) : '') {
    if (packages[`${at === '' ? '' : `${at}/`}node_modules/${name}`] !== undefined) return true;
    if (at === '') return false;
  }
}

main();
