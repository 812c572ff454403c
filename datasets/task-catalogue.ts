import { z } from 'zod';

import { taskIdSchema } from './robot-type.ts';

/** Indexes of one policy, the retired included: as many as a robot type can name. */
export const mostTasks = 1024;
/** Characters of an instruction. */
export const longestInstruction = 300;

const changeSchema = z.discriminatedUnion('kind', [
  /** `instruction`: the sentence a person would say to have it done. A retired task comes back under the index that it had. */
  z.strictObject({ kind: z.literal('add'), id: taskIdSchema, instruction: z.string().min(1).max(longestInstruction) }),
  z.strictObject({ kind: z.literal('retire'), id: taskIdSchema }),
]);
export type TaskChange = z.infer<typeof changeSchema>;

/** One entry of `config/tasks/<policy>/<seq>.json`: changes that were asked for together and hold together. */
export const taskRecordSchema = z.strictObject({
  /** Of the first record: the robot type's tasks as they were then; they have the first indexes for ever. */
  first: z.array(taskIdSchema).min(1).max(mostTasks).optional(),
  changes: z.array(changeSchema).min(1).max(mostTasks),
  atMs: z.int().min(0),
  who: z.string().min(1).max(200),
  why: z.string().min(1).max(500),
});
export type TaskRecord = z.infer<typeof taskRecordSchema>;

export interface CatalogueTask {
  readonly id: string;
  /** Place of its embedding in a model, from 0; never changes, is never given to another task. */
  readonly index: number;
  /** What a person would say; the id of a task that came with the robot type. */
  readonly instruction: string;
  /** `retired`: not trained on, not counted; its data stays. */
  readonly status: 'active' | 'retired';
  /** Who said so last, when and why; undefined for a task that came with the robot type and was never changed. */
  readonly said?: Pick<TaskRecord, 'atMs' | 'who' | 'why'>;
}

/** What a policy's robots may be asked to do, by index. */
export interface TaskCatalogue {
  /** Last record that counts; -1: none, the robot type's tasks alone. */
  readonly seq: number;
  readonly tasks: readonly CatalogueTask[];
}

/**
 * The catalogue that records in the order of their log make of a robot type's tasks. Total: what adds nothing (an id that is active,
 * one beyond {@link mostTasks}, the retirement of an unknown id) changes nothing, so any records give a catalogue whose indexes are
 * those of every shorter beginning of them.
 */
export function taskCatalogue(
  robotType: { readonly tasks: readonly string[] },
  log: readonly { readonly seq: number; readonly record: TaskRecord }[],
): TaskCatalogue {
  const tasks = new Map<string, CatalogueTask>();
  for (const id of new Set(log[0]?.record.first ?? robotType.tasks))
    if (tasks.size < mostTasks) tasks.set(id, { id, index: tasks.size, instruction: id, status: 'active' });
  for (const { record } of log) for (const change of record.changes) take(tasks, change, record);
  return { seq: log.at(-1)?.seq ?? -1, tasks: [...tasks.values()] };
}

function take(tasks: Map<string, CatalogueTask>, change: TaskChange, { atMs, who, why }: TaskRecord): void {
  const known = tasks.get(change.id);
  const said = { atMs, who, why };
  if (change.kind === 'retire') {
    if (known?.status === 'active') tasks.set(change.id, { ...known, status: 'retired', said });
  } else if (known?.status !== 'active' && (known !== undefined || tasks.size < mostTasks)) {
    const { id, instruction } = change;
    tasks.set(id, { id, index: known?.index ?? tasks.size, instruction, status: 'active', said });
  }
}

/**
 * Those of the changes that are still to be made, or why they cannot be: each refusal names the task. A task that is active under the
 * same instruction needs nothing, nor does one that is retired already.
 */
export function plannedChanges(
  { tasks }: TaskCatalogue,
  changes: readonly TaskChange[],
): { readonly needed: readonly TaskChange[] } | { readonly refused: readonly TaskRefusal[] } {
  const state = new Map(tasks.map((task) => [task.id, task]));
  const named = new Set<string>();
  const needed: TaskChange[] = [];
  const refused: TaskRefusal[] = [];
  for (const [position, change] of changes.entries()) {
    const reason = named.has(change.id) ? 'it is named twice' : refusalOf(state, change);
    named.add(change.id);
    if (reason !== undefined) refused.push({ position, id: change.id, reason });
    else if (changesAnything(state.get(change.id), change)) {
      needed.push(change);
      take(state, change, { changes: [], atMs: 0, who: '', why: '' });
    }
  }
  if (refused.length === 0 && [...state.values()].every(({ status }) => status === 'retired'))
    refused.push({ position: 0, id: changes[0]?.id ?? '', reason: 'a policy keeps at least one active task' });
  return refused.length > 0 ? { refused } : { needed };
}

/** Why a change cannot be made; `position` is its place in the list. */
export interface TaskRefusal {
  readonly position: number;
  readonly id: string;
  readonly reason: string;
}

function refusalOf(state: ReadonlyMap<string, CatalogueTask>, change: TaskChange): string | undefined {
  const known = state.get(change.id);
  if (change.kind === 'retire') return known === undefined ? 'there is no such task' : undefined;
  if (known === undefined)
    return state.size < mostTasks ? undefined : `a policy has at most ${mostTasks} tasks, the retired included`;
  return known.status === 'active' && known.instruction !== change.instruction
    ? `it exists with the instruction "${known.instruction}"; retire it first to give it another one`
    : undefined;
}

const changesAnything = (known: CatalogueTask | undefined, change: TaskChange): boolean =>
  change.kind === 'add' ? known?.status !== 'active' : known?.status === 'active';
