/**
 * What a fleet costs and brings, in one currency: the one source of `costPerItem` and `savings`. An item is an episode that succeeded. All
 * amounts ≥ 0; what costs nothing is 0, not left out.
 */
export interface Economics {
  /** ISO 4217, e.g. `EUR`. */
  readonly currency: string;
  /** A robot in service, a day: lease, depreciation, place. */
  readonly perRobotDay: number;
  /** A robot online, an hour: energy, wear. */
  readonly perOnlineHour: number;
  /** Somebody steps in. */
  readonly perIntervention: number;
  /** An episode fails: what is broken or done again. */
  readonly perFailure: number;
  /** An item made the way it was made before there were robots. */
  readonly itemWithoutRobot: number;
}

/** What was used up, as robots told it. */
export interface Usage {
  readonly robotDays: number;
  readonly onlineHours: number;
  readonly interventions: number;
  readonly failures: number;
}

/** perRobotDay · robotDays + perOnlineHour · onlineHours + perIntervention · interventions + perFailure · failures. */
export const costOf = (economics: Economics, usage: Usage): number =>
  economics.perRobotDay * usage.robotDays +
  economics.perOnlineHour * usage.onlineHours +
  economics.perIntervention * usage.interventions +
  economics.perFailure * usage.failures;
