import { assignmentReader, type AssignmentReader } from './assignment-reader.ts';
import { trialsOf } from './assignment-record.ts';
import { openDesk, type DeskPorts } from './desk.ts';

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

/** The desk as the registry needs it: reads whom the fleet obeys, and orders all of it onto a new champion. */
export function championDesk(ports: DeskPorts): ChampionDesk {
  const desk = openDesk(ports);
  const readers = new Map<string, AssignmentReader>();
  return {
    async readOrders(policy) {
      const reader = readers.get(policy) ?? assignmentReader(ports.store, policy);
      readers.set(policy, reader);
      const { seq, current } = await reader.read();
      if (current === undefined) return { seq };
      // In the last stage of a trial the default is the candidate, and the champion alias has moved with it.
      const { defaultVersion: championVersion, operationId, who, why } = current.record;
      return { seq, current: { championVersion, operationId, who, why, trialIds: [...trialsOf(current.record)] } };
    },
    async orderChampion({ policy, seq, version, ...origin }) {
      const { kind } = await desk.write({
        policy,
        seq,
        record: {
          kind: 'assign',
          defaultVersion: version,
          championVersion: version,
          trialId: null,
          urgency: 'whenIdle',
          overrides: [],
          ...origin,
        },
      });
      return kind === 'written' ? 'written' : 'conflict';
    },
  };
}
