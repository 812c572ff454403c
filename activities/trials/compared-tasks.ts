import { activeTasks } from '../../datasets/taught-type.ts';
import type { TrialFacts } from '../../domain/trial/index.ts';
import { isFailure } from '../../store/failures.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { readTaughtType } from '../../store/records/robot-types.ts';
import { readVersionTasks } from '../../store/records/version-tasks.ts';
import { robotTypeOfPolicy } from '../registry/policy-document.ts';

/** Tasks that are judged, and tasks that are not; nothing where the policy or its robot type has no document yet. */
export async function tasksOf(
  store: ObjectStore,
  policy: string,
  champion: string,
  candidate: string,
): Promise<
  Pick<TrialFacts, 'catalogue' | 'leftOut'> & { readonly known?: readonly string[]; readonly gained: readonly string[] }
> {
  try {
    const type = await readTaughtType(store, await robotTypeOfPolicy(store, policy));
    const knownTo = async (version: string) => new Set(await readVersionTasks(store, type, policy, version));
    const [old, now] = [await knownTo(champion), await knownTo(candidate)];
    const active = activeTasks(type);
    const catalogue = active.filter((task) => old.has(task) && now.has(task));
    const compared = new Set(catalogue);
    return {
      known: type.tasks,
      catalogue,
      leftOut: type.tasks.filter((task) => !compared.has(task)),
      gained: active.filter((task) => now.has(task) && !old.has(task)),
    };
  } catch (error) {
    if (isFailure(error, 'NotFound')) return { gained: [] };
    throw error;
  }
}

const mostNamed = 5;

/** For a candidate that knows more. */
export const gainedRemark = (tasks: readonly string[]): readonly string[] =>
  tasks.length === 0
    ? []
    : [
        `the candidate knows ${tasks.length} tasks more (${tasks.slice(0, mostNamed).join(', ')}${tasks.length > mostNamed ? ', …' : ''}): to be as good at the others is enough`,
      ];
