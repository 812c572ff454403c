import { edgesOf, type RoomPlan } from '../room-plan.ts';
import { ceilingM, obstacleHeightsM, type RoomAppearance, type Surface, type Tint } from './appearance.ts';
import { textureOf, type TextureName } from './textures.ts';

/** What is drawn of one thing. */
export interface Material {
  readonly texture: Float32Array;
  readonly tint: Tint;
}

/** One vertical face: from a corner along a vector, from the floor up. */
export interface Face {
  readonly x: number;
  readonly y: number;
  readonly alongX: number;
  readonly alongY: number;
  readonly lengthM: number;
  readonly heightM: number;
  /** Index of its obstacle in the plan; -1 for a wall of the room. */
  readonly obstacle: number;
  readonly material: Material;
  /** What the light that comes from one side makes of it. */
  readonly brightness: number;
}

/** A room as its camera needs it. Faces run counter-clockwise about what they bound: walls about the room, the others about their obstacle. */
export interface Scene {
  readonly walls: readonly Face[];
  readonly obstacles: readonly Face[];
  readonly floors: readonly [Material, Material];
  readonly ceiling: Material;
  readonly appearance: RoomAppearance;
}

export function openScene(plan: RoomPlan, appearance: RoomAppearance): Scene {
  const walls = facesOf(plan.boundary, { heightM: ceilingM, obstacle: -1, material: materialOf(appearance.walls) });
  const obstacles = plan.obstacles.flatMap((polygon, obstacle) => {
    const surface = appearance.obstacles[obstacle];
    if (surface === undefined)
      throw new Error(`expected how ${plan.obstacles.length} obstacles look, got ${appearance.obstacles.length}`);
    return facesOf(polygon, { heightM: obstacleHeightsM[surface.kind], obstacle, material: materialOf(surface) });
  });
  const [first, second] = appearance.floors;
  return {
    walls,
    obstacles,
    floors: [materialOf(first), materialOf(second)],
    ceiling: { texture: textureOf('ceiling'), tint: [1, 1, 1] },
    appearance,
  };
}

const materialOf = ({ kind, tint }: Surface<TextureName>): Material => ({ texture: textureOf(kind), tint });

const facesOf = (
  polygon: RoomPlan['boundary'],
  common: Pick<Face, 'heightM' | 'obstacle' | 'material'>,
): readonly Face[] =>
  edgesOf(polygon).map(({ from, to }) => {
    const [alongX, alongY] = [to.x - from.x, to.y - from.y];
    const lengthM = Math.hypot(alongX, alongY);
    const brightness = 0.85 + 0.15 * ((alongY * lightX - alongX * lightY) / lengthM);
    return { ...common, x: from.x, y: from.y, alongX, alongY, lengthM, brightness };
  });

/** A unit vector. */
const lightX = 0.8;
const lightY = 0.6;
