import { chmod } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';

import { runStep } from './run-step.ts';
import { cacheName, makeOnce, pathExists, toolCacheFolder, type Report } from './tool-cache.ts';

/** A program written in Go, pinned by the go.mod and go.sum of its own module in this folder. */
export interface GoTool {
  readonly name: string;
  /** As `--version` prints it. */
  readonly version: string;
  readonly packagePath: string;
  /** The variable that the linker fills with the version. */
  readonly versionVariable: string;
  readonly usualBuildTime: string;
}

/**
 * Finds the tool on PATH (the pinned version only) or in the cache, or else builds it there. Nothing is downloaded as
 * a finished program: docs/decisions/010-tools-are-built-not-downloaded.md.
 */
export async function goToolPath(tool: GoTool, report: Report): Promise<string> {
  const onPath = await findOnPath(tool, report);
  if (onPath !== undefined) return onPath;
  const moduleFolder = join(import.meta.dirname, tool.name);
  const recipe = [join(moduleFolder, 'go.mod'), join(moduleFolder, 'go.sum')];
  const final = join(await toolCacheFolder(), await cacheName(tool.name, tool.version, recipe));
  return makeOnce(final, report, (temporary) => build(tool, moduleFolder, temporary, report));
}

async function findOnPath(tool: GoTool, report: Report): Promise<string | undefined> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const candidate = resolve(folder, tool.name);
    if (folder !== '' && (await pathExists(candidate)) && (await hasPinnedVersion(tool, candidate, report))) {
      return candidate;
    }
  }
  return undefined;
}

async function hasPinnedVersion(tool: GoTool, path: string, report: Report): Promise<boolean> {
  const result = await runStep({ command: path, arguments: ['--version'], doing: `asking ${path}` }, report).catch(
    () => undefined,
  );
  const isPinned = result?.exitCode === 0 && result.output.split(/[\s,()]+/).includes(tool.version);
  if (!isPinned) report(`${path} is not ${tool.name} ${tool.version}: not used`);
  return isPinned;
}

async function build(tool: GoTool, moduleFolder: string, temporary: string, report: Report): Promise<void> {
  report(
    `building ${tool.name} ${tool.version} with Go: once per machine, ${tool.usualBuildTime} on two cores, ` +
      'because the program and all its libraries are compiled from their sources',
  );
  const result = await runStep(
    {
      command: 'go',
      arguments: [
        'build',
        '-trimpath',
        '-ldflags',
        `-s -w -X ${tool.versionVariable}=${tool.version}`,
        '-o',
        temporary,
        tool.packagePath,
      ],
      folder: moduleFolder,
      environment: { ...process.env, CGO_ENABLED: '0' },
      doing: `building ${tool.name}`,
    },
    report,
  );
  if (result === undefined) throw new Error(whatToDo(tool, 'the program "go" is not on PATH'));
  if (result.exitCode !== 0) {
    const ending = result.exitCode === null ? 'was killed (out of memory?)' : `exited with ${result.exitCode}`;
    throw new Error(whatToDo(tool, `"go build" ${ending} and said:\n${result.output.trim()}\n`));
  }
  await chmod(temporary, 0o755);
  if (!(await hasPinnedVersion(tool, temporary, report))) {
    throw new Error(whatToDo(tool, 'the program that was built does not start, or names another version'));
  }
  report(`built ${tool.name} ${tool.version} in ${result.elapsedSeconds} s`);
}

function whatToDo(tool: GoTool, problem: string): string {
  return (
    `${tool.name} ${tool.version} cannot be had: ${problem}. ` +
    `Either put ${tool.name} ${tool.version} on PATH, or install Go 1.26.8 or newer (https://go.dev/dl/), see that the ` +
    'Go module proxy can be reached and 3 GB of disk are free, and start again.'
  );
}
