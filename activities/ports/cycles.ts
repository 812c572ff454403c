import type { LoopSight } from '../../domain/monitoring/index.ts';

/** What the monitor may ask of, and start in, the loop: cycles and rollbacks of a policy. */
export interface CyclesPort {
  /** Cycles that run now, and when the last one began; undefined when nobody can tell. */
  cycles(policy: string): Promise<{ readonly running: number; readonly lastStartedMs: number | null } | undefined>;
  /** How the policy's workflows and its schedule stand; runs that ended up to `endedAfterMs` may be left out. Undefined: nobody can tell. */
  sight(policy: string, endedAfterMs: number): Promise<LoopSight | undefined>;
  /** The cycle of a policy that has the turn now; null: none has. */
  turnHolder(policy: string): Promise<string | null>;
  /** At most one triggered cycle a policy: asking while one runs starts nothing. `request` is the input of `weeklyCycle`. */
  startCycle(input: {
    readonly policy: string;
    readonly cause: string;
    readonly request: Readonly<Record<string, unknown>>;
  }): Promise<{ readonly kind: 'started' | 'running'; readonly workflowId: string }>;
  /** Back to the champion before; one that runs already is enough. */
  startRollback(input: { readonly policy: string; readonly reason: string }): Promise<{ readonly workflowId: string }>;
}

/** Room on the disks this installation writes to. */
export type DiskSpace = () => Promise<
  readonly { readonly folder: string; readonly freeBytes: number; readonly totalBytes: number }[]
>;
