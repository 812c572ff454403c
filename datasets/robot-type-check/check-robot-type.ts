import { z } from 'zod';

import { stepProblems } from '../bodies/step-problems.ts';
import { robotTypeName, robotTypeSchema, type RobotType } from '../robot-type.ts';
import { adviceFor } from './field-guide.ts';
import { pathText } from './path-text.ts';
import { describePath, describeValue, isObject, valueAt } from './problem-text.ts';
import { senseProblems } from './sense-rules.ts';
import { readStrictJson, type JsonValue, type Problem } from './strict-json.ts';

/** The largest document that is looked at: a thousand features and as many tasks need half of it. */
export const maxDocumentBytes = 512 * 1024;

/** What is wrong with a document; `type` is there only when nothing is, with its defaults filled in. */
export interface RobotTypeCheck {
  readonly type: RobotType | undefined;
  /** The first 100. */
  readonly problems: readonly Problem[];
  readonly problemsNotListed: number;
}

/** What a document that follows another is judged with. */
export type Followed =
  | { readonly kind: 'known'; readonly type: RobotType }
  | { readonly kind: 'unknown' }
  /** Where only the document itself is asked about. */
  | { readonly kind: 'notAsked' };

const mostListed = 100;
/** Entries of a list that the schema is asked about; it allows at most 1,024 anywhere. */
const mostEntries = 1_100;
/** Unknown fields of one object that are named. */
const mostUnknown = 20;

/**
 * Judges a robot type document by everything that is asked of one, and tells all that is wrong, not only the first. Stricter
 * than what stored documents are read by: a new document should make sense, an old one must go on opening. Bounded in time,
 * memory and answer for any bytes up to 512 KiB; more is refused unread. A version that follows another is judged with that one's
 * document at hand.
 */
export function checkRobotType(bytes: Uint8Array, followed: Followed = { kind: 'unknown' }): RobotTypeCheck {
  if (bytes.length > maxDocumentBytes) return refused([tooLarge(`${bytes.length} bytes`)]);
  const text = textOf(bytes);
  if (typeof text !== 'string') return refused([text]);
  const { value, problems } = readStrictJson(text);
  if (value === undefined) return refused(problems);
  const found = [...problems, ...senseProblems(value)];
  const clippedValue = clipped(value);
  const parsed = robotTypeSchema.safeParse(clippedValue);
  found.push(...followProblems(clippedValue, followed));
  if (!parsed.success) found.push(...schemaProblems(parsed.error, value, found));
  if (found.length === 0 && parsed.success) return { type: parsed.data, problems: [], problemsNotListed: 0 };
  return refused(found);
}

/** All that the rules between two bodies are judged by, whatever else is wrong with the document. */
const bodySchema = z.object(
  (({ id, version, observations, actions, follows }) => ({ id, version, observations, actions, follows }))(
    robotTypeSchema.shape,
  ),
);

/** Which version a document follows, as far as it can be read. */
export function followedBy(bytes: Uint8Array): { readonly id: string; readonly version: number } | undefined {
  const text = bytes.length > maxDocumentBytes ? undefined : textOf(bytes);
  const value = typeof text === 'string' ? readStrictJson(text).value : undefined;
  const named = z
    .object({ id: robotTypeSchema.shape.id, follows: z.object({ version: z.int().min(1) }) })
    .safeParse({ id: valueAt(value, ['id']), follows: { version: valueAt(value, ['follows', 'version']) } });
  return named.success ? { id: named.data.id, version: named.data.follows.version } : undefined;
}

function followProblems(value: JsonValue, followed: Followed): Problem[] {
  const body = bodySchema.safeParse(value);
  if (!body.success || body.data.follows === undefined || followed.kind === 'notAsked') return [];
  const { id, follows } = body.data;
  const path = 'follows.version';
  // The schema says so.
  if (follows.version >= body.data.version) return [];
  if (followed.kind === 'unknown')
    return [
      {
        path,
        expected: 'a version that is known here',
        got: robotTypeName({ id, version: follows.version }),
        advice: 'add it first, or name its file with --follows',
      },
    ];
  return stepProblems(body.data, followed.type).map((problem) => ({ ...problem, advice: adviceFor(problem.path) }));
}

export const tooLarge = (got: string): Problem => ({
  path: '',
  expected: `a document of at most ${maxDocumentBytes} bytes`,
  got,
  advice: 'a robot type names features, it holds no data: look whether this is the right file',
});

function refused(problems: readonly Problem[]): RobotTypeCheck {
  const once = new Map(problems.map((problem) => [`${problem.path}\n${problem.expected}`, problem]));
  const listed = [...once.values()].slice(0, mostListed).map(({ path, expected, got, advice }): Problem => ({
    path: describePath(path),
    expected,
    got: describePath(got),
    advice,
  }));
  return { type: undefined, problems: listed, problemsNotListed: once.size - listed.length };
}

const other = (got: string, advice: string): Problem => ({ path: '', expected: 'JSON in UTF-8', got, advice });

function textOf(bytes: Uint8Array): string | Problem {
  if (bytes.length === 0) return other('an empty file', adviceFor(''));
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf)
    return other('a byte order mark', 'save it as UTF-8 without a byte order mark');
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return other('bytes that are no UTF-8', 'save it as UTF-8, or look whether this is the right file');
  }
}

/** With lists cut where the schema has said no already: what it answers is bounded. */
function clipped(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return (value as readonly JsonValue[]).slice(0, mostEntries).map(clipped);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, clipped(member)]));
}

function schemaProblems(error: z.ZodError, document: JsonValue, known: readonly Problem[]): Problem[] {
  const found = error.issues.flatMap((issue) => problemsOf(issue, document));
  // A refinement says once more, and less plainly, what a rule has said.
  const said = (path: string): boolean => known.some((problem) => problem.path.startsWith(path));
  return found.filter(({ path }, index) => error.issues[index]?.code !== 'custom' || !said(path));
}

type Issue = z.ZodError['issues'][number];

function problemsOf(issue: Issue, document: JsonValue): Problem[] {
  const path = pathText(issue.path);
  if (issue.code === 'unrecognized_keys') return unknownFields(issue.keys, issue.path, document);
  const got = describeValue(valueAt(document, issue.path));
  return [{ path, expected: expectationOf(issue), got, advice: adviceFor(path) }];
}

function unknownFields(keys: readonly string[], path: readonly PropertyKey[], document: JsonValue): Problem[] {
  const named = keys.slice(0, mostUnknown).map((key): Problem => {
    const inside = [...path, key];
    const got = describeValue(valueAt(document, inside));
    return { path: pathText(inside), expected: 'no such field', got, advice: 'take it out, or correct its name' };
  });
  if (keys.length <= mostUnknown) return named;
  const rest = `${keys.length - mostUnknown} more fields`;
  return [...named, { path: pathText(path), expected: 'no such fields', got: rest, advice: 'take them out' }];
}

const typeNames: ReadonlyMap<string, string> = new Map([
  ['int', 'a whole number'],
  ['array', 'a list'],
  ['object', 'an object'],
  ['string', 'a text'],
]);

/** What the schema wants, as people say it. */
function expectationOf(issue: Issue): string {
  if (issue.code === 'invalid_type') return typeNames.get(issue.expected) ?? `a ${issue.expected}`;
  if (issue.code === 'invalid_union') return 'a kind that there is';
  if (issue.code === 'invalid_value') return `one of ${issue.values.map(String).join(', ')}`;
  if (issue.code === 'too_small') return bound('at least', 'more than', issue.minimum, issue.inclusive, issue.origin);
  if (issue.code === 'too_big') return bound('at most', 'less than', issue.maximum, issue.inclusive, issue.origin);
  return issue.message.replace(/^expected /, '').replace(/^Invalid /, 'a valid ');
}

function bound(
  inclusive: string,
  exclusive: string,
  limit: number | bigint,
  isInclusive: boolean | undefined,
  origin: string,
): string {
  const of = origin === 'array' ? ' entries' : origin === 'string' ? ' characters' : '';
  return `${isInclusive === false ? exclusive : inclusive} ${limit}${of}`;
}
