import { clipKey } from '../datasets/camera.ts';
import type { ClipToLand } from '../datasets/importers/episode-clip.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { writeClipUse } from '../store/records/clip-uses.ts';

/** Puts a clip where a gateway would, after the record of whose it is. Idempotent by clip, robot, episode and camera. */
export async function landClip(store: ObjectStore, { bytes, ...clip }: ClipToLand): Promise<void> {
  await writeClipUse(store, { ...clip, sizeBytes: bytes.length, receivedAtMs: Math.floor(clip.startedAtUs / 1000) });
  await store.putIfAbsent(clipKey(clip.sha256), bytes);
}
