import { robotTypeName, type RobotType } from '../../datasets/robot-type.ts';
import { unknownTaskRule } from '../../datasets/validation/rules.ts';
import type { Clock } from '../../store/clock.ts';
import { isFailure } from '../../store/failures.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { quarantined } from './quarantine.ts';
import { releaseQuarantinedSegment } from './release-quarantined-segment.ts';
import { releaseKeyOf } from './releases.ts';

export interface ReleaseRefusedInput {
  readonly task: string;
  readonly robotType: Pick<RobotType, 'id' | 'version'>;
  readonly reason: string;
  readonly who: string;
}

export interface ReleasedForTask {
  readonly released: number;
  readonly releasedBefore: number;
  /** Refused for other rules as well, which nobody may waive. */
  readonly held: number;
}

/**
 * Releases everything of a robot type that was refused because this task was unknown. Idempotent: what has a release already is left
 * alone. A quarantine record that cannot be read is passed over.
 */
export async function releaseRefusedForTask(
  ports: { readonly store: ObjectStore; readonly clock: Clock },
  { task, robotType, reason, who }: ReleaseRefusedInput,
): Promise<ReleasedForTask> {
  const counts = { released: 0, releasedBefore: 0, held: 0 };
  const done = new Set<string>();
  const name = robotTypeName(robotType);
  for await (const record of quarantined(ports.store, undefined, () => undefined)) {
    const isOfTask = record.violations.some(({ rule, value }) => rule === unknownTaskRule && value === task);
    if (!isOfTask || record.robotType !== name || done.has(record.sha256)) continue;
    done.add(record.sha256);
    counts[await releaseOne(ports, { sha256: record.sha256, reason, who })] += 1;
  }
  return counts;
}

async function releaseOne(
  ports: { readonly store: ObjectStore; readonly clock: Clock },
  of: { readonly sha256: string; readonly reason: string; readonly who: string },
): Promise<keyof ReleasedForTask> {
  if ((await ports.store.get(releaseKeyOf(of.sha256))) !== undefined) return 'releasedBefore';
  try {
    await releaseQuarantinedSegment(ports)(of);
    return 'released';
  } catch (error) {
    if (isFailure(error, 'InvalidInput')) return 'held';
    throw error;
  }
}
