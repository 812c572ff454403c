/** A candidate for the trial slot of its policy; `request` is the input of `trialPolicy` beside version, who and why. */
export interface TrialOffer {
  readonly policy: string;
  readonly candidateVersion: string;
  readonly who: string;
  readonly why: string;
  readonly request: Readonly<Record<string, unknown>>;
  /** The same offer again is told by this. */
  readonly operationId: string;
}

/** The slot of every policy: one trial at a time. Starts the slot's workflow when it does not run. */
export interface TrialSlot {
  /** `refused`: the slot did not take it, and says why. */
  offer(offer: TrialOffer): Promise<{ readonly kind: 'offered' | 'refused'; readonly answer: string }>;
}
