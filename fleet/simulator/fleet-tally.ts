import type { SimulatedFailure } from './surroundings.ts';

/** What became of the episodes of one robot or of a fleet. */
export interface FleetTally {
  /** Ended by the robot, and kept: a power cut cannot take them. */
  endedEpisodes: number;
  successes: number;
  failures: number;
  /** Begun and recorded, but ended by a death or an order to stop; the agent ends them as aborted. */
  interruptedEpisodes: number;
  frames: number;
  /** Taken by cameras. */
  images: number;
  corrections: number;
  /** Begun for a task that the robot's model does not know: the expert drives, and shows how. */
  taughtEpisodes: number;
  crashes: number;
  powerCuts: number;
  corruptedSegments: number;
  failuresByReason: Partial<Record<SimulatedFailure, number>>;
}

export const emptyTally = (): FleetTally => ({
  endedEpisodes: 0,
  successes: 0,
  failures: 0,
  interruptedEpisodes: 0,
  frames: 0,
  images: 0,
  corrections: 0,
  taughtEpisodes: 0,
  crashes: 0,
  powerCuts: 0,
  corruptedSegments: 0,
  failuresByReason: {},
});
