import type { EndedTrial } from '../activities/trials/trial-course.ts';
import { isOfRollback } from '../domain/registry/index.ts';
import { readAssignmentsSince, type AssignmentRecord } from '../fleet/desk/index.ts';
import type { OnDamage } from '../store/damaged-objects.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { EndedTrialsAnswer } from './answers/trials.ts';

type EndedBy = NonNullable<EndedTrialsAnswer['items'][number]['endedBy']>;

/** A trial that is stopped ends within a moment, unless nobody works then; orders of so long before its end are read. */
const beforeEndMs = 86_400_000;
const mostOrders = 500;
const remembered = 1_000;

/** Says of trials that ended which rollback ended them, by the log of orders; reads for each trial once. */
export class EndingRollbacks {
  readonly #store: ObjectStore;
  /** null: by none that the log tells of. */
  readonly #known = new Map<string, EndedBy | null>();

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  async of(policy: string, ends: readonly EndedTrial[]): Promise<(trialId: string) => { endedBy?: EndedBy }> {
    const asked = ends.filter(({ trialId, reason }) => isByRollback(reason) && !this.#known.has(trialId));
    if (asked.length > 0) await this.#learn(policy, asked);
    return (trialId) => {
      const endedBy = this.#known.get(trialId) ?? null;
      return endedBy === null ? {} : { endedBy };
    };
  }

  async #learn(policy: string, ends: readonly EndedTrial[]): Promise<void> {
    const sinceMs = Math.min(...ends.map(({ atMs }) => atMs)) - beforeEndMs;
    let isSound = true;
    const onDamage: OnDamage = () => void (isSound = false);
    const orders = await readAssignmentsSince(this.#store, policy, { sinceMs, most: mostOrders }, onDamage);
    if (this.#known.size >= remembered) this.#known.clear();
    for (const { trialId } of ends) {
      const order = orders.find((one) => one.kind === 'closeTrial' && one.closedTrialId === trialId);
      const said = order !== undefined && isOfRollback(policy, order.operationId) ? endedBy(order) : null;
      if (said !== null) this.#known.set(trialId, said);
      // What cannot be read now may be mended.
      else if (isSound) this.#known.set(trialId, null);
    }
  }
}

/** As the workflow of a rollback tells a trial. */
const isByRollback = (reason: string): boolean => reason.startsWith('rollback: ');

/** The name of the order's operation ends with its place in the log. */
function endedBy({ operationId, defaultVersion: version, who, why, atMs }: AssignmentRecord): EndedBy | null {
  const [, order] = /#(\d{1,15})$/.exec(operationId) ?? [];
  return order === undefined ? null : { order: Number(order), version, who, why, atMs };
}
