import { draftOf, type Draft, type DraftedNumber, type Parts } from '../draft.ts';
import { boundariesByRows } from '../guess-episodes.ts';
import { ImportError } from '../import-summary.ts';
import type { MeasuredColumn } from '../measure-columns.ts';
import { Tally } from '../tally.ts';
import { bagFiles } from './bag-folder.ts';
import { stepsOf } from './field-path.ts';
import { measureTopics, type MeasuredTopic } from './measure-topics.ts';

/** Topics with commands, by the last part of their name. */
const command = /(?:^|[/_])(?:cmd|command|target|action|control|setpoint|goal)(?:s|_[^/]*|\/[^/]*)?$/i;
/** Times and numbers of messages: no readings. */
const counter = /(?:^|\.)(?:stamp|time_?stamp|time|seq|sequence|sec|nsec|nanosec|seconds|nanos)(?:\.|$)/i;
/** A topic that says something more rarely is no reading. */
const rarestStepS = 2;
const mostRateHz = 100;

const isCommand = ({ topic }: MeasuredTopic): boolean => command.test(topic);

/** Drafts robot type and map from MCAP files: a reading for every number that a topic says often, measured over all of its messages. */
export async function draftMcap(path: string, id: string): Promise<Draft> {
  const tally = new Tally();
  const files = await bagFiles(path, tally);
  const topics = await measureTopics(files, tally);
  const often = topics.filter(({ middleStepS }) => middleStepS <= rarestStepS);
  if (often.length === 0) throw nothingOften(path, topics, tally);
  const observations = often.filter((topic) => !isCommand(topic)).flatMap(numbersOf);
  if (observations.length > 1_024)
    throw new ImportError(`expected at most 1,024 numbers that can be readings, got ${observations.length}`);
  const discrete = often
    .filter(isCommand)
    .flatMap(({ columns }) => columns)
    .find(isChoice);
  const actions = discrete === undefined ? often.filter(isCommand).flatMap(numbersOf) : [];
  const fastestS = Math.min(...often.map(({ middleStepS }) => middleStepS));
  const rateHz = Number(Math.min(mostRateHz, 1 / fastestS).toPrecision(3));
  const slowestS = Math.max(...often.map(({ middleStepS }) => middleStepS));
  const maxAgeS = Number(Math.min(Math.max(3 * slowestS, 2 / rateHz), 1_000 / rateHz, 60).toPrecision(3));
  const fastest = often.find(({ middleStepS }) => middleStepS === fastestS);
  const byGaps = { by: { kind: 'gap', longerThanS: maxAgeS }, episodes: (fastest?.gaps ?? 0) + 1, notes: [gapNote] };
  // Without any pause a recording of minutes would be one episode, of which nothing can be held out.
  const boundaries = byGaps.episodes > 1 ? byGaps : boundariesByRows(framesAt(rateHz, fastest));
  const parts: Parts = {
    observations,
    actions,
    discrete: discrete?.name,
    time: { kind: 'log' },
    rateHz,
    episodes: { by: isFile(boundaries.by) ? byGaps.by : boundaries.by, name: '{source}:{robot}:{startUs}' },
    episodesFound: boundaries.episodes,
    robot: { id: 'robot-1' },
    task: 'task',
    tasks: ['task'],
    success: { kind: 'always' },
    demonstration: false,
  };
  const rows = topics.reduce((sum, { messages }) => sum + messages, 0);
  const draft = draftOf(id, parts, { rows, columns: topics.flatMap(({ columns }) => columns) }, undefined);
  const rare = topics.filter((topic) => !often.includes(topic)).map(({ topic }) => topic);
  return {
    robotType: draft.robotType,
    map: { ...draft.map, mcap: { frames: 'rate', maxAgeS, gap: 'split' } },
    notes: [
      ...draft.notes,
      `frames come at ${rateHz} Hz, the rate of the fastest topic (at most ${mostRateHz}); a reading may be ${maxAgeS} s old: correct rateHz and mcap.maxAgeS`,
      ...boundaries.notes,
      ...(rare.length === 0
        ? []
        : [`said rarely, so no readings, and perhaps boundaries, tasks or outcomes: ${rare.slice(0, 50).join(', ')}`]),
      ...tally
        .result()
        .notTaken.slice(0, 50)
        .map(({ what, name, reason }) => `${what} ${name}: ${reason}`),
    ],
  };
}

const gapNote =
  'an episode ends where nothing comes for that long: better boundaries are a topic that says them (episodes.by)';
const isFile = (by: object): boolean => 'kind' in by && by.kind === 'file';
const framesAt = (rateHz: number, fastest: MeasuredTopic | undefined): number =>
  fastest === undefined ? 0 : Math.round(fastest.messages * fastest.middleStepS * rateHz);

/** What stands in the way of a draft: files that were cut off or cannot be read, topics that are not read, or said too rarely. */
function nothingOften(path: string, topics: readonly MeasuredTopic[], tally: Tally): ImportError {
  const rare = topics.map(({ topic, messages }) => `${topic} (${messages} messages)`);
  const notTaken = tally.result().notTaken.map(({ what, name, reason }) => `${what} ${name} ${reason}`);
  const reasons = [...rare.map((topic) => `too few on ${topic}`), ...notTaken].slice(0, 5);
  return new ImportError(
    `expected topics with a message at least every ${rarestStepS} s, got ${reasons.join('; ') || 'no message at all'} [path=${path}]`,
  );
}

const numbersOf = ({ topic, columns }: MeasuredTopic): readonly DraftedNumber[] =>
  columns
    .filter(({ kind }) => kind === 'number')
    .map(({ name }) => ({ column: name, path: name.slice(name.indexOf(topic) + topic.length).replace(/^"?\./, '') }))
    .filter(({ path }) => !counter.test(path))
    .map(({ column, path }) => ({ column, name: `${topic.replace(/^\//, '')}.${readable(path)}`.slice(0, 200) }));

/** `position[name=elbow]` → `position.elbow` */
const readable = (path: string): string => {
  const text = stepsOf(path)?.at(-1)?.key?.text;
  return text === undefined ? path : `${path.slice(0, path.lastIndexOf('[name='))}.${text}`;
};

const isChoice = ({ kind, values }: MeasuredColumn): boolean =>
  kind === 'text' && values !== undefined && values.length > 1;
