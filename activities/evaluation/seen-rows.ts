import type { HeldoutSource } from '../../policies/evaluation/evaluate-heldout.ts';
import type { PolicySizes } from '../../policies/policy-io.ts';
import type { ModelPort } from '../../policies/runtime.ts';
import { historyOf } from '../../policies/windows.ts';
import { camerasSeenBy } from '../../policies/seen-images.ts';

interface Model {
  readonly inputs: readonly ModelPort[];
}

/** Cameras that any of the models sees, in the robot type's order: rows are read with these. */
export function camerasOfAll(models: readonly Model[], { cameras = [] }: PolicySizes): readonly string[] {
  const seen = new Set(models.flatMap(camerasSeenBy));
  return cameras.map(({ name }) => name).filter((name) => seen.has(name));
}

/** What a held-out set shows. */
export interface ShownInSet {
  readonly imageCameras?: readonly string[];
  readonly history?: number;
}

/** Why a model cannot be asked about a held-out set, where it sees what the set has no images of, or looks back farther. */
export function unseenBy(model: Model, { imageCameras: inSet = [], history = 1 }: ShownInSet): string | undefined {
  if (historyOf(model) > history)
    return `expected a held-out set with a history of ${historyOf(model)} frames, which the model reads, got one of ${history}`;
  const missing = camerasSeenBy(model).filter((name) => !inSet.includes(name));
  return missing.length === 0
    ? undefined
    : `expected a held-out set with images of camera ${missing.join(', ')}, which the model sees, got one with images of ${inSet.join(', ') || 'none'}`;
}

/** JPEG of what the cameras showed in a frame. */
export interface Shown {
  readonly images: readonly { readonly camera: string; readonly jpeg: Uint8Array }[];
}

/** Of one image, and of all that one evaluation keeps: more is left out. */
const mostImageBytes = 24 * 1024;
const mostBytes = 256 * 1024;

/** The frames with their images, as the set has them; empty where no policy sees. */
export async function withImages<Frame extends { readonly block: number; readonly row: number }>(
  frames: readonly Frame[],
  source: HeldoutSource,
  cameras: readonly string[],
): Promise<readonly (Frame & Shown)[]> {
  if (cameras.length === 0) return [];
  let left = mostBytes;
  const seen: (Frame & Shown)[] = [];
  for (const each of frames) {
    const found = await source.encodedImages?.(each.block, each.row);
    const images: { camera: string; jpeg: Uint8Array }[] = [];
    for (const camera of cameras) {
      const jpeg = found?.get(camera);
      if (jpeg === undefined || jpeg.length > Math.min(mostImageBytes, left)) continue;
      left -= jpeg.length;
      images.push({ camera, jpeg });
    }
    if (images.length > 0) seen.push({ ...each, images });
  }
  return seen;
}
