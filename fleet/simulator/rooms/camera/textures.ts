import { randomStream, type RandomStream } from '../../../../policies/random.ts';
import type { FloorKind, ObstacleKind, WallKind } from './appearance.ts';

export type TextureName = FloorKind | ObstacleKind | WallKind | 'ceiling';

/** Texels along a metre; a texture repeats every metre. A power of two. */
export const texelsPerMetre = 64;

/** Red, green and blue, 0–1. */
type Colour = readonly [number, number, number];
/** The colour at a place of a texture: `u` along, `v` up, in [0, 1) m. */
type Drawer = (u: number, v: number, random: RandomStream) => Colour;

const known = new Map<TextureName, Float32Array>();

/** The texture of a kind: [texelsPerMetre rows, texelsPerMetre columns, 3], values 0–1; the same for ever, drawn once a process. */
export function textureOf(name: TextureName): Float32Array {
  const drawn = known.get(name) ?? draw(name);
  known.set(name, drawn);
  return drawn;
}

function draw(name: TextureName): Float32Array {
  const random = randomStream(0, `texture ${name}`);
  const texels = new Float32Array(texelsPerMetre * texelsPerMetre * 3);
  for (let texel = 0; texel < texelsPerMetre * texelsPerMetre; texel += 1) {
    const [u, v] = [(texel % texelsPerMetre) / texelsPerMetre, Math.floor(texel / texelsPerMetre) / texelsPerMetre];
    texels.set(drawers[name](u, v, random), 3 * texel);
  }
  return texels;
}

const grain = ([red, green, blue]: Colour, random: RandomStream, amount: number): Colour => {
  const factor = 1 + amount * (2 * random() - 1);
  return [red * factor, green * factor, blue * factor];
};
/** Whether a place lies on one of the lines of this width that repeat at this distance. */
const isOnLine = (value: number, everyM: number, widthM: number): boolean => value % everyM < widthM;
/** In which of the strips of this width a place lies, from 0. */
const stripOf = (value: number, widthM: number): number => Math.floor(value / widthM);

const drawers: Readonly<Record<TextureName, Drawer>> = {
  ceiling: (_u, _v, random) => grain([0.85, 0.85, 0.82], random, 0.02),
  plaster: (_u, _v, random) => grain([0.74, 0.72, 0.66], random, 0.06),
  brick: (u, v, random) => {
    const shifted = u + (stripOf(v, 0.125) % 2) * 0.125;
    const isMortar = isOnLine(v, 0.125, 0.02) || isOnLine(shifted, 0.25, 0.02);
    return grain(isMortar ? [0.62, 0.6, 0.56] : [0.55, 0.3, 0.22], random, 0.1);
  },
  panel: (u, _v, random) => grain(isOnLine(u, 0.5, 0.04) ? [0.3, 0.32, 0.3] : [0.6, 0.66, 0.6], random, 0.03),
  barrier: (u, v, random) =>
    grain(stripOf(u + v, 0.25) % 2 === 0 ? [0.85, 0.12, 0.1] : [0.92, 0.9, 0.88], random, 0.03),
  cabinet: (u, v, random) => {
    const isGap = isOnLine(u, 0.5, 0.03) || isOnLine(v, 1, 0.04);
    const isHandle = u % 0.5 > 0.4 && u % 0.5 < 0.44 && v > 0.4 && v < 0.6;
    return grain(isGap || isHandle ? [0.1, 0.12, 0.18] : [0.26, 0.38, 0.6], random, 0.03);
  },
  crate: (u, v, random) => {
    const isFrame = isOnLine(u, 0.5, 0.08) || isOnLine(v, 0.35, 0.07);
    return grain(isFrame ? [0.45, 0.29, 0.12] : [0.76, 0.55, 0.28], random, 0.08);
  },
  pillar: (_u, v, random) => grain(v > 0.45 && v < 0.6 ? [0.9, 0.78, 0.1] : [0.42, 0.42, 0.44], random, 0.08),
  shelf: (u, v, random) => {
    if (isOnLine(v, 0.25, 0.05)) return grain([0.12, 0.1, 0.1], random, 0.05);
    return grain(shelfBoxes[stripOf(u, 0.2) % shelfBoxes.length] ?? [0, 0, 0], random, 0.05);
  },
  carpet: (_u, _v, random) => grain([0.22, 0.2, 0.42], random, 0.35),
  concrete: (_u, _v, random) => grain([0.5, 0.5, 0.5], random, 0.12),
  tiles: (u, v, random) =>
    grain(isOnLine(u, 0.25, 0.03) || isOnLine(v, 0.25, 0.03) ? [0.35, 0.35, 0.36] : [0.82, 0.84, 0.86], random, 0.03),
  wood: (u, v, random) => {
    const isGap = isOnLine(v, 0.125, 0.016) || (isOnLine(u + 0.37 * stripOf(v, 0.125), 1, 0.016) && v > 0);
    const shade = 0.85 + 0.05 * (stripOf(v, 0.125) % 4);
    return grain(isGap ? [0.25, 0.15, 0.08] : [0.66 * shade, 0.45 * shade, 0.26 * shade], random, 0.06);
  },
};

const shelfBoxes: readonly Colour[] = [
  [0.2, 0.5, 0.25],
  [0.7, 0.65, 0.5],
  [0.15, 0.45, 0.5],
  [0.55, 0.5, 0.2],
  [0.3, 0.3, 0.32],
];
