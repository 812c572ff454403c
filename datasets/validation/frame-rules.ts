import type { RobotType } from '../robot-type.ts';
import { longestGapMs, roundingMs } from './episode-rules.ts';
import type { EpisodeFacts } from './episode-facts.ts';
import type { FrameFacts, FrameFinding } from './frame-facts.ts';
import { correctedUs, maxClockSkewMs } from '../clock.ts';
import { unitHintOfRatio } from './likely-unit.ts';
import { about, aboutFrame, type Rule } from './rule.ts';

type FrameRule = Rule<EpisodeFacts>;

/** A rule that one fact decides: there is an offending frame, or there is none. */
const noSuchFrame = (
  rule: Omit<FrameRule, 'check'>,
  fact: (frames: FrameFacts) => FrameFinding | undefined,
  expected: (type: RobotType) => string,
): FrameRule => ({
  ...rule,
  check: ({ frames }, type) => {
    const found = fact(frames);
    return found === undefined ? undefined : aboutFrame(found.row, found.value, expected(type));
  },
});

const missingValue = noSuchFrame(
  {
    id: 'frames.missing-value',
    doc: 'Every frame has an index, a timestamp and says whether it is a correction.',
    waivable: false,
  },
  (frames) => frames.missingValue,
  () => 'a value',
);

const duplicate = noSuchFrame(
  { id: 'frames.duplicate', doc: 'No frame index comes twice in an episode of a segment.', waivable: false },
  (frames) => frames.duplicateIndex,
  () => 'each frame once',
);

const order: FrameRule = {
  id: 'frames.order',
  doc: 'The frames of an episode stand together in the segment, in the order of their index.',
  waivable: false,
  check: ({ frames, rows, spannedRows }) => {
    if (spannedRows !== rows) return about(`${rows} rows spread over ${spannedRows}`, 'rows that stand together');
    const found = frames.indexOutOfOrder;
    return found === undefined ? undefined : aboutFrame(found.row, found.value, 'ascending indexes');
  },
};

const missing = noSuchFrame(
  { id: 'frames.missing', doc: 'Frame indexes start at 0 and leave none out.', waivable: false },
  (frames) => frames.missingIndex,
  () => 'the next index',
);

const timeOrder = noSuchFrame(
  { id: 'frames.time-order', doc: 'Every frame is later than the one before.', waivable: false },
  (frames) => frames.timeNotLater,
  () => 'a later timestamp',
);

const gap: FrameRule = {
  id: 'frames.gap',
  doc: 'From one frame to the next passes at most the robot type’s longest gap.',
  waivable: true,
  check: ({ frames }, type) => {
    const gapMs = frames.largestGapUs / 1000;
    const mostMs = longestGapMs(type);
    return gapMs > mostMs + roundingMs
      ? aboutFrame(frames.largestGapRow, `${gapMs.toFixed(1)} ms`, `at most ${mostMs.toFixed(1)} ms`)
      : undefined;
  },
};

/** Frames over which a rate is worth measuring. */
const rateMinFrames = 5;
const defaultRateTolerance = 0.5;

const rate: FrameRule = {
  id: 'frames.rate',
  doc: 'Over 5 frames or more they come as often as the robot type says, within its tolerance (half of it where it names none).',
  waivable: true,
  check: ({ frames }, type) => {
    const { rateHz, limits } = type;
    const spanUs = frames.lastUs - frames.firstUs;
    if (frames.count < rateMinFrames || !(spanUs > 0)) return undefined;
    const hz = ((frames.count - 1) * 1e6) / spanUs;
    const tolerance = limits.rateToleranceFraction ?? defaultRateTolerance;
    // A long pause is said once, by `frames.gap`.
    const hasPause = frames.largestGapUs / 1000 > longestGapMs(type) + roundingMs;
    const [least, most] = [hasPause ? 0 : rateHz * (1 - tolerance), rateHz * (1 + tolerance)];
    if (hz >= least && hz <= most) return undefined;
    return about(
      `${hz.toPrecision(4)} Hz over ${frames.count} frames${unitHintOfRatio(hz / rateHz)}`,
      `${least.toPrecision(4)} to ${most.toPrecision(4)} Hz`,
    );
  },
};

const instant: FrameRule = {
  id: 'frames.instant',
  doc: 'By the corrected clock every frame lies after 1970 and at most a day after its segment was received.',
  waivable: false,
  check: ({ frames, clockSkewMs, receivedMs }) => {
    if (frames.count === 0 || Number.isNaN(frames.lastUs)) return undefined;
    const [firstMs, lastMs] = [frames.firstUs, frames.lastUs].map((us) => correctedUs(us, clockSkewMs) / 1000);
    if (!((firstMs ?? 0) < 0) && (lastMs ?? 0) <= receivedMs + maxClockSkewMs) return undefined;
    const expected = `after 1970 and at most ${maxClockSkewMs} ms after receipt`;
    return about(`first ${frames.firstUs} µs, last ${frames.lastUs} µs, received ${receivedMs} ms`, expected);
  },
};

const outsideEpisode: FrameRule = {
  id: 'frames.outside-episode',
  doc: 'The first frame is not before the start of the episode, and at most the longest allowed gap after it.',
  waivable: true,
  check: ({ frames, episode }, type) => {
    if (episode.started_at === null || frames.count === 0) return undefined;
    const afterMs = (frames.firstUs - episode.started_at) / 1000;
    const mostMs = longestGapMs(type);
    return afterMs >= 0 && afterMs <= mostMs + roundingMs
      ? undefined
      : aboutFrame(0, `${afterMs.toFixed(1)} ms after the start`, `0 to ${mostMs.toFixed(1)} ms`);
  },
};

const observationSize = noSuchFrame(
  {
    id: 'frames.observation-size',
    doc: 'Every frame has as many readings as the robot type has observations.',
    waivable: false,
  },
  (frames) => frames.wrongObservationSize,
  ({ observations }) => `${observations.length} readings`,
);

const nonFinite = noSuchFrame(
  { id: 'frames.non-finite', doc: 'No reading is missing, NaN or infinite.', waivable: false },
  (frames) => frames.nonFinite,
  () => 'a finite number',
);

const observationRange = noSuchFrame(
  { id: 'frames.observation-range', doc: 'Every reading is within its sensor’s range.', waivable: true },
  (frames) => frames.outOfRange,
  () => 'a reading within the range of the robot type',
);

/** Over fewer frames a healthy sensor may well keep its value: in the real recording it does over 15, never over 20. */
export const deadSensorMinFrames = 20;

const deadSensor: FrameRule = {
  id: 'frames.dead-sensor',
  doc: 'Over 20 frames or more no sensor keeps one value, unless it is saturated or the robot type lets it.',
  waivable: true,
  check: ({ frames }, { limits }) => {
    const dead = frames.constantObservations.filter((name) => !limits.mayBeConstant.includes(name));
    return frames.count < deadSensorMinFrames || dead.length === 0
      ? undefined
      : about(`${dead.join(', ')} constant over ${frames.count} frames`, 'readings that change');
  },
};

const describeAction = ({ actions }: RobotType): string => {
  if (actions.kind === 'none') return 'an empty list: the robot type has no commands';
  if (actions.kind === 'discrete') return `one index from 0 to ${actions.names.length - 1}`;
  return `${actions.ranges.length} numbers within the ranges of the robot type`;
};

const action = noSuchFrame(
  { id: 'frames.action', doc: 'Every frame’s action is one that the robot type has.', waivable: false },
  (frames) => frames.wrongAction,
  describeAction,
);

const expertAction = noSuchFrame(
  {
    id: 'frames.expert-action',
    doc: 'An expert action, where there is one, is one that the robot type has.',
    waivable: false,
  },
  (frames) => frames.wrongExpertAction,
  describeAction,
);

const correctionWithoutExpert = noSuchFrame(
  {
    id: 'frames.correction-without-expert',
    doc: 'A correction says what the expert would have done.',
    waivable: false,
  },
  (frames) => frames.correctionWithoutExpert,
  () => 'an expert action on every correction',
);

/** Rules about the frames of an episode; an episode that breaks any is quarantined alone. */
export const frameRules: readonly FrameRule[] = [
  missingValue,
  duplicate,
  order,
  missing,
  timeOrder,
  gap,
  rate,
  instant,
  outsideEpisode,
  observationSize,
  nonFinite,
  observationRange,
  deadSensor,
  action,
  expertAction,
  correctionWithoutExpert,
];
