import { createHash } from 'node:crypto';

import type { Split } from './columns.ts';
import type { RobotType } from './robot-type.ts';
import { sqlText } from './sql-types.ts';

export interface SplitInput {
  readonly robotId: string;
  /** UTC day of the corrected start, `yyyy-mm-dd`. */
  readonly recordedOn: string;
  /** Corrected start, microseconds since 1970 UTC. */
  readonly startedAtUs: number;
}

type SplitRule = RobotType['split'];
type RobotDayRule = Extract<SplitRule, { kind: 'robotDay' }>;

/**
 * Which split an episode belongs to, by the robot type's rule. `robotDay`: the first 32 bits of md5(`robotId:day`) as a
 * share of 2^32 fall below heldoutFraction → heldout, below heldoutFraction + validationFraction → validation, else
 * train; so all episodes of a robot's day share one split. `time`: by the corrected start.
 */
export function splitOf(input: SplitInput, rule: SplitRule): Split {
  if (rule.kind === 'time') {
    if (input.startedAtUs >= instantUs(rule.heldoutStart)) return 'heldout';
    const inside = rule.validation.some(
      ({ start, end }) => input.startedAtUs >= instantUs(start) && input.startedAtUs < instantUs(end),
    );
    return inside ? 'validation' : 'train';
  }
  const share = robotDayShare(input.robotId, input.recordedOn);
  if (share < rule.heldoutFraction) return 'heldout';
  return share < rule.heldoutFraction + rule.validationFraction ? 'validation' : 'train';
}

const robotDayShare = (robotId: string, day: string): number =>
  Number.parseInt(createHash('md5').update(`${robotId}:${day}`).digest('hex').slice(0, 8), 16) / 2 ** 32;

const instantUs = (iso: string): number => Date.parse(iso) * 1000;

/** `splitOf` as SQL over expressions for robot id, day (DATE) and corrected start (microseconds). */
export function splitSql(
  columns: { robotId: string; recordedOn: string; startedAtUs: string },
  rule: SplitRule,
): string {
  const { robotId, recordedOn, startedAtUs } = columns;
  if (rule.kind === 'time') {
    const inside = rule.validation.map(
      ({ start, end }) => `(${startedAtUs} >= ${instantUs(start)} AND ${startedAtUs} < ${instantUs(end)})`,
    );
    return (
      `CASE WHEN ${startedAtUs} >= ${instantUs(rule.heldoutStart)} THEN 'heldout' ` +
      `WHEN ${inside.length === 0 ? 'false' : inside.join(' OR ')} THEN 'validation' ELSE 'train' END`
    );
  }
  return sharesSql(`md5(${robotId} || ':' || strftime(${recordedOn}, ${sqlText('%Y-%m-%d')}))`, rule);
}

/** The split for the first 32 bits of a hash as a share of 2^32. */
function sharesSql(hash: string, rule: RobotDayRule): string {
  const share = `(('0x' || substr(${hash}, 1, 8))::BIGINT / 4294967296.0::DOUBLE)`;
  return (
    `CASE WHEN ${share} < ${rule.heldoutFraction}::DOUBLE THEN 'heldout' ` +
    `WHEN ${share} < ${rule.heldoutFraction + rule.validationFraction}::DOUBLE THEN 'validation' ELSE 'train' END`
  );
}

/** A split is served by this many episodes: as many as the gates need to measure on. */
export const leastSplitEpisodes = 20;
/** With so many robots in one collection the shares of a robot-day rule come out by themselves, young or not. */
export const manyRobots = 30;

export type SplitCounts = Readonly<Record<Split, number>>;

/**
 * Splits of a robot-day rule that have no episode yet, in the order in which they are needed (nothing is learned without `train`,
 * nothing is ended in time without `validation`, nothing is proved without `heldout`), while any has fewer than `leastSplitEpisodes`; undefined where
 * all have enough, or the rule goes by time. A young lake of few robots is split by episode, see `youngSplitSql`.
 */
export function youngSplits(counts: SplitCounts, rule: SplitRule): readonly Split[] | undefined {
  if (rule.kind === 'time') return undefined;
  const wanted: readonly Split[] = [
    'train',
    ...(rule.validationFraction > 0 ? (['validation'] as const) : []),
    ...(rule.heldoutFraction > 0 ? (['heldout'] as const) : []),
  ];
  if (wanted.every((split) => counts[split] >= leastSplitEpisodes)) return undefined;
  return wanted.filter((split) => counts[split] === 0);
}

/**
 * SQL of the split of an episode of a young lake: the first episodes by hash, those that label themselves before others, go one each to
 * the splits that have none; every other by its own hash, in the rule's shares. So one robot with one day has something to learn
 * from, then something to validate on, then something to measure on. For a SELECT over all episodes of a collection's batch, with
 * columns `episode_id`, `robot_id`, `recorded_on`, `outcome`, `intervened`.
 */
export function youngSplitSql(rule: RobotDayRule, missing: readonly Split[]): string {
  const hash = `md5(robot_id || ':' || strftime(recorded_on, ${sqlText('%Y-%m-%d')}) || ':' || episode_id)`;
  const place = `row_number() OVER (ORDER BY NOT (outcome = 'success' AND NOT intervened), ${hash}, episode_id)`;
  const first = missing.map((split, index) => `WHEN ${place} = ${index + 1} THEN ${sqlText(split)} `).join('');
  return first === '' ? sharesSql(hash, rule) : `CASE ${first}ELSE ${sharesSql(hash, rule)} END`;
}
