import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';

import { robotTypeDigest } from '../../../datasets/robot-type-digest.ts';
import type { RobotType } from '../../../datasets/robot-type.ts';
import { servedBody, type ServedBody } from '../../../policies/body-mapping.ts';
import { goldenAnswersSchema, type GoldenAnswers } from '../../../policies/golden-answers.ts';
import { versionBodiesSchema } from '../../../policies/version-bodies.ts';
import { versionTasksSchema } from '../../../policies/version-tasks.ts';
import { readIfThere } from '../local/durable-files.ts';
import { requireDigest } from './model-files.ts';
import { ModelRefusal } from './model-refusal.ts';
import type { ReadManifest } from './trusted-manifest.ts';

/**
 * Ids of the tasks that the version knows, by index. Without the file, because the version has none or a gateway of before does not
 * give it, those of the robot type: they have the first indexes in every catalogue.
 */
export async function readTasks(
  file: string,
  sha256: string | undefined,
  { tasks }: Pick<RobotType, 'tasks'>,
): Promise<readonly string[]> {
  const bytes = sha256 === undefined ? undefined : await readIfThere(file);
  if (bytes === undefined || sha256 === undefined) return tasks;
  requireDigest('tasks.json', digestOf(bytes), sha256);
  const parsed = versionTasksSchema.safeParse(jsonOf(bytes));
  if (parsed.success) return parsed.data.tasks;
  throw new ModelRefusal('cannotLoad', 'expected the tasks that the version knows, got something else', parsed.error);
}

export async function readGolden(file: string, sha256: string | undefined): Promise<GoldenAnswers | undefined> {
  if (sha256 === undefined) return undefined;
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw new ModelRefusal('stateRecovered', 'expected golden answers beside the model, got none', cause);
  });
  requireDigest('golden.json', digestOf(bytes), sha256);
  const parsed = goldenAnswersSchema.safeParse(jsonOf(bytes));
  if (!parsed.success)
    throw new ModelRefusal('selfTestFailed', 'expected golden answers, got something else', parsed.error);
  return parsed.data;
}

/**
 * How the body of a robot of this type runs the version; `ModelRefusal` when the version does not serve it. `bytes` are those of
 * `bodies.json` as the manifest signs it, undefined where the version has none or a gateway of before does not give it: then it
 * serves the robot type of its manifest alone.
 */
export function requireBody(
  { robotType: model }: Pick<ReadManifest, 'robotType'>,
  bytes: Uint8Array | undefined,
  type: RobotType,
): ServedBody {
  const own = { id: type.id, version: type.version, digest: robotTypeDigest(type) };
  const parsed = bytes === undefined ? undefined : versionBodiesSchema.safeParse(jsonOf(bytes));
  if (parsed !== undefined && !parsed.success)
    throw new ModelRefusal(
      'cannotLoad',
      'expected the bodies that the version serves, got something else',
      parsed.error,
    );
  const served = servedBody({ model, bodies: parsed?.data }, type, own);
  if ('refusal' in served) throw new ModelRefusal(served.refusal, served.problem);
  return served;
}

export const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
}
