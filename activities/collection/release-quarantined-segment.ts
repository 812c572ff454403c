import { landingKey as landingKeyOf } from '../../datasets/landing.ts';
import { unknownTaskRule, waivableRuleIds } from '../../datasets/validation/rules.ts';
import { collectedType } from './collected-type.ts';
import { quarantined, quarantineKeyOf, type QuarantineRecord } from './quarantine.ts';
import { releaseKeyOf, releaseSchema, type Release } from './releases.ts';
import { failure, isFailure } from '../../store/failures.ts';
import { jsonBytes, requireJson } from '../../store/json-objects.ts';
import type { Clock } from '../../store/clock.ts';
import type { ObjectStore } from '../../store/object-store.ts';

export interface ReleaseQuarantinedSegmentInput {
  /** As in the name of the quarantined object. */
  readonly sha256: string;
  readonly reason: string;
  readonly who: string;
}

export interface ReleaseQuarantinedSegmentResult {
  readonly landingKey: string;
  /** Rules that the next validation will not apply to these bytes. */
  readonly waivedRules: readonly string[];
  readonly releaseKey: string;
}

/**
 * Puts refused bytes back into landing, with a record by their digest that waives the rules they were refused for.
 * Idempotent by digest: the first release stays, what is quarantined stays, and taking it in twice stores it once. Rules
 * that keep the lake or training whole can never be waived: asking for that is `InvalidInput`.
 */
export const releaseQuarantinedSegment =
  (ports: { readonly store: ObjectStore; readonly clock: Clock }) =>
  async (input: ReleaseQuarantinedSegmentInput): Promise<ReleaseQuarantinedSegmentResult> => {
    const { store, clock } = ports;
    const record = await recordOf(store, input.sha256);
    const rules = waivable(record, await tasksOf(store, record));
    const quarantineKey = quarantineKeyOf(record.cycleId, record.sha256, 'parquet');
    const landingKey = landingKeyOf(record.robotId, record.sha256);
    const releaseKey = releaseKeyOf(record.sha256);
    const release: Release = { ...input, rules: [...rules], quarantineKey, landingKey, releasedMs: clock() };
    await store.putIfAbsent(releaseKey, jsonBytes(release));
    const stored = await requireJson(store, releaseKey, releaseSchema, 'it was written a moment ago');
    const filePath = await store.localPath(quarantineKey);
    if (filePath === undefined) {
      throw failure('CorruptData', 'expected the bytes beside the quarantine record, got none', {
        coordinates: { key: quarantineKey },
      });
    }
    await store.put(landingKey, { filePath });
    return { landingKey, waivedRules: stored.rules, releaseKey };
  };

/** The record of these bytes, whichever collection refused them. */
async function recordOf(store: ObjectStore, sha256: string): Promise<QuarantineRecord> {
  for await (const record of quarantined(store, sha256)) return record;
  throw failure(
    'NotFound',
    `expected something quarantined with sha256 ${sha256}, got nothing: look under quarantine/`,
  );
}

/** Tasks that its robot type's policies know by now. */
async function tasksOf(store: ObjectStore, { robotType, rules }: QuarantineRecord): Promise<ReadonlySet<string>> {
  const [, id, version] = /^([a-z0-9][a-z0-9-]{0,62})@([1-9]\d{0,8})$/.exec(robotType ?? '') ?? [];
  if (id === undefined || !rules.includes(unknownTaskRule)) return new Set();
  try {
    return new Set((await collectedType(store, { id, version: Number(version) })).tasks);
  } catch (error) {
    if (isFailure(error, 'NotFound')) return new Set();
    throw error;
  }
}

/**
 * Releasing must help: the segment itself, and at least one of its episodes, broke nothing but rules that may be waived, or had a task
 * that was unknown then and is known now: that needs no waiver.
 */
function waivable({ rules, violations, sha256 }: QuarantineRecord, knownTasks: ReadonlySet<string>): readonly string[] {
  const isBarred = ({ rule, value }: QuarantineRecord['violations'][number]): boolean =>
    !waivableRuleIds.has(rule) && !(rule === unknownTaskRule && knownTasks.has(value));
  const barred = violations.filter(isBarred);
  const barredEpisodes = new Set(barred.map(({ episodeId }) => episodeId));
  const isSegmentBarred = barred.some(({ rule }) => rule.startsWith('segment.'));
  if (!isSegmentBarred && violations.some(({ episodeId }) => !barredEpisodes.has(episodeId))) {
    return rules.filter((rule) => waivableRuleIds.has(rule));
  }
  const names = [...new Set(barred.map(({ rule }) => rule))].join(', ');
  const unknown = [...new Set(barred.flatMap(({ rule, value }) => (rule === unknownTaskRule ? [value] : [])))];
  const hint =
    unknown.length === 0
      ? ''
      : `; no task catalogue knows ${unknown.slice(0, 5).join(', ')}: add it with \`flywheel tasks add\` first`;
  throw failure('InvalidInput', `expected something refused for rules that may be waived only, got ${names}${hint}`, {
    coordinates: { sha256 },
  });
}
