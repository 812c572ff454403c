import { column, type Column } from './columns.ts';
import type { FactTable } from './dataset-version.ts';

/** Where a robot stood, and what it was, when it happened: by its record of that time. NULL where no record can be read. */
const placeColumns = [
  column('robot_id', 'string', 'who told of it'),
  column('policy', 'string', 'policy of the robot'),
  column('robot_type', 'string', 'id of the robot type at that time', true),
  column('robot_type_version', 'int32', 'version of the robot type (its body) at that time', true),
  column('site', 'string', 'where the robot worked at that time', true),
  column('stratum', 'string', 'stratum of the robot at that time', true),
] as const;

/** Table `lake/outcomes`: one row for every episode that a robot told of, partitioned by `recorded_on`. */
export const outcomeColumns = [
  column('episode_id', 'string', 'ULID made by the robot'),
  ...placeColumns,
  column('boot_id', 'string', 'life of the agent in which it ran'),
  column('policy_version', 'string', 'version that ran it; NULL for none', true),
  column('trial_id', 'string', 'trial under which it ran; NULL outside', true),
  column('task', 'string', 'task'),
  column('started_at', 'timestamp', 'start by the corrected clock; NULL: nobody knows', true),
  column('ended_at', 'timestamp', 'end by the corrected clock; NULL: nobody knows', true),
  column('duration_ms', 'int64', 'length, ms'),
  column('outcome', 'string', 'success | failure | aborted'),
  column('failure_reason', 'string', 'why it failed or was aborted', true),
  column(
    'is_counted',
    'boolean',
    'a version ran it, its time is known, and no rollback ended it: the ones that metrics count',
  ),
  column('intervened', 'boolean', 'a person or a safety system took over'),
  column('corrected_frames', 'int64', 'frames in which an expert said otherwise'),
  column('latency_p50_ms', 'float64', 'median latency of the policy over the episode, ms; NULL: not told', true),
  column('decoding_p50_ms', 'float64', 'median time for decoding images within it, ms; NULL: not told', true),
  column(
    'policy_p50_ms',
    'float64',
    'median of the rest of it, the policy’s own, where images were decoded, ms; NULL: not told',
    true,
  ),
  column('safety_events', 'int32', 'safety events between start and end in this life'),
  column('recorded_on', 'date', 'UTC day of ended_at, of its receipt where that is NULL; partition'),
] as const satisfies readonly Column[];

/** What of a robot's day is summed up. */
export const fleetDayMeasures = [
  column('online_ms', 'int64', 'worked or was ready, ms'),
  column('episodes', 'int64', 'episodes told, of whatever kind'),
  column('counted_episodes', 'int64', 'those with is_counted'),
  column('successes', 'int64', 'counted episodes that succeeded'),
  column('interventions', 'int64', 'counted episodes in which somebody took over'),
  column('corrected_episodes', 'int64', 'episodes with a corrected frame'),
  column('corrected_frames', 'int64', 'frames in which an expert said otherwise'),
  column('dropped_successes', 'int64', 'successful episodes that the disk quota took before their upload'),
  column('dropped_others', 'int64', 'other episodes that the disk quota took before their upload'),
  column('refused_tasks', 'int64', 'times the robot was asked for a task that its model does not know'),
  column('safety_events', 'int64', 'safety events, in an episode or not'),
  column('undated_episodes', 'int64', 'episodes of which nobody knows the time, on the day of their receipt'),
] as const satisfies readonly Column[];

/** Table `lake/fleet_days`: one row a robot, UTC day and place; a robot that is moved within a day has a row for each. */
export const fleetDayColumns = [
  ...placeColumns,
  ...fleetDayMeasures,
  column('recorded_on', 'date', 'UTC day; partition'),
] as const satisfies readonly Column[];

export const factColumns: Readonly<Record<FactTable, readonly Column[]>> = {
  outcomes: outcomeColumns,
  fleet_days: fleetDayColumns,
};
