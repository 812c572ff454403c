/** Why an episode failed. */
export const failureReasons = ['collision', 'wall-lost', 'stuck', 'disagreed'] as const;
export type SimulatedFailure = (typeof failureReasons)[number];

/** What one simulated robot lives in. Pure functions of its seed and the actions given. */
export interface Surroundings {
  /** The robot's readings now, in the robot type's order; overwritten by `act` and `begin`. */
  readonly readings: Float32Array;
  /** What kind of place it is in, as a robot type may name a task; undefined where there is nothing to tell. */
  place(): string | undefined;
  /** What the expert would do now. */
  expertAction(): number;
  /** Begins an episode: where the last one ended, or somewhere new after a failure. */
  begin(): void;
  /** Does an action for one frame and looks around again. */
  act(action: number): void;
  /** What a camera of its body sees now: RGB, [height, width, 3], overwritten by its next image; undefined where there is nothing to see. */
  see?(camera: string): Uint8Array | undefined;
  /** What went wrong in this episode so far, or would count against it if it ended now. */
  failure(): SimulatedFailure | undefined;
}
