import { scitosG5CameraType, scitosG5Type } from '../../datasets/built-in-robot-types.ts';
import type { RobotType } from '../../datasets/robot-type.ts';

/** What an expert shows before the first cycle: one episode each in an empty hall. */
export interface Demonstrations {
  readonly robots: number;
  readonly framesPerEpisode: number;
}

/** Whose loop is measured, and how much of everything. */
export interface LoopSettings {
  readonly robotType: RobotType;
  /** Cameras that policies learn from. */
  readonly cameras: readonly string[];
  readonly hyperparameters: Readonly<Record<string, unknown>>;
  /** How many cycles and seeds are measured unless told. */
  readonly cycles: number;
  readonly seeds: number;
  readonly week: { readonly robots: number; readonly episodesPerRobot: number; readonly framesPerEpisode: number };
  /** Tried in this order until a first policy succeeds as often as wanted, on rooms that do not measure. */
  readonly demonstrations: readonly Demonstrations[];
  readonly firstSuccess: { readonly least: number; readonly most: number };
}

/** A first policy of 30–60 % is wanted; so that the measurement confirms it, one well inside is looked for. */
export const ringSettings: LoopSettings = {
  robotType: scitosG5Type,
  cameras: [],
  // Fewer than the default: thirty small trainings should not take all day.
  hyperparameters: { maxSteps: 3000 },
  cycles: 5,
  seeds: 3,
  week: { robots: 24, episodesPerRobot: 5, framesPerEpisode: 60 },
  demonstrations: [8, 10, 12].flatMap((robots) =>
    Array.from({ length: 9 }, (_, step) => ({ robots, framesPerEpisode: 20 + 5 * step })),
  ),
  firstSuccess: { least: 0.35, most: 0.55 },
};

/** A body that has nothing but a camera: its policies see, or know nothing. It learns slower than a ring, so that fewer cycles have to do. */
export const cameraSettings: LoopSettings = {
  robotType: scitosG5CameraType,
  cameras: ['wide'],
  hyperparameters: { maxSteps: 3000, evaluateEverySteps: 300 },
  cycles: 3,
  seeds: 2,
  week: { robots: 24, episodesPerRobot: 5, framesPerEpisode: 60 },
  demonstrations: [16, 12, 20, 10, 24, 8, 28].map((robots) => ({ robots, framesPerEpisode: 60 })),
  firstSuccess: { least: 0.15, most: 0.45 },
};
