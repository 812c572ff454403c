import type { MissingEpisode } from '../activities/collection/find-missing.ts';
import { readPresences } from '../fleet/desk/presence.ts';
import type { MissingAnswer } from './answers/episodes.ts';
import type { ConsoleContext } from './context.ts';

/** Where episodes of a policy are that the lake does not have. */
export async function whereabouts(
  context: Pick<ConsoleContext, 'missing' | 'fleet' | 'store'>,
  policy: string,
  asked: readonly MissingEpisode[],
): Promise<ReadonlyMap<string, NonNullable<MissingAnswer>>> {
  if (asked.length === 0) return new Map();
  const found = await context.missing(asked);
  const { robots } = await context.fleet.readFleet(policy);
  const quarantined = new Set(robots.flatMap(({ robotId, isQuarantined }) => (isQuarantined ? [robotId] : [])));
  const givenUp = await givenUpBy(context, policy);
  return new Map(
    asked.map(({ episodeId, robotId }, at) => {
      const { kind = 'unknown', rules = [], uploads = 0 } = found[at] ?? {};
      const robot = {
        isRobotQuarantined: quarantined.has(robotId ?? ''),
        givenUp: givenUp.get(robotId ?? '') ?? null,
      };
      return [episodeId, { kind, rules: [...rules], uploads, ...robot }];
    }),
  );
}

/** How many episodes each robot gave up for lack of room, as the gateway tells that heard it last. */
async function givenUpBy(
  { store }: Pick<ConsoleContext, 'store'>,
  policy: string,
): Promise<ReadonlyMap<string, number | null>> {
  const seen = (await readPresences(store, policy, () => undefined)).flatMap(({ robots }) => robots);
  const oldestFirst = seen.toSorted((a, b) => (a.saidMs ?? -1) - (b.saidMs ?? -1));
  return new Map(oldestFirst.map(({ robotId, droppedEpisodes }) => [robotId, droppedEpisodes]));
}
