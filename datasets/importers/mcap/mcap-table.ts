import type { SourceFile } from '../table.ts';
import { logTimeColumn, type TableReader, type TableRow, type WantedCell } from '../table.ts';
import type { Tally } from '../tally.ts';
import { topicField, type TopicField } from './field-path.ts';
import { FramesOfMessages, type FrameRule } from './frames-of-messages.ts';
import { McapProblem } from './byte-cursor.ts';
import type { EpisodeImages } from './episode-images.ts';
import { mcapMessages } from './mcap-messages.ts';
import type { Leaf, MessageType } from './message-type.ts';
import { TopicValues, type WantedField } from './topic-values.ts';
import { Topics, type Message } from './topics.ts';

export interface McapTableInput {
  readonly files: readonly SourceFile[];
  readonly rule: FrameRule;
  readonly unreadable: 'leaveOut' | 'fail';
  /** Whether a file has nothing to do with the one before it. */
  readonly isFileAlone: boolean;
  readonly images: EpisodeImages;
  readonly tally: Tally;
}

const batchRows = 512;

/** MCAP files as a table with a row a frame, and a row for every message of a topic with values that hold. Memory does not grow with the files. */
export class McapTable implements TableReader {
  readonly #input: McapTableInput;
  readonly #described = new Set<string>();
  #frames: FramesOfMessages | undefined;

  constructor(input: McapTableInput) {
    this.#input = input;
  }

  /** Fields that are not mapped are counted while messages are read: a file may hold millions of other topics. */
  columns(): Promise<readonly []> {
    return Promise.resolve([]);
  }

  async *rows(path: string, wanted: readonly WantedCell[]): AsyncGenerator<readonly TableRow[]> {
    const { files, tally, unreadable, isFileAlone, images } = this.#input;
    const file = files.find((each) => each.path === path) ?? { path, name: path };
    const topicValues = wantedTopics(wanted, tally, unreadable);
    const timePlaces = wanted.flatMap(({ column }, place) => (column === logTimeColumn ? [place] : []));
    this.#frames ??= new FramesOfMessages({
      rule: this.#input.rule,
      topics: topicValues,
      width: wanted.length,
      timePlaces,
      tally,
    });
    const frames = this.#frames;
    const names = new Map(topicValues.map((values) => [values.topic, values]));
    const topics = new Topics((topic) => names.has(topic), images.isCamera);
    let isFirst = true;
    let rows: TableRow[] = [];
    for await (const batch of mcapMessages(file, topics, tally)) {
      if (isFirst && (isFileAlone || (batch[0]?.atUs ?? 0) < frames.newestUs)) frames.reset();
      isFirst = false;
      for (const message of batch) {
        if ('reason' in message.channel.type) continue;
        if (images.isCamera(message.channel.topic)) images.take(message);
        if (!names.has(message.channel.topic)) continue;
        if (!this.#described.has(message.channel.topic)) this.#countFields(message, names);
        for (const row of frames.take(message)) rows.push(row);
        if (rows.length < batchRows) continue;
        yield rows;
        rows = [];
      }
      frames.settle();
    }
    yield [...rows, ...frames.flush()];
    countTopics(topics, tally);
  }

  /** Tells what was left over behind the last file. */
  end(): void {
    this.#frames?.reset();
    this.#input.images.reset();
  }

  #countFields({ channel, data }: Message, names: ReadonlyMap<string, TopicValues>): void {
    const { topic, type } = channel;
    this.#described.add(topic);
    if ('reason' in type) return;
    const paths = names.get(topic)?.wanted.flatMap(({ field }) => usedPaths(field)) ?? [];
    for (const { path } of readLeaves(type, data))
      if (!paths.some((mapped) => mapped === path || mapped.startsWith(`${path}[`)))
        this.#input.tally.leftOut('field', 'not in the map', `${topic}.${path}`);
  }
}

/** What a column reads: its own field, and the list that names its element. */
function usedPaths({ path, steps }: TopicField): readonly string[] {
  const at = steps.findIndex(({ key }) => key !== undefined);
  const list = steps[at]?.key?.list;
  if (list === undefined) return [path];
  return [path, [...steps.slice(0, at).map(({ name }) => name), list].join('.')];
}

/** A first message that cannot be read says no fields; whoever takes it says why. */
function readLeaves(type: MessageType, sample: Uint8Array): readonly Leaf[] {
  try {
    return type.leaves(sample);
  } catch (error) {
    if (error instanceof McapProblem) return [];
    throw error;
  }
}

function wantedTopics(wanted: readonly WantedCell[], tally: Tally, unreadable: 'leaveOut' | 'fail'): TopicValues[] {
  const byTopic = new Map<string, WantedField[]>();
  for (const [place, { column, isHeld = false }] of wanted.entries()) {
    if (column === logTimeColumn) continue;
    const field = topicField(column);
    byTopic.set(field.topic, [...(byTopic.get(field.topic) ?? []), { field, place, isHeld }]);
  }
  return [...byTopic].map(([topic, fields]) => new TopicValues(topic, fields, tally, unreadable));
}

function countTopics(topics: Topics, tally: Tally): void {
  for (const { topic, type, messages } of topics.all()) {
    tally.handled('messages', messages);
    if (!('reason' in type)) continue;
    tally.leftOut('topic', type.reason, topic);
    tally.leftOut('message', `of a topic that is not taken: ${type.reason}`, topic, messages);
  }
}
