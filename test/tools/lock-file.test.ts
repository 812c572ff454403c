import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

interface Entry {
  readonly integrity?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}
const { packages } = JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8')) as {
  packages: Record<string, Entry>;
};

describe('the lock file', () => {
  it('has the sha512 of every package, those of other systems too', () => {
    const bare = Object.entries(packages).filter(
      ([path, { integrity }]) => path !== '' && !/^sha512-.{88}$/.test(integrity ?? ''),
    );
    assert.deepEqual(
      bare.map(([path]) => path),
      [],
    );
    assert.ok(Object.keys(packages).length > 500);
  });

  it('has every optional package that a package names', () => {
    for (const [path, { optionalDependencies = {} }] of Object.entries(packages))
      for (const name of Object.keys(optionalDependencies))
        assert.ok(
          packages[`node_modules/${name}`] ?? packages[`${path}/node_modules/${name}`],
          `${path} wants ${name}; run npm run lock`,
        );
  });
});
