import { z } from 'zod';

import { driftReason } from '../../domain/monitoring/drift-reason.ts';
import { defaultDriftLimits } from '../../domain/monitoring/feature-drift.ts';
import { judgeDrift, type DriftVerdict } from '../../domain/monitoring/index.ts';
import { randomFromSeed } from '../../domain/statistics/index.ts';
import { readSoundJson } from '../../store/damaged-objects.ts';
import { jsonBytes } from '../../store/json-objects.ts';
import { readBodies } from '../mix/bodies.ts';
import type { SetPorts } from '../mix/ports.ts';
import { inScratch, readTrainableRobotType } from '../mix/in-scratch.ts';
import { parseActivityInput } from '../parse-activity-input.ts';
import { readPolicyDocument } from '../registry/policy-document.ts';
import { judgeCameraDrift, withCameraDrift } from './camera-drift.ts';
import { sampleLake, sampleLanding } from './sample-observations.ts';

const inputSchema = z.strictObject({
  policy: z.string().min(1),
  /** Names the look, real time. */
  nowMs: z.int(),
});

export interface ObserveDriftResult {
  /** False: too few robots on either side to say anything. */
  readonly isJudged: boolean;
  readonly alarm: boolean;
  /** Cut short; all figures are in `driftKey`. */
  readonly reason: string;
  readonly robots: { readonly reference: number; readonly current: number };
  readonly driftKey: string;
}

const documentSchema = z.looseObject({
  alarm: z.boolean(),
  reasons: z.array(z.string()),
  robots: z.strictObject({ reference: z.number(), current: z.number() }),
});

const longestReason = 300;

/**
 * Do robots see something else than what the lake holds, numbers and what clips of their cameras look like? A sample of what was uploaded and not collected yet against a sample
 * of the lake's newest days of the same robots. Idempotent by (policy, `nowMs`): what was judged once is returned as it was.
 */
export const observeDrift =
  (ports: SetPorts) =>
  async (given: z.input<typeof inputSchema>): Promise<ObserveDriftResult> => {
    const { policy, nowMs } = parseActivityInput('observeDrift', inputSchema, given);
    const driftKey = `monitor/${policy}/drift/${nowMs}.json`;
    const known = await readSoundJson(ports.store, driftKey, documentSchema, () => undefined);
    const { alarm, reasons, robots } = known ?? (await judged(ports, policy, nowMs, driftKey));
    const isJudged = Math.min(robots.reference, robots.current) >= 2;
    const found = isJudged ? driftReason(reasons, longestReason) : reasons.join('; ').slice(0, longestReason);
    const reason = found === '' ? 'nothing drifted' : found;
    return { isJudged, alarm, reason, robots, driftKey };
  };

async function judged(
  ports: SetPorts,
  policy: string,
  nowMs: number,
  driftKey: string,
): Promise<Pick<DriftVerdict, 'alarm' | 'reasons' | 'robots'>> {
  const document = await readPolicyDocument(ports.store, policy);
  const robotType = await readTrainableRobotType(ports, document.robotType);
  const { read } = await readBodies(ports.store, robotType);
  const verdict = await inScratch(ports, async (session) => {
    const current = await sampleLanding(ports, session, read);
    ports.progress({ stage: 'sampled landing', robots: current.length });
    const robotIds = current.map(({ robotId }) => robotId);
    const reference = await sampleLake(ports, session, read, robotIds);
    ports.progress({ stage: 'sampled the lake', robots: reference.length });
    const random = randomFromSeed(`drift/${policy}/${nowMs}`);
    const features = robotType.observations.map(({ name }) => name);
    const numbers = judgeDrift({ features, reference, current, random });
    const cameras = await judgeCameraDrift(ports, session, robotType, `drift/${policy}/${nowMs}`);
    return withCameraDrift(numbers, cameras);
  });
  // Whoever reads the figures later reads them against these, whatever a later build has.
  const { psiWarn, psiAlarm, ksDistance, discrepancyP } = defaultDriftLimits;
  await ports.store.put(driftKey, jsonBytes({ ...verdict, limits: { psiWarn, psiAlarm, ksDistance, discrepancyP } }));
  return verdict;
}
