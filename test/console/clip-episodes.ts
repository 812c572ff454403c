import { scitosG5Type } from '../../datasets/built-in-robot-types.ts';
import { clipKey, type Camera } from '../../datasets/camera.ts';
import { sha256Of } from '../../activities/training/training-run.ts';
import { writeClipUse } from '../../store/records/clip-uses.ts';
import { writeAwaitedClip, writeClipVerdict, type ClipVerdict } from '../../store/records/clip-verdicts.ts';
import { publishRobotType } from '../../store/records/robot-types.ts';
import { startMs } from '../activities/facts/fact-world.ts';
import type { ConsoleWorld } from './console-world.ts';

export const clipSize = { width: 64, height: 48 };
const seeingVersion = 2;
export const camera = (name: string, mayLeaveRobot = true): Camera => ({
  name,
  ...clipSize,
  rateHz: 10,
  colour: 'rgb',
  codec: 'h264',
  learned: { width: 32, height: 24 },
  mayLeaveRobot,
});

/** A second version of the fleet's robot type, which sees; gives what its episodes have in common. */
export async function publishSeeingType({ ports: { store } }: ConsoleWorld, cameras: readonly Camera[]) {
  await publishRobotType(store, { ...scitosG5Type, version: seeingVersion, cameras: [...cameras] });
  const { tasks, observations } = scitosG5Type;
  return { robotTypeVersion: seeingVersion, task: tasks[0] ?? '', observations: observations.length };
}

interface StoredClip {
  readonly robotId: string;
  readonly episodeId: string;
  readonly camera: string;
  /** What a gateway took in; undefined: it has not come. */
  readonly bytes?: Uint8Array | undefined;
  /** Of a clip that has not come. */
  readonly sha256?: string;
  /** What a collection made of it; undefined: it waits. */
  readonly verdict?: ClipVerdict['verdict'];
  readonly violations?: ClipVerdict['violations'];
}

/** Stores a clip as gateways and collections do; gives its name. */
export async function storeClip({ ports: { store } }: ConsoleWorld, clip: StoredClip): Promise<string> {
  const { robotId, episodeId, camera: name, bytes, verdict, violations = [] } = clip;
  const sha256 = bytes === undefined ? (clip.sha256 ?? '0'.repeat(64)) : await sha256Of(bytes);
  const named = { robotId, sha256, episodeId, camera: name };
  const [robotType, startedUs] = [`${scitosG5Type.id}@${seeingVersion}`, startMs * 1_000];
  const sizeBytes = bytes?.length ?? 1;
  if (bytes !== undefined) {
    await writeClipUse(store, { ...named, sizeBytes, startedAtUs: startedUs, receivedAtMs: startMs });
    await store.put(clipKey(sha256), bytes);
  }
  if (verdict === undefined)
    await writeAwaitedClip(store, { ...named, robotType, startedUs, episodeStartedUs: startedUs, durationMs: 1 });
  else
    await writeClipVerdict(store, {
      ...named,
      robotType,
      verdict,
      violations: [...violations],
      startedUs,
      images: 1,
      sizeBytes,
      cycleId: 'cycle-1',
    });
  return sha256;
}
