import type { IncidentEvent } from './incidents.ts';

/** `urgent`: robots may do harm, or nobody would hear of it · `normal`: somebody has work · `notice`: nothing to do. The least first. */
export const severities = ['notice', 'normal', 'urgent'] as const;
export type Severity = (typeof severities)[number];

const urgentCauses: readonly IncidentEvent['cause'][] = [
  'unsafe',
  'fleetBroken',
  'rollbackNeeded',
  'gatewayDead',
  'ordersUnsigned',
  'orderRefused',
  'diskFull',
];

/** How much an event matters to a person: what opens does, by its cause; what closes, was seen or is only told is a notice. */
export function severityOf({ cause, state }: Pick<IncidentEvent, 'cause' | 'state'>): Severity {
  if (state !== 'opened') return 'notice';
  return urgentCauses.includes(cause) ? 'urgent' : 'normal';
}

export const isAtLeast = (severity: Severity, least: Severity): boolean =>
  severities.indexOf(severity) >= severities.indexOf(least);
