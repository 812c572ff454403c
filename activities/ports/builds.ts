/** One build of the workflow code, as the server knows it. */
export interface Build {
  readonly buildId: string;
  /** What begins now begins on it. */
  readonly isCurrent: boolean;
  readonly createdMs: number;
  /** When a worker of it last asked for work; null when none was heard of for minutes. */
  readonly lastPolledMs: number | null;
  /** Workflows that are bound to it. */
  readonly running: number;
  /** Ids of some of them. */
  readonly examples: readonly string[];
}

export interface Builds {
  /** Newest first. */
  readonly builds: readonly Build[];
  /** Proves to `makeCurrent` that nobody changed anything meanwhile. */
  readonly conflictToken: Uint8Array;
  /** Who changed the deployment last and why, as the server has it: `who: why`, or a worker's own name; null when it does not say. */
  readonly lastChange: string | null;
}

/** The builds of one deployment that run side by side. */
export interface BuildDesk {
  /** Nobody has heard of a deployment before its first worker asked for work: no builds. */
  read(nowMs: number): Promise<Builds>;
  /** From now on workflows begin on this build. Fails where another build was made current since `read`. */
  makeCurrent(
    buildId: string,
    conflictToken: Uint8Array,
    by: { readonly who: string; readonly why: string },
  ): Promise<void>;
}
