import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { bundleWorkflows, type WorkflowBundle } from '../../workers/bundle.ts';

/** Names the folder that the processes of a test run share; not as a setting of Flywheel, which a command would refuse. */
export const sharedFolderVariable = 'TESTS_SHARED_FOLDER';

const patienceMs = 60_000;

/** The workflows, bundled by whichever process of the run asks first; the others wait for it, and no longer than a bundle can take. */
export async function sharedBundle(): Promise<WorkflowBundle> {
  const folder = process.env[sharedFolderVariable];
  if (folder === undefined) return bundle();
  const file = path.join(folder, 'workflows.json');
  const isFirst = await mkdir(`${file}.making`).then(
    () => true,
    () => false,
  );
  if (isFirst) {
    const made = await bundle();
    await writeFile(`${file}.part`, JSON.stringify(made));
    await rename(`${file}.part`, file);
    return made;
  }
  const giveUpMs = Date.now() + patienceMs;
  while (!existsSync(file)) {
    if (Date.now() > giveUpMs) return bundle();
    await sleep(50);
  }
  return JSON.parse(await readFile(file, 'utf8')) as WorkflowBundle;
}

const bundle = (): Promise<WorkflowBundle> => bundleWorkflows((message) => process.stderr.write(`${message}\n`));
