import { randomUUID } from 'node:crypto';

import { sqlText } from '../../datasets/sql-types.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import type { Clock } from '../../store/clock.ts';
import { failure } from '../../store/failures.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { readRobotType } from '../../store/records/robot-types.ts';
import type { LakeReader } from '../lake/lake-reader.ts';
import type { SqlEngine } from '../ports/sql.ts';
import { addHandLabel } from './hand-labels.ts';

interface Ports {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly engine: SqlEngine;
  readonly lake: LakeReader;
}

/** What a person says of an episode: what to do in the frames [start, end), or why it failed. */
export interface LabelWord {
  /** Given by whoever may say it twice; default: a new one. */
  readonly labelId?: string | undefined;
  readonly episodeId: string;
  readonly said:
    | {
        readonly kind: 'frames';
        readonly start: number;
        readonly end: number;
        /** The name of a discrete action, or a value for each continuous one. */
        readonly action: string | readonly number[];
      }
    | { readonly kind: 'failureReason'; readonly failureReason: string };
  readonly who: string;
  readonly reason: string;
  /** Days on which it may have been recorded; default: any. */
  readonly recordedOn?: readonly string[];
  /** The robot type that it must be of; default: any. */
  readonly robotTypeId?: string;
  /** Nothing is added where the same is said already, under another id. */
  readonly isOnce?: boolean;
}

export interface KeptLabel {
  /** Of the line that says it now. */
  readonly labelId: string;
  readonly who: string;
  readonly atMs: number;
}

const longest = { failureReason: 200, reason: 500 };

/**
 * Keeps a label that fits the episode: it is in the lake and not held out, the frames exist, and its robot type has the action. Idempotent by the label's
 * id. From the next training set on its frames are corrections by hand.
 */
export async function labelEpisode(ports: Ports, word: LabelWord): Promise<KeptLabel> {
  const { labelId = randomUUID(), episodeId, said, who, reason, isOnce = false } = word;
  if (reason.trim() === '' || reason.length > longest.reason)
    throw wrong(`a reason of 1 to ${longest.reason} characters`, `${reason.length} characters`);
  const episode = await episodeOf(ports, word);
  const common = { labelId, episodeId, who, reason };
  if (said.kind === 'failureReason') {
    const { failureReason } = said;
    if (failureReason.trim() === '' || failureReason.length > longest.failureReason)
      throw wrong(`a failure reason of 1 to ${longest.failureReason} characters`, `${failureReason.length} characters`);
    return kept(await addHandLabel(ports, { ...common, ...said }, { isOnce }));
  }
  const { start, end } = said;
  const { frameCount, split } = episode;
  if (split === 'heldout') throw wrong('an episode that is learned from', `${episodeId}, which is kept for measuring`);
  if (!Number.isInteger(start) || !Number.isInteger(end) || start < 0 || end <= start || end > frameCount)
    throw wrong(`frames from 0 to ${frameCount}, the end not included`, `${start} to ${end}`);
  const type = await readRobotType(ports.store, episode.robotType, episode.robotTypeVersion);
  const action = actionOf(type, said.action);
  return kept(await addHandLabel(ports, { ...common, kind: 'frames', start, end, action }, { isOnce }));
}

const kept = ({ labelId, who, atMs }: KeptLabel): KeptLabel => ({ labelId, who, atMs });

const wrong = (expected: string, got: string): Error => failure('InvalidInput', `expected ${expected}, got ${got}`);

async function episodeOf({ lake, engine }: Ports, { episodeId, recordedOn, robotTypeId }: LabelWord) {
  const unknown = failure('NotFound', `expected the id of an episode in the lake, got ${episodeId.slice(0, 64)}`);
  const version = await lake.currentVersion();
  if (version === undefined) throw unknown;
  const rows = await lake.scan('episodes', version.episodes, recordedOn === undefined ? {} : { recordedOn });
  const session = await engine.open();
  try {
    const [row] = await session.rows(
      `SELECT robot_type, robot_type_version, split, frame_count FROM ${rows} AS e WHERE episode_id = ${sqlText(episodeId)} LIMIT 1`,
    );
    if (row === undefined) throw unknown;
    if (robotTypeId !== undefined && row['robot_type'] !== robotTypeId)
      throw wrong(`an episode of robot type ${robotTypeId}`, `one of ${row['robot_type'] as string}`);
    return {
      robotType: row['robot_type'] as string,
      robotTypeVersion: Number(row['robot_type_version']),
      split: row['split'] as string,
      frameCount: Number(row['frame_count']),
    };
  } finally {
    await session.close();
  }
}

/** The action as frames have it; `InvalidInput` for one that the robot type does not have. */
export function actionOf({ actions }: Pick<RobotType, 'actions'>, action: string | readonly number[]): number[] {
  if (actions.kind === 'discrete') {
    const place = typeof action === 'string' ? actions.names.indexOf(action) : -1;
    if (place === -1)
      throw wrong(`one of the actions ${actions.names.slice(0, 20).join(', ')}`, JSON.stringify(action).slice(0, 80));
    return [place];
  }
  if (actions.kind === 'none') throw wrong('a robot type with actions', 'one whose recordings have none');
  const { ranges } = actions;
  const values = typeof action === 'string' ? [] : action;
  const fits = ranges.every(({ min, max }, at) => {
    const value = values[at];
    return value !== undefined && Number.isFinite(value) && value >= min && value <= max;
  });
  if (!fits || values.length !== ranges.length)
    throw wrong(
      `${ranges.length} values in the ranges of ${ranges
        .slice(0, 8)
        .map(({ name, min, max }) => `${name} (${min} to ${max})`)
        .join(', ')}`,
      JSON.stringify(action).slice(0, 80),
    );
  return [...values];
}
