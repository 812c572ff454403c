export interface TrackedMetric {
  readonly name: string;
  readonly value: number;
  readonly step: number;
}

/** A training or submission as a tracker of experiments keeps it. */
export interface TrackedRun {
  /** Names it for ever: telling it again changes what is there and adds no second one. */
  readonly key: string;
  readonly experiment: string;
  readonly name: string;
  readonly startedMs: number;
  readonly endedMs: number;
  readonly isFailed: boolean;
  readonly tags: ReadonlyMap<string, string>;
  readonly parameters: ReadonlyMap<string, string>;
  readonly metrics: readonly TrackedMetric[];
  /** Sets of rows that it read. */
  readonly datasets: readonly { readonly name: string; readonly digest: string; readonly context: string }[];
  readonly artifacts: readonly { readonly path: string; readonly bytes: Uint8Array }[];
}

export interface TrackedVersion {
  /** Name of the registered model: the policy. */
  readonly model: string;
  readonly version: string;
  readonly description: string;
  readonly tags: ReadonlyMap<string, string>;
  /** The run that made it, and the folder of its artifacts with the model. */
  readonly runId: string;
  readonly artifactFolder: string;
}

/**
 * A tracker of experiments that people look at; never the truth. Every call may be made again. Fails with `TrackerUnavailable` when trying
 * again can help, with `TrackerRefused` when it does not want this.
 */
export interface RunTracker {
  /** Where it is, without secrets: what was told there is remembered by it. */
  readonly address: string;
  /** Id of the run there. */
  putRun(run: TrackedRun): Promise<string>;
  /** Its own number of the version. */
  putVersion(version: TrackedVersion): Promise<string>;
  /** Undefined takes the alias away. */
  setAlias(model: string, alias: string, number: string | undefined): Promise<void>;
}
