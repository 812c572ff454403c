import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { retentionClasses } from '../../domain/retention.ts';

const root = join(import.meta.dirname, '../..');
/** Rooms whose code writes to a store, or says under which keys. */
const rooms = [
  'activities',
  'acts',
  'cli',
  'console',
  'datasets',
  'domain',
  'fleet',
  'policies',
  'store',
  'workers',
  'workflows',
];
/** What else in the code has a slash behind its first word. */
const others: Readonly<Record<string, string>> = {
  version: 'keys of MLflow',
  runs: 'calls of MLflow',
  'registered-models': 'calls of MLflow',
  'model-versions': 'calls of MLflow',
  mix: 'metrics of MLflow',
  mirror: 'ids of workflows',
  loss: 'metrics of MLflow',
  gate: 'metrics of MLflow',
  experiments: 'calls of MLflow',
  evaluation: 'metrics of MLflow',
  application: 'media types',
  assets: 'files of the pages',
  checkpoints: 'below training-runs/',
  cm: 'units',
  collect: 'ids of workflows',
  cycle: 'ids of workflows',
  'cycle-turn': 'ids of workflows',
  data: 'files of an export',
  deg: 'units',
  drift: 'a name of a random stream',
  episodes: 'below erasures/',
  erase: 'ids of workflows',
  image: 'media types',
  video: 'media types',
  km: 'units',
  m: 'units',
  meta: 'files of an export',
  mm: 'units',
  'parquetjs-lite': 'a package',
  rad: 'units',
  rollback: 'ids of workflows',
  text: 'media types',
  train: 'ids of workflows',
  trial: 'ids of workflows',
  videos: 'files of data sets',
};

/** First words of the keys that the code of a file names: texts with a slash, and logs without one. */
function prefixesIn(text: string): readonly string[] {
  const code = text
    .replaceAll(/^\s*(?:\*|\/\*\*|\/\/).*$/gm, '')
    .replaceAll(/^(?:import|export)[^;]*? from '[^']*';$/gm, '');
  const withSlash = code.matchAll(/['`]([a-z][a-z0-9-]*)\/[^'`\n]*['`$]/g);
  const logs = code.matchAll(
    /(?:appendOnce|readLog|readLogNewestFirst|writeLogEntry)(?:<[^>]*>)?\(\s*[\w.]+,\s*['`]([a-z][a-z0-9-]*)['`/]/g,
  );
  return [...withSlash, ...logs].map(([, first = '']) => first);
}

function keysOf(text: string): readonly string[] {
  return [...text.matchAll(/^ {2}\w+: '([a-z][a-z0-9-]*)',$/gm)].map(([, first = '']) => first);
}

function derived(): ReadonlySet<string> {
  const found = new Set<string>(keysOf(readFileSync(join(root, 'fleet/desk/keys.ts'), 'utf8')));
  for (const room of rooms)
    for (const file of readdirSync(join(root, room), { recursive: true, encoding: 'utf8' }))
      if (file.endsWith('.ts'))
        for (const first of prefixesIn(readFileSync(join(root, room, file), 'utf8'))) found.add(first);
  return found;
}

interface Row {
  readonly prefix: string;
  readonly kept: string;
}

function documented(): readonly Row[] {
  const text = readFileSync(join(root, 'docs/data.md'), 'utf8');
  const [, section = ''] = text.split('### Everything in the store');
  return [...(section.split('\n### ')[0] ?? '').matchAll(/^\| `([a-z-]+)\/` \|[^|]*\| ([^|]*) \|$/gm)].map(
    ([, prefix = '', kept = '']) => ({ prefix, kept }),
  );
}

describe('the prefixes of the store', () => {
  it('are those that docs/data.md lists, no more and no fewer', () => {
    const rows = documented();
    const names = rows.map(({ prefix }) => prefix);
    assert.deepEqual(names, names.toSorted(), 'sorted, each once');
    assert.equal(new Set(names).size, names.length);
    const all = derived();
    for (const other of Object.keys(others)) assert.ok(all.has(other), `${other}/ is named nowhere`);
    const found = [...all].filter((first) => !Object.hasOwn(others, first)).toSorted();
    assert.deepEqual(
      found,
      names,
      'give a new prefix a row: a retention class, a rule or the reason to keep it for ever',
    );
  });

  it('each have a retention class, a rule or a reason', () => {
    for (const { prefix, kept } of documented()) {
      const named = [...kept.matchAll(/class `(\w+)`/g)].map(([, name = '']) => name);
      assert.ok(/^class `|^rule: \w{3}|^forever: \w/.test(kept), prefix);
      for (const name of named)
        assert.ok(
          retentionClasses.some((one) => one === name),
          `${prefix}: ${name}`,
        );
    }
    const used = documented().flatMap(({ kept }) => [...kept.matchAll(/class `(\w+)`/g)].map(([, name = '']) => name));
    assert.deepEqual([...new Set(used)].toSorted(), [...retentionClasses].toSorted());
  });

  it('are found in whatever form code names a key', () => {
    assert.deepEqual(prefixesIn("const key = `fresh/${id}.json`;\nstore.list('other/');"), ['fresh', 'other']);
    assert.deepEqual(prefixesIn("appendOnce(store, 'words', schema, () => x)"), ['words']);
    assert.deepEqual(keysOf("  robots: 'robots',\n"), ['robots']);
    assert.deepEqual(prefixesIn("import x from 'package/file';\n// 'said/here'"), []);
  });
});
