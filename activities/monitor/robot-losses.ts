import { z } from 'zod';

import { dictionary } from '../../domain/dictionary.ts';
import { dictionarySchema } from '../../domain/dictionary-schema.ts';

/**
 * What robots made and nobody has: episodes their disk quota took before they were uploaded, outcomes of which nobody knows the time,
 * and models they would not install.
 */
export const lossReasons = ['episodesDropped', 'outcomesUndated', 'installsRefused'] as const;
export type LossReason = (typeof lossReasons)[number];

/** By robot and reason: `[fleet day since 1970, how many]`, ascending. */
export const lossesSchema = dictionarySchema(
  z.partialRecord(z.enum(lossReasons), z.array(z.tuple([z.int(), z.int()]))),
);
export type Losses = z.infer<typeof lossesSchema>;

export interface RobotLoss {
  readonly robotId: string;
  readonly reason: LossReason;
  readonly count: number;
}

/** Fleet days that are remembered: as long as a weekly cycle looks back. */
const lossDays = 7;
/** Nobody believes a robot that says more. */
const mostAtOnce = 1_000_000;

/** Counts something lost on the day on which it was heard of. Changes `losses`. */
export function noteLoss(losses: Losses, robotId: string, reason: LossReason, day: number, count: number): void {
  if (count <= 0) return;
  const ofRobot = (losses[robotId] ??= dictionary<[number, number][]>());
  const days = (ofRobot[reason] ??= []);
  const last = days.at(-1);
  const more = Math.min(count, mostAtOnce);
  if (last !== undefined && last[0] >= day) last[1] += more;
  else days.push([day, more]);
}

/** What was lost in the last seven fleet days up to `today`. */
export function recentLosses(losses: Losses, today: number): Losses {
  const kept = Object.entries(losses).map(([robotId, reasons]): [string, Losses[string]] => [
    robotId,
    dictionary(
      Object.entries(reasons).flatMap(([reason, days]): (readonly [string, [number, number][]])[] => {
        const recent = days.filter(([day]) => day > today - lossDays);
        return recent.length === 0 ? [] : [[reason, recent]];
      }),
    ),
  ]);
  return dictionary(kept.filter(([, reasons]) => Object.keys(reasons).length > 0));
}

/** By robot and reason, the worst first. */
export const listLosses = (losses: Losses): RobotLoss[] =>
  Object.entries(losses)
    .flatMap(([robotId, reasons]) =>
      lossReasons.map((reason) => ({
        robotId,
        reason,
        count: (reasons[reason] ?? []).reduce((sum, [, count]) => sum + count, 0),
      })),
    )
    .filter(({ count }) => count > 0)
    .toSorted((a, b) => b.count - a.count || (a.robotId < b.robotId ? -1 : 1));
