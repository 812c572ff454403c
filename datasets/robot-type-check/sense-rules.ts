import { cleanText } from '../../domain/clean-text.ts';
import { adviceFor } from './field-guide.ts';
import { describeValue, isObject, valueAt } from './problem-text.ts';
import type { JsonValue, Problem } from './strict-json.ts';

/** What no schema of single fields can say. Each looks at what is there of a document, whatever else is wrong with it. */
type SenseRule = (document: JsonValue) => Iterable<Problem>;

const longestName = 200;
const longestUnit = 32;
const longestDescription = 2_000;
/** Values are kept as 32-bit floats. */
const greatest = 3.4e38;

const list = (document: JsonValue, ...path: readonly string[]): readonly JsonValue[] => {
  const value = valueAt(document, path);
  return Array.isArray(value) ? (value as readonly JsonValue[]) : [];
};
const numberAt = (value: JsonValue | undefined, name: string): number | undefined => {
  const found = valueAt(value, [name]);
  return typeof found === 'number' ? found : undefined;
};
const nameOf = (value: JsonValue): string | undefined => {
  const name = isObject(value) ? value['name'] : value;
  return typeof name === 'string' ? name : undefined;
};
const problem = (path: string, expected: string, got: string): Problem => ({
  path,
  expected,
  got,
  advice: adviceFor(path),
});

/** Everything that has a range: the path of each and its value. */
function* ranged(document: JsonValue): Generator<readonly [string, JsonValue]> {
  for (const [index, value] of list(document, 'observations').entries()) yield [`observations[${index}]`, value];
  for (const [index, value] of list(document, 'actions', 'ranges').entries()) yield [`actions.ranges[${index}]`, value];
}

function* namesOnce(document: JsonValue): Generator<Problem> {
  const lists: readonly (readonly [string, readonly JsonValue[], boolean])[] = [
    ['observations', list(document, 'observations'), true],
    ['cameras', list(document, 'cameras'), true],
    ['actions.ranges', list(document, 'actions', 'ranges'), true],
    ['actions.critical', list(document, 'actions', 'critical'), true],
    ['actions.names', list(document, 'actions', 'names'), false],
    ['tasks', list(document, 'tasks'), false],
    ['limits.mayBeConstant', list(document, 'limits', 'mayBeConstant'), false],
  ];
  for (const [path, values, isNamed] of lists) {
    const first = new Map<string, number>();
    for (const [index, value] of values.entries()) {
      const name = nameOf(value);
      if (name === undefined) continue;
      const known = first.get(name);
      if (known === undefined) first.set(name, index);
      else
        yield problem(
          `${path}[${index}]${isNamed ? '.name' : ''}`,
          'a name of its own',
          `${describeValue(name)}, as ${path}[${known}]`,
        );
    }
  }
}

function* rangesAreRanges(document: JsonValue): Generator<Problem> {
  for (const [path, value] of ranged(document)) {
    const [min, max, saturatesAt] = [numberAt(value, 'min'), numberAt(value, 'max'), numberAt(value, 'saturatesAt')];
    for (const [field, bound] of [['min', min] as const, ['max', max] as const])
      if (bound !== undefined && Math.abs(bound) > greatest)
        yield problem(`${path}.${field}`, `at most ${greatest} either way`, String(bound));
    if (min === undefined || max === undefined) continue;
    if (min >= max) yield problem(`${path}.max`, `more than min, which is ${min}`, String(max));
    else if (saturatesAt !== undefined && (saturatesAt < min || saturatesAt > max))
      yield problem(`${path}.saturatesAt`, `from ${min} to ${max}, within the range`, String(saturatesAt));
  }
}

function* textIsPlain(document: JsonValue): Generator<Problem> {
  const texts: (readonly [string, JsonValue | undefined, number])[] = [
    ['description', valueAt(document, ['description']), longestDescription],
  ];
  for (const [path, value] of ranged(document))
    texts.push(
      [`${path}.name`, valueAt(value, ['name']), longestName],
      [`${path}.unit`, valueAt(value, ['unit']), longestUnit],
    );
  for (const [index, name] of list(document, 'actions', 'names').entries())
    texts.push([`actions.names[${index}]`, name, longestName]);
  for (const [path, text, longest] of texts) {
    if (typeof text !== 'string') continue;
    if (text.length > longest) yield problem(path, `at most ${longest} characters`, `${text.length} characters`);
    if (cleanText(text) !== text) yield problem(path, 'characters that can be printed', describeValue(text));
    if (path !== 'description' && text.trim() !== text)
      yield problem(path, 'no blanks at its ends', describeValue(text));
  }
}

function* namesAreKnown(document: JsonValue): Generator<Problem> {
  const observations = new Set(list(document, 'observations').map(nameOf));
  const actions = new Set(list(document, 'actions', 'names').map(nameOf));
  for (const [index, name] of list(document, 'limits', 'mayBeConstant').entries())
    if (typeof name === 'string' && !observations.has(name))
      yield problem(`limits.mayBeConstant[${index}]`, 'the name of an observation', describeValue(name));
  for (const [index, range] of list(document, 'actions', 'ranges').entries()) {
    const measuredBy = valueAt(range, ['measuredBy']);
    if (typeof measuredBy === 'string' && !observations.has(measuredBy))
      yield problem(`actions.ranges[${index}].measuredBy`, 'the name of an observation', describeValue(measuredBy));
  }
  for (const [index, critical] of list(document, 'actions', 'critical').entries()) {
    const name = nameOf(critical);
    if (name !== undefined && !actions.has(name))
      yield problem(`actions.critical[${index}].name`, 'the name of an action', describeValue(name));
  }
}

function* limitsFit(document: JsonValue): Generator<Problem> {
  const limits = valueAt(document, ['limits']);
  const [least, most] = [numberAt(limits, 'minEpisodeFrames'), numberAt(limits, 'maxEpisodeFrames')];
  if (least !== undefined && most !== undefined && least > most)
    yield problem('limits.maxEpisodeFrames', `at least minEpisodeFrames, which is ${least}`, String(most));
}

function* splitLeavesTraining(document: JsonValue): Generator<Problem> {
  const split = valueAt(document, ['split']);
  const [validation, heldout] = [numberAt(split, 'validationFraction'), numberAt(split, 'heldoutFraction')];
  if (validation !== undefined && heldout !== undefined && validation + heldout >= 1)
    yield problem('split', 'fractions that leave something to train on, below 1 together', `${validation + heldout}`);
  if (heldout === 0)
    yield problem('split.heldoutFraction', 'more than 0: candidates are measured on what is held out', '0');
  for (const [index, stretch] of list(document, 'split', 'validation').entries()) {
    const [start, end] = [valueAt(stretch, ['start']), valueAt(stretch, ['end'])];
    if (typeof start === 'string' && typeof end === 'string' && Date.parse(start) >= Date.parse(end))
      yield problem(`split.validation[${index}].end`, `later than start, ${describeValue(start)}`, describeValue(end));
  }
}

const rules: readonly SenseRule[] = [
  namesOnce,
  rangesAreRanges,
  textIsPlain,
  namesAreKnown,
  limitsFit,
  splitLeavesTraining,
];

/** Every rule's problems, in the order of the rules. */
export function* senseProblems(document: JsonValue): Generator<Problem> {
  for (const rule of rules) yield* rule(document);
}
