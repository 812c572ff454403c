import { robotTypeName } from '../../datasets/robot-type.ts';
import { servedReader } from '../../fleet/desk/index.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { listedBodies } from '../../store/records/served-bodies.ts';

/**
 * Bodies that the candidate is proven on and the champion does not serve, as `rover@2`: their robots take part in no stage of its trial, and
 * its promotion does not give it to them.
 */
export async function bodiesWithoutStages(
  store: ObjectStore,
  policy: string,
  { champion, candidate }: { readonly champion: string; readonly candidate: string },
): Promise<ReadonlySet<string>> {
  const listed = (await listedBodies(store, policy, candidate)) ?? [];
  const proven = listed.flatMap(({ robotType, standing }) => (standing === 'proven' ? [robotType] : []));
  const facts = await servedReader(store, policy).read([champion, candidate], proven);
  return new Set(proven.filter((body) => !facts.serves(champion, body)).map((body) => robotTypeName(body)));
}
