import { championSteps, type AliasRecord } from './aliases.ts';

/** How a version came to be champion. */
export const championWays = ['first', 'trial', 'withoutTrial', 'putBack', 'trialReturn', 'adopted', 'undone'] as const;
export type ChampionWay = (typeof championWays)[number];

/** One version in place of another as champion, and who did it when and why. */
export interface ChampionChange {
  readonly seq: number;
  readonly atMs: number;
  readonly version: string;
  /** The champion until then; null: there was none. */
  readonly replaced: string | null;
  readonly way: ChampionWay;
  readonly operationId: string;
  readonly who: string;
  readonly why: string;
}

/** A time in which a version was champion. */
export interface ChampionSpell {
  readonly began: ChampionChange;
  /** What ended it; null: it is champion. */
  readonly ended: ChampionChange | null;
}

/** Every change of the champion in the history of a policy, oldest first. Records that leave the champion as it is are none. */
export function championChanges(policy: string, records: readonly AliasRecord[]): readonly ChampionChange[] {
  const inOrder = records.toSorted((a, b) => a.seq - b.seq);
  const changes: ChampionChange[] = [];
  let index = 0;
  let replaced: string | null = null;
  for (const { standing, isFallBack } of championSteps(inOrder)) {
    const record = inOrder[index];
    index += 1;
    const version = standing.at(-1);
    if (record === undefined || version === undefined || version === replaced) continue;
    const { seq, atMs, who, why, operationId } = record;
    const way = replaced === null ? 'first' : wayOf(policy, operationId, isFallBack);
    changes.push({ seq, atMs, version, replaced, way, operationId, who, why });
    replaced = version;
  }
  return changes;
}

/** The times of all champions, oldest first. */
export const championSpells = (changes: readonly ChampionChange[]): readonly ChampionSpell[] =>
  changes.map((began, index) => ({ began, ended: changes[index + 1] ?? null }));

/** An operation tells by its name what it was: an order of a trial, of a rollback, that undid one, the adoption of a body; every other one is a promotion on gates. */
function wayOf(policy: string, operationId: string, isFallBack: boolean): ChampionWay {
  if (isOfRollback(policy, operationId)) return 'putBack';
  if (undoneBy(policy, operationId) !== undefined) return 'undone';
  if (operationId.startsWith('adopt-')) return 'adopted';
  if (/#\d+$/.test(operationId)) return isFallBack ? 'trialReturn' : 'trial';
  return isFallBack ? 'putBack' : 'withoutTrial';
}

/** An order that somebody gave to go back; not one of a trial of a policy whose own name begins so. */
export const isOfRollback = (policy: string, operationId: string): boolean =>
  operationId.startsWith('rollback-') && !isOfTrial(policy, operationId);

/** Place of the order that an order undid; undefined: it undid none. `undoneBy('wall', 'undo-10-rollback-wall-0a1b#11')` → 10. */
export function undoneBy(policy: string, operationId: string): number | undefined {
  const [, order] = /^undo-(\d{1,15})-rollback-/.exec(operationId) ?? [];
  return order === undefined || isOfTrial(policy, operationId) ? undefined : Number(order);
}

const isOfTrial = (policy: string, operationId: string): boolean =>
  operationId.startsWith(`${policy}-ab-`) || operationId.startsWith(`${policy}-rollout-`);
