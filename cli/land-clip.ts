import { clipKey } from '../datasets/camera.ts';
import type { ClipFileToLand, ClipToLand } from '../datasets/importers/episode-clip.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { writeClipUse } from '../store/records/clip-uses.ts';

/** Puts a clip where a gateway would, after the record of whose it is. Idempotent by clip, robot, episode and camera. */
export async function landClip(store: ObjectStore, clip: ClipToLand | ClipFileToLand): Promise<void> {
  const { robotId, site, episodeId, camera, sha256, startedAtUs } = clip;
  const [body, sizeBytes] =
    'bytes' in clip ? [clip.bytes, clip.bytes.length] : [{ filePath: clip.filePath }, clip.sizeBytes];
  const receivedAtMs = Math.floor(startedAtUs / 1000);
  await writeClipUse(store, { robotId, site, episodeId, camera, sha256, startedAtUs, sizeBytes, receivedAtMs });
  await store.putIfAbsent(clipKey(sha256), body);
}
