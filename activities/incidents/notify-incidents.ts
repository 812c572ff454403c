import { z } from 'zod';

import type { IncidentEvent } from '../../domain/monitoring/index.ts';
import { isQuiet } from '../../domain/monitoring/plan-mail.ts';
import { isAtLeast, severityOf } from '../../domain/monitoring/severity.ts';
import type { LogEntry } from '../../store/append-log.ts';
import type { Clock } from '../../store/clock.ts';
import { isFailure } from '../../store/failures.ts';
import type { MailPort } from '../ports/mailer.ts';
import type { Notifier } from '../ports/notifier.ts';
import { pageUrl } from '../page-url.ts';
import { parseActivityInput } from '../parse-activity-input.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { readIncidents, type IncidentRecord } from './incident-log.ts';
import { tellByMail } from './tell-by-mail.ts';
import { placeOf, receiverName, writePlace } from './told-places.ts';
import { placeOfEvent } from './where-to-look.ts';

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

interface NotifyPorts {
  readonly store: ObjectStore;
  readonly notifier: Notifier | undefined;
  /** Undefined: nobody gets mail. */
  readonly mail?: MailPort | undefined;
  readonly clock?: Clock;
  /** Where the console's pages are, for links. */
  readonly consoleUrl?: string | undefined;
}

/**
 * Tells whoever asked for it what the incident log says from a record on, in its order. Idempotent for the receiver by
 * `notificationId`, incident and state: an attempt that died tells again what it had told. In quiet hours of the receiver what is not severe enough waits. Without a receiver nobody is told. With receivers of
 * mail each has a place of its own in the log, and where to go on is the place of the one that is furthest behind.
 */
export const notifyIncidents =
  (ports: NotifyPorts) =>
  async (given: z.input<typeof inputSchema>): Promise<NotifyIncidentsResult> => {
    const { policy, fromSeq } = parseActivityInput('notifyIncidents', inputSchema, given);
    const records = await readIncidents(ports.store, policy, fromSeq - 1);
    if (ports.mail === undefined || ports.mail.receivers.length === 0)
      return tellWebhook(ports, policy, records, fromSeq);
    return tellEverybody(ports, ports.mail, policy, records, fromSeq);
  };

async function tellWebhook(
  { notifier, consoleUrl, clock = Date.now }: Pick<NotifyPorts, 'notifier' | 'clock' | 'consoleUrl'>,
  policy: string,
  records: readonly LogEntry<IncidentRecord>[],
  fromSeq: number,
): Promise<NotifyIncidentsResult> {
  if (notifier !== undefined && waits(notifier, records, clock())) return { nextSeq: fromSeq, told: 0, refused: [] };
  const refused: string[] = [];
  let [nextSeq, told] = [fromSeq, 0];
  for (const { seq, record } of records) {
    if (told + refused.length >= mostAtOnce) break;
    try {
      const refusals = notifier === undefined ? [] : await tell({ notifier, consoleUrl }, policy, record.events);
      told += notifier === undefined ? 0 : record.events.length - refusals.length;
      refused.push(...refusals);
    } catch (error) {
      // What was told is kept: the next call goes on from here, and fails if nothing can be told.
      if (nextSeq > fromSeq && isFailure(error, 'NotificationFailed')) break;
      throw error;
    }
    nextSeq = seq + 1;
  }
  return { nextSeq, told, refused: refused.slice(0, mostRefusals) };
}

/** In quiet hours nothing is told until something severe enough is among it: then all is, in its order. */
const waits = ({ quiet }: Notifier, records: readonly LogEntry<IncidentRecord>[], nowMs: number): boolean =>
  quiet !== undefined &&
  isQuiet(quiet, nowMs) &&
  !records.some(({ record }) => record.events.some((event) => isAtLeast(severityOf(event), quiet.except)));

const webhookName = 'webhook';

/** A receiver that cannot be reached keeps nobody else from being told; the call fails when nobody could be told anything. */
async function tellEverybody(
  { store, notifier, consoleUrl, clock = Date.now }: NotifyPorts,
  { mailer, receivers }: MailPort,
  policy: string,
  records: readonly LogEntry<IncidentRecord>[],
  fromSeq: number,
): Promise<NotifyIncidentsResult> {
  const places: number[] = [];
  const refused: string[] = [];
  const failed: unknown[] = [];
  let told = 0;
  const attempt = async (name: string, work: (seq: number) => Promise<NotifyIncidentsResult>): Promise<void> => {
    const { seq, sentMs } = await placeOf(store, policy, name, fromSeq);
    try {
      const result = await work(seq);
      told += result.told;
      refused.push(...result.refused);
      places.push(result.nextSeq);
    } catch (error) {
      if (isFailure(error, 'NotificationRefused')) {
        // Its own fault: it is not told these again.
        const nextSeq = (records.at(-1)?.seq ?? seq - 1) + 1;
        refused.push(error.message.slice(0, 200));
        await writePlace(store, policy, name, { seq: nextSeq, sentMs });
        places.push(nextSeq);
      } else if (isFailure(error, 'NotificationFailed')) {
        failed.push(error);
        places.push(seq);
      } else throw error;
    }
  };
  if (notifier !== undefined)
    await attempt(webhookName, async (seq) => {
      const result = await tellWebhook(
        { notifier, consoleUrl, clock },
        policy,
        records.filter((entry) => entry.seq >= seq),
        seq,
      );
      if (result.nextSeq > seq) await writePlace(store, policy, webhookName, { seq: result.nextSeq, sentMs: null });
      return result;
    });
  for (const receiver of receivers)
    await attempt(receiverName(receiver.to), async () => ({
      ...(await tellByMail({ store, clock, mailer, consoleUrl }, receiver, policy, records, fromSeq)),
      refused: [],
    }));
  if (told === 0 && failed.length > 0) throw failed[0];
  return { nextSeq: Math.max(fromSeq, Math.min(...places)), told, refused: refused.slice(0, mostRefusals) };
}

/** Tells events in order; gives what the receiver will not take, which is no reason to keep the rest from it. */
async function tell(
  { notifier, consoleUrl }: { readonly notifier: Notifier; readonly consoleUrl: string | undefined },
  policy: string,
  events: readonly IncidentEvent[],
): Promise<readonly string[]> {
  const refused: string[] = [];
  for (const event of events) {
    const notificationId = `${event.incidentId}/${event.state}`;
    try {
      const kind = event.state === 'noticed' ? 'notice' : 'incident';
      const { page, query } = placeOfEvent(event);
      const url = pageUrl(consoleUrl, page, { policy, ...query });
      await notifier.notify({ ...event, policy, kind, notificationId, ...(url === undefined ? {} : { url }) });
    } catch (error) {
      if (!isFailure(error, 'NotificationRefused')) throw error;
      refused.push(`${notificationId}: ${error.message}`.slice(0, 200));
    }
  }
  return refused;
}
