import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import path from 'node:path';

import type { RobotType } from '../../datasets/robot-type.ts';
import { fitModel, type PortMap } from '../../policies/fit-model.ts';
import { policySizes } from '../../policies/policy-io.ts';
import { failure } from '../../store/failures.ts';
import type { MendedFile } from './mended-file.ts';

/**
 * Runs work on a model file, or where its ports need it on a mended copy, which is deleted afterwards. A file that is missing, too
 * large or no model is left to the gates. Idempotent: the same file and map give the same bytes.
 */
export async function withFittedFile<T>(
  input: {
    readonly filePath: string;
    readonly type: RobotType;
    readonly portMap: PortMap | undefined;
    readonly scratchDirectory: string;
  },
  work: (filePath: string, mended: MendedFile | undefined) => Promise<T>,
): Promise<T> {
  const { filePath, type, portMap } = input;
  const sizes = policySizes(type);
  const found = await stat(filePath).catch(() => undefined);
  if (sizes === undefined || found?.isFile() !== true || found.size > type.limits.maxModelSizeBytes)
    return work(filePath, undefined);
  const model = await readFile(filePath);
  const fitted = fitModel(model, sizes, portMap);
  if (fitted.kind === 'refused')
    throw failure('InvalidInput', fitted.reason, { coordinates: { model: filePath, robotType: type.id } });
  if (fitted.kind === 'asIs') return work(filePath, undefined);
  await mkdir(input.scratchDirectory, { recursive: true });
  const directory = await mkdtemp(path.join(input.scratchDirectory, 'mended-'));
  try {
    const copy = path.join(directory, 'model.onnx');
    await writeFile(copy, fitted.model);
    const fileSha256 = createHash('sha256').update(model).digest('hex');
    return await work(copy, { fileSha256, changes: [...fitted.changes] });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
