import { ColumnMeasure, type MeasuredColumn } from '../measure-columns.ts';
import type { SourceFile } from '../table.ts';
import type { Tally } from '../tally.ts';
import { McapProblem } from './byte-cursor.ts';
import { namedElement, stepsOf, topicColumn } from './field-path.ts';
import { numberOf } from './frames-of-messages.ts';
import { mcapMessages } from './mcap-messages.ts';
import { below, type Leaf, type MessageType, type ReadFields, type Value } from './message-type.ts';
import { namedFields } from './named-fields.ts';
import { Topics, type Message } from './topics.ts';

/** What a topic says, over all of its messages. */
export interface MeasuredTopic {
  readonly topic: string;
  readonly messages: number;
  /** Middle of the steps from message to message; infinite for a single one. */
  readonly middleStepS: number;
  /** Steps that are longer than ten middle ones, or back in time. */
  readonly gaps: number;
  /** One a value, named as a map names it. */
  readonly columns: readonly MeasuredColumn[];
}

/** Values that are measured, of all topics together. */
const mostColumns = 4_000;
/** Elements of a list whose length no definition says, by the first message. */
const mostElements = 64;

/** Reads every message of every topic that can be read, once; memory does not grow with them. */
export async function measureTopics(files: readonly SourceFile[], tally: Tally): Promise<readonly MeasuredTopic[]> {
  const measures = new Map<string, TopicMeasure>();
  let columns = 0;
  for (const file of files) {
    const topics = new Topics(() => true);
    for await (const batch of mcapMessages(file, topics, tally))
      for (const message of batch) {
        const { topic, type } = message.channel;
        if ('reason' in type) continue;
        const measure = measures.get(topic) ?? begun(topic, type, message.data, mostColumns - columns);
        if (typeof measure === 'string') {
          // The next message may be one that can be read.
          tally.leftOut('message', measure, topic);
          continue;
        }
        if (!measures.has(topic)) {
          measures.set(topic, measure);
          columns += measure.width;
        }
        measure.see(message, type, tally);
      }
    for (const { topic, type } of topics.all()) if ('reason' in type) tally.leftOut('topic', type.reason, topic);
  }
  return [...measures.values()].map((measure) => measure.result());
}

/** Begins to measure a topic by its first message, or says why that cannot be read. */
function begun(topic: string, type: MessageType, sample: Uint8Array, mostPaths: number): TopicMeasure | string {
  try {
    return new TopicMeasure(topic, type, sample, mostPaths);
  } catch (error) {
    if (error instanceof McapProblem) return error.message;
    throw error;
  }
}

class TopicMeasure {
  readonly #topic: string;
  readonly #paths: readonly string[];
  readonly #columns: readonly ColumnMeasure[];
  readonly #time: ColumnMeasure;
  readonly #readers = new WeakMap<MessageType, ReadFields>();
  readonly #values: Value[] = [];
  #messages = 0;

  constructor(topic: string, type: MessageType, sample: Uint8Array, mostPaths: number) {
    this.#topic = topic;
    this.#paths = pathsOf(type, sample).slice(0, mostPaths);
    this.#columns = this.#paths.map((path) => new ColumnMeasure(topicColumn(topic, path)));
    this.#time = new ColumnMeasure(topic);
  }

  get width(): number {
    return this.#paths.length;
  }

  see({ atUs, data }: Message, type: MessageType, tally: Tally): void {
    this.#messages += 1;
    this.#time.see('', atUs);
    try {
      const read = this.#readers.get(type) ?? readerOf(type, this.#paths);
      this.#readers.set(type, read);
      read(data, this.#values);
    } catch (error) {
      if (!(error instanceof McapProblem)) throw error;
      return tally.leftOut('message', error.message, this.#topic);
    }
    for (const [place, column] of this.#columns.entries()) {
      const value = this.#values[place];
      column.see(value === undefined ? '' : String(value), numberOf(value));
    }
  }

  result(): MeasuredTopic {
    const { middleStep, gaps, falls } = this.#time.result();
    return {
      topic: this.#topic,
      messages: this.#messages,
      middleStepS: Number.isNaN(middleStep) ? Number.POSITIVE_INFINITY : middleStep / 1e6,
      gaps: gaps + falls,
      columns: this.#columns.map((column) => column.result()),
    };
  }
}

const readerOf = (type: MessageType, paths: readonly string[]): ReadFields =>
  namedFields(
    type,
    paths.map((path) => stepsOf(path) ?? []),
  ).read;

/** Every value of a message that a map can name, lists element by element. `McapProblem` for one that cannot be read. */
function pathsOf(type: MessageType, sample: Uint8Array): readonly string[] {
  const leaves = type.leaves(sample);
  return leaves
    .flatMap((leaf) => namedElementsOf(leaf, leaves, type, sample) ?? elementsOf(leaf, type, sample))
    .filter((path) => stepsOf(path) !== undefined);
}

/** The list beside others that names their elements, as in `sensor_msgs/JointState`. */
const listOfNames = 'name';

/** The elements of a list of numbers by their names, where a list of as many names is beside it, all different. */
function namedElementsOf(
  { path, kind, list }: Leaf,
  leaves: readonly Leaf[],
  type: MessageType,
  sample: Uint8Array,
): readonly string[] | undefined {
  if (kind !== 'number' || list === undefined) return undefined;
  const namePath = below(path.slice(0, Math.max(0, path.lastIndexOf('.'))), listOfNames);
  const names = leaves.find((leaf) => leaf.path === namePath && leaf.kind === 'text' && leaf.list !== undefined);
  if (names === undefined) return undefined;
  const [own, beside] = [elementsOf({ path, kind, list }, type, sample), elementsOf(names, type, sample)];
  const texts: Value[] = [];
  type.fields(beside.map((element) => stepsOf(element) ?? []))(sample, texts);
  const found = texts.slice(0, beside.length);
  if (own.length === 0 || own.length !== found.length || new Set(found).size !== found.length) return undefined;
  const columns = found.map((text) => namedElement(path, listOfNames, String(text)));
  return columns.every((column) => column !== undefined) ? columns : undefined;
}

function elementsOf({ path, kind, list }: Leaf, type: MessageType, sample: Uint8Array): readonly string[] {
  if (kind === 'other' || stepsOf(path) === undefined) return [];
  if (list === undefined) return [path];
  const count = Math.min(mostElements, list === 'varies' ? mostElements : list);
  const elements = Array.from({ length: count }, (_, index) => `${path}[${index}]`);
  const values: Value[] = [];
  type.fields(elements.map((element) => stepsOf(element) ?? []))(sample, values);
  return elements.filter((_, index) => values[index] !== undefined);
}
