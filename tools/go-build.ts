import { chmod } from 'node:fs/promises';
import { join } from 'node:path';

import { versionOf } from './find-on-path.ts';
import { runStep, type StepResult } from './run-step.ts';
import type { Report } from './tool-cache.ts';
import type { Tool, ToolSource } from './tool-source.ts';

/** How to compile a program that is pinned by the go.mod and go.sum of its own module in this folder. */
export interface GoBuild {
  readonly packagePath: string;
  /** The variable that the linker fills with the version. */
  readonly versionVariable: string;
  readonly usualBuildTime: string;
}

/** Builds a tool from sources that are verified module by module; docs/decisions/010-where-tools-come-from.md. */
export function goBuild(tool: Tool, recipe: GoBuild): ToolSource {
  const folder = join(import.meta.dirname, tool.name);
  return {
    how: 'from its sources with Go',
    recipeFiles: [join(folder, 'go.mod'), join(folder, 'go.sum')],
    make: (temporary, report) => build(tool, recipe, folder, temporary, report),
  };
}

async function build(tool: Tool, recipe: GoBuild, folder: string, temporary: string, report: Report): Promise<void> {
  report(
    `building ${tool.name} ${tool.version} with Go: once per machine, ${recipe.usualBuildTime} on two cores, ` +
      'because the program and all its libraries are compiled from their sources',
  );
  const result = await compile(tool, recipe, folder, temporary, report);
  await chmod(temporary, 0o755);
  if ((await versionOf(temporary, report)) !== tool.version) {
    throw new Error(whatToDo('the program that was built does not start, or names another version'));
  }
  report(`built ${tool.name} ${tool.version} in ${result.elapsedSeconds} s`);
}

async function compile(
  tool: Tool,
  recipe: GoBuild,
  folder: string,
  temporary: string,
  report: Report,
): Promise<StepResult> {
  const packageCount = await countPackages(recipe, folder, report);
  let compiled = 0;
  const linkerFlags = `-s -w -X ${recipe.versionVariable}=${tool.version}`;
  const result = await runStep(
    {
      command: 'go',
      arguments: ['build', '-v', '-trimpath', '-ldflags', linkerFlags, '-o', temporary, recipe.packagePath],
      folder,
      environment: goEnvironment(),
      doing: `building ${tool.name}`,
      // With -v the compiler prints the name of each package that it compiles.
      line: () => (compiled += 1),
      howFar: () => `${compiled} of at most ${packageCount ?? '?'} packages compiled`,
    },
    report,
  );
  if (result === undefined) throw new Error(whatToDo('the program "go" is not on PATH'));
  if (result.exitCode === 0) return result;
  const ending = result.exitCode === null ? 'was killed (out of memory?)' : `exited with ${result.exitCode}`;
  throw new Error(whatToDo(`"go build" ${ending} and said:\n${result.output.trim()}\n`));
}

/** Those that are in Go's own cache already will not be compiled, hence "at most". */
async function countPackages(recipe: GoBuild, folder: string, report: Report): Promise<number | undefined> {
  let lines = 0;
  const result = await runStep(
    {
      command: 'go',
      arguments: ['list', '-deps', recipe.packagePath],
      folder,
      environment: goEnvironment(),
      doing: 'fetching the sources',
      line: () => (lines += 1),
    },
    report,
  );
  return result?.exitCode === 0 && lines > 0 ? lines : undefined;
}

const goEnvironment = () => ({ ...process.env, CGO_ENABLED: '0' });

function whatToDo(problem: string): string {
  return (
    `${problem}. Install Go 1.26.8 or newer (https://go.dev/dl/), ` +
    'see that the Go module proxy can be reached and 3 GB of disk are free, and start again'
  );
}
