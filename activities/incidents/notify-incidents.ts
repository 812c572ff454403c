import { z } from 'zod';

import type { IncidentEvent } from '../../domain/monitoring/index.ts';
import { isFailure } from '../../store/failures.ts';
import type { Notifier } from '../ports/notifier.ts';
import { parseActivityInput } from '../parse-activity-input.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { readIncidents } from './incident-log.ts';

const inputSchema = z.strictObject({
  policy: z.string().min(1),
  /** First record of the incident log that was not told yet. */
  fromSeq: z.int().min(0),
});

export interface NotifyIncidentsResult {
  /** Where to go on. */
  readonly nextSeq: number;
  readonly told: number;
  /** What the other side did not want, cut short. */
  readonly refused: readonly string[];
}

/** Notifications of one call; the rest waits for the next. */
const mostAtOnce = 500;
const mostRefusals = 5;

/**
 * Tells whoever asked for it what the incident log says from a record on, in its order. Idempotent for the receiver by
 * `notificationId`, incident and state: an attempt that died tells again what it had told. Without a notifier nobody is told.
 */
export const notifyIncidents =
  (ports: { readonly store: ObjectStore; readonly notifier: Notifier | undefined }) =>
  async (given: z.input<typeof inputSchema>): Promise<NotifyIncidentsResult> => {
    const { policy, fromSeq } = parseActivityInput('notifyIncidents', inputSchema, given);
    const refused: string[] = [];
    let [nextSeq, told] = [fromSeq, 0];
    for (const { seq, record } of await readIncidents(ports.store, policy, fromSeq - 1)) {
      if (told + refused.length >= mostAtOnce) break;
      try {
        const refusals = ports.notifier === undefined ? [] : await tell(ports.notifier, policy, record.events);
        told += ports.notifier === undefined ? 0 : record.events.length - refusals.length;
        refused.push(...refusals);
      } catch (error) {
        // What was told is kept: the next call goes on from here, and fails if nothing can be told.
        if (nextSeq > fromSeq && isFailure(error, 'NotificationFailed')) break;
        throw error;
      }
      nextSeq = seq + 1;
    }
    return { nextSeq, told, refused: refused.slice(0, mostRefusals) };
  };

/** Tells events in order; gives what the receiver will not take, which is no reason to keep the rest from it. */
async function tell(notifier: Notifier, policy: string, events: readonly IncidentEvent[]): Promise<readonly string[]> {
  const refused: string[] = [];
  for (const event of events) {
    const notificationId = `${event.incidentId}/${event.state}`;
    try {
      const kind = event.state === 'noticed' ? 'notice' : 'incident';
      await notifier.notify({ ...event, policy, kind, notificationId });
    } catch (error) {
      if (!isFailure(error, 'NotificationRefused')) throw error;
      refused.push(`${notificationId}: ${error.message}`.slice(0, 200));
    }
  }
  return refused;
}
