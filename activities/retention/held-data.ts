import { holdText, type Hold } from '../../domain/legal-hold.ts';
import { sqlText } from '../../datasets/sql-types.ts';
import { readRobots } from '../../fleet/desk/index.ts';
import { readEpisodeList } from '../../store/records/episode-lists.ts';
import { readHolds } from '../../store/records/legal-holds.ts';
import type { ObjectStore } from '../../store/object-store.ts';

/** What the standing holds cover. Where it cannot be told whether one covers something, it does. */
export interface HeldData {
  /** Why whatever may hold data of any robot stays: a sentence on the first hold; undefined: no hold stands. */
  readonly any: string | undefined;
  readonly everything: string | undefined;
  readonly robots: ReadonlyMap<string, string>;
  readonly sites: ReadonlyMap<string, string>;
  readonly episodes: ReadonlyMap<string, string>;
}

const textOf = (hold: Hold | undefined): string | undefined => hold && holdText(hold);

/** Reads the holds with their lists. A site stands for the robots that are registered there too. */
export async function readHeldData(store: ObjectStore): Promise<HeldData> {
  const holds = await readHolds(store);
  const [robots, sites, episodes] = [new Map<string, string>(), new Map<string, string>(), new Map<string, string>()];
  for (const hold of holds) {
    const { scope } = hold;
    if (scope.kind === 'robot') robots.set(scope.robotId, holdText(hold));
    if (scope.kind === 'site') sites.set(scope.site, holdText(hold));
    if (scope.kind === 'episodes')
      for (const id of await readEpisodeList(store, scope.digest)) episodes.set(id, holdText(hold));
  }
  if (sites.size > 0)
    for (const [robotId, { site }] of await readRobots(store)) {
      const why = sites.get(site);
      if (why !== undefined && !robots.has(robotId)) robots.set(robotId, why);
    }
  return {
    any: textOf(holds[0]),
    everything: textOf(holds.find(({ scope }) => scope.kind === 'everything')),
    robots,
    sites,
    episodes,
  };
}

const among = (column: string, values: ReadonlyMap<string, string>): string =>
  values.size === 0 ? 'false' : `${column} IN (${[...values.keys()].map(sqlText).join(', ')})`;

/** SQL over columns `episode_id`, `robot_id` and `site`: whether a hold covers the episode. */
export function isHeldSql({ any, everything, robots, sites, episodes }: HeldData): string {
  if (everything !== undefined) return 'true';
  if (any === undefined) return 'false';
  return `(${among('robot_id', robots)} OR ${among('site', sites)} OR ${among('episode_id', episodes)})`;
}
