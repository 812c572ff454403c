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
  const hash = `md5(${robotId} || ':' || strftime(${recordedOn}, ${sqlText('%Y-%m-%d')}))`;
  const share = `(('0x' || substr(${hash}, 1, 8))::BIGINT / 4294967296.0::DOUBLE)`;
  return (
    `CASE WHEN ${share} < ${rule.heldoutFraction}::DOUBLE THEN 'heldout' ` +
    `WHEN ${share} < ${rule.heldoutFraction + rule.validationFraction}::DOUBLE THEN 'validation' ELSE 'train' END`
  );
}
