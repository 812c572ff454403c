import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const skipped = new Set(['node_modules', '.git', '.flywheel', 'dist', '.venv']);
const rooms = [
  'activities',
  'bench',
  'cli',
  'datasets',
  'domain',
  'fleet',
  'policies',
  'test',
  'tools',
  'workers',
  'workflows',
] as const;

/** Which rooms a room may import from; `types` only as types. Adapters, the outermost ring of activities, stand apart. */
const allowed: Readonly<Record<string, { values: readonly string[]; types: readonly string[] }>> = {
  domain: { values: ['domain'], types: [] },
  datasets: { values: ['datasets', 'domain'], types: [] },
  policies: { values: ['policies', 'datasets', 'domain'], types: [] },
  activities: { values: ['activities', 'policies', 'datasets', 'domain'], types: [] },
  workflows: { values: ['workflows', 'domain'], types: ['datasets', 'activities'] },
  'fleet/protocol': { values: ['fleet/protocol', 'datasets', 'domain', 'policies'], types: [] },
  'fleet/agent': { values: ['fleet/agent', 'fleet/protocol', 'datasets', 'domain', 'policies'], types: [] },
  'fleet/desk': {
    values: ['fleet/desk', 'fleet/protocol', 'activities', 'adapters', 'datasets', 'domain', 'policies'],
    types: [],
  },
};

interface Import {
  readonly file: string;
  readonly target: string;
  readonly typeOnly: boolean;
}

function sources(folder: string): string[] {
  return readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = path.posix.join(folder, entry.name);
    if (entry.isDirectory()) return skipped.has(entry.name) ? [] : sources(name);
    return name.endsWith('.ts') && !name.endsWith('.d.ts') ? [name] : [];
  });
}

const textOf = (file: string): string => readFileSync(path.join(root, file), 'utf8');
/** The first folder, but adapters and the four parts of the fleet are rooms of their own. */
function roomOf(file: string): string {
  const [room = '', inner = ''] = file.split('/');
  if (file.startsWith('activities/adapters/')) return 'adapters';
  return room === 'fleet' ? `${room}/${inner}` : room;
}
const ours = rooms.flatMap((room) => (readdirSync(root).includes(room) ? sources(room) : []));

const importPattern =
  /^(?:import|export)\s+(type\s)?[^;]*?from\s+'([^']+)'|import\('([^']+)'\)|new URL\('([^']+\.ts)', import\.meta\.url\)/gm;

function importsOf(file: string): Import[] {
  return [...textOf(file).matchAll(importPattern)].map((match) => {
    const specifier = match[2] ?? match[3] ?? match[4] ?? '';
    const target =
      specifier.startsWith('.') || match[4] !== undefined
        ? path.posix.normalize(path.posix.join(path.posix.dirname(file), specifier))
        : specifier;
    return { file, target, typeOnly: match[1] !== undefined };
  });
}

describe('the tree', () => {
  const imports = ours.filter((file) => !file.startsWith('test/')).flatMap(importsOf);
  const local = imports.filter(({ target }) => ours.includes(target));

  it('imports inward only', () => {
    const wrong = local.filter(({ file, target, typeOnly }) => {
      const rule = allowed[roomOf(file)];
      const room = roomOf(target);
      return rule !== undefined && !rule.values.includes(room) && !(typeOnly && rule.types.includes(room));
    });
    assert.deepEqual(wrong, []);
  });

  it('has no files that import each other in a ring, types included', () => {
    const targetsOf = new Map<string, string[]>();
    for (const { file, target } of local)
      if (target !== file) targetsOf.set(file, [...(targetsOf.get(file) ?? []), target]);
    const done = new Set<string>();
    const walk = (file: string, way: readonly string[]): void => {
      const start = way.indexOf(file);
      if (start >= 0) assert.fail([...way.slice(start), file].join(' → '));
      if (done.has(file)) return;
      for (const target of targetsOf.get(file) ?? []) walk(target, [...way, file]);
      done.add(file);
    };
    for (const file of targetsOf.keys()) walk(file, []);
  });

  it('keeps each adapter to ports and one vendor', () => {
    for (const file of ours.filter((name) => roomOf(name) === 'adapters')) {
      const targets = importsOf(file).map(({ target }) => target);
      const vendors = new Set(targets.filter((target) => !ours.includes(target) && !target.startsWith('node:')));
      assert.ok(vendors.size <= 1, `${file} talks to ${[...vendors].join(' and ')}`);
    }
  });

  it('keeps clock, randomness and Node out of domain and workflows', () => {
    const banned = /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bprocess\.|from 'node:/;
    // The one file in which workflows read the clock of their sandbox.
    for (const file of ours.filter((name) => /^(domain|workflows)\//.test(name) && name !== 'workflows/now.ts'))
      assert.doesNotMatch(textOf(file), banned, file);
  });

  it('names nothing from outside in a plain object: dictionaries come from one place', () => {
    const literals = /\bRecord<[^=;]*> = \{\}|\?\?= \{\}|\breduce\([^;]*, \{\}\)/;
    const records = /\bz\.record\((?!z\.string\(\), z\.unknown\(\)\))/;
    const judged = /^(domain|activities\/(trials|monitor|collection)|fleet\/desk)\//;
    const found = ours
      .filter((file) => /^(domain|datasets|policies|activities|workflows|fleet)\//.test(file))
      .flatMap((file) =>
        [literals, records, ...(judged.test(file) ? [/\bObject\.fromEntries\(/] : [])].flatMap((banned) => {
          const match = banned.exec(textOf(file))?.[0];
          return match === undefined ? [] : [`${file}: ${match}: expected dictionary() or dictionarySchema()`];
        }),
      );
    assert.deepEqual(found, []);
  });

  it('keeps the schema library out of workflow code, where every cached workflow pays for it', () => {
    assert.deepEqual(
      imports.filter(({ file, target }) => file.startsWith('workflows/') && target === 'zod'),
      [],
    );
  });

  it('exports workflow functions only from workflows/index.ts', () => {
    for (const line of textOf('workflows/index.ts').trim().split('\n'))
      assert.match(line, /^export \{ \w+ \} from '\.\/[a-z-]+\.ts';$/);
  });

  it('leaves no file that nothing reaches', () => {
    const entries = /(^|\/)(main|index)\.ts$|^(tools|bench)\/[a-z-]+\.ts$|\.test\.ts$/;
    const reached = new Set(ours.flatMap(importsOf).map(({ target }) => target));
    const orphans = ours.filter((file) => !file.startsWith('test/') && !entries.test(file) && !reached.has(file));
    assert.deepEqual(orphans, []);
  });

  it('says on the first line why a file is long (lines of code, comments not counted)', () => {
    const limits: readonly (readonly [RegExp, number])[] = [
      [/^domain\//, 150],
      [/^workflows\//, 220],
      [/^activities\/adapters\//, 200],
      [/^(?!test\/|bench\/)/, 250],
    ];
    const long = ours.filter((file) => {
      const [first = '', ...others] = textOf(file).split('\n');
      const lines = [first, ...others].filter((line) => !/^\s*($|\/\/|\/?\*)/.test(line));
      const limit = limits.find(([pattern]) => pattern.test(file))?.[1] ?? Number.POSITIVE_INFINITY;
      return lines.length > limit && !/^(\/\/|\/\*\*?) .*\blong\b/i.test(textOf(file).split('\n', 1)[0] ?? '');
    });
    assert.deepEqual(long, []);
  });
});
