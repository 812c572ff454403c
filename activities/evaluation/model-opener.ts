import { readFile } from 'node:fs/promises';

import type { RobotType } from '../../datasets/robot-type.ts';
import { foreignSizes, mappedSession, type ForeignBody } from '../../policies/evaluation/mapped-session.ts';
import { checkModelFile } from '../../policies/onnx/file-problems.ts';
import { ioProblems, type PolicySizes } from '../../policies/policy-io.ts';
import type { GraphRuntime, GraphSession } from '../../policies/runtime.ts';
import { failure } from '../../store/failures.ts';
import type { ObjectStore } from '../../store/object-store.ts';

interface ModelPorts {
  readonly store: ObjectStore;
  readonly runtime: GraphRuntime;
}

/** `body`: where the model was made for another one; a text: why it cannot be read for this one. */
export type OpenModel = (key: string, taskCount: number, body?: ForeignBody | string) => Promise<GraphSession>;

/** Opens models for rows of a robot type: those of its own body as they are, others through the rules between the two. */
export const modelOpener =
  (ports: ModelPorts, type: RobotType, sizes: PolicySizes, keep: (session: GraphSession) => GraphSession): OpenModel =>
  async (key, taskCount, body) => {
    if (typeof body === 'string') throw failure('InvalidInput', body, { coordinates: { key } });
    const foreign = body && foreignSizes(body, sizes, taskCount);
    if (body === undefined || foreign === undefined) return keep(await open(ports, key, { ...sizes, taskCount }));
    return mappedSession(keep(await open(ports, key, foreign)), body, type);
  };

async function localPath(store: ObjectStore, key: string): Promise<string> {
  const path = await store.localPath(key);
  if (path !== undefined) return path;
  throw failure('NotFound', 'expected an object to judge by, got none', { coordinates: { key } });
}

async function open(ports: ModelPorts, key: string, sizes: PolicySizes): Promise<GraphSession> {
  const bytes = await readFile(await localPath(ports.store, key));
  const file = checkModelFile(bytes);
  if (file.kind === 'refused') throw failure('InvalidInput', file.reason, { coordinates: { key } });
  const session = await ports.runtime.open(bytes);
  const problems = ioProblems(session, sizes);
  if (problems.length === 0) return session;
  await session.close();
  throw failure('InvalidInput', problems.join('; '), { coordinates: { key } });
}
