import { isExplainedByChanges, readFleetChanges } from '../activities/incidents/fleet-changes.ts';
import type { IncidentEvent, OpenIncident } from '../domain/monitoring/index.ts';
import type { OnDamage } from '../store/damaged-objects.ts';
import type { IncidentsAnswer } from './answers/incidents.ts';
import type { ConsoleContext } from './context.ts';

const windowMs = 7 * 86_400_000;
const mostIncidents = 50;
const mostChanges = 5;

/** What was done to the fleet before its incidents opened. That it cannot be read hides no incident: null says so. */
export async function changesBefore(
  { store, log }: Pick<ConsoleContext, 'store' | 'log'>,
  policy: string,
  { open, events }: { readonly open: readonly OpenIncident[]; readonly events: readonly IncidentEvent[] },
  onDamage: OnDamage,
): Promise<IncidentsAnswer['changesBefore']> {
  const opened = events.filter((event) => event.state === 'opened' && isExplainedByChanges(event));
  const asked = [
    ...new Map([
      ...opened.map(({ incidentId, atMs }) => [incidentId, atMs] as const),
      ...open.filter(isExplainedByChanges).map(({ incidentId, openedAtMs }) => [incidentId, openedAtMs] as const),
    ]),
  ].slice(-mostIncidents);
  if (asked.length === 0) return [];
  const firstMs = asked.reduce((first, [, atMs]) => Math.min(first, atMs), Number.POSITIVE_INFINITY);
  try {
    const changes = await readFleetChanges(store, policy, firstMs - windowMs, onDamage);
    return asked.map(([incidentId, openedAtMs]) => {
      const before = changes.filter(({ atMs }) => atMs <= openedAtMs && atMs >= openedAtMs - windowMs);
      return { incidentId, openedAtMs, items: before.slice(0, mostChanges), total: before.length };
    });
  } catch (error) {
    log.warn({ err: error, policy }, 'what changed before incidents cannot be read');
    return null;
  }
}
