/** What the state of an A/B test or of a rollout asks of the loop that drives it. */
export type TrialIntent =
  /**
   * The assignment of this state is not written yet: put the first `robots` of the trial's order on the candidate, without the
   * faulty ones, then say `exposed` with the number of the exposure.
   */
  | {
      readonly kind: 'expose';
      readonly exposure: number;
      readonly robots: number;
      readonly isLastStage: boolean;
      /** What exposes them, as `stage 2`. */
      readonly what: string;
      readonly reason: string;
    }
  /** Everybody is wanted back on the champion. */
  | { readonly kind: 'return'; readonly urgency: 'whenIdle' | 'safeStop'; readonly reason: string }
  /** Nothing but the guard's next tick. */
  | { readonly kind: 'wait' }
  /** Nothing more will happen. */
  | { readonly kind: 'end' };
