import type { Finding } from './incidents.ts';
import { dictionary } from '../dictionary.ts';

/** What a cycle's collection said of the data it read. */
export interface CollectionNews {
  readonly cycleId: string;
  /** Whether a cycle of this policy collected; robots of one type are collected together, whatever their policy. */
  readonly isOwn: boolean;
  readonly verdict: 'ok' | 'badData' | 'nothingNew';
  readonly reason: string;
  /** Robots of which something lay in landing. */
  readonly robots: readonly {
    readonly robotId: string;
    readonly acceptedEpisodes: number;
    readonly refusedEpisodes: number;
    readonly refusedSegments: number;
    /** Everything was refused. */
    readonly isLeftOut: boolean;
  }[];
}

/** What is wrong with the data of the fleet until a later collection says otherwise; sentences. */
export interface DataStanding {
  readonly badData: string | null;
  /** By robot. */
  readonly leftOut: Readonly<Record<string, string>>;
  /** Why the collection that runs does not get on; not there while it does. */
  readonly stuck?: string;
}

export const noDataTrouble: DataStanding = { badData: null, leftOut: dictionary() };

/**
 * What stands after one more collection. Bad data ends with a collection that may be learned from; one without anything new says
 * nothing of it. A robot is left out until something of it is accepted: one that sent nothing has not shown that it is well. What
 * nobody registered sends nothing again under that name, so it ends with the next collection of the policy that has none of it.
 */
export function afterCollection(
  before: DataStanding,
  news: CollectionNews,
  isRegistered: (robotId: string) => boolean,
): DataStanding {
  const sent = new Map(news.robots.map((robot) => [robot.robotId, robot]));
  const isOver = (robotId: string): boolean => {
    const robot = sent.get(robotId);
    if (robot === undefined) return news.isOwn && !isRegistered(robotId);
    return robot.acceptedEpisodes > 0;
  };
  const standing = Object.entries(before.leftOut).filter(([robotId]) => !isOver(robotId));
  const added = news.robots.filter((robot) => robot.isLeftOut && (news.isOwn || isRegistered(robot.robotId)));
  return {
    badData: badDataAfter(before.badData, news),
    leftOut: dictionary<string>([
      ...standing,
      ...added.map(
        ({ robotId, refusedEpisodes, refusedSegments }) =>
          [
            robotId,
            `everything was refused, ${refusedEpisodes} episodes and ${refusedSegments} segments: cycle ${news.cycleId}`,
          ] as const,
      ),
    ]),
  };
}

function badDataAfter(before: string | null, { isOwn, verdict, reason, cycleId }: CollectionNews): string | null {
  if (!isOwn || verdict === 'nothingNew') return before;
  return verdict === 'ok' ? null : `${reason}: cycle ${cycleId}`;
}

/** What is wrong with the fleet's data, then the robots that are left out, by id. */
export const judgeData = ({ badData, leftOut, stuck }: DataStanding): Finding[] => [
  ...(badData === null ? [] : [{ cause: 'badData', subject: 'fleet', reason: badData } as const]),
  ...(stuck === undefined ? [] : [{ cause: 'collectionStuck', subject: 'fleet', reason: stuck } as const]),
  ...Object.entries(leftOut)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([subject, reason]): Finding => ({ cause: 'leftOut', subject, reason })),
];
