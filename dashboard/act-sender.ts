import type { ActAnswer } from '../console/answers/acts.ts';
import { mayRetry } from './act-dialog.ts';
import type { Answer } from './reading.ts';

type SendAct = (path: string, body: Readonly<Record<string, unknown>>, key: string) => Promise<Answer<ActAnswer>>;

const newKey = (): string =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');

/**
 * Sends acts without a dialog, one at a time: what is asked for while one is under way is not sent. The same again, after nobody answered, has the key that
 * it had, so that it is done once.
 */
export class ActSender {
  readonly #send: SendAct;
  readonly #newKey: () => string;
  #isBusy = false;
  #unanswered: { readonly text: string; readonly key: string } | null = null;

  constructor(send: SendAct, makeKey: () => string = newKey) {
    this.#send = send;
    this.#newKey = makeKey;
  }

  /** null: another one is under way, and this one was not sent. */
  async send(path: string, body: Readonly<Record<string, unknown>>): Promise<Answer<ActAnswer> | null> {
    if (this.#isBusy) return null;
    this.#isBusy = true;
    const text = JSON.stringify([path, body]);
    const key = this.#unanswered?.text === text ? this.#unanswered.key : this.#newKey();
    try {
      const answer = await this.#send(path, body, key);
      this.#unanswered = answer.kind !== 'read' && mayRetry(answer) ? { text, key } : null;
      return answer;
    } finally {
      this.#isBusy = false;
    }
  }
}
