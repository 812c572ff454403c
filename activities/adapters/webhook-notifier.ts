import { createHmac } from 'node:crypto';

import type { QuietHours } from '../../domain/monitoring/plan-mail.ts';
import { failure } from '../../store/failures.ts';
import type { Notifier } from '../ports/notifier.ts';
import type { Clock } from '../../store/clock.ts';

export interface WebhookOptions {
  /** Where to POST; may itself be a secret, so only its host is ever told. */
  readonly url: string;
  readonly secret: string;
  readonly clock: Clock;
  readonly quiet?: QuietHours;
  readonly timeoutMs?: number;
}

const defaultTimeoutMs = 10_000;
const longestRetryAfterMs = 3_600_000;

/**
 * POSTs notifications as JSON with Node's own fetch. `Flywheel-Signature: t=<unix seconds>,v1=<hex>` is the HMAC-SHA256 of
 * `<t>.<body>`; `Idempotency-Key` is the notification's id. Trying again is the caller's: 408, 425, 429, 5xx and a receiver that
 * cannot be reached are `NotificationFailed`, every other answer but 2xx is `NotificationRefused`. Redirects are not followed.
 * https://nodejs.org/api/globals.html#fetch
 */
export const webhookNotifier = ({
  url,
  secret,
  clock,
  quiet,
  timeoutMs = defaultTimeoutMs,
}: WebhookOptions): Notifier => ({
  ...(quiet === undefined ? {} : { quiet }),
  async notify(notification) {
    const { notificationId, atMs, ...rest } = notification;
    const body = JSON.stringify({ notificationId, at: new Date(atMs).toISOString(), ...rest });
    const coordinates = { host: new URL(url).host, notification: notificationId };
    let response: Response;
    try {
      response = await fetch(url, {
        method: 'POST',
        redirect: 'manual',
        signal: AbortSignal.timeout(timeoutMs),
        headers: {
          'content-type': 'application/json',
          'idempotency-key': notificationId,
          'flywheel-signature': signature(secret, Math.floor(clock() / 1_000), body),
        },
        body,
      });
    } catch (cause) {
      throw failure('NotificationFailed', 'expected an answer of the webhook, got none', { cause, coordinates });
    }
    await response.body?.cancel();
    if (response.ok) return;
    const told = `expected a 2xx answer of the webhook, got ${response.status}`;
    if (!isPassing(response.status)) throw failure('NotificationRefused', told, { coordinates });
    throw failure('NotificationFailed', told, { coordinates, ...retryAfter(response) });
  },
});

/** The value of the header `Flywheel-Signature`; a receiver makes it again and compares. */
export const signature = (secret: string, unixSeconds: number, body: string): string =>
  `t=${unixSeconds},v1=${createHmac('sha256', secret).update(`${unixSeconds}.${body}`).digest('hex')}`;

const isPassing = (status: number): boolean => [408, 425, 429].includes(status) || status >= 500;

function retryAfter(response: Response): { retryAfterMs?: number } {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  return seconds > 0 ? { retryAfterMs: Math.min(longestRetryAfterMs, seconds * 1_000) } : {};
}
