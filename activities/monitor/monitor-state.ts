import { z } from 'zod';

import { dictionary } from '../../domain/dictionary.ts';
import { dictionarySchema } from '../../domain/dictionary-schema.ts';
import { noDataTrouble } from '../../domain/monitoring/data-findings.ts';
import { openIncidents } from '../../domain/monitoring/incidents.ts';
import type { IncidentBook, IncidentEvent, LoopStanding, OpenIncident } from '../../domain/monitoring/index.ts';
import { readSoundJson, type OnDamage } from '../../store/damaged-objects.ts';
import { failure, isFailure } from '../../store/failures.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { listLosses, lossesSchema, type Losses, type RobotLoss } from './robot-losses.ts';
import { keptLivesSchema } from '../kept-lives.ts';

/** Whose champion it is and since when. */
const championsSchema = z.strictObject({
  /** Last record of the alias log that was read; -1 before the first. */
  seq: z.int().min(-1),
  champion: z.string().nullable(),
  previous: z.string().nullable(),
  baseline: z.string().nullable(),
  /** The last move of the champion: to one that never was champion before, or back to one that was. */
  promotion: z
    .strictObject({
      operationId: z.string(),
      atMs: z.int(),
      isReturn: z.boolean(),
      /** Whose decision it was and why; absent in states of earlier versions. */
      who: z.string().optional(),
      why: z.string().optional(),
    })
    .nullable(),
  /** Every version that was champion, the newest last. */
  past: z.array(z.string()),
});
export type Champions = z.infer<typeof championsSchema>;

/** Reports of cycles that were read. */
const readReportsSchema = z.strictObject({
  /** When the newest became visible, by the store's clock; 0 before the first. */
  newestMs: z.number(),
  /** Those that became visible not long before it. */
  keys: z.array(z.string()),
});
export type ReadReports = z.infer<typeof readReportsSchema>;

export const noReports: ReadReports = { newestMs: 0, keys: [] };

const trusted = <T>() => z.unknown() as unknown as z.ZodType<T>;

const counts = dictionarySchema(z.number());
const memorySchema = dictionarySchema(
  z.object({
    hours: z.array(z.tuple([z.number(), z.number(), z.number()])),
    halves: dictionarySchema(z.object({ episodes: z.number(), reasons: counts })),
    safety: z.object({ atMs: z.number(), version: z.string().nullable() }).exactOptional(),
  }),
);

/**
 * Everything the monitor remembers between two looks; a new document a look, the old ones deleted. A state that an earlier build
 * left is taken on: what it does not have begins empty, what is of no use any more is dropped.
 */
const stateSchema = z.object({
  /** The look that made it, by its time. */
  lookMs: z.int(),
  /** The incident log has at least so many records before this look's. */
  logSeq: z.int().min(0),
  /** Telemetry from this hour on may still hold something new. */
  scanFromMs: z.number(),
  /** Objects of open hours that were read, by their hour. */
  consumed: dictionarySchema(z.array(z.string())),
  /** What was counted of every robot's life, and when it last spoke. */
  lives: keptLivesSchema,
  /** Robots of which two lives overlapped in time. */
  lifeOverlaps: z
    .array(
      z.object({
        robotId: z.string(),
        boots: z.array(z.string()),
        fromMs: z.number(),
        untilMs: z.number(),
        heardMs: z.number(),
      }),
    )
    .default([]),
  /** What robots made in the last days and nobody has. */
  losses: lossesSchema.default(() => dictionary<Losses[string]>()),
  champions: championsSchema,
  memory: memorySchema,
  /** Corrected frames by the fleet hour of their receipt, ascending. */
  correctedFrames: z.array(z.tuple([z.int(), z.int()])).default([]),
  /** When the newest cycle that was ever seen began: the server forgets closed ones. Null: none was seen. */
  lastCycleStartedMs: z.number().nullable().default(null),
  reports: readReportsSchema.default(noReports),
  /** What those reports left standing of the fleet's data. */
  data: z.object({ badData: z.string().nullable(), leftOut: dictionarySchema(z.string()) }).default(noDataTrouble),
  /** What stands of the loop's runs; not there before they were first seen. */
  loop: trusted<LoopStanding>().optional(),
  /** Objects that could not be read, until they are deleted. */
  damaged: z.array(z.object({ key: z.string(), why: z.string() })).default([]),
  book: dictionarySchema(trusted<IncidentBook[string]>()),
  /** What this look changed; the incident log follows it. */
  events: z.array(trusted<IncidentEvent>()),
  /** What the look answered. */
  result: z.record(z.string(), z.unknown()),
});
export type MonitorState = z.infer<typeof stateSchema>;

/** What a look begins from. */
export interface KeptState {
  /** The newest document there is, readable or not. */
  readonly generation: number;
  /** The newest that can be read. */
  readonly state: MonitorState;
}

const prefixOf = (policy: string): string => `monitor/${policy}/looks/`;
const keyOf = (policy: string, generation: number): string =>
  `${prefixOf(policy)}${String(generation).padStart(20, '0')}.json`;

/**
 * The newest state; undefined before the first look. A damaged one is passed over for the one before it; when none can be read the
 * newest is `CorruptData` and names itself.
 */
export async function latestState(
  store: ObjectStore,
  policy: string,
  onDamage: OnDamage = () => undefined,
): Promise<KeptState | undefined> {
  const generations: number[] = [];
  for await (const { key } of store.list(prefixOf(policy))) generations.unshift(Number(key.slice(-25, -5)));
  const [generation] = generations;
  if (generation === undefined) return undefined;
  let isDamaged = false;
  for (const one of generations) {
    const state = await readSoundJson(store, keyOf(policy, one), stateSchema, (object) => {
      isDamaged = true;
      onDamage(object);
    });
    if (state !== undefined) return { generation, state };
  }
  // Another look may have deleted what was listed.
  if (!isDamaged) return latestState(store, policy, onDamage);
  const key = keyOf(policy, generation);
  throw failure('CorruptData', 'expected a state of the monitor, all are damaged: delete them to begin anew', {
    coordinates: { key },
  });
}

/** What is wrong with a fleet, as of the monitor's last look; `lookedAtMs` is null before the first. */
export async function readOpenIncidents(
  store: ObjectStore,
  policy: string,
): Promise<{ readonly lookedAtMs: number | null; readonly incidents: readonly OpenIncident[] }> {
  const kept = await latestState(store, policy);
  if (kept === undefined) return { lookedAtMs: null, incidents: [] };
  return { lookedAtMs: kept.state.lookMs, incidents: openIncidents(kept.state.book) };
}

/**
 * What robots of a policy lost in the seven fleet days before the monitor's last look, the worst first; undefined when no monitor
 * looked, or what it left cannot be read.
 */
export async function readRobotLosses(store: ObjectStore, policy: string): Promise<readonly RobotLoss[] | undefined> {
  try {
    const kept = await latestState(store, policy);
    return kept === undefined ? undefined : listLosses(kept.state.losses);
  } catch (error) {
    if (isFailure(error, 'CorruptData')) return undefined;
    throw error;
  }
}

/** Makes the state the newest; false when another look came first. Two generations are kept. */
export async function commitState(
  store: ObjectStore,
  policy: string,
  before: KeptState | undefined,
  state: MonitorState,
): Promise<boolean> {
  const generation = (before?.generation ?? -1) + 1;
  // Written every minute and for programs only: without the spaces that people like.
  const bytes = new TextEncoder().encode(JSON.stringify(state));
  if ((await store.putIfAbsent(keyOf(policy, generation), bytes)) === 'exists') return false;
  if (generation >= 2) await store.delete(keyOf(policy, generation - 2));
  return true;
}
