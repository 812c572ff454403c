import { ImportError, quoted } from '../import-summary.ts';

/** One step into a message: a field, and which element (from 0) where it is a list. */
export interface PathStep {
  readonly name: string;
  readonly index: number | undefined;
  /** The element at whose place the list `list` beside this one has the text `text`; then there is no index. */
  readonly key?: { readonly list: string; readonly text: string };
}

/** A column of a map: a topic and the way to a value in its messages. */
export interface TopicField {
  readonly topic: string;
  /** As it stands in the column, `pose.position.x`. */
  readonly path: string;
  readonly steps: readonly PathStep[];
}

const mostSteps = 16;
/** A field; an element by its place; an element by its name, in quotes where it has dots, brackets or quotes. */
const step = /([^.[\]]+)(?:\[(?:(\d{1,6})|([^.[\]="]+)=(?:"([^"]{1,200})"|([^.[\]"]{1,200})))\])?(\.|$)/y;

/**
 * `/arm/joint_states.position[2]` → topic `/arm/joint_states`, field `position`, element 2. The topic ends at the first dot behind its last
 * slash; one with dots there stands in quotes, `"/a.b".x`. Throws `ImportError` for what is no such column.
 */
export function topicField(column: string): TopicField {
  for (const form of [columnForm, namedForm]) {
    const [, inQuotes, plain, path] = form.exec(column) ?? [];
    const topic = inQuotes ?? plain ?? '';
    const steps = stepsOf(path ?? '');
    if (topic !== '' && path !== undefined && steps !== undefined) return { topic, path, steps };
  }
  throw new ImportError(
    `map: expected a column such as /topic.field, /topic.list[0], /topic.list[name=elbow] or "/a.topic".field, got ${quoted(column)}`,
  );
}

const columnForm = /^(?:"([^"]+)"|((?:.*\/)?[^./]*))\.(.+)$/s;
/** Where the name of an element has a slash, the last slash is not the topic's. */
const namedForm = /^(?:"([^"]+)"|((?:[^"[]*\/)?[^./"[]*))\.(.+)$/s;

/** The column that {@link topicField} reads as this. */
export const topicColumn = (topic: string, path: string): string =>
  (/\.[^/]*$/.test(topic) ? `"${topic}"` : topic) + `.${path}`;

/** The way that a text says; undefined for what is none. At most one element by its name. */
export function stepsOf(path: string): readonly PathStep[] | undefined {
  const steps: PathStep[] = [];
  let isOpen = true;
  step.lastIndex = 0;
  while (isOpen) {
    const match = step.exec(path);
    if (match === null || steps.length >= mostSteps) return undefined;
    const [, name = '', index, list, inQuotes, plain, end] = match;
    const text = inQuotes ?? plain;
    steps.push({
      name,
      index: index === undefined ? undefined : Number(index),
      ...(list === undefined || text === undefined ? {} : { key: { list, text } }),
    });
    isOpen = end === '.';
  }
  return steps.filter(({ key }) => key !== undefined).length > 1 ? undefined : steps;
}

/** `position`, `name`, `a.b` → `position[name="a.b"]`; undefined for a text that no map can name. */
export function namedElement(path: string, list: string, text: string): string | undefined {
  const isPlain = /^[^.[\]"]+$/.test(text);
  const column = `${path}[${list}=${isPlain ? text : `"${text}"`}]`;
  return text !== '' && stepsOf(column)?.at(-1)?.key?.text === text ? column : undefined;
}
