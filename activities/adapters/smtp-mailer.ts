import { createTransport } from 'nodemailer';

import { cleanText } from '../../domain/clean-text.ts';
import { failure } from '../../store/failures.ts';
import type { Mailer } from '../ports/mailer.ts';

export interface SmtpOptions {
  /** `smtp://host:port` or `smtps://…`, with user and password where the server wants them; only its host is ever told. */
  readonly url: string;
  readonly from: string;
  readonly timeoutMs?: number;
}

const defaultTimeoutMs = 20_000;
const longestAnswer = 200;
const loopback: readonly string[] = ['127.0.0.1', 'localhost', '[::1]'];

/**
 * Sends mail by SMTP: TLS from the start for `smtps:`, else STARTTLS where the server offers it, and always before a password unless the
 * server is this machine. An answer of 5xx is `NotificationRefused`; 4xx, a refused password and a server that cannot be reached are
 * `NotificationFailed`. https://nodemailer.com/smtp
 */
export const smtpMailer = ({ url, from, timeoutMs = defaultTimeoutMs }: SmtpOptions): Mailer => ({
  async send({ to, subject, text, mailId }) {
    const { protocol, hostname, port, username, password } = new URL(url);
    const secure = protocol === 'smtps:';
    const transport = createTransport({
      host: hostname.replace(/^\[(.*)\]$/, '$1'),
      port: port === '' ? (secure ? 465 : 587) : Number(port),
      secure,
      requireTLS: username !== '' && !loopback.includes(hostname),
      ...(username === '' ? {} : { auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) } }),
      connectionTimeout: timeoutMs,
      greetingTimeout: timeoutMs,
      socketTimeout: timeoutMs,
      disableFileAccess: true,
      disableUrlAccess: true,
    });
    try {
      await transport.sendMail({
        from,
        to,
        subject,
        text,
        messageId: `<${mailId}@flywheel.invalid>`,
        headers: { 'Auto-Submitted': 'auto-generated' },
      });
    } catch (error) {
      throw failedAs(error, { host: hostname, mail: mailId });
    } finally {
      transport.close();
    }
  },
});

/** Without the error itself, which may quote what was said to the server. */
function failedAs(error: unknown, coordinates: Readonly<Record<string, string>>): Error {
  const {
    code = 'unknown',
    responseCode,
    response,
  } = error as {
    readonly code?: string;
    readonly responseCode?: number;
    readonly response?: string;
  };
  const said = cleanText(response ?? '').slice(0, longestAnswer);
  const told = `expected the mail server to take the mail, got ${responseCode ?? code}${said === '' ? '' : `: ${said}`}`;
  const isFinal = responseCode !== undefined && responseCode >= 500 && code !== 'EAUTH';
  return failure(isFinal ? 'NotificationRefused' : 'NotificationFailed', told, { coordinates });
}
