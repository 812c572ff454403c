import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const beside = fileURLToPath(new URL('../../../shared/datasets', import.meta.url));

/**
 * Folder of a recorded data set, which the project does not carry: in $FLYWHEEL_DATASETS, else in `shared/datasets` beside
 * the checkout. Throws with what to do when it is not there; tests on recordings are never skipped.
 */
export function sharedDataset(name: 'wall-following' | 'ur3-cobotops'): string {
  const root = process.env['FLYWHEEL_DATASETS'] ?? beside;
  const folder = path.join(root, name);
  if (existsSync(folder)) return folder;
  throw new Error(
    `expected the recorded data set ${name} in ${root}, got none: set FLYWHEEL_DATASETS to the folder that holds ${name}/`,
  );
}
