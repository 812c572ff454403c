import { readSoundJson } from '../../store/damaged-objects.ts';
import { inParallel } from '../../store/in-parallel.ts';
import type { ObjectEntry, ObjectStore } from '../../store/object-store.ts';
import { episodeHash } from '../../store/records/erasures.ts';
import { readAllTombstones, type Tombstones } from './erased-episodes.ts';
import { quarantineRecordSchema, type QuarantineRecord } from './quarantine.ts';

/** An episode that a robot told of and that the lake does not have. */
export interface MissingEpisode {
  readonly episodeId: string;
  /** null: nobody knows. */
  readonly robotId: string | null;
  /** By corrected clocks, unix ms; null: nobody knows. */
  readonly endedMs: number | null;
}

/**
 * Where such an episode is, as far as the store says. `erased`: on request · `refused`: a collection refused it · `waits`: uploads of its robot that came since then
 * lie in landing · `perhapsRefused`: whole uploads of its robot that came since then were refused, and such a record names no episodes · `perhapsRemoved`: a person
 * took uploads of its robot out of landing since then · `notUploaded`: nothing of its robot came since then · `unknown`: nobody knows whose it is.
 */
export interface Whereabouts {
  readonly kind: 'erased' | 'refused' | 'waits' | 'perhapsRefused' | 'perhapsRemoved' | 'notUploaded' | 'unknown';
  /** Rules that were broken, at most 5. */
  readonly rules: readonly string[];
  /** How many uploads. */
  readonly uploads: number;
}

/** Records of quarantine that are looked through, the newest. */
const mostRecords = 2_000;
const mostRules = 5;
const readsAtOnce = 16;
/** A robot's clock, as corrected, may be so far ahead of the store's. */
const skewMs = 60_000;

const nowhere: Whereabouts = { kind: 'unknown', rules: [], uploads: 0 };

/** What one look at the store needs of a record; they never change. */
type Refused = Pick<QuarantineRecord, 'robotId' | 'receivedMs' | 'rules'> & {
  readonly isWhole: boolean;
  readonly episodeIds: readonly string[];
};

/** Says of episodes that are not in the lake where they are. It reads keys, and each record of quarantine once. */
export function missingFinder(
  store: ObjectStore,
): (asked: readonly MissingEpisode[]) => Promise<readonly Whereabouts[]> {
  let known: ReadonlyMap<string, Refused> = new Map();

  /** A record that cannot be read says of no episode that it was refused. */
  async function refused(): Promise<readonly Refused[]> {
    const entries: ObjectEntry[] = [];
    for await (const entry of store.list('quarantine/')) if (entry.key.endsWith('.json')) entries.push(entry);
    const newest = entries.toSorted((a, b) => b.modifiedMs - a.modifiedMs).slice(0, mostRecords);
    const read = await inParallel(newest, readsAtOnce, async ({ key }): Promise<[string, Refused][]> => {
      const before = known.get(key);
      if (before !== undefined) return [[key, before]];
      const record = await readSoundJson(store, key, quarantineRecordSchema, () => undefined);
      return record === undefined ? [] : [[key, shortOf(record)]];
    });
    known = new Map(read.flat());
    return [...known.values()];
  }

  return async (asked) => {
    if (asked.length === 0) return [];
    const tombstones = await readAllTombstones(store);
    const refusals = await refused();
    const robotIds = [...new Set(asked.flatMap(({ robotId }) => robotId ?? []))];
    const uploads = new Map(
      await inParallel(robotIds, readsAtOnce, async (robotId) => [robotId, await uploadsOf(store, robotId)] as const),
    );
    return asked.map((episode) => whereaboutsOf(episode, { tombstones, refusals, uploads }));
  };
}

const shortOf = ({ robotId, receivedMs, rules, scope, violations }: QuarantineRecord): Refused => ({
  robotId,
  receivedMs,
  rules: [...new Set(rules)].slice(0, mostRules),
  isWhole: scope === 'segment',
  episodeIds: [...new Set(violations.flatMap(({ episodeId }) => episodeId ?? []))],
});

/** When uploads of a robot came that lie in landing, and when some were taken out of it. */
interface Uploads {
  readonly waiting: readonly number[];
  readonly removed: readonly number[];
}

async function uploadsOf(store: ObjectStore, robotId: string): Promise<Uploads> {
  const timesOf = async (prefix: string, ending: string): Promise<readonly number[]> => {
    const times: number[] = [];
    for await (const { key, modifiedMs } of store.list(prefix)) if (key.endsWith(ending)) times.push(modifiedMs);
    return times;
  };
  return {
    waiting: await timesOf(`landing/${robotId}/`, '.parquet'),
    removed: await timesOf(`removed/${robotId}/`, '.json'),
  };
}

interface Known {
  readonly tombstones: Tombstones;
  readonly refusals: readonly Refused[];
  readonly uploads: ReadonlyMap<string, Uploads>;
}

function whereaboutsOf({ episodeId, robotId, endedMs }: MissingEpisode, known: Known): Whereabouts {
  const { tombstones, refusals, uploads } = known;
  if (isErased(tombstones, { episodeId, robotId, endedMs })) return { ...nowhere, kind: 'erased' };
  const own = refusals.find(({ episodeIds, isWhole }) => !isWhole && episodeIds.includes(episodeId));
  if (own !== undefined) return { kind: 'refused', rules: own.rules, uploads: 1 };
  if (robotId === null) return nowhere;
  const isSince = (atMs: number): boolean => atMs >= (endedMs ?? 0) - skewMs;
  const { waiting = [], removed = [] } = uploads.get(robotId) ?? {};
  const waits = waiting.filter(isSince).length;
  if (waits > 0) return { ...nowhere, kind: 'waits', uploads: waits };
  const whole = refusals.filter((one) => one.isWhole && one.robotId === robotId && isSince(one.receivedMs));
  if (whole.length > 0) {
    const rules = [...new Set(whole.flatMap((one) => one.rules))].slice(0, mostRules);
    return { kind: 'perhapsRefused', rules, uploads: whole.length };
  }
  const taken = removed.filter(isSince).length;
  return taken > 0 ? { ...nowhere, kind: 'perhapsRemoved', uploads: taken } : { ...nowhere, kind: 'notUploaded' };
}

/** By its id, or by its robot; of a site that was erased the lists of ids name the episodes. */
const isErased = ({ requests, hashes }: Tombstones, { episodeId, robotId, endedMs }: MissingEpisode): boolean =>
  hashes.has(episodeHash(episodeId)) ||
  requests.some(
    ({ target, recordedBeforeMs }) =>
      target.kind === 'robot' && target.robotId === robotId && endedMs !== null && endedMs < recordedBeforeMs,
  );
