import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { goToolPath, type GoTool } from './go-tool.ts';
import { pythonPath } from './python-env.ts';
import type { Report } from './tool-cache.ts';

const goTools = {
  temporal: {
    name: 'temporal',
    version: '1.8.2',
    packagePath: 'github.com/temporalio/cli/cmd/temporal',
    versionVariable: 'github.com/temporalio/cli/internal/temporalcli.Version',
    usualBuildTime: 'about 8 minutes',
  },
  versitygw: {
    name: 'versitygw',
    version: '1.8.0',
    packagePath: 'github.com/versity/versitygw/cmd/versitygw',
    versionVariable: 'main.Version',
    usualBuildTime: 'about 3 minutes',
  },
} as const satisfies Record<string, GoTool>;

const toolNames = ['temporal', 'versitygw', 'python'] as const;
export type ToolName = (typeof toolNames)[number];

/**
 * The absolute path of a tool of the pinned version, found or made; may take minutes the first time on a machine.
 * Throws an Error that says what is missing and what to do.
 */
export async function toolPath(name: ToolName, report: Report = sayOnStandardError): Promise<string> {
  return name === 'python' ? pythonPath(report) : goToolPath(goTools[name], report);
}

function sayOnStandardError(line: string): void {
  process.stderr.write(`tools: ${line}\n`);
}

async function main(asked: string | undefined): Promise<number> {
  const name = toolNames.find((known) => known === asked);
  if (name === undefined) {
    sayOnStandardError(`expected one of ${toolNames.join(', ')}, got ${asked ?? 'nothing'}`);
    return 2;
  }
  try {
    process.stdout.write(`${await toolPath(name)}\n`);
    return 0;
  } catch (error) {
    sayOnStandardError(error instanceof Error ? error.message : String(error));
    return 1;
  }
}

const startedFile = process.argv[1];
if (startedFile !== undefined && realpathSync(startedFile) === fileURLToPath(import.meta.url)) {
  process.exitCode = await main(process.argv[2]);
}
