/** What is used of package-lock.json, version 3. */
export interface LockFile {
  readonly lockfileVersion: number;
  readonly packages: Readonly<Record<string, LockEntry>>;
}

interface LockEntry {
  readonly version?: string;
  readonly dev?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

interface About {
  readonly name: string;
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
}

/**
 * The part of a lock file that a package with these dependencies needs: every package at the version and digest that this project is
 * tested with. Packages in the tarball itself are marked as such, and have no dependencies beside each other.
 */
export function lockFor(lock: LockFile, about: About, bundled: readonly string[]): object {
  const packages: Record<string, unknown> = { '': about };
  const waiting: (readonly [from: string, name: string, isOptional: boolean])[] = Object.keys(about.dependencies).map(
    (name) => ['', name, false] as const,
  );
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [from, name, isOptional] = next;
    const place = placeOf(lock, from, name);
    if (place === undefined) {
      if (isOptional) continue;
      throw new Error(`expected ${name} in package-lock.json, got none`);
    }
    if (place in packages) continue;
    const { dev: _dev, ...entry } = lock.packages[place] ?? {};
    const isInBundle = bundled.includes(name);
    packages[place] = isInBundle ? { version: entry.version, inBundle: true } : entry;
    if (isInBundle) continue;
    for (const each of Object.keys(entry.dependencies ?? {})) waiting.push([place, each, false]);
    for (const each of Object.keys(entry.optionalDependencies ?? {})) waiting.push([place, each, true]);
  }
  const sorted = Object.fromEntries(Object.entries(packages).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  const { name, version } = about;
  return { name, version, lockfileVersion: lock.lockfileVersion, requires: true, packages: sorted };
}

/** Where Node finds a package from another: beside it, or in a folder above. */
function placeOf({ packages }: LockFile, from: string, name: string): string | undefined {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    const place = folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    if (packages[place] !== undefined) return place;
    if (folder === '') return undefined;
    if (!folder.includes('/node_modules/')) folder = '/node_modules/';
  }
}
