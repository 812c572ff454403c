import { ceilingM, type FloorBorder } from './appearance.ts';
import { focalLengthPixels, type Camera } from './camera.ts';
import type { Ray } from './ray.ts';
import type { Face, Material, Scene } from './scene.ts';
import { texelsPerMetre } from './textures.ts';

/** Paints one column after the other, each from its bottom up; what is painted stays. */
export interface Painter {
  /** [height, width, 3], top row first, 0–1. */
  readonly radiance: Float32Array;
  start(column: number, ray: Ray): void;
  /** Whether something of the column is not painted yet. */
  isOpen(): boolean;
  /** The floor as far as this depth. These give the number of rows they painted. */
  floor(depth: number): number;
  /** The face, met at this depth. */
  face(depth: number, face: Face): number;
  /** A level plane at this height, as far as this depth. */
  top(depth: number, heightM: number, material: Material): number;
  /** All that is left. */
  ceiling(): number;
  /** A depth of this column in metres along the floor. */
  metres(depth: number): number;
}

interface Column {
  column: number;
  ray: Ray;
  /** Metres a unit of depth. */
  stretch: number;
  /** The rows from here on are painted. */
  limit: number;
}

interface Canvas {
  readonly width: number;
  readonly radiance: Float32Array;
  readonly focal: number;
  readonly middle: number;
  readonly mountHeightM: number;
  readonly border: FloorBorder;
}

export function openPainter(scene: Scene, camera: Camera): Painter {
  const { width, height, mountHeightM } = camera;
  const canvas: Canvas = {
    width,
    radiance: new Float32Array(height * width * 3),
    focal: focalLengthPixels(camera),
    middle: height / 2,
    mountHeightM,
    border: scene.appearance.border,
  };
  const now: Column = { column: 0, ray: { x: 0, y: 0, directionX: 1, directionY: 0 }, stretch: 1, limit: height };
  /** The first unpainted row that shows something of this height at this depth, or the limit. A pixel shows what its centre shows. */
  const rowOf = (heightM: number, depth: number): number => {
    const row = Math.ceil(canvas.middle + (canvas.focal * (mountHeightM - heightM)) / depth - 0.5);
    return Math.max(0, Math.min(now.limit, row));
  };
  const paint = (first: number, rows: (canvas: Canvas, now: Column, first: number) => void): number => {
    const count = now.limit - first;
    if (count > 0) rows(canvas, now, first);
    now.limit = first;
    return count;
  };
  const [near, far] = scene.floors;
  return {
    radiance: canvas.radiance,
    start(column, ray) {
      now.column = column;
      now.ray = ray;
      now.stretch = Math.hypot(ray.directionX, ray.directionY);
      now.limit = height;
    },
    isOpen: () => now.limit > 0,
    floor: (depth) => paint(rowOf(0, depth), (...place) => paintPlane(...place, 0, near, far)),
    face: (depth, face) => paint(rowOf(face.heightM, depth), (...place) => paintFace(...place, depth, face)),
    top: (depth, heightM, material) =>
      paint(rowOf(heightM, depth), (...place) => paintPlane(...place, heightM, material, material)),
    ceiling: () => paint(0, (...place) => paintPlane(...place, ceilingM, scene.ceiling, scene.ceiling)),
    metres: (depth) => depth * now.stretch,
  };
}

/** How much of its light reaches the camera from so far away. */
const fading = (metres: number): number => 1 / (1 + 0.1 * metres);

/** Moves places into the positive, where cutting off decimals rounds down; a whole number of textures. */
const positiveM = 1024;
const texelAt = (metres: number): number => ((metres + positiveM) * texelsPerMetre) & (texelsPerMetre - 1);

function paintPlane(
  { width, radiance, focal, middle, mountHeightM, border }: Canvas,
  { column, ray, stretch, limit }: Column,
  first: number,
  heightM: number,
  near: Material,
  far: Material,
): void {
  const { x, y, directionX, directionY } = ray;
  const fall = focal * (mountHeightM - heightM);
  const start = (x - border.through.x) * border.normal.x + (y - border.through.y) * border.normal.y;
  const slope = directionX * border.normal.x + directionY * border.normal.y;
  for (let row = first; row < limit; row += 1) {
    const depth = fall / (row + 0.5 - middle);
    const { texture, tint } = start + depth * slope > 0 ? near : far;
    const texel = 3 * (texelAt(y + depth * directionY) * texelsPerMetre + texelAt(x + depth * directionX));
    const light = fading(depth * stretch);
    const pixel = 3 * (row * width + column);
    radiance[pixel] = (texture[texel] ?? 0) * tint[0] * light;
    radiance[pixel + 1] = (texture[texel + 1] ?? 0) * tint[1] * light;
    radiance[pixel + 2] = (texture[texel + 2] ?? 0) * tint[2] * light;
  }
}

function paintFace(
  { width, radiance, focal, middle, mountHeightM }: Canvas,
  { column, ray, stretch, limit }: Column,
  first: number,
  depth: number,
  face: Face,
): void {
  const { texture, tint } = face.material;
  const [x, y] = [ray.x + depth * ray.directionX - face.x, ray.y + depth * ray.directionY - face.y];
  const across = texelAt((x * face.alongX + y * face.alongY) / face.lengthM);
  const light = fading(depth * stretch) * face.brightness;
  const [red, green, blue] = [tint[0] * light, tint[1] * light, tint[2] * light];
  const metresPerRow = depth / focal;
  for (let row = first; row < limit; row += 1) {
    const up = texelAt(mountHeightM - (row + 0.5 - middle) * metresPerRow);
    const texel = 3 * (up * texelsPerMetre + across);
    const pixel = 3 * (row * width + column);
    radiance[pixel] = (texture[texel] ?? 0) * red;
    radiance[pixel + 1] = (texture[texel + 1] ?? 0) * green;
    radiance[pixel + 2] = (texture[texel + 2] ?? 0) * blue;
  }
}
