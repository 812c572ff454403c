import { camerasOf } from '../../datasets/camera.ts';
import { appearanceFeatures } from '../../datasets/media/clip-appearance.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import { judgeDrift, type DriftVerdict } from '../../domain/monitoring/index.ts';
import { randomFromSeed } from '../../domain/statistics/index.ts';
import type { SetPorts } from '../mix/ports.ts';
import type { SqlSession } from '../ports/sql.ts';
import { sampleLakeAppearances, sampleLandingAppearances } from './sample-appearances.ts';

export interface CameraDrift {
  readonly camera: string;
  readonly verdict: DriftVerdict;
}

/** Do the cameras of a robot type show something else than before, or show it otherwise? A verdict a camera; none where nobody decodes clips. */
export async function judgeCameraDrift(
  ports: SetPorts,
  session: SqlSession,
  robotType: Pick<RobotType, 'cameras'>,
  seed: string,
): Promise<readonly CameraDrift[]> {
  const { clips } = ports;
  if (clips === undefined) return [];
  const drifts: CameraDrift[] = [];
  for (const { name, mayLeaveRobot } of camerasOf(robotType)) {
    if (!mayLeaveRobot) continue;
    const current = await sampleLandingAppearances({ ...ports, clips }, session, name);
    ports.progress({ stage: `looked at clips of camera ${name}`, robots: current.length });
    const robotIds = current.map(({ robotId }) => robotId);
    const reference = await sampleLakeAppearances(ports, session, name, robotIds);
    const random = randomFromSeed(`${seed}/${name}`);
    drifts.push({ camera: name, verdict: judgeDrift({ features: appearanceFeatures, reference, current, random }) });
  }
  return drifts;
}

/** The verdict about numbers with what cameras say beside it; one of too few robots has nothing to say. */
export function withCameraDrift(
  numbers: DriftVerdict,
  cameras: readonly CameraDrift[],
): DriftVerdict & { readonly cameras?: readonly CameraDrift[] } {
  if (cameras.length === 0) return numbers;
  const judged = cameras.filter(({ verdict }) => verdict.features.length > 0);
  return {
    ...numbers,
    alarm: numbers.alarm || judged.some(({ verdict }) => verdict.alarm),
    reasons: [
      ...numbers.reasons,
      ...judged.flatMap(({ camera, verdict }) => verdict.reasons.map((reason) => `camera ${camera}: ${reason}`)),
    ],
    cameras,
  };
}
