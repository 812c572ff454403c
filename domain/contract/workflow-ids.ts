/** Ids by which a person finds a workflow, and a second start of the same thing is refused. They are written here only. */
export const workflowIds = {
  /** A cycle that a person starts, named by when; a schedule adds the time itself. */
  weeklyCycle: (policy: string, name: string): string => `cycle/${policy}-${name}`,
  /** What the schedule starts; Temporal adds the time. */
  scheduledCycle: (policy: string): string => `cycle/${policy}`,
  /** One a policy: started for a cause that the monitor saw. */
  triggeredCycle: (policy: string): string => `cycle/${policy}-triggered`,
  /** At most one collection a robot type: two would read the same segments. */
  collectExperience: (robotTypeId: string): string => `collect/${robotTypeId}`,
  /** At most one cycle a policy. */
  cycleTurn: (policy: string): string => `cycle-turn/${policy}`,
  trainPolicy: (cycleId: string): string => `train/${cycleId}`,
  /** One trial a policy: the slot everything that wants into the fleet goes through. */
  trialPolicy: (policy: string): string => `trial/${policy}`,
  /** One a policy: a second request is heard by the one that runs. */
  rollbackPolicy: (policy: string): string => `rollback/${policy}`,
  /** One a policy. */
  fleetMonitor: (policy: string): string => `monitor/${policy}`,
  /** One a policy. */
  keepStore: (policy: string): string => `retention/${policy}`,
  /** One a policy. */
  keepFacts: (policy: string): string => `facts/${policy}`,
  keepMirror: (policy: string): string => `mirror/${policy}`,
  /** One a request. */
  eraseData: (erasureId: string): string => `erase/${erasureId}`,
  releaseQuarantine: (sha256: string): string => `quarantine/${sha256}`,
  /** Below the slot they belong to. */
  abTest: (slot: string): string => `${slot}/ab`,
  rolloutPolicy: (slot: string): string => `${slot}/rollout`,
} as const;
