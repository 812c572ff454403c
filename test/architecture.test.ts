import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { parseSync, Visitor, type Span } from 'oxc-parser';

const root = fileURLToPath(new URL('..', import.meta.url));
const skipped = new Set(['node_modules', '.git', '.flywheel', 'dist', '.venv']);

interface Rule {
  /** Rooms it may import values from, beside itself. */
  readonly values: readonly string[];
  /** Rooms it may import types from as well. */
  readonly types?: readonly string[];
}
const data = ['datasets', 'domain', 'domain/words'];
const fleetParts = ['fleet/protocol', 'fleet/desk', 'fleet/gateway'];
const robotParts = ['fleet/agent', 'fleet/simulator'];
const work = ['activities', 'activities/adapters', 'store', 'store/adapters', 'policies', ...data];
/** Every room of the house, from the inside out: what it may import. A folder without a rule fails. */
const rules: Readonly<Record<string, Rule>> = {
  // The sentences that people read of trials: pages have them from the same functions as commands and workflows.
  'domain/words': { values: [] },
  domain: { values: ['domain/words'] },
  datasets: { values: ['domain'] },
  policies: { values: data },
  store: { values: ['policies', ...data] },
  'store/adapters': { values: ['store', ...data] },
  'fleet/protocol': { values: ['policies', ...data] },
  'fleet/desk': { values: ['fleet/protocol', 'store', 'policies', ...data] },
  'fleet/gateway': { values: ['fleet/protocol', 'fleet/desk', 'store', 'policies', ...data] },
  'fleet/agent': { values: ['fleet/protocol', 'policies', ...data] },
  'fleet/simulator': { values: ['fleet/agent', 'fleet/protocol', 'policies', ...data] },
  activities: { values: ['fleet/desk', 'fleet/protocol', 'store', 'policies', ...data] },
  'activities/adapters': { values: ['activities', 'store', 'fleet/protocol', 'policies', ...data] },
  workflows: { values: ['domain', 'domain/words'], types: ['datasets', 'activities'] },
  // What people do to fleets, by whichever way: the one implementation of the command and the console.
  acts: { values: ['fleet/protocol', 'fleet/desk', 'activities', 'store', 'policies', ...data], types: ['workflows'] },
  workers: { values: ['workflows', ...fleetParts, ...work] },
  cli: { values: ['acts', 'workers', 'workflows', ...fleetParts, ...robotParts, ...work] },
  // Beside the commands, and nobody's to import: it reads what they read, from the same rooms.
  console: { values: ['console/answers', 'acts', 'workers', 'workflows', ...fleetParts, ...robotParts, ...work] },
  // The shapes of what it answers.
  'console/answers': { values: ['fleet/desk', 'activities', 'store', 'domain'] },
  // Runs in a browser: of the server it knows what answers look like, and the words of verdicts.
  dashboard: { values: ['domain/words'], types: ['console/answers'] },
  // Packages for robots in other languages: they know the agent's lines and no code of ours, and nobody imports them.
  clients: { values: [] },
  // Programs that train, behind the `command` contract: packages in Python, which know its files and lines and no code of ours.
  trainers: { values: [] },
  tools: { values: ['domain'] },
  demo: { values: ['console', 'cli', 'acts', 'tools', 'workers', 'workflows', ...fleetParts, ...robotParts, ...work] },
  bench: { values: ['demo', 'cli', 'tools', 'workers', 'workflows', ...fleetParts, ...robotParts, ...work] },
};
/** What the code of a workflow may bring along: every cached workflow pays for it. */
const workflowPackages = /^(@temporalio\/(workflow|common|activity)|@stdlib\/.*|canonicalize)$/;

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

const texts = new Map<string, string>();
function textOf(file: string): string {
  const text = texts.get(file) ?? readFileSync(path.join(root, file), 'utf8');
  texts.set(file, text);
  return text;
}
/** The longest folder that has a rule; a file in none has no room. */
function roomOf(file: string): string | undefined {
  const parts = path.posix.dirname(file).split('/');
  for (let length = parts.length; length > 0; length -= 1) {
    const room = parts.slice(0, length).join('/');
    if (Object.hasOwn(rules, room)) return room;
  }
  return undefined;
}

const ours = sources('.');
const oursSet = new Set(ours);
const code = ours.filter((file) => !file.startsWith('test/'));

function importsOf(file: string): Import[] {
  const { module } = parseSync(file, textOf(file));
  const found = [
    ...module.staticImports.map(({ moduleRequest, entries }) => ({
      specifier: moduleRequest.value,
      typeOnly: entries.length > 0 && entries.every(({ isType }) => isType),
    })),
    ...module.staticExports.flatMap(({ entries }) =>
      entries.flatMap(({ moduleRequest, isType }) =>
        moduleRequest === null ? [] : [{ specifier: moduleRequest.value, typeOnly: isType }],
      ),
    ),
    ...module.dynamicImports.flatMap(({ moduleRequest }) => {
      const specifier = /^['"`](.*)['"`]$/.exec(textOf(file).slice(moduleRequest.start, moduleRequest.end))?.[1];
      return specifier === undefined ? [] : [{ specifier, typeOnly: false }];
    }),
    ...[...textOf(file).matchAll(/new URL\('([^']+\.ts)', import\.meta\.url\)/g)].map((match) => ({
      specifier: path.posix.join('./', match[1] ?? '').replace(/^(?!\.)/, './'),
      typeOnly: false,
    })),
  ];
  return found.map(({ specifier, typeOnly }) => ({
    file,
    typeOnly,
    target: specifier.startsWith('.')
      ? path.posix.normalize(path.posix.join(path.posix.dirname(file), specifier))
      : specifier,
  }));
}

describe('the tree', () => {
  const imports = ours.flatMap(importsOf);
  const ofCode = imports.filter(({ file }) => !file.startsWith('test/'));
  const local = ofCode.filter(({ target }) => oursSet.has(target));

  it('has a rule for every room', () => {
    assert.deepEqual(
      code.filter((file) => roomOf(file) === undefined),
      [],
    );
  });

  it('imports inward only', () => {
    const wrong = local.filter(({ file, target, typeOnly }) => {
      const [from, to] = [roomOf(file) ?? '', roomOf(target) ?? 'test'];
      const { values = [], types = [] } = rules[from] ?? {};
      return from !== to && !values.includes(to) && !(typeOnly && types.includes(to));
    });
    assert.deepEqual(
      wrong.map(({ file, target }) => `${file} imports ${target}`),
      [],
    );
  });

  it('has no files that import each other in a ring, types included', () => {
    const targetsOf = Map.groupBy(local, ({ file }) => file);
    const done = new Set<string>();
    const walk = (file: string, way: readonly string[]): void => {
      const start = way.indexOf(file);
      if (start >= 0) assert.fail([...way.slice(start), file].join(' → '));
      if (done.has(file)) return;
      for (const { target } of targetsOf.get(file) ?? []) if (target !== file) walk(target, [...way, file]);
      done.add(file);
    };
    for (const file of targetsOf.keys()) walk(file, []);
  });

  it('keeps each adapter to ports and one vendor', () => {
    for (const file of code.filter((name) => /\/adapters\//.test(name))) {
      const targets = importsOf(file).map(({ target }) => target);
      const vendors = new Set(targets.filter((target) => !oursSet.has(target) && !target.startsWith('node:')));
      assert.ok(vendors.size <= 1, `${file} talks to ${[...vendors].join(' and ')}`);
    }
  });

  it('makes adapters in one place: the composition root, and on a robot, real or simulated, the command that runs its agent', () => {
    const roots = ['workers/compose.ts', 'cli/agent.ts', 'cli/agent-bench.ts', 'cli/simulate-fleet.ts'];
    // Not ports but the tools of the folder of keys: what `flywheel keys` and the demo's own keys are made with.
    const keyTools = /^activities\/adapters\/key-(changes|folder)\.ts$/;
    const wrong = local.filter(
      ({ file, target, typeOnly }) =>
        /\/adapters\//.test(target) &&
        !/\/adapters\/|^bench\//.test(file) &&
        !typeOnly &&
        !roots.includes(file) &&
        !keyTools.test(target),
    );
    assert.deepEqual(
      wrong.map(({ file, target }) => `${file} imports ${target}`),
      [],
    );
  });

  it('keeps clock, randomness and Node out of domain and workflows', () => {
    const banned = /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bprocess\.|from 'node:/;
    // The one file in which workflows read the clock of their sandbox.
    for (const file of code.filter((name) => /^(domain|workflows)\//.test(name) && !name.endsWith('/now.ts')))
      assert.doesNotMatch(textOf(file), banned, file);
  });

  it('names nothing from outside in a plain object: dictionaries come from one place', () => {
    const literals = /\bRecord<[^=;]*> = \{\}|\?\?= \{\}|\breduce\([^;]*, \{\}\)/;
    const records = /\bz\.record\((?!z\.string\(\), z\.unknown\(\)\))/;
    const judged = /^(domain|activities\/(trials|monitor|collection)|fleet\/desk)\//;
    const found = code
      .filter((file) => /^(domain|datasets|policies|store|activities|workflows|fleet)\//.test(file))
      .flatMap((file) =>
        [literals, records, ...(judged.test(file) ? [/\bObject\.fromEntries\(/] : [])].flatMap((banned) => {
          const match = banned.exec(textOf(file))?.[0];
          return match === undefined ? [] : [`${file}: ${match}: expected dictionary() or dictionarySchema()`];
        }),
      );
    assert.deepEqual(found, []);
  });

  it('lets workflow code bring nothing along but Temporal and the distributions, through whatever file', () => {
    const valuesOf = Map.groupBy(
      ofCode.filter(({ typeOnly }) => !typeOnly),
      ({ file }) => file,
    );
    const reached = new Set(['workflows/index.ts']);
    for (const file of reached)
      for (const { target } of valuesOf.get(file) ?? []) {
        if (oursSet.has(target)) reached.add(target);
        else assert.match(target, workflowPackages, `${file} brings ${target} into the bundle of the workflows`);
      }
    assert.ok(reached.size > 30, 'the walk through the workflows found files');
  });

  it('exports workflow functions only from workflows/index.ts', () => {
    for (const line of textOf('workflows/index.ts').trim().split('\n'))
      assert.match(line, /^export \{ \w+ \} from '\.\/[a-z/-]+\.ts';$/);
  });

  it('writes the ids of workflows in one place', () => {
    const typed = /[`'"](cycle|cycle-turn|trial|rollback|collect|train|retention)\/\$\{|workflowId: [`'"]/;
    const found = code
      .filter((file) => file !== 'domain/contract/workflow-ids.ts')
      .flatMap((file) =>
        textOf(file)
          .split('\n')
          .filter((line) => typed.test(line) && !/\b(key|appId)\b/i.test(line))
          .map((line) => `${file}: ${line.trim()}`),
      );
    assert.deepEqual(found, []);
  });

  it('writes the names of what workflows are asked and told in one place', () => {
    const typed =
      /(?:define(?:Query|Update|Signal)|\.query|\.signal|executeUpdate|startUpdate|executeUpdateWithStart)(?:<.*>)?\(\s*[`'"]/;
    const found = code.filter((file) =>
      textOf(file)
        .split('\n')
        .some((line) => typed.test(line)),
    );
    assert.deepEqual(found, []);
  });

  it('leaves no file that nothing reaches', () => {
    const entries = /(^|\/)(main|index)\.ts$|-main\.ts$|^(tools|bench|workers)\/[a-z-]+\.ts$/;
    const reached = new Set(imports.map(({ target }) => target));
    assert.deepEqual(
      code.filter((file) => !entries.test(file) && !reached.has(file)),
      [],
    );
  });

  it('says on the first line why a file is long (lines of code, comments not counted)', () => {
    const limits: readonly (readonly [RegExp, number])[] = [
      [/^domain\//, 150],
      [/^workflows\//, 220],
      [/\/adapters\//, 200],
      [/^(?!bench\/)/, 250],
    ];
    const long = code.filter((file) => {
      const lines = textOf(file)
        .split('\n')
        .filter((line) => !/^\s*($|\/\/|\/?\*)/.test(line));
      const limit = limits.find(([pattern]) => pattern.test(file))?.[1] ?? Number.POSITIVE_INFINITY;
      return lines.length > limit && !/^(\/\/|\/\*\*?) .*\blong\b/i.test(textOf(file).split('\n', 1)[0] ?? '');
    });
    assert.deepEqual(long, []);
  });

  it('keeps a function to 70 lines, or says above it why it is long', () => {
    assert.deepEqual(code.flatMap(longFunctions), []);
  });
});

const mostLines = 70;

function longFunctions(file: string): { file: string; line: number; lines: number }[] {
  const text = textOf(file);
  const { program, comments } = parseSync(file, text);
  const lineAt = (offset: number): number => text.slice(0, offset).split('\n').length;
  const found: { file: string; line: number; lines: number }[] = [];
  const check = (node: Span): void => {
    const lines = lineAt(node.end) - lineAt(node.start) + 1;
    if (lines <= mostLines) return;
    const first = lineAt(node.start);
    const above = comments.filter(({ end }) => lineAt(end) < first + 1 && lineAt(end) >= first - 2);
    if (!above.some(({ value }) => /\blong\b/i.test(value))) found.push({ file, line: first, lines });
  };
  new Visitor({ FunctionDeclaration: check, FunctionExpression: check, ArrowFunctionExpression: check }).visit(program);
  return found;
}
