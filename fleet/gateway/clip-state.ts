import type { ObjectStore } from '../../store/object-store.ts';
import { clipParts } from '../../store/records/clip-parts.ts';
import { maxParts, wireLimits, type MediaState } from '../protocol/index.ts';
import { isClipOfRobot } from './complete-clip.ts';

/** What the store has of a robot's clip, by what this robot brought alone. */
export async function clipState(store: ObjectStore, robotId: string, sha256: string): Promise<MediaState> {
  const { partBytes } = wireLimits;
  if (await isClipOfRobot(store, robotId, sha256)) return { outcome: 'stored', partBytes, received: [] };
  const parts = [...(await clipParts(store, robotId, sha256)).keys()].filter((part) => part < maxParts);
  const received = parts.toSorted((left, right) => left - right);
  return { outcome: received.length === 0 ? 'unknown' : 'partial', partBytes, received };
}
