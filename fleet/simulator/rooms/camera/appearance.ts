import { randomStream, type RandomStream } from '../../../../policies/random.ts';
import type { RoomFamily } from '../families.ts';
import { between, type Point, type RoomPlan } from '../room-plan.ts';

export const obstacleKinds = ['barrier', 'cabinet', 'crate', 'pillar', 'shelf'] as const;
export type ObstacleKind = (typeof obstacleKinds)[number];
export const floorKinds = ['carpet', 'concrete', 'tiles', 'wood'] as const;
export type FloorKind = (typeof floorKinds)[number];
export const wallKinds = ['brick', 'panel', 'plaster'] as const;
export type WallKind = (typeof wallKinds)[number];

/** At least one. */
export type KindsOf<Kind extends string> = readonly [Kind, ...Kind[]];

/** Height of every room, metres. */
export const ceilingM = 2.4;
/** Height of what stands in rooms, metres. */
export const obstacleHeightsM: Readonly<Record<ObstacleKind, number>> = {
  barrier: 0.5,
  cabinet: 1.2,
  crate: 0.7,
  pillar: ceilingM,
  shelf: 1.6,
};

/** Factors of red, green and blue. */
export type Tint = readonly [number, number, number];

export interface Surface<Kind extends string> {
  readonly kind: Kind;
  /** No two rooms have quite the same colours. */
  readonly tint: Tint;
}

/** How the parts of a room look. Where they are, its plan says. */
export interface RoomAppearance {
  readonly walls: Surface<WallKind>;
  /** In the order of the plan's obstacles. */
  readonly obstacles: readonly Surface<ObstacleKind>[];
  /** Two floors, which may be of one kind, on either side of a straight border. */
  readonly floors: readonly [Surface<FloorKind>, Surface<FloorKind>];
  readonly border: FloorBorder;
}

/** A line; the first floor lies where its normal (a unit vector) points. */
export interface FloorBorder {
  readonly through: Point;
  readonly normal: Point;
}

/**
 * How the room that `drawRoom` draws from the same (family, seed) looks: a pure function of both, from a stream of its own,
 * so that plans, starts and noise are what they are without it. Obstacles are of these `kinds` alone; where they are all, the room is the same as without saying so.
 */
export function drawAppearance(
  plan: RoomPlan,
  family: RoomFamily,
  seed: number,
  kinds: KindsOf<ObstacleKind> = obstacleKinds,
): RoomAppearance {
  const random = randomStream(seed, `appearance of a room of family ${family}`);
  const surface = <Kind extends string>(of: KindsOf<Kind>): Surface<Kind> => ({
    kind: of[Math.floor(random() * of.length)] ?? of[0],
    tint: [drawTint(random), drawTint(random), drawTint(random)],
  });
  const walls = surface(wallKinds);
  const floors = [surface(floorKinds), surface(floorKinds)] as const;
  const border = drawBorder(plan, random);
  return { walls, floors, border, obstacles: plan.obstacles.map(() => surface(kinds)) };
}

const drawTint = (random: RandomStream): number => between(random, 0.88, 1.12);

/** Through the middle fifth of the room, in any direction. */
function drawBorder({ boundary }: RoomPlan, random: RandomStream): FloorBorder {
  const [xs, ys] = [boundary.map(({ x }) => x), boundary.map(({ y }) => y)];
  const middle = (values: readonly number[]): number => {
    const [least, most] = [Math.min(...values), Math.max(...values)];
    return least + between(random, 0.4, 0.6) * (most - least);
  };
  const through = { x: middle(xs), y: middle(ys) };
  const angle = 2 * Math.PI * random();
  return { through, normal: { x: Math.cos(angle), y: Math.sin(angle) } };
}

/** 0 or 1: which of the two floors is there. */
export const floorAt = ({ through, normal }: FloorBorder, x: number, y: number): 0 | 1 =>
  (x - through.x) * normal.x + (y - through.y) * normal.y > 0 ? 0 : 1;
