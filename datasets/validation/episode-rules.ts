import { isValid as isUlid } from 'ulid';

import { correctedUs, earliestInstantMs, maxStartAfterReceiptMs, maxStartBeforeRegistrationMs } from '../clock.ts';
import { outcomes, recordedEpisodeColumns } from '../columns.ts';
import { robotTypeName, type RobotType } from '../robot-type.ts';
import type { Twin } from './episode-facts.ts';
import { unitHintOfInstant } from './likely-unit.ts';
import { ofValue, type EpisodeRule } from './episode-rule.ts';
import { clips, media } from './media-rules.ts';
import { about, type Rule } from './rule.ts';

const requiredColumns = recordedEpisodeColumns.filter(({ nullable }) => !nullable).map(({ name }) => name);

const missingValue: EpisodeRule = {
  id: 'episode.missing-value',
  doc: 'Every episode column that may not be null has a value.',
  waivable: false,
  check: ({ episode }) => {
    const missing = requiredColumns.filter((name) => episode[name] === null);
    return missing.length === 0 ? undefined : about(`no ${missing.join(', ')}`, 'a value in each required column');
  },
};

const id: EpisodeRule = {
  id: 'episode.id',
  doc: 'The episode id is a ULID in capital letters.',
  waivable: false,
  check: ofValue('episode_id', (value) =>
    isUlid(value) && value === value.toUpperCase() ? undefined : about(value, 'a ULID'),
  ),
};

const contradictoryRows: EpisodeRule = {
  id: 'episode.contradictory-rows',
  doc: 'The episode columns are the same on every row of the episode.',
  waivable: false,
  check: ({ isContradictory }) => (isContradictory ? about('different values', 'one value in each column') : undefined),
};

const robot: EpisodeRule = {
  id: 'episode.robot',
  doc: 'The robot in the rows is the robot whose landing folder the segment lies in.',
  waivable: false,
  check: ofValue('robot_id', (value, { landingRobotId }) =>
    value === landingRobotId ? undefined : about(value, landingRobotId),
  ),
};

const robotType: EpisodeRule = {
  id: 'episode.robot-type',
  doc: 'The rows name the robot type and version of the collection.',
  waivable: false,
  check: ofValue('robot_type', (name, { episode }, type) =>
    name === type.id && episode.robot_type_version === type.version
      ? undefined
      : about(`${name}@${episode.robot_type_version}`, robotTypeName(type)),
  ),
};

const task: EpisodeRule = {
  id: 'episode.task',
  doc: 'The task is in the task catalogue of a policy of the robot type; refused episodes can be released once it is.',
  waivable: false,
  check: ofValue('task', (value, _, type) =>
    tasksOf(type).has(value)
      ? undefined
      : about(
          value,
          `${type.tasks.slice(0, mostShownTasks).join(' | ')}${type.tasks.length > mostShownTasks ? ' | …' : ''}`,
        ),
  ),
};

const mostShownTasks = 20;
/** A catalogue has hundreds of tasks, a week hundreds of thousands of episodes. */
const knownTasks = new WeakMap<RobotType, ReadonlySet<string>>();
function tasksOf(type: RobotType): ReadonlySet<string> {
  const tasks = knownTasks.get(type) ?? new Set(type.tasks);
  knownTasks.set(type, tasks);
  return tasks;
}

const outcome: EpisodeRule = {
  id: 'episode.outcome',
  doc: 'The outcome is success, failure or aborted.',
  waivable: false,
  check: ofValue('outcome', (value) =>
    (outcomes as readonly string[]).includes(value) ? undefined : about(value, outcomes.join(' | ')),
  ),
};

const failureReason: EpisodeRule = {
  id: 'episode.failure-reason',
  doc: 'A success has no failure reason; a failure or an aborted episode has one.',
  waivable: true,
  check: ofValue('outcome', (value, { episode }) => {
    const hasReason = episode.failure_reason !== null && episode.failure_reason !== '';
    if (value === 'success' && hasReason) return about(`success with "${episode.failure_reason}"`, 'no failure reason');
    const needsReason = value === 'failure' || value === 'aborted';
    return needsReason && !hasReason ? about(`${value} without reason`, 'a failure reason') : undefined;
  }),
};

/** https://semver.org, the regular expression it suggests without its build part. */
const semver = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$/;

const policyVersion: EpisodeRule = {
  id: 'episode.policy-version',
  doc: 'The policy version, where there is one, is a semantic version.',
  waivable: true,
  check: ofValue('policy_version', (value) =>
    semver.test(value) ? undefined : about(value, 'a semantic version such as 1.4.0'),
  ),
};

const isPlausible = (ms: number | null): boolean => ms === null || (Number.isFinite(ms) && ms >= 0);

const latency: EpisodeRule = {
  id: 'episode.latency',
  doc: 'Policy latencies, where given, are finite and not negative, and the median is not above the 95th percentile.',
  waivable: true,
  check: ({ episode: { latency_p50_ms: p50, latency_p95_ms: p95 } }) => {
    const isOrdered = p50 === null || p95 === null || p50 <= p95;
    return isPlausible(p50) && isPlausible(p95) && isOrdered
      ? undefined
      : about(`p50 ${p50} ms, p95 ${p95} ms`, '0 ≤ p50 ≤ p95');
  },
};

const start: EpisodeRule = {
  id: 'episode.start',
  doc: 'By the corrected clock the episode starts after 1970 and at most 5 minutes after its segment was received.',
  waivable: false,
  check: ofValue('started_at', (value, { clockSkewMs, receivedMs }) => {
    const startedMs = correctedUs(value, clockSkewMs) / 1000;
    if (startedMs >= 0 && startedMs <= receivedMs + maxStartAfterReceiptMs) return undefined;
    const hint = unitHintOfInstant(value, earliestInstantMs * 1000, (receivedMs + maxStartAfterReceiptMs) * 1000);
    return about(
      `${startedMs - receivedMs} ms after receipt${hint}`,
      `after 1970 and at most ${maxStartAfterReceiptMs} ms after receipt`,
    );
  }),
};

const dated: EpisodeRule = {
  id: 'episode.dated',
  doc: 'By the corrected clock the episode starts in 2000 or later.',
  waivable: true,
  check: ofValue('started_at', (value, { clockSkewMs, receivedMs }) => {
    const startedMs = correctedUs(value, clockSkewMs) / 1000;
    // Before 1970 is another rule's.
    if (startedMs < 0 || startedMs >= earliestInstantMs) return undefined;
    const hint = unitHintOfInstant(value, earliestInstantMs * 1000, (receivedMs + maxStartAfterReceiptMs) * 1000);
    return about(`${new Date(startedMs).toISOString()} (${value} µs)${hint}`, '2000 or later');
  }),
};

const ofRobotsLife: EpisodeRule = {
  id: 'episode.robot-life',
  doc: 'By the corrected clock the episode starts at most 30 days before its robot was registered; recordings of robots that nobody had registered when they were received may be older.',
  waivable: true,
  check: ofValue('started_at', (value, { clockSkewMs, receivedMs, registeredMs }) => {
    const startedMs = correctedUs(value, clockSkewMs) / 1000;
    // Before 2000 is another rule's.
    if (registeredMs === undefined || startedMs < earliestInstantMs) return undefined;
    const leastMs = registeredMs - maxStartBeforeRegistrationMs;
    if (startedMs >= leastMs) return undefined;
    const latestUs = (receivedMs + maxStartAfterReceiptMs) * 1000;
    const hint =
      unitHintOfInstant(value, leastMs * 1000, latestUs) ||
      '; was the clock not set, or is it a recording for `flywheel import`?';
    const days = Math.ceil((registeredMs - startedMs) / 86_400_000);
    return about(
      `${new Date(startedMs).toISOString()}, ${days} days before the robot was registered${hint}`,
      `${new Date(leastMs).toISOString()} or later`,
    );
  }),
};

const frameCount: EpisodeRule = {
  id: 'episode.frame-count',
  doc: 'The episode has as many frames in the segment as its frame count says.',
  waivable: false,
  check: ofValue('frame_count', (value, { rows }) =>
    value === rows ? undefined : about(`${rows} frames`, `${value}`),
  ),
};

const length: EpisodeRule = {
  id: 'episode.length',
  doc: 'The number of frames is within the robot type’s limits.',
  waivable: true,
  check: ({ rows }, { limits: { minEpisodeFrames, maxEpisodeFrames } }) =>
    rows >= minEpisodeFrames && rows <= maxEpisodeFrames
      ? undefined
      : about(`${rows} frames`, `${minEpisodeFrames} to ${maxEpisodeFrames} frames`),
};

const duration: EpisodeRule = {
  id: 'episode.duration',
  doc: 'The duration reaches from the start to the last frame, and at most the longest allowed frame gap beyond it.',
  waivable: true,
  check: ofValue('duration_ms', (value, { episode, frames }, type) => {
    if (frames.count === 0) return undefined;
    const leastMs = (frames.lastUs - (episode.started_at ?? Number.NaN)) / 1000;
    const mostMs = leastMs + longestGapMs(type);
    return value >= leastMs - roundingMs && value <= mostMs + roundingMs
      ? undefined
      : about(`${value} ms`, `${leastMs.toFixed(1)} to ${mostMs.toFixed(1)} ms`);
  }),
};

/** Durations are whole milliseconds, frames microseconds. */
export const roundingMs = 1;

/** Longest time from one frame to the next, milliseconds. */
export const longestGapMs = ({ rateHz, limits }: RobotType): number => (limits.maxFrameGapPeriods * 1000) / rateHz;

/** Comes last and alone: it needs the lake, and only episodes that break no other rule are compared. */
export const conflictingDuplicate: Rule<{ readonly twin: Twin }> = {
  id: 'episode.conflicting-duplicate',
  doc: 'No other episode of the same id is in the lake or earlier in the batch; the same content again is counted, not refused.',
  waivable: false,
  check: ({ twin }) => (twin === 'otherContent' ? about('other content than the stored one', 'a new id') : undefined),
};

/** Rules about an episode's own columns; one that breaks any is quarantined alone. */
export const episodeRules: readonly EpisodeRule[] = [
  missingValue,
  id,
  contradictoryRows,
  robot,
  robotType,
  task,
  outcome,
  failureReason,
  policyVersion,
  latency,
  media,
  clips,
  start,
  dated,
  ofRobotsLife,
  frameCount,
  length,
  duration,
];
