import { withDefaults } from './limits.ts';

/** What is known of one robot's life signs. */
export interface RobotSigns {
  readonly robotId: string;
  readonly lastReportAgeMs: number;
  /** Ages of its crashes. */
  readonly crashAgesMs: readonly number[];
  readonly safetyEvents: number;
}

export interface HealthLimits {
  readonly silentMs: number;
  readonly crashes: number;
  readonly crashWindowMs: number;
}

export const defaultHealthLimits: HealthLimits = { silentMs: 300_000, crashes: 3, crashWindowMs: 300_000 };

export type RobotCondition = 'well' | 'silent' | 'crashLoop' | 'unsafe' | 'unknown';

/**
 * The condition of every robot: unsafe > crashLoop > silent > well. Without presence (no gateway says who is online) a robot that
 * does not report is unknown, not silent.
 */
export function judgeHealth(input: {
  robots: readonly RobotSigns[];
  presence: 'known' | 'unknown';
  limits?: Partial<HealthLimits>;
}): { readonly robotId: string; readonly condition: RobotCondition; readonly reason: string }[] {
  const limits = withDefaults('health limits', defaultHealthLimits, input.limits);
  return input.robots.map((robot) => {
    const { robotId, lastReportAgeMs, crashAgesMs, safetyEvents } = robot;
    const crashes = crashAgesMs.filter((ageMs) => ageMs <= limits.crashWindowMs).length;
    if (safetyEvents > 0) return { robotId, condition: 'unsafe', reason: `${safetyEvents} safety events` };
    if (crashes >= limits.crashes) {
      return { robotId, condition: 'crashLoop', reason: `${crashes} crashes in ${minutes(limits.crashWindowMs)}` };
    }
    if (!(lastReportAgeMs >= limits.silentMs)) return { robotId, condition: 'well', reason: 'reports' };
    if (input.presence === 'unknown') {
      return { robotId, condition: 'unknown', reason: 'no gateway says who is online' };
    }
    return { robotId, condition: 'silent', reason: `no report for ${minutes(lastReportAgeMs)}` };
  });
}

/**
 * May the fleet be rolled back without a person, outside a trial? Only for crash loops or safety events on at least 3 robots and
 * 5 % of the fleet, within 72 h of the promotion, once, and never to the baseline.
 */
export function judgeAutomaticRollback(input: {
  conditions: readonly { readonly condition: RobotCondition }[];
  hoursSincePromotion: number;
  alreadyRolledBack: boolean;
  target: 'previous' | 'baseline';
  limits?: { readonly robots?: number; readonly fleetFraction?: number; readonly hours?: number };
}): { readonly rollback: boolean; readonly reason: string } {
  const { robots = 3, fleetFraction = 0.05, hours = 72 } = input.limits ?? {};
  const fleet = input.conditions.length;
  const affected = input.conditions.filter(
    ({ condition }) => condition === 'crashLoop' || condition === 'unsafe',
  ).length;
  const told = `crash loops or safety events on ${affected} of ${fleet} robots, ${input.hoursSincePromotion.toFixed(1)} h after the promotion`;
  const no = (why: string): { rollback: boolean; reason: string } => ({ rollback: false, reason: `${told}: ${why}` });
  if (affected < robots || affected < fleetFraction * fleet)
    return no(`fewer than ${robots} robots or ${100 * fleetFraction} %`);
  if (!(input.hoursSincePromotion <= hours)) return no(`longer than ${hours} h ago`);
  if (input.alreadyRolledBack) return no('rolled back once already');
  if (input.target === 'baseline') return no('the baseline needs approval');
  return { rollback: true, reason: told };
}

const minutes = (ms: number): string => `${Math.round(ms / 60_000)} min`;
