/** One episode by the reference's answers. */
export interface ComparedEpisode {
  readonly episode: number;
  readonly robot: number | undefined;
  readonly frames: number;
  /** Frames whose label the reference gives. */
  readonly agreeingFrames: number;
}

interface EndedEpisode {
  readonly number: number;
  readonly robot: number | undefined;
  readonly frames: number;
  /** Agreeing frames of the other policies that know the task. */
  readonly others: Readonly<Record<string, number>>;
}

/** Agreement of the reference by episode; memory grows with the episodes, of which a set has at most 20,000. */
export function comparedTally() {
  const compared: ComparedEpisode[] = [];
  return {
    endEpisode({ number, robot, frames, others }: EndedEpisode, reference: string | undefined): void {
      const agreeingFrames = reference === undefined ? undefined : others[reference];
      if (agreeingFrames !== undefined) compared.push({ episode: number, robot, frames, agreeingFrames });
    },
    finish: (): readonly ComparedEpisode[] => compared,
  };
}
