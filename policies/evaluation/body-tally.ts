import { pairedRatioCounter, type PairedRatioSums } from '../gates/index.ts';

/** What a policy does on the held-out episodes of one body. */
export interface BodyOutcome {
  /** Its number in the set. */
  readonly body: number;
  readonly episodes: number;
  readonly frames: number;
  readonly agreeingFrames: number;
  /** Beside the policy it is held against, on tasks that this one knows; undefined without one. */
  readonly agreement: PairedRatioSums | undefined;
}

interface BodyEpisode {
  readonly body: number | undefined;
  readonly frames: number;
  readonly agreeing: number;
  /** Agreeing frames of the other policies by name. */
  readonly others: Readonly<Record<string, number>>;
}

/** Label agreement by body, of which a set has at most 64. */
export function bodyTally(hasReference: boolean) {
  const bodies = new Map<
    number,
    { episodes: number; frames: number; agreeingFrames: number; paired: ReturnType<typeof pairedRatioCounter> }
  >();
  return {
    /** `reference` names the other policy; a set of one body does not say whose an episode is. */
    endEpisode({ body, frames, agreeing, others }: BodyEpisode, reference: string | undefined): void {
      if (body === undefined) return;
      const sum = bodies.get(body) ?? { episodes: 0, frames: 0, agreeingFrames: 0, paired: pairedRatioCounter() };
      sum.episodes += 1;
      sum.frames += frames;
      sum.agreeingFrames += agreeing;
      const own = reference === undefined ? undefined : others[reference];
      if (own !== undefined) sum.paired.endEpisode(agreeing, frames, own, frames);
      bodies.set(body, sum);
    },
    /** In the order of their numbers. */
    finish: (): readonly BodyOutcome[] =>
      [...bodies]
        .map(([body, { paired, ...sum }]) => ({ body, ...sum, agreement: hasReference ? paired.finish() : undefined }))
        .toSorted((a, b) => a.body - b.body),
  };
}
