import { dictionary } from '../../domain/dictionary.ts';
import { aliasNames, undoneBy, type AliasRecord } from '../../domain/registry/index.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { readAliasHistory } from '../../store/records/aliases.ts';
import type { Champions } from './monitor-state.ts';

export const noChampions: Champions = {
  seq: -1,
  champion: null,
  previous: null,
  baseline: null,
  promotion: null,
  past: [],
};

/** Versions remembered as past champions: ten years of weekly promotions. */
const mostPast = 520;

/** The champions after the alias records that came since; reads those only. */
export async function followChampion(
  ports: { readonly store: ObjectStore },
  policy: string,
  known: Champions,
): Promise<Champions> {
  const after = known.seq < 0 ? {} : { after: known.seq };
  const records = await readAliasHistory(ports)({ policy, ...after });
  return records.reduce((before, record) => moved(policy, before, record), known);
}

function moved(policy: string, before: Champions, record: AliasRecord): Champions {
  const { seq, set, operationId, atMs, who, why } = record;
  const names = aliasNames.filter((name) => name !== 'anchor' && set[name] !== undefined);
  const after = { ...before, seq, ...dictionary(names.map((name) => [name, set[name]] as const)) };
  const { champion } = set;
  if (champion === undefined || champion === before.champion) return after;
  // A version that comes back because its rollback was a mistake is watched like one that was just promoted.
  const isReturn = before.past.includes(champion) && undoneBy(policy, operationId) === undefined;
  const past = [...before.past.filter((version) => version !== champion), champion].slice(-mostPast);
  return { ...after, past, promotion: { operationId, atMs, isReturn, who, why } };
}
