/** One benchmark: our work and its reference, measured in the same run on the same machine and input. */
export interface BenchLeg {
  readonly name: string;
  run(options: BenchOptions): Promise<BenchResult>;
}

export interface BenchOptions {
  /** 1 is the design load. */
  readonly scale: number;
  /** Frames an episode. */
  readonly frames: number;
  readonly seed: number;
  readonly progress: (line: string) => void;
}

export interface BenchResult {
  readonly leg: string;
  readonly scale: number;
  /** What `ours` and `reference` count, e.g. `frames/s`; more is better. */
  readonly unit: string;
  readonly ours: number;
  readonly reference: number;
  /** ours / reference. */
  readonly ratio: number;
  readonly peakRssBytes: number;
}
