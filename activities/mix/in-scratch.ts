import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { robotTypeName, type RobotType } from '../../datasets/robot-type.ts';
import { failure } from '../../store/failures.ts';
import type { SqlSession } from '../ports/sql.ts';
import { readTaughtType, type RobotTypeReference } from '../../store/records/robot-types.ts';
import type { SetPorts } from './ports.ts';

/** Gives `work` an SQL session and a folder of its own, and takes both away at its end, whatever that is. */
export async function inScratch<T>(
  ports: SetPorts,
  work: (session: SqlSession, directory: string) => Promise<T>,
): Promise<T> {
  await mkdir(ports.scratchDirectory, { recursive: true });
  const directory = await mkdtemp(join(ports.scratchDirectory, 'set-'));
  const session = await ports.engine.open();
  try {
    return await work(session, directory);
  } finally {
    await session.close();
    await rm(directory, { recursive: true, force: true });
  }
}

/** The robot type that is referred to; `InvalidInput` when its recordings carry no actions, so that nothing can be learned from it. */
export async function readTrainableRobotType(ports: SetPorts, reference: RobotTypeReference): Promise<RobotType> {
  const robotType = await readTaughtType(ports.store, reference);
  if (robotType.actions.kind !== 'none') return robotType;
  throw failure('InvalidInput', 'expected a robot type with actions to learn, got one whose recordings have none', {
    coordinates: { robotType: robotTypeName(robotType) },
  });
}
