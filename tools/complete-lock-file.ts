import { readFileSync, writeFileSync } from 'node:fs';

interface LockEntry {
  readonly version?: string;
  readonly dev?: boolean;
  readonly cpu?: readonly string[];
  readonly os?: readonly string[];
  readonly libc?: readonly string[];
  readonly optional?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}
interface LockFile {
  readonly packages: Record<string, LockEntry>;
}

const systems = ['darwin', 'linux', 'win32', 'android', 'freebsd', 'openharmony'];
const processors = ['arm64', 'x64', 'ppc64', 's390x', 'ia32', 'riscv64', 'arm', 'loong64', 'mips64el', 'wasm32'];

/**
 * Run after `npm install`: adds to package-lock.json the optional binaries of other systems that a registry mirror did
 * not list, by name and exact version. `npm ci` refuses a lock file without them ("Missing: … from lock file").
 */
function main(): void {
  const file = new URL('../package-lock.json', import.meta.url);
  const lock = JSON.parse(readFileSync(file, 'utf8')) as LockFile;
  const { packages } = lock;
  let added = 0;
  for (const [path, entry] of Object.entries(packages))
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      if (isThere(packages, path, name)) continue;
      packages[`node_modules/${name}`] = entryOf(name, version, entry);
      added += 1;
    }
  const sorted = Object.fromEntries(Object.entries(packages).toSorted(([a], [b]) => a.localeCompare(b, 'en')));
  writeFileSync(file, `${JSON.stringify({ ...lock, packages: sorted }, undefined, 2)}\n`);
  process.stdout.write(`package-lock.json: ${added} optional packages of other systems added\n`);
}

/** Looks where Node would: in the package's own node_modules, then in those of the folders above it. */
function isThere(packages: LockFile['packages'], path: string, name: string): boolean {
  for (let at = path; ; at = at.includes('/node_modules/') ? at.slice(0, at.lastIndexOf('/node_modules/')) : '') {
    if (packages[`${at === '' ? '' : `${at}/`}node_modules/${name}`] !== undefined) return true;
    if (at === '') return false;
  }
}

function entryOf(name: string, version: string, parent: LockEntry): LockEntry {
  const words = (name.split('/').at(-1) ?? name).split('-');
  const os = systems.filter((system) => words.includes(system));
  const libc = os.includes('linux') ? words.filter((word) => /^(gnu|musl)/.test(word)) : [];
  return {
    version,
    cpu: processors.filter((processor) => words.includes(processor)),
    ...(parent.dev === true ? { dev: true } : {}),
    ...(libc.length === 0 ? {} : { libc: libc.map((word) => (word.startsWith('musl') ? 'musl' : 'glibc')) }),
    optional: true,
    os,
  };
}

main();
