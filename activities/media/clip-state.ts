import { clipKey } from '../../datasets/camera.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { ownsClip } from '../../store/records/clip-uses.ts';
import {
  awaitedClipKey,
  readAwaitedClip,
  readClipVerdict,
  type ClipName,
  type ClipVerdict,
} from '../../store/records/clip-verdicts.ts';

/**
 * How a clip that an episode names stands. `here`: a collection took it. `notJudged`: it has come, and no collection has looked at it. `awaited`: it has not come.
 * `refused`: it broke rules and is in quarantine. `deleted`: it was there, and its time was over or it was erased.
 */
export type ClipState =
  | { readonly kind: 'here' | 'notJudged'; readonly sizeBytes: number }
  | { readonly kind: 'awaited' | 'deleted' }
  | { readonly kind: 'refused'; readonly violations: ClipVerdict['violations'] };

/** From the records of collections alone: a clip that no episode of the lake names is `deleted`, and so is one that its robot did not bring. */
export async function readClipState(store: ObjectStore, name: ClipName): Promise<ClipState> {
  const verdict = await readClipVerdict(store, name);
  if (verdict?.verdict === 'refused') return { kind: 'refused', violations: verdict.violations };
  if (verdict === undefined && (await readAwaitedClip(store, awaitedClipKey(name))) === undefined)
    return { kind: 'deleted' };
  // Who names the clip of another robot has none.
  const sizeBytes = (await ownsClip(store, name.robotId, name.sha256)) ? await sizeOf(store, name.sha256) : undefined;
  if (sizeBytes === undefined) return { kind: verdict === undefined ? 'awaited' : 'deleted' };
  return { kind: verdict === undefined ? 'notJudged' : 'here', sizeBytes };
}

async function sizeOf(store: ObjectStore, sha256: string): Promise<number | undefined> {
  const wanted = clipKey(sha256);
  for await (const { key, sizeBytes } of store.list(wanted)) return key === wanted ? sizeBytes : undefined;
  return undefined;
}
