import { ImportError, quoted } from '../import-summary.ts';

/** One step into a message: a field, and which element (from 0) where it is a list. */
export interface PathStep {
  readonly name: string;
  readonly index: number | undefined;
}

/** A column of a map: a topic and the way to a value in its messages. */
export interface TopicField {
  readonly topic: string;
  /** As it stands in the column, `pose.position.x`. */
  readonly path: string;
  readonly steps: readonly PathStep[];
}

const mostSteps = 16;
const step = /^([^.[\]]+)(?:\[(\d{1,6})\])?$/;

/**
 * `/arm/joint_states.position[2]` → topic `/arm/joint_states`, field `position`, element 2. The topic ends at the first dot behind its last
 * slash; one with dots there stands in quotes, `"/a.b".x`. Throws `ImportError` for what is no such column.
 */
export function topicField(column: string): TopicField {
  const [, inQuotes, plain, path] = /^(?:"([^"]+)"|((?:.*\/)?[^./]*))\.(.+)$/s.exec(column) ?? [];
  const topic = inQuotes ?? plain ?? '';
  const steps = stepsOf(path ?? '');
  if (topic === '' || path === undefined || steps === undefined)
    throw new ImportError(
      `map: expected a column such as /topic.field, /topic.list[0] or "/a.topic".field, got ${quoted(column)}`,
    );
  return { topic, path, steps };
}

/** The column that {@link topicField} reads as this. */
export const topicColumn = (topic: string, path: string): string =>
  (/\.[^/]*$/.test(topic) ? `"${topic}"` : topic) + `.${path}`;

/** The way that a text says; undefined for what is none. */
export function stepsOf(path: string): readonly PathStep[] | undefined {
  const parts = path.split('.');
  if (parts.length > mostSteps) return undefined;
  const steps = parts.map((part) => step.exec(part));
  if (steps.includes(null)) return undefined;
  return steps.map((match) => ({
    name: match?.[1] ?? '',
    index: match?.[2] === undefined ? undefined : Number(match[2]),
  }));
}
