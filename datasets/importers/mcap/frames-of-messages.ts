import type { TableRow } from '../table.ts';
import type { Tally } from '../tally.ts';
import { numberOfText } from '../table.ts';
import type { Value } from './message-type.ts';
import type { TopicValues } from './topic-values.ts';
import type { Message } from './topics.ts';

/** When frames are, and how old what they show may be. */
export interface FrameRule {
  /** A frame every so many µs, or one a message of this topic. */
  readonly every: { readonly periodUs: number } | { readonly topic: string };
  readonly maxAgeUs: number;
}

export interface FramesInput {
  readonly rule: FrameRule;
  readonly topics: readonly TopicValues[];
  /** Values of a row: those of topics and the log time. */
  readonly width: number;
  /** Where a row has its own time. */
  readonly timePlaces: readonly number[];
  readonly tally: Tally;
}

/**
 * Makes frames of messages that come at any time, in the order of their time. At the time of a frame every reading is that of its topic's newest message, which
 * is at most `maxAgeUs` old. While a frame lacks one, there is a gap; also while no topic with a reading says anything for longer. Frames of
 * a rate begin at the first message, and again at the first one behind a gap; there are none behind the last message before one.
 */
export class FramesOfMessages {
  readonly #input: FramesInput;
  readonly #byTopic: ReadonlyMap<string, TopicValues>;
  readonly #reasons: readonly string[];
  /** Of a value that holds, the place of its topic among all. */
  readonly #heldBy: ReadonlyMap<number, number>;
  #rows = 0;
  /** Time of the newest message of a topic with readings. */
  #lastUs: number | undefined;
  #startUs = 0;
  #ticks = 0;
  #pendingUs: number | undefined;
  #hadWhole = false;
  #isInGap = false;
  /** Time of the newest message. */
  newestUs = 0;

  constructor(input: FramesInput) {
    this.#input = input;
    this.#byTopic = new Map(input.topics.map((values) => [values.topic, values]));
    this.#heldBy = new Map(
      input.topics.flatMap(({ wanted }, topic) =>
        wanted.flatMap(({ place, isHeld }) => (isHeld ? [[place, topic] as const] : [])),
      ),
    );
    this.#reasons = ['no message yet', `older than ${input.rule.maxAgeUs / 1e6} s`];
  }

  *take(message: Message): Generator<MessageRow, void, undefined> {
    const values = this.#byTopic.get(message.channel.topic);
    if (values === undefined) return;
    const { atUs } = message;
    const { every } = this.#input.rule;
    this.newestUs = atUs;
    const isFrame = 'topic' in every && every.topic === values.topic;
    if ('periodUs' in every) yield* this.#ticksBefore(atUs, every.periodUs);
    else if (this.#pendingUs !== undefined && (isFrame || atUs > this.#pendingUs)) yield* this.#pending();
    if (!values.take(message)) return;
    if (values.isSampled) this.#lastUs = atUs;
    if (isFrame) this.#pendingUs = atUs;
    // What holds is seen when it is said: a stop may be over before the next frame, and how it ended comes behind the last one.
    else if (values.wanted.some(({ isHeld }) => isHeld)) yield this.#row(atUs, true);
  }

  /** Frames that are whole with what has come. */
  *flush(): Generator<MessageRow, void, undefined> {
    const { every } = this.#input.rule;
    if (!('periodUs' in every)) yield* this.#pending();
    else if (this.#lastUs !== undefined) yield* this.#ticksUntil(this.#lastUs + 1, every.periodUs);
  }

  /** Reads what has come, so that its bytes are no longer needed. */
  settle(): void {
    for (const values of this.#input.topics) values.settle();
  }

  /** What was open is told and forgotten. */
  reset(): void {
    for (const values of this.#input.topics) values.reset();
    this.#lastUs = undefined;
    this.#pendingUs = undefined;
    this.#hadWhole = false;
    this.#isInGap = false;
    this.newestUs = 0;
  }

  *#ticksBefore(atUs: number, periodUs: number): Generator<MessageRow, void, undefined> {
    const last = this.#lastUs;
    const isGap = last !== undefined && atUs - last > this.#input.rule.maxAgeUs;
    if (last !== undefined) yield* this.#ticksUntil(isGap ? last + 1 : atUs, periodUs);
    if (isGap) this.#gap();
    if (last === undefined || isGap) [this.#startUs, this.#ticks] = [atUs, 0];
  }

  *#ticksUntil(endUs: number, periodUs: number): Generator<MessageRow, void, undefined> {
    for (;;) {
      const atUs = Math.round(this.#startUs + this.#ticks * periodUs);
      if (atUs >= endUs) return;
      this.#ticks += 1;
      yield this.#row(atUs, false);
    }
  }

  *#pending(): Generator<MessageRow, void, undefined> {
    const atUs = this.#pendingUs;
    this.#pendingUs = undefined;
    if (atUs !== undefined) yield this.#row(atUs, false);
  }

  #gap(): void {
    if (!this.#hadWhole || this.#isInGap) return;
    this.#isInGap = true;
    this.#input.tally.handled('gaps');
  }

  #row(atUs: number, isEvent: boolean): MessageRow {
    const { topics, width, timePlaces, rule } = this.#input;
    const values: Value[] = [];
    for (let place = 0; place < width; place += 1) values.push(undefined);
    let missing: Map<number, string> | undefined;
    for (const topic of topics) {
      const wasAt = topic.atUs;
      if (isEvent) topic.show(values);
      else topic.use(values);
      const age = topic.atUs === undefined ? undefined : atUs - topic.atUs;
      if (!topic.isSampled || (age !== undefined && age <= rule.maxAgeUs)) continue;
      const reason = this.#reasons[age === undefined && wasAt === undefined ? 0 : 1] ?? '';
      missing ??= new Map();
      for (const { place, isHeld } of topic.wanted)
        if (!isHeld) {
          values[place] = undefined;
          missing.set(place, reason);
        }
    }
    for (const place of timePlaces) values[place] = atUs;
    this.#rows += 1;
    const isWhole = missing === undefined;
    const isAfterGap = !isEvent && isWhole && this.#isInGap;
    if (!isEvent && isWhole) [this.#hadWhole, this.#isInGap] = [true, false];
    else if (!isEvent) this.#gap();
    const topicsUs = topics.map((topic) => topic.atUs ?? 0);
    return new MessageRow({ place: this.#rows, values, missing, topicsUs, heldBy: this.#heldBy, isEvent, isAfterGap });
  }
}

interface RowContent {
  readonly place: number;
  readonly values: readonly Value[];
  readonly missing: ReadonlyMap<number, string> | undefined;
  /** When each topic said what the row has of it. */
  readonly topicsUs: readonly number[];
  readonly heldBy: ReadonlyMap<number, number>;
  readonly isEvent: boolean;
  readonly isAfterGap: boolean;
}

/** What a robot's topics said at one moment. */
export class MessageRow implements TableRow {
  readonly #content: RowContent;

  constructor(content: RowContent) {
    this.#content = content;
  }

  get place(): number {
    return this.#content.place;
  }

  get isEvent(): boolean {
    return this.#content.isEvent;
  }

  get isAfterGap(): boolean {
    return this.#content.isAfterGap;
  }

  text(cell: number): string {
    const value = this.#content.values[cell];
    return value === undefined ? '' : String(value);
  }

  number(cell: number): number {
    return numberOf(this.#content.values[cell]);
  }

  missing(cell: number): string | undefined {
    return this.#content.missing?.get(cell);
  }

  saidUs(cell: number): number | undefined {
    const topic = this.#content.heldBy.get(cell);
    return topic === undefined ? undefined : this.#content.topicsUs[topic];
  }
}

/** As a number: a truth is 1 or 0, a text what it spells. */
export function numberOf(value: Value): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  return value === undefined ? Number.NaN : numberOfText(value);
}
