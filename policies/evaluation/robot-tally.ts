/** What a policy does on one robot's held-out episodes. */
export interface RobotOutcome {
  /** Its number in the set. */
  readonly robot: number;
  readonly episodes: number;
  readonly frames: number;
  readonly agreeingFrames: number;
  /** Of the policy it is held against; 0 without one. */
  readonly referenceFrames: number;
  /** Frames of tasks that this policy knows. */
  readonly comparedFrames: number;
}

interface RobotEpisode {
  readonly robot: number | undefined;
  readonly frames: number;
  readonly agreeing: number;
  /** Agreeing frames of the other policies by name. */
  readonly others: Readonly<Record<string, number>>;
}

const nothing = { episodes: 0, frames: 0, agreeingFrames: 0, referenceFrames: 0, comparedFrames: 0 };

/** Label agreement by robot; memory grows with the robots, of which a set has at most as many as episodes. */
export function robotTally() {
  const robots = new Map<
    number,
    { episodes: number; frames: number; agreeingFrames: number; referenceFrames: number; comparedFrames: number }
  >();
  return {
    /** `reference` names the other policy; an episode whose robot nobody knows is left out. */
    endEpisode({ robot, frames, agreeing, others }: RobotEpisode, reference: string | undefined): void {
      if (robot === undefined) return;
      const sum = robots.get(robot) ?? { ...nothing };
      sum.episodes += 1;
      sum.frames += frames;
      sum.agreeingFrames += agreeing;
      const own = reference === undefined ? undefined : others[reference];
      sum.referenceFrames += own ?? 0;
      sum.comparedFrames += own === undefined ? 0 : frames;
      robots.set(robot, sum);
    },
    /** In the order of their numbers. */
    finish: (): readonly RobotOutcome[] =>
      [...robots].map(([robot, sum]) => ({ robot, ...sum })).toSorted((a, b) => a.robot - b.robot),
  };
}
