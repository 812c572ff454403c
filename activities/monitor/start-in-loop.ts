import type { CyclesPort } from '../ports/cycles.ts';

export interface TriggerCycleInput {
  readonly policy: string;
  readonly cause: string;
  /** Input of `weeklyCycle` beside policy and cause. */
  readonly request: Readonly<Record<string, unknown>>;
}

export interface TriggerCycleResult {
  readonly kind: 'started' | 'running';
  readonly workflowId: string;
}

/** Starts a cycle with its cause, unless a triggered one runs. Idempotent by policy while it runs. */
export const triggerCycle =
  (ports: { readonly loop: CyclesPort }) =>
  (input: TriggerCycleInput): Promise<TriggerCycleResult> =>
    ports.loop.startCycle(input);

/** Which cycle of a policy has the turn. Only reads. */
export const readCycleTurn =
  (ports: { readonly loop: Pick<CyclesPort, 'turnHolder'> }) =>
  async ({ policy }: { readonly policy: string }): Promise<{ readonly holder: string | null }> => ({
    holder: await ports.loop.turnHolder(policy),
  });

/** Starts the rollback to the champion before. Idempotent by policy while it runs. */
export const startRollback =
  (ports: { readonly loop: CyclesPort }) =>
  (input: { readonly policy: string; readonly reason: string }): Promise<{ readonly workflowId: string }> =>
    ports.loop.startRollback(input);
