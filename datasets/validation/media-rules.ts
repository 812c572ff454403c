import type { z } from 'zod';

import { camerasOf, clipKey, clipKind } from '../camera.ts';
import type { RobotType } from '../robot-type.ts';
import { mediaListSchema } from '../segment-row.ts';
import { ofValue, type EpisodeRule } from './episode-rule.ts';
import { about, type Finding } from './rule.ts';

/** The `media` of an episode, or what is wrong with the text. */
function mediaOf(text: string): z.infer<typeof mediaListSchema> | Finding {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return about(text, 'JSON');
  }
  const read = mediaListSchema.safeParse(parsed);
  if (read.success) return read.data;
  const issue = read.error.issues[0];
  return about(`${issue?.path.join('.')}: ${issue?.message}`, 'a list of media');
}

const isFinding = (read: ReturnType<typeof mediaOf>): read is Finding => !Array.isArray(read);

export const media: EpisodeRule = {
  id: 'episode.media',
  doc: 'Media, where there is any, is a JSON list of {sha256, kind, startedAt, durationMs, key}.',
  waivable: false,
  check: ofValue('media', (value) => {
    const read = mediaOf(value);
    return isFinding(read) ? read : undefined;
  }),
};

export const clips: EpisodeRule = {
  id: 'episode.clips',
  doc: 'A clip is of a camera of the robot type, at most one of each, under the key that its content names.',
  waivable: false,
  check: ofValue('media', (value, _facts, type) => {
    const kinds = new Set(camerasOf(type).map(({ name }) => clipKind(name)));
    const read = mediaOf(value);
    for (const { kind, key, sha256 } of isFinding(read) ? [] : read) {
      if (!kind.startsWith(clipKind(''))) continue;
      if (!kinds.delete(kind)) return about(kind, `one clip of each of the cameras ${listOfCameras(type)}`);
      if (key !== clipKey(sha256)) return about(key, clipKey(sha256));
    }
    return undefined;
  }),
};

const listOfCameras = (type: RobotType): string => {
  const names = camerasOf(type).map(({ name }) => name);
  return names.length === 0 ? '(the robot type has none)' : names.join(', ');
};
