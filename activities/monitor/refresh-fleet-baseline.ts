import { z } from 'zod';

import { dictionary } from '../../domain/dictionary.ts';
import { dictionarySchema } from '../../domain/dictionary-schema.ts';
import { promotionGuardLimits, type FleetBaseline } from '../../domain/monitoring/index.ts';
import {
  baselineOf,
  centreHistory,
  estimateFleetParameters,
  fleetDayVarianceOf,
  fleetVarianceOf,
} from '../../domain/statistics/index.ts';
import { fleetParametersSchema, fleetProfiles, robotPastSchema } from '../../domain/trial/index.ts';
import type { TelemetryLog } from '../../fleet/desk/index.ts';
import { readSoundJson, type OnDamage } from '../../store/damaged-objects.ts';
import { jsonBytes } from '../../store/json-objects.ts';
import { parseActivityInput } from '../parse-activity-input.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { readAliases } from '../../store/records/aliases.ts';
import { readOpenIncidents } from './monitor-state.ts';
import { readHistory } from '../trials/telemetry-history.ts';

const baselineSchema: z.ZodType<FleetBaseline & { readonly madeAtMs: number; readonly champion: string }> =
  z.strictObject({
    madeAtMs: z.int(),
    champion: z.string(),
    parameters: fleetParametersSchema,
    robots: dictionarySchema(robotPastSchema),
    fleetDayVariance: z.number().min(0).optional(),
    fleetHoursVariance: z.number().min(0).optional(),
  });

const keyOf = (policy: string): string => `monitor/${policy}/baseline.json`;

/** The fleet's past as it was summed up last; undefined before the first time. */
export const readFleetBaseline = (
  store: ObjectStore,
  policy: string,
  onDamage: OnDamage,
): Promise<FleetBaseline | undefined> => readSoundJson(store, keyOf(policy), baselineSchema, onDamage);

const promotionKeyOf = (policy: string, operationId: string): string =>
  `monitor/${policy}/promotions/${encodeURIComponent(operationId)}.json`;

/**
 * The fleet's past from before a promotion: the sum that stands when the promotion is first seen, kept for good. Undefined when
 * there was none, or none older than the promotion.
 */
export async function pastAtPromotion(
  store: ObjectStore,
  policy: string,
  promotion: { readonly operationId: string; readonly atMs: number } | null,
  onDamage: OnDamage,
): Promise<FleetBaseline | undefined> {
  if (promotion === null) return undefined;
  const key = promotionKeyOf(policy, promotion.operationId);
  const kept = await readSoundJson(store, key, baselineSchema, onDamage);
  if (kept !== undefined) return kept;
  const standing = await readSoundJson(store, keyOf(policy), baselineSchema, onDamage);
  if (standing === undefined || standing.madeAtMs > promotion.atMs) return undefined;
  await store.putIfAbsent(key, jsonBytes(standing));
  return standing;
}

const inputSchema = z.strictObject({
  policy: z.string().min(1),
  nowMs: z.int(),
  dayMs: z.number().positive(),
});

const historyDays = 28;

/** Who has an incident open that this past is compared with. */
async function frozenSubjects(
  store: ObjectStore,
  policy: string,
): Promise<{ readonly isFleet: boolean; readonly robots: ReadonlySet<string> }> {
  const { incidents } = await readOpenIncidents(store, policy);
  return {
    isFleet: incidents.some(({ cause }) => cause === 'errorRate' || cause === 'fleetBroken'),
    robots: new Set(incidents.flatMap(({ cause, subject }) => (cause === 'anomaly' ? [subject] : []))),
  };
}

/**
 * Sums up what every robot did in the 28 fleet days before the last one, on the champion's level, as what anomalies are judged
 * by. Without any episode of the champion there is none. Idempotent by (policy, `nowMs`): a newer one stays.
 */
export const refreshFleetBaseline =
  (ports: { readonly store: ObjectStore; readonly telemetry: TelemetryLog }) =>
  async (given: z.input<typeof inputSchema>): Promise<{ readonly robots: number; readonly episodes: number }> => {
    const { policy, nowMs, dayMs } = parseActivityInput('refreshFleetBaseline', inputSchema, given);
    const { champion } = await readAliases(ports)({ policy });
    if (champion === undefined) return { robots: 0, episodes: 0 };
    const times = { ...fleetProfiles.real, dayMs };
    // The last day is what is judged: it is no part of what it is judged by.
    const endMs = nowMs - dayMs;
    const { history } = await readHistory(ports, { policy, startMs: endMs - historyDays * dayMs, endMs, times, nowMs });
    const centred = centreHistory({ history, champion, days: historyDays });
    const past = centred.map((robot) => [robot.robotId, baselineOf(robot)] as const);
    const known = past.filter(([, { episodes }]) => episodes > 0);
    const episodes = known.reduce((sum, [, baseline]) => sum + baseline.episodes, 0);
    if (known.length === 0) return { robots: 0, episodes: 0 };
    const frozen = await frozenSubjects(ports.store, policy);
    const standing = await readSoundJson(ports.store, keyOf(policy), baselineSchema, () => undefined);
    // What is wrong now must not become the past that it is compared with.
    if (standing !== undefined && frozen.isFleet) return { robots: known.length, episodes };
    if (standing === undefined || standing.madeAtMs < nowMs) {
      const parameters = estimateFleetParameters(centred);
      const before = Object.entries(standing?.robots ?? {}).filter(([robotId]) => frozen.robots.has(robotId));
      const robots = dictionary([...known, ...before]);
      const fleetDayVariance = fleetDayVarianceOf(history, champion);
      const [shortestHours] = promotionGuardLimits.windowHours;
      const fleetHoursVariance = fleetVarianceOf(history, champion, shortestHours);
      const document = { madeAtMs: nowMs, champion, parameters, robots, fleetDayVariance, fleetHoursVariance };
      await ports.store.put(keyOf(policy), jsonBytes(document));
    }
    return { robots: known.length, episodes };
  };
