import type { EndSentences, ToldEnd } from '../activities/trials/trial-sentences.ts';
import { listEndedTrials } from '../activities/trials/trial-course.ts';
import type { IncidentEvent } from '../domain/monitoring/index.ts';
import { inParallel } from '../store/in-parallel.ts';
import type { OnDamage } from '../store/damaged-objects.ts';
import type { ObjectStore } from '../store/object-store.ts';

/** Notices of a trial that decided or ended, and what kind it was. */
const kindOf: ReadonlyMap<string, ToldEnd['kind']> = new Map([
  ['verdict', 'abTest'],
  ['trialEnd', 'rollout'],
]);
const mostTrials = 50;
const readsAtOnce = 8;
/** A trial records its end before its workflow closes: so long before, and never after but for clocks that disagree. */
const [earliestMs, latestMs] = [600_000, 60_000];

/** Which trial a notice tells of; undefined: none, or it is not known any more. */
function trialOf(event: IncidentEvent, ends: readonly ToldEnd[]): ToldEnd | undefined {
  const kind = kindOf.get(event.cause);
  if (kind === undefined) return undefined;
  return ends
    .filter((end) => (end.kind ?? kind) === kind)
    .filter(({ atMs }) => atMs >= event.atMs - earliestMs && atMs <= event.atMs + latestMs)
    .toSorted((a, b) => Math.abs(a.atMs - event.atMs) - Math.abs(b.atMs - event.atMs))[0];
}

/** The trials that events tell of, by the events' ids; of events that tell of none it reads nothing. */
export async function trialsOfEvents(
  store: ObjectStore,
  policy: string,
  { events, sentences }: { readonly events: readonly IncidentEvent[]; readonly sentences: EndSentences },
  onDamage: OnDamage,
): Promise<ReadonlyMap<string, ToldEnd>> {
  const told = events.filter(({ cause }) => kindOf.has(cause));
  if (told.length === 0) return new Map();
  const ends = await listEndedTrials(store, policy, mostTrials, onDamage);
  const items = await inParallel(ends, readsAtOnce, (end) => sentences.of(end));
  return new Map(
    told.flatMap((event) => {
      const trial = trialOf(event, items);
      return trial === undefined ? [] : [[event.incidentId, trial] as const];
    }),
  );
}
