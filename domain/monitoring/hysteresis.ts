import type { IncidentCause } from './causes.ts';
import { severalSites } from './group-findings.ts';
import type { Hysteresis } from './incidents.ts';
import type { MonitorLimits } from './monitor-limits.ts';

/** What happened has happened, and what is told of workflows and disks counts by itself: no second look is asked for. */
const atOnce: readonly IncidentCause[] = [
  'crashLoop',
  'unsafe',
  'installRefused',
  'orderRefused',
  'rollbackNeeded',
  'twoLives',
  'diskFull',
  'learningStopped',
  'cycleFailed',
  'championHolds',
  'stepRetries',
  'workflowStuck',
  'approvalWaits',
];
/** A look at drift, and a collection, stand for many. */
const forMany: readonly IncidentCause[] = ['drift', 'badData', 'leftOut', 'collectionStuck', 'damagedObject'];

/** Of several sites one robot comes as another goes: an incident of them ends after so many times the looks of others. */
const severalSitesTimes = 12;

/** After how many looks an incident of this cause and subject opens, and closes. */
export function hysteresisOf(
  cause: IncidentCause,
  subject: string,
  { openAfterTicks, closeAfterTicks }: Pick<MonitorLimits, 'openAfterTicks' | 'closeAfterTicks'>,
): Hysteresis {
  if (forMany.includes(cause)) return { openAfterTicks: 1, closeAfterTicks: 1 };
  return {
    openAfterTicks: atOnce.includes(cause) ? 1 : openAfterTicks,
    closeAfterTicks: subject === severalSites ? severalSitesTimes * closeAfterTicks : closeAfterTicks,
  };
}
