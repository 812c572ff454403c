import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { versionOf } from './find-on-path.ts';
import { runStep } from './run-step.ts';
import type { Report } from './tool-cache.ts';
import type { Tool, ToolSource } from './tool-source.ts';

/** The vendor's own download of the development server, by the Temporal SDK; pinned by version, not by hash. */
export function sdkDownload(tool: Tool): ToolSource {
  const script = join(import.meta.dirname, 'sdk-download-main.ts');
  return {
    how: 'by the download of the Temporal SDK',
    recipeFiles: [script],
    make: async (temporary: string, report: Report) => {
      const folder = `${temporary}-download`;
      try {
        await mkdir(folder);
        await download(script, folder, tool, report);
        await moveOnlyProgram(folder, temporary, tool, report);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
}

async function download(script: string, folder: string, tool: Tool, report: Report): Promise<void> {
  const result = await runStep(
    {
      command: process.execPath,
      arguments: [script, folder, `v${tool.version}`],
      folder: join(import.meta.dirname, '..'),
      doing: `downloading ${tool.name}`,
    },
    report,
  );
  if (result?.exitCode !== 0) throw new Error(result?.output.trim().split('\n').at(-1) ?? 'the download did not start');
}

async function moveOnlyProgram(folder: string, temporary: string, tool: Tool, report: Report): Promise<void> {
  for (const name of await readdir(folder))
    if ((await versionOf(join(folder, name), report)) === tool.version) return rename(join(folder, name), temporary);
  throw new Error(`the download holds no ${tool.name} ${tool.version}`);
}
