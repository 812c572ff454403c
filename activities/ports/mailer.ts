import type { MailWishes } from '../../domain/monitoring/plan-mail.ts';

export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  /** The same for every attempt to send the same: the left part of a Message-ID. */
  readonly mailId: string;
}

/** Sends one mail. Fails as a `Notifier` does: `NotificationFailed` when trying again can help, `NotificationRefused` when it cannot. */
export interface Mailer {
  send(mail: Mail): Promise<void>;
}

/** Who gets mail, and which. */
export interface MailReceiver extends MailWishes {
  readonly to: string;
}

export interface MailPort {
  readonly mailer: Mailer;
  readonly receivers: readonly MailReceiver[];
}
