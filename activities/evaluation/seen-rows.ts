import type { HeldoutSource } from '../../policies/evaluation/evaluate-heldout.ts';
import type { PolicySizes } from '../../policies/policy-io.ts';
import type { ModelPort } from '../../policies/runtime.ts';
import type { ImageAsking } from '../mix/image-windows.ts';
import { horizonOf } from '../../policies/chunks.ts';
import { imageHistoryOf } from '../../policies/image-windows.ts';
import { framesReadBy } from '../../policies/evaluation/executed.ts';
import type { Miss } from '../../policies/evaluation/misses.ts';
import { camerasSeenBy, type SeenCamera } from '../../policies/seen-images.ts';

interface Model {
  readonly inputs: readonly ModelPort[];
  readonly outputs: readonly ModelPort[];
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
  readonly hasRuns?: boolean;
  /** Policies for which rows have images of frames before their own. */
  readonly imageWindows?: readonly ImageAsking[];
}

/** Why a model cannot be asked about a held-out set, where it sees what the set has no images of, looks back farther, or answers chunks of which the set does not tell what a robot would have executed. */
export function unseenBy(
  model: Model,
  { imageCameras: inSet = [], history = 1, hasRuns = false, imageWindows = [] }: ShownInSet,
): string | undefined {
  const steps = horizonOf(model);
  if (steps > 1 && !hasRuns)
    return `expected a held-out set that says where its rows lie in their run, for a model that answers ${steps} actions at once, got one that does not`;
  if (framesReadBy(model) > history)
    return `expected a held-out set with a history of ${framesReadBy(model)} frames, which the model reads, got one of ${history}`;
  const images = imageHistoryOf(model);
  const looksBack = camerasSeenBy(model).length > 0 && (steps > 1 || images > 1);
  if (looksBack && !imageWindows.some((window) => window.steps === steps && window.images >= images))
    return `expected a held-out set with the images that a model sees which answers ${actionsOf(steps)} at once and sees ${images === 1 ? '1 image' : `${images} images`} of a camera, got one without`;
  const missing = camerasSeenBy(model).filter((name) => !inSet.includes(name));
  return missing.length === 0
    ? undefined
    : `expected a held-out set with images of camera ${missing.join(', ')}, which the model sees, got one with images of ${inSet.join(', ') || 'none'}`;
}

const actionsOf = (steps: number): string => (steps === 1 ? 'one action' : `${steps} actions`);

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

/** So many misses are shown with their images. */
const mostShown = 12;

const placeOf = ({ block, row }: Miss): string => `${block}/${row}`;

/** The misses, the first of them with what the cameras showed. */
export async function shownMisses(
  misses: readonly Miss[],
  source: HeldoutSource,
  cameras: readonly SeenCamera[],
): Promise<readonly (Miss & Partial<Shown>)[]> {
  const names = cameras.map(({ name }) => name);
  const shown = await withImages(misses.slice(0, mostShown), source, names);
  const byPlace = new Map(shown.map((miss) => [placeOf(miss), miss]));
  return misses.map((miss) => byPlace.get(placeOf(miss)) ?? miss);
}
