import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import nodeModule from 'node:module';
import path from 'node:path';

import { parseSync } from 'oxc-parser';

import { lockFor, type LockFile } from './lock-for.ts';

/** Where the package begins; what these start as processes of their own is found by `new URL('….ts', import.meta.url)`. */
const entry = 'cli/agent-main.ts';
const root = path.join(import.meta.dirname, '../..');
const packageName = 'flywheel-agent';

/**
 * The packages that come within the tarball: onnxruntime-node carries 288 MB of binaries for Windows, macOS and Linux, and its install script
 * downloads CUDA. The robot's package has those of Linux alone, untouched, and runs no script; what else the package would depend
 * on serves that script only.
 */
const bundled = ['onnxruntime-node', 'onnxruntime-common'] as const;
const platforms = ['linux/x64', 'linux/arm64'] as const;

/** https://nodejs.org/api/module.html#modulestriptypescripttypescode-options */
const { stripTypeScriptTypes } = nodeModule as unknown as { stripTypeScriptTypes: (code: string) => string };

interface Module {
  /** Relative to the root, with the end `.js` where it was TypeScript. */
  readonly target: string;
  readonly bytes: string;
}

interface Collected {
  readonly modules: readonly Module[];
  /** Names of the packages that they import. */
  readonly packages: ReadonlySet<string>;
}

/** Builds the folder of the package; `npm pack FOLDER` makes the tarball. Nothing is left to be built where it is installed. */
export async function buildAgentPackage(folder: string): Promise<void> {
  const { modules, packages } = await collect();
  await rm(folder, { recursive: true, force: true });
  for (const { target, bytes } of modules) {
    const file = path.join(folder, 'lib', target);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, bytes);
  }
  const names = [...new Set([...packages, ...bundled])].toSorted();
  const { version, license, engines } = await ownPackage();
  const lock = JSON.parse(await readFile(path.join(root, 'package-lock.json'), 'utf8')) as LockFile;
  const dependencies = Object.fromEntries(names.map((name) => [name, versionIn(lock, name)]));
  const about = {
    name: packageName,
    version,
    description: 'The agent of a robot of a Flywheel fleet',
    license,
    type: 'module',
    bin: { [packageName]: 'bin/flywheel-agent.js' },
    files: ['bin', 'lib', 'LICENSE'],
    engines,
    os: ['linux'],
    cpu: ['x64', 'arm64'],
    dependencies,
    bundleDependencies: [...bundled],
  };
  await mkdir(path.join(folder, 'bin'));
  await writeFile(
    path.join(folder, 'bin/flywheel-agent.js'),
    `#!/usr/bin/env node\nimport '../lib/cli/agent-main.js';\n`,
    {
      mode: 0o755,
    },
  );
  await writeFile(path.join(folder, 'package.json'), json(about));
  await writeFile(path.join(folder, 'npm-shrinkwrap.json'), json(lockFor(lock, about, bundled)));
  await cp(path.join(root, 'LICENSE'), path.join(folder, 'LICENSE'));
  for (const name of bundled) await bundle(name, path.join(folder, 'node_modules', name));
}

const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;

/** Every module that the agent may load, as JavaScript. */
async function collect(): Promise<Collected> {
  const modules = new Map<string, Module>();
  const packages = new Set<string>();
  const waiting = [entry];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (modules.has(name)) continue;
    const source = await readFile(path.join(root, name), 'utf8');
    if (!name.endsWith('.ts')) {
      modules.set(name, { target: name, bytes: source });
      continue;
    }
    const { bytes, files, names } = asJavaScript(name, source);
    modules.set(name, { target: name.replace(/\.ts$/, '.js'), bytes });
    waiting.push(...files);
    for (const each of names) packages.add(each);
  }
  return { modules: [...modules.values()].toSorted((a, b) => (a.target < b.target ? -1 : 1)), packages };
}

/** A module without its types; its imports name the JavaScript files. Throws where an import leads nowhere. */
function asJavaScript(name: string, source: string): { bytes: string; files: string[]; names: string[] } {
  const code = stripTypeScriptTypes(source);
  const { module, errors } = parseSync(name, code, { lang: 'js' });
  if (errors.length > 0) throw new Error(`${name}: expected JavaScript without its types, got ${errors[0]?.message}`);
  const requests = [
    ...module.staticImports.map(({ moduleRequest }) => moduleRequest),
    ...module.staticExports.flatMap(({ entries }) => entries.flatMap((each) => each.moduleRequest ?? [])),
    ...module.dynamicImports.map(({ moduleRequest }) => ({
      value: code.slice(moduleRequest.start + 1, moduleRequest.end - 1),
      ...moduleRequest,
    })),
    ...[...code.matchAll(/new URL\('(?<value>[^']+\.ts)', import\.meta\.url\)/g)].map(({ index, groups, 0: text }) => {
      const start = index + text.indexOf("'");
      return { value: groups?.['value'] ?? '', start, end: start + (groups?.['value']?.length ?? 0) + 2 };
    }),
  ];
  const files: string[] = [];
  const names: string[] = [];
  const edits = new Map<number, { readonly end: number; readonly text: string }>();
  for (const { value, start, end } of requests) {
    if (value.startsWith('node:')) continue;
    if (!/\.(ts|json)$/.test(value)) {
      names.push(packageOf(value));
      continue;
    }
    const file = path.join(path.dirname(name), value);
    if (!existsSync(path.join(root, file))) throw new Error(`${name}: expected a file ${file}, got none`);
    files.push(file);
    edits.set(start, { end, text: `'${value.replace(/\.ts$/, '.js')}'` });
  }
  let bytes = code;
  for (const [start, { end, text }] of [...edits].toSorted(([a], [b]) => b - a))
    bytes = bytes.slice(0, start) + text + bytes.slice(end);
  // Blanks stand where types were.
  return { bytes: bytes.replaceAll(/[ \t]+$/gm, '').replaceAll(/\n{3,}/g, '\n\n'), files, names };
}

const packageOf = (request: string): string =>
  request
    .split('/')
    .slice(0, request.startsWith('@') ? 2 : 1)
    .join('/');

function versionIn(lock: LockFile, name: string): string {
  const version = lock.packages[`node_modules/${name}`]?.version;
  if (version === undefined) throw new Error(`expected ${name} in package-lock.json, got none`);
  return version;
}

async function ownPackage(): Promise<{ version: string; license: string; engines: object }> {
  return JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as Awaited<ReturnType<typeof ownPackage>>;
}

/** A package as it is, without binaries of other systems, sources and scripts. */
async function bundle(name: string, target: string): Promise<void> {
  const source = path.join(root, 'node_modules', name);
  await mkdir(target, { recursive: true });
  await cp(path.join(source, 'dist'), path.join(target, 'dist'), {
    recursive: true,
    filter: (file) => !/\.(map|d\.ts)$/.test(file) && !/\/dist\/(esm|ort|test)(\/|$)/.test(file),
  });
  await cp(path.join(import.meta.dirname, 'onnxruntime-LICENSE'), path.join(target, 'LICENSE'));
  const about = JSON.parse(await readFile(path.join(source, 'package.json'), 'utf8')) as Record<string, unknown>;
  const { scripts: _scripts, devDependencies: _dev, dependencies = {}, ...kept } = about;
  const own = Object.fromEntries(
    Object.entries(dependencies as Record<string, string>).filter(([each]) => bundled.some((one) => one === each)),
  );
  await writeFile(path.join(target, 'package.json'), json({ ...kept, dependencies: own }));
  const binaries = path.join(source, 'bin/napi-v6');
  if (!existsSync(binaries)) return;
  for (const platform of platforms)
    await cp(path.join(binaries, platform), path.join(target, 'bin/napi-v6', platform), { recursive: true });
}
