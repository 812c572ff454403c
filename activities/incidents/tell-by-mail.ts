import { createHash } from 'node:crypto';

import { cleanText } from '../../domain/clean-text.ts';
import type { IncidentEvent } from '../../domain/monitoring/index.ts';
import { planMail } from '../../domain/monitoring/plan-mail.ts';
import { isAtLeast, severityOf } from '../../domain/monitoring/severity.ts';
import type { LogEntry } from '../../store/append-log.ts';
import type { Clock } from '../../store/clock.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { pageUrl } from '../page-url.ts';
import type { Mail, Mailer, MailReceiver } from '../ports/mailer.ts';
import type { IncidentRecord } from './incident-log.ts';
import { placeOf, receiverName, writePlace } from './told-places.ts';
import { placeOfEvent } from './where-to-look.ts';

export interface MailPorts {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly mailer: Mailer;
  /** Where the console's pages are, for links. */
  readonly consoleUrl?: string | undefined;
}

/**
 * Sends one receiver what the log says from its own place on, in one mail, or lets it wait; gives its place afterwards and how many events
 * were sent. Idempotent by the mail's id, which names receiver and records: an attempt that died may send the same mail again.
 */
export async function tellByMail(
  ports: MailPorts,
  receiver: MailReceiver,
  policy: string,
  records: readonly LogEntry<IncidentRecord>[],
  fromSeq: number,
): Promise<{ readonly nextSeq: number; readonly told: number }> {
  const name = receiverName(receiver.to);
  const { seq, sentMs } = await placeOf(ports.store, policy, name, fromSeq);
  const waiting = records.filter((entry) => entry.seq >= seq);
  const nextSeq = (waiting.at(-1)?.seq ?? seq - 1) + 1;
  if (waiting.length === 0) return { nextSeq: seq, told: 0 };
  const nowMs = ports.clock();
  const plan = planMail(
    waiting.flatMap(({ record }) => record.events),
    receiver,
    { nowMs, sentMs },
  );
  if (plan.kind === 'wait') return { nextSeq: seq, told: 0 };
  if (plan.kind === 'send') {
    const mailId = createHash('sha256').update(`${policy}/${name}/${seq}-${nextSeq}`).digest('hex').slice(0, 32);
    await ports.mailer.send({ to: receiver.to, mailId, ...mailOf(policy, plan.events, ports.consoleUrl) });
  }
  await writePlace(ports.store, policy, name, { seq: nextSeq, sentMs: plan.kind === 'send' ? nowMs : sentMs });
  return { nextSeq, told: plan.kind === 'send' ? plan.events.length : 0 };
}

const mostListed = 50;
const longestSubject = 150;

const rank = (event: IncidentEvent): number => (isAtLeast(severityOf(event), 'urgent') ? 0 : 1);

/** The most severe first; text of robots stays within its line. */
export function mailOf(
  policy: string,
  events: readonly IncidentEvent[],
  consoleUrl?: string,
): Pick<Mail, 'subject' | 'text'> {
  const sorted = events.toSorted((a, b) => rank(a) - rank(b) || a.atMs - b.atMs);
  const [first] = sorted;
  const states = ['opened', 'closed', 'acknowledged', 'noticed'] as const;
  const counts = states.flatMap((state) => {
    const count = events.filter((event) => event.state === state).length;
    return count === 0 ? [] : [`${count} ${state}`];
  });
  const what =
    events.length === 1 && first !== undefined ? `${first.cause} ${first.subject} ${first.state}` : counts.join(', ');
  const urgent = first !== undefined && rank(first) === 0 ? 'urgent: ' : '';
  const lines = sorted.slice(0, mostListed).flatMap((event) => {
    const { page, query } = placeOfEvent(event);
    const url = pageUrl(consoleUrl, page, { policy, ...query });
    const said = `${new Date(event.atMs).toISOString()} ${severityOf(event)} ${event.state} ${event.incidentId}: ${event.reason}`;
    return [cleanText(said), ...(url === undefined ? [] : [`  ${url}`])];
  });
  const more = events.length > mostListed ? [`and ${events.length - mostListed} more`] : [];
  const sinceMs = Math.min(...events.map(({ atMs }) => atMs));
  const since = `flywheel incidents since ${new Date(sinceMs).toISOString()} --policy ${policy}`;
  return {
    subject: cleanText(`[Flywheel ${policy}] ${urgent}${what}`).slice(0, longestSubject),
    text: [...lines, ...more, '', `What happened since: ${since}`, ''].join('\n'),
  };
}
