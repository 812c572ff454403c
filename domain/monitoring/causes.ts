/** What an incident can be about. One is open a cause and subject at a time, however often it is seen. */
export const incidentCauses = [
  'silent',
  'crashLoop',
  'unsafe',
  'installRefused',
  'orderRefused',
  'anomaly',
  'failureReason',
  'errorRate',
  'drift',
  'badData',
  'leftOut',
  'collectionStuck',
  'rollbackNeeded',
  'gatewayDead',
  'diskFull',
  'scheduleOff',
  'learningStopped',
  'cycleFailed',
  'championHolds',
  'stepRetries',
  'workflowStuck',
  'approvalWaits',
  'ordersUnsigned',
  'damagedObject',
  'fleetBroken',
  'twoLives',
] as const;
export type IncidentCause = (typeof incidentCauses)[number];

/** What people are told of though nothing is wrong; never open. */
export const noticeCauses = ['promotion', 'rollback', 'verdict', 'trialEnd', 'cycleEnd'] as const;
export type NoticeCause = (typeof noticeCauses)[number];
