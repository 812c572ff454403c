import { McapProblem } from './byte-cursor.ts';
import { cdrMessages } from './cdr-messages.ts';
import { jsonMessages } from './json-messages.ts';
import { mcapLimits } from './limits.ts';
import type { MessageType } from './message-type.ts';
import { protoMessages } from './proto-messages.ts';
import { channelRecord, schemaRecord, type RecordPlace, type SchemaRecord } from './records.ts';

/** What a file says of the messages under one number. */
export interface Channel {
  readonly topic: string;
  readonly schema: string;
  /** How its messages are read, or why they are not. */
  readonly type: MessageType | { readonly reason: string };
  /** Whether anybody asked for its messages. */
  readonly isWanted: boolean;
  messages: number;
}

/** One message of a wanted topic; `data` is a view into what was read of the file, valid until the next batch. */
export interface Message {
  readonly channel: Channel;
  readonly atUs: number;
  readonly data: Uint8Array;
}

export interface ForeignTopic {
  readonly topic: string;
  readonly schemaName: string;
  readonly messageEncoding: string;
  readonly definition: { readonly encoding: string; readonly data: Uint8Array };
}

const isImage = /(?:^|[./])(?:Compressed(?:Image|Video)|(?:Raw)?Image)$/;

/** Topics of one file, from its records; a definition is read when the first channel of a wanted topic asks for it. */
export class Topics {
  readonly #isWanted: (topic: string) => boolean;
  readonly #isCamera: (topic: string) => boolean;
  readonly #schemas = new Map<number, SchemaRecord>();
  readonly #channels = new Map<number, Channel>();
  #schemaBytes = 0;

  constructor(isWanted: (topic: string) => boolean, isCamera: (topic: string) => boolean = () => false) {
    this.#isWanted = isWanted;
    this.#isCamera = isCamera;
  }

  schema(bytes: Uint8Array, place: RecordPlace): void {
    const record = schemaRecord(bytes, place);
    if (record.id === 0 || this.#schemas.has(record.id)) return;
    const fits =
      record.data.length <= mcapLimits.schemaBytes &&
      this.#schemaBytes + record.data.length <= mcapLimits.allSchemaBytes;
    this.#schemaBytes += fits ? record.data.length : 0;
    this.#schemas.set(
      record.id,
      fits ? { ...record, data: new Uint8Array(record.data) } : { ...record, encoding: tooLong },
    );
  }

  channel(bytes: Uint8Array, place: RecordPlace): void {
    const { id, schemaId, topic, messageEncoding } = channelRecord(bytes, place, mcapLimits.topicBytes);
    this.#know(id, topic, messageEncoding, this.#schemas.get(schemaId));
  }

  /** A topic of a file that is no MCAP, with its definition. */
  add(id: number, { topic, schemaName, messageEncoding, definition }: ForeignTopic): void {
    const fits = this.#schemaBytes + definition.data.length <= mcapLimits.allSchemaBytes;
    this.#schemaBytes += fits ? definition.data.length : 0;
    const { encoding, data } = definition;
    this.#know(id, topic, messageEncoding, { id, name: schemaName, encoding: fits ? encoding : tooLong, data });
  }

  #know(id: number, topic: string, messageEncoding: string, schema: SchemaRecord | undefined): void {
    // The format wants every record of a channel to be the same: the first one counts.
    if (this.#channels.has(id)) return;
    const isCamera = this.#isCamera(topic);
    const isWanted = isCamera || this.#isWanted(topic);
    const type = isWanted ? typeOf(messageEncoding, schema, isCamera) : { reason: 'not in the map' };
    this.#channels.set(id, { topic, schema: schema?.name ?? '', type, isWanted, messages: 0 });
  }

  of = (id: number): Channel | undefined => this.#channels.get(id);

  all = (): readonly Channel[] => [...this.#channels.values()];
}

const tooLong = 'too long';

/** https://mcap.dev/spec/registry */
function typeOf(messageEncoding: string, schema: SchemaRecord | undefined, isCamera: boolean): Channel['type'] {
  if (schema !== undefined && !isCamera && isImage.test(schema.name))
    return { reason: 'images: a map takes them under mcap.cameras' };
  try {
    if (messageEncoding === 'json') return jsonMessages;
    if (schema?.encoding === tooLong) return { reason: 'a definition that is too long' };
    if (messageEncoding === 'protobuf' && schema?.encoding === 'protobuf')
      return protoMessages(schema.name, schema.data);
    if (messageEncoding === 'cdr' && schema?.encoding === 'ros2msg') return cdrMessages(schema.data);
  } catch (error) {
    if (error instanceof McapProblem) return { reason: error.message };
    throw error;
  }
  if (messageEncoding === 'cdr' && schema?.encoding === 'none')
    return {
      reason:
        'its type is not defined in the file, nor among the common ones: "ros2 bag convert" with its package writes MCAP',
    };
  const known = /^[a-z0-9]{1,20}$/;
  const [message, definition] = [messageEncoding, schema?.encoding ?? ''].map((name) =>
    known.test(name) ? name : '?',
  );
  return { reason: `messages encoded as ${message} with a definition as ${definition} are not read` };
}
