import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { randomFromSeed } from '../domain/statistics/random.ts';
import { findMutants, mutated, type Mutant } from './mutation/find-mutants.ts';
import { indexTests } from './mutation/tests-of.ts';
import { runStep } from './run-step.ts';

const help = `usage: npm run mutants -- PATH… [--seed N] [--count N] [--least FRACTION] [--reach N] [--json]

Makes one small slip at a time in a copy of the tree, runs the tests nearest to it, and says which slips no test notices.
  PATH      files or folders, e.g. domain fleet/desk
  --seed    which slips are taken (1)
  --count   how many (20)
  --least   exit code 1 when a smaller fraction of them is noticed (0.95)
  --reach   how far away, in imports, a test may be (4)
  --json    one JSON object on stdout`;

const root = path.join(import.meta.dirname, '..');
const say = (line: string): void => void process.stderr.write(`${line}\n`);
const longestTestMs = 180_000;

interface Place extends Mutant {
  readonly file: string;
}
interface Slip {
  readonly copy: string;
  readonly make: () => void;
  readonly undo: () => void;
}
interface Survivor {
  readonly file: string;
  readonly line: number;
  readonly kind: string;
  readonly was: string;
  readonly became: string;
  readonly tests: readonly string[];
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seed: { type: 'string', default: '1' },
      count: { type: 'string', default: '20' },
      least: { type: 'string', default: '0.95' },
      reach: { type: 'string', default: '4' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const [seed, count, least, reach] = [values.seed, values.count, values.least, values.reach].map(Number);
  const isWrong = [seed, count, least, reach].some((value) => value === undefined || !(value >= 0));
  if (values.help || positionals.length === 0 || isWrong) {
    say(help);
    return values.help ? 0 : 2;
  }
  const files = await trackedSources();
  const places = files
    .filter((file) => !file.startsWith('test/') && positionals.some((wanted) => isBelow(file, wanted)))
    .flatMap((file): Place[] => findMutants(file, textOf(file)).map((mutant) => ({ ...mutant, file })));
  if (places.length === 0) {
    say(`expected source files below ${positionals.join(', ')}, got none in which a slip can be made`);
    return 2;
  }
  const chosen = choose(places, count ?? 0, seed ?? 0);
  const survivors = await tryAll(chosen, files, reach ?? 0);
  const noticed = (chosen.length - survivors.length) / chosen.length;
  if (values.json) process.stdout.write(`${JSON.stringify({ tried: chosen.length, noticed, survivors })}\n`);
  say(`${chosen.length - survivors.length} of ${chosen.length} slips noticed (${(noticed * 100).toFixed(1)} %)`);
  return noticed >= (least ?? 1) ? 0 : 1;
}

async function tryAll(chosen: readonly Place[], files: readonly string[], reach: number): Promise<Survivor[]> {
  const copy = copyTree();
  try {
    const index = indexTests(root, files);
    const survivors: Survivor[] = [];
    const sound = new Map<string, boolean>();
    for (const [at, place] of chosen.entries()) {
      const text = textOf(place.file);
      const tests = index.testsOf(place.file, reach);
      const write = (content: string) => () => writeFileSync(path.join(copy, place.file), content);
      const killer = await firstFailing({ copy, make: write(mutated(text, place)), undo: write(text) }, tests, sound);
      const survivor = describe(place, text, tests);
      const slip = `${survivor.file}:${survivor.line} ${survivor.kind}: ${survivor.was} → ${survivor.became}`;
      say(`${at + 1}/${chosen.length} ${slip}: ${killer === undefined ? 'NOT NOTICED' : `noticed by ${killer}`}`);
      if (killer === undefined) survivors.push(survivor);
    }
    return survivors;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/**
 * Nearest first, in groups that share a process: most slips are noticed by the first. A group counts only when it passes
 * without the slip, so that a test which fails anyway notices nothing.
 */
async function firstFailing(
  slip: Slip,
  tests: readonly string[],
  sound: Map<string, boolean>,
): Promise<string | undefined> {
  for (let start = 0, size = 1; start < tests.length; start += size, size = 8) {
    const group = tests.slice(start, start + size);
    const name = group.join(' ');
    slip.make();
    const isNoticed = !(await passes(slip.copy, group));
    slip.undo();
    if (!isNoticed) continue;
    if (!sound.has(name)) sound.set(name, await passes(slip.copy, group));
    if (sound.get(name) === true) return name;
    say(`not counted, fails without the slip as well: ${name}`);
  }
  return undefined;
}

function passes(copy: string, tests: readonly string[]): Promise<boolean> {
  const mocha = path.join('node_modules', 'mocha', 'bin', 'mocha.js');
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [mocha, '--bail', ...tests], {
      cwd: copy,
      // Recorded data lies beside the tree, not beside its copy.
      env: { FLYWHEEL_DATASETS: path.join(root, '..', 'shared', 'datasets'), ...process.env },
      stdio: 'ignore',
      detached: true,
    });
    // A slip may make a loop endless. The whole group of processes ends: a test may have started some.
    const limit = setTimeout(() => process.kill(-(child.pid ?? 0), 'SIGKILL'), longestTestMs);
    child.once('error', reject);
    child.once('exit', (code) => {
      clearTimeout(limit);
      resolve(code === 0);
    });
  });
}

function copyTree(): string {
  const copy = mkdtempSync(path.join(tmpdir(), 'flywheel-mutants-'));
  const left = new Set(['node_modules', '.git', '.flywheel']);
  cpSync(root, copy, { recursive: true, filter: (source) => !left.has(path.relative(root, source)) });
  symlinkSync(path.join(root, 'node_modules'), path.join(copy, 'node_modules'));
  return copy;
}

async function trackedSources(): Promise<string[]> {
  const found: string[] = [];
  const step = { command: 'git', arguments: ['ls-files', '--cached', '--others', '--exclude-standard', '*.ts'] };
  await runStep({ ...step, folder: root, doing: 'listing files', line: (file) => found.push(file) }, say);
  return found.filter((file) => !file.endsWith('.d.ts')).toSorted();
}

/** Seeded, without replacement, spread over the files: a long file does not own the sample. */
function choose(places: readonly Place[], count: number, seed: number): Place[] {
  const random = randomFromSeed(`mutants/${seed}`);
  const byFile = Map.groupBy(places, ({ file }) => file);
  const weighted = places.map((place) => ({
    place,
    key: -Math.log(1 - random()) * Math.sqrt(byFile.get(place.file)?.length ?? 1),
  }));
  return weighted
    .toSorted((a, b) => a.key - b.key)
    .slice(0, count)
    .map(({ place }) => place);
}

function describe(place: Place, text: string, tests: readonly string[]): Survivor {
  return {
    file: place.file,
    line: text.slice(0, place.start).split('\n').length,
    kind: place.kind,
    was: oneLine(text.slice(place.start, place.end)),
    became: oneLine(place.replacement),
    tests,
  };
}

const oneLine = (text: string): string => {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > 60 ? `${line.slice(0, 57)}…` : line === '' ? '(nothing)' : line;
};
const textOf = (file: string): string => readFileSync(path.join(root, file), 'utf8');
const isBelow = (file: string, wanted: string): boolean => {
  const folder = path.posix.normalize(wanted).replace(/\/$/, '');
  return file === folder || file.startsWith(`${folder}/`);
};

process.exitCode = await main();
