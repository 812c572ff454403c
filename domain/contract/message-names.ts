/** What running workflows are asked and told, by the names that the Temporal UI shows. They are written here only. */
export const messageNames = {
  /** Query of every workflow: where it stands. */
  status: 'status',
  /** Updates of the trial slot. */
  offer: 'offer',
  pause: 'pause',
  resume: 'resume',
  approve: 'approve',
  reject: 'reject',
  /** Update of the trial slot and of a cycle. */
  abort: 'abort',
  /** Update of a rollback that runs: another order. */
  order: 'order',
  /** Updates of the monitor. */
  acknowledge: 'acknowledge',
  setLimits: 'setLimits',
  /** Signals between the trial slot and its steps. */
  operator: 'operator',
  progress: 'progress',
} as const;
