import { z } from 'zod';

import { afterCollection, type CollectionNews, type DataStanding } from '../../domain/monitoring/index.ts';
import { robotTypeName } from '../../datasets/robot-type.ts';
import { collectionSummarySchema } from '../collection/summary.ts';
import { readTrouble } from '../collection/trouble.ts';
import { isFailure } from '../../store/failures.ts';
import { readSoundJson, type OnDamage } from '../../store/damaged-objects.ts';
import type { ObjectEntry, ObjectStore } from '../../store/object-store.ts';
import { readPolicyDocument } from '../registry/policy-document.ts';
import type { ReadReports } from './monitor-state.ts';

/** Reports of one look, the newest: a first look does not read years, and no minute brings so many. */
const mostReports = 100;
/** A report may become visible this much after one that is newer by the store's clock. */
const overlapMs = 3_600_000;

/** Of a cycle's report what matters here. A report without a summary tells of a cycle that collected nothing. */
const reportSchema = z.object({
  cycleId: z.string(),
  policy: z.string(),
  collection: z.object({ summaryKey: z.string().optional() }).nullable(),
});

/**
 * What is wrong with the fleet's data after the cycles that reported since the last look; reads each report once. Every cycle's
 * report counts for the robots, one of this policy for the fleet.
 */
export async function followCollections(
  store: ObjectStore,
  policy: string,
  known: { readonly data: DataStanding; readonly reports: ReadReports },
  isRegistered: (robotId: string) => boolean,
  onDamage: OnDamage,
): Promise<{ readonly data: DataStanding; readonly reports: ReadReports }> {
  const recent = await reportsSince(store, known.reports.newestMs - overlapMs);
  const fresh = recent.filter(({ key }) => !known.reports.keys.includes(key)).slice(-mostReports);
  let { data } = known;
  for (const { key } of fresh) {
    const news = await newsOf(store, policy, key, onDamage);
    if (news !== undefined) data = afterCollection(data, news, isRegistered);
  }
  const newestMs = Math.max(known.reports.newestMs, recent.at(-1)?.modifiedMs ?? 0);
  const keys = recent.filter(({ modifiedMs }) => modifiedMs >= newestMs - overlapMs).map(({ key }) => key);
  return { data, reports: { newestMs, keys } };
}

/** The same with what keeps the policy's collection from getting on now; a record that cannot be read is trouble too. */
export async function withStuckCollection(
  store: ObjectStore,
  policy: string,
  { badData, leftOut }: DataStanding,
): Promise<DataStanding> {
  try {
    const { robotType } = await readPolicyDocument(store, policy);
    const trouble = await readTrouble(store, robotTypeName(robotType));
    if (trouble === undefined) return { badData, leftOut };
    const { cycleId, step, attempts, reason } = trouble;
    return { badData, leftOut, stuck: `${step} of ${cycleId} was tried ${attempts} times: ${reason}` };
  } catch (error) {
    if (isFailure(error, 'NotFound')) return { badData, leftOut };
    if (!isFailure(error, 'CorruptData')) throw error;
    return { badData, leftOut, stuck: error.message };
  }
}

/** Reports that became visible at `fromMs` or later, oldest first. */
async function reportsSince(store: ObjectStore, fromMs: number): Promise<readonly ObjectEntry[]> {
  const found: ObjectEntry[] = [];
  for await (const entry of store.list('reports/'))
    if (entry.key.endsWith('.json') && entry.modifiedMs >= fromMs) found.push(entry);
  return found.toSorted((a, b) => a.modifiedMs - b.modifiedMs || (a.key < b.key ? -1 : 1));
}

async function newsOf(
  store: ObjectStore,
  policy: string,
  reportKey: string,
  onDamage: OnDamage,
): Promise<CollectionNews | undefined> {
  const report = await readSoundJson(store, reportKey, reportSchema, onDamage);
  const summaryKey = report?.collection?.summaryKey;
  const summary =
    summaryKey === undefined ? undefined : await readSoundJson(store, summaryKey, collectionSummarySchema, onDamage);
  if (report === undefined || summary === undefined) return undefined;
  const leftOut = new Set(summary.robotsLeftOut);
  return {
    cycleId: report.cycleId,
    isOwn: report.policy === policy,
    verdict: summary.verdict,
    reason: summary.reason,
    robots: summary.robots.map((robot) => ({
      robotId: robot.robotId,
      acceptedEpisodes: robot.episodesStored + robot.episodesAlreadyStored,
      refusedEpisodes: robot.episodesRefused,
      refusedSegments: robot.segmentsRefused,
      isLeftOut: leftOut.has(robot.robotId),
    })),
  };
}
