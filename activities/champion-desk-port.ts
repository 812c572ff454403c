/** What a policy's fleet is ordered now. */
export interface ChampionOrders {
  /** Position of the last record of the assignment log; -1 for an empty one. */
  readonly seq: number;
  /** The record in force; undefined before the first. */
  readonly current?: {
    /** What robots run that nothing else is said of: the champion alias follows it. */
    readonly championVersion: string;
    /** The decision that it comes from, and who took it and why. */
    readonly operationId: string;
    readonly who: string;
    readonly why: string;
    /** Trials that some robots are on. */
    readonly trialIds: readonly string[];
  };
}

export interface OrderChampionInput {
  readonly policy: string;
  /** One after the last record that the decision was taken on. */
  readonly seq: number;
  readonly version: string;
  readonly operationId: string;
  readonly who: string;
  readonly why: string;
  readonly atMs: number;
}

/** What the registry needs of the fleet's desk: robots are ordered first, the champion alias follows. */
export interface ChampionDesk {
  readOrders(policy: string): Promise<ChampionOrders>;
  /** Orders every robot of the policy onto the version, as its champion; `conflict` when another record stands at `seq`. */
  orderChampion(input: OrderChampionInput): Promise<'written' | 'conflict'>;
}
