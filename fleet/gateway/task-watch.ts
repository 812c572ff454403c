import { taskCatalogue, taskRecordSchema, type TaskCatalogue, type TaskRecord } from '../../datasets/task-catalogue.ts';
import { orSetAside, type OnDamage } from '../../store/damaged-objects.ts';
import { readJson } from '../../store/json-objects.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { taskLogPrefix } from '../../store/records/task-log.ts';
import { logKey } from '../desk/keys.ts';

/** The task catalogues of policies, as of the last look. */
export interface TaskWatch {
  /** `first`: the tasks of the policy's robot type. */
  readonly of: (policy: string, first: ReadonlySet<string>) => KnownTasks;
  /** Reads what is new; one read a policy when nothing is. */
  look(policies: readonly string[]): Promise<void>;
  /** The last record of a policy's catalogue; undefined without any. */
  readonly seq: (policy: string) => number | undefined;
}

export interface KnownTasks {
  readonly seq: number;
  /** The retired included: their outcomes are still taken. */
  readonly ids: ReadonlySet<string>;
  readonly active: readonly string[];
}

interface Followed {
  readonly log: { readonly seq: number; readonly record: TaskRecord }[];
  isDamaged: boolean;
  known?: { readonly first: ReadonlySet<string>; readonly seq: number; readonly tasks: KnownTasks };
}

/** Behind a damaged record nothing is read: its indexes would be others. What was known before holds. */
export function taskWatch(store: ObjectStore, onDamage: OnDamage): TaskWatch {
  const policies = new Map<string, Followed>();

  async function follow(policy: string): Promise<void> {
    const followed = policies.get(policy) ?? { log: [], isDamaged: false };
    policies.set(policy, followed);
    while (!followed.isDamaged) {
      const seq = followed.log.length;
      const key = logKey(taskLogPrefix(policy), seq);
      const record = await orSetAside(
        key,
        () => readJson(store, key, taskRecordSchema),
        (object) => {
          followed.isDamaged = true;
          onDamage(object);
        },
      );
      if (record === undefined) return;
      followed.log.push({ seq, record });
    }
  }

  return {
    of(policy, first) {
      const followed = policies.get(policy);
      const log = followed?.log ?? [];
      const { known } = followed ?? {};
      if (known?.first === first && known.seq === log.length - 1) return known.tasks;
      const tasks = knownOf(taskCatalogue({ tasks: [...first] }, log));
      if (followed !== undefined) followed.known = { first, seq: log.length - 1, tasks };
      return tasks;
    },
    async look(names) {
      await Promise.all(names.map(follow));
    },
    seq(policy) {
      const length = policies.get(policy)?.log.length ?? 0;
      return length === 0 ? undefined : length - 1;
    },
  };
}

const knownOf = ({ seq, tasks }: TaskCatalogue): KnownTasks => ({
  seq,
  ids: new Set(tasks.map(({ id }) => id)),
  active: tasks.filter(({ status }) => status === 'active').map(({ id }) => id),
});
