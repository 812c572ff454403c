import { z } from 'zod';

import { sqlText } from '../../datasets/sql-types.ts';
import { appendOnce, readLog } from '../../store/append-log.ts';
import type { Clock } from '../../store/clock.ts';
import type { ObjectStore } from '../../store/object-store.ts';

/**
 * What a person says of one stored episode. `excluded`: nothing is learned from it and nothing measured on it; `doubtful`: it is
 * learned from, and neither validation nor the gates measure on it; `included`: as if nothing had been said.
 */
export const episodeStandings = ['excluded', 'doubtful', 'included'] as const;
export type EpisodeStanding = (typeof episodeStandings)[number];

/** A line of the log `exclusions/<seq>.json`; of an episode the last one holds. */
const exclusionSchema = z.strictObject({
  episodeId: z.string(),
  standing: z.enum(episodeStandings),
  who: z.string(),
  reason: z.string(),
  atMs: z.int(),
});
export type Exclusion = z.infer<typeof exclusionSchema>;

const prefix = 'exclusions';

/** Appends what a person says; saying the same again changes nothing. */
export const setEpisodeStanding = (
  { store, clock }: { readonly store: ObjectStore; readonly clock: Clock },
  word: Omit<Exclusion, 'atMs'>,
): Promise<Exclusion> =>
  appendOnce(store, prefix, exclusionSchema, (earlier) => {
    const last = earlier.findLast(({ record }) => record.episodeId === word.episodeId)?.record;
    if (last !== undefined && last.standing === word.standing) return { found: last };
    return { append: { ...word, atMs: clock() } };
  });

export interface EpisodeExclusions {
  /** Last line of the log that was read; undefined for an empty log. A set that was made under it says so. */
  readonly seq: number | undefined;
  readonly excluded: readonly string[];
  readonly doubtful: readonly string[];
  /** The lines that hold, by episode. */
  readonly holding: readonly Exclusion[];
}

/** What holds now, or what held when line `upTo` was the last. */
export async function readExclusions(store: ObjectStore, upTo = Number.POSITIVE_INFINITY): Promise<EpisodeExclusions> {
  const entries = (await readLog(store, prefix, exclusionSchema)).filter(({ seq }) => seq <= upTo);
  const last = new Map(entries.map(({ record }) => [record.episodeId, record]));
  const holding = [...last.values()].toSorted((a, b) => (a.episodeId < b.episodeId ? -1 : 1));
  const idsOf = (standing: EpisodeStanding): readonly string[] =>
    holding.filter((record) => record.standing === standing).map(({ episodeId }) => episodeId);
  return { seq: entries.at(-1)?.seq, excluded: idsOf('excluded'), doubtful: idsOf('doubtful'), holding };
}

const isInSql = (ids: readonly string[]): string =>
  ids.length === 0 ? 'false' : `episode_id IN (${ids.map(sqlText).join(', ')})`;

/** SQL over columns `episode_id` and `split`: whether the episode may be used in its split. */
export const isUsableSql = ({ excluded, doubtful }: EpisodeExclusions): string =>
  `NOT ${isInSql(excluded)} AND (split = 'train' OR NOT ${isInSql(doubtful)})`;
