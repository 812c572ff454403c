/** What a policy does on one robot's held-out episodes. */
export interface RobotOutcome {
  /** Its number in the set. */
  readonly robot: number;
  readonly episodes: number;
  readonly frames: number;
  readonly agreeingFrames: number;
  /** Of the policy it is held against; 0 without one. */
  readonly referenceFrames: number;
}

/** Label agreement by robot; memory grows with the robots, of which a set has at most as many as episodes. */
export function robotTally() {
  const robots = new Map<
    number,
    { episodes: number; frames: number; agreeingFrames: number; referenceFrames: number }
  >();
  return {
    endEpisode(
      robot: number,
      counts: { readonly frames: number; readonly agreeing: number; readonly reference: number },
    ): void {
      const sum = robots.get(robot) ?? { episodes: 0, frames: 0, agreeingFrames: 0, referenceFrames: 0 };
      sum.episodes += 1;
      sum.frames += counts.frames;
      sum.agreeingFrames += counts.agreeing;
      sum.referenceFrames += counts.reference;
      robots.set(robot, sum);
    },
    /** In the order of their numbers. */
    finish: (): readonly RobotOutcome[] =>
      [...robots].map(([robot, sum]) => ({ robot, ...sum })).toSorted((a, b) => a.robot - b.robot),
  };
}
