import { ImportError, quoted } from '../import-summary.ts';
import type { Tally } from '../tally.ts';
import { McapProblem } from './byte-cursor.ts';
import type { TopicField } from './field-path.ts';
import type { MessageType, Value } from './message-type.ts';
import { namedFields, type NamedFields } from './named-fields.ts';
import type { Message } from './topics.ts';

/** A value that is asked for, and its place among all of them. */
export interface WantedField {
  readonly field: TopicField;
  readonly place: number;
  /** It stays as long as nobody says otherwise: a robot, a task, how an episode ended. A reading and a command do not. */
  readonly isHeld: boolean;
}

/** The newest message of one topic, and what it says; it is read only when it is asked for. */
export class TopicValues {
  readonly topic: string;
  /** Whether a frame needs it to be new. */
  readonly isSampled: boolean;
  readonly wanted: readonly WantedField[];
  readonly #tally: Tally;
  readonly #unreadable: 'leaveOut' | 'fail';
  readonly #readers = new WeakMap<MessageType, NamedFields>();
  readonly #hasNames: boolean;
  readonly #values: Value[] = [];
  #message: Message | undefined;
  #isUsed = true;
  /** Log time of the message whose values stand here; undefined before the first. */
  atUs: number | undefined;

  constructor(topic: string, wanted: readonly WantedField[], tally: Tally, unreadable: 'leaveOut' | 'fail') {
    this.topic = topic;
    this.wanted = wanted;
    this.isSampled = wanted.some(({ isHeld }) => !isHeld);
    this.#hasNames = wanted.some(({ field }) => field.steps.some(({ key }) => key !== undefined));
    this.#tally = tally;
    this.#unreadable = unreadable;
  }

  /** False for a message that is passed over, because it lacks an element that is named. */
  take(message: Message): boolean {
    if (this.#hasNames && this.#isOfOthers(message)) return false;
    if (!this.#isUsed) this.#tally.leftOut('message', 'a newer one came before the next frame', this.topic);
    this.#message = message;
    this.#isUsed = false;
    return true;
  }

  /** Whether it lacks an element that is named, as where two programs send on one topic: it must not take the place of one that has it. */
  #isOfOthers({ channel: { type }, data }: Message): boolean {
    if ('reason' in type) return false;
    try {
      const missing = this.#readerOf(type).missing(data);
      if (missing === undefined) return false;
      this.#tally.leftOut('message', `no element of the name ${quoted(missing)}`, this.topic);
      return true;
    } catch (error) {
      // It is said when its turn comes.
      if (error instanceof McapProblem) return false;
      throw error;
    }
  }

  /** The values become part of a frame. */
  use(into: Value[]): void {
    this.show(into);
    this.#isUsed = true;
  }

  /** The values as they are between frames; those that hold are used by that. */
  show(into: Value[]): void {
    this.settle();
    if (!this.isSampled) this.#isUsed = true;
    for (let index = 0; index < this.wanted.length; index += 1)
      into[this.wanted[index]?.place ?? 0] = this.#values[index];
  }

  /** Reads what has come, so that its bytes are no longer needed. */
  settle(): void {
    const message = this.#message;
    this.#message = undefined;
    if (message === undefined) return;
    const { type } = message.channel;
    if ('reason' in type) return;
    const read: Value[] = [];
    try {
      this.#readerOf(type).read(message.data, read);
    } catch (error) {
      if (!(error instanceof McapProblem)) throw error;
      this.#isUsed = true;
      if (this.#unreadable === 'leaveOut') return this.#tally.leftOut('message', error.message, this.topic);
      throw new ImportError(
        `expected a message of ${this.topic} that can be read, got ${error.message} [logTimeUs=${message.atUs}]`,
      );
    }
    this.atUs = message.atUs;
    for (let index = 0; index < this.wanted.length; index += 1) this.#values[index] = read[index];
  }

  #readerOf(type: MessageType): NamedFields {
    const known = this.#readers.get(type);
    if (known !== undefined) return known;
    // One at a time, so that errors say which field it is.
    for (const { field } of this.wanted)
      try {
        namedFields(type, [field.steps]);
      } catch (error) {
        if (!(error instanceof McapProblem)) throw error;
        throw new ImportError(
          `expected a number or text at ${field.path} of topic ${this.topic}, got ${error.message}`,
        );
      }
    const made = namedFields(
      type,
      this.wanted.map(({ field }) => field.steps),
    );
    this.#readers.set(type, made);
    return made;
  }

  end(): void {
    this.settle();
    if (!this.#isUsed) this.#tally.leftOut('message', 'after the last frame', this.topic);
    this.#isUsed = true;
  }

  /** Forgets everything: what comes next has nothing to do with it. */
  reset(): void {
    this.end();
    this.atUs = undefined;
    this.#values.length = 0;
  }
}
