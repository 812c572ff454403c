import type { IncidentEvent } from '../../domain/monitoring/index.ts';
import type { QuietHours } from '../../domain/monitoring/plan-mail.ts';

/** What somebody outside is told of an incident. */
export interface Notification extends IncidentEvent {
  readonly policy: string;
  /** `notice`: nothing is wrong, and nothing stays open. */
  readonly kind?: 'incident' | 'notice';
  /** The same for every attempt to tell the same thing: incident and state. */
  readonly notificationId: string;
  /** The page of the console that shows it; not there where nobody says where the console is. */
  readonly url?: string;
}

/**
 * Tells one thing to whoever wants to know. Fails with `NotificationFailed` when trying again can help, with
 * `NotificationRefused` when it cannot.
 */
export interface Notifier {
  /** Hours in which only what is severe enough is told; what waits is told with it, or after them. */
  readonly quiet?: QuietHours;
  notify(notification: Notification): Promise<void>;
}
