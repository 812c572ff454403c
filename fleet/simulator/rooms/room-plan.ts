import type { RandomStream } from '../../../policies/random.ts';

/** Metres. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Corners in counter-clockwise order, without repeating the first. */
export type Polygon = readonly Point[];

/** A room as drawn: robots are inside `boundary` and outside every obstacle. */
export interface RoomPlan {
  readonly boundary: Polygon;
  readonly obstacles: readonly Polygon[];
}

export interface Edge {
  readonly from: Point;
  readonly to: Point;
}

/** Edges that have the free space on their right when walked from `from` to `to`: a left-wall follower goes that way. */
export const wallsToFollow = (plan: RoomPlan): readonly Edge[] => [
  ...edgesOf(plan.boundary).map(({ from, to }) => ({ from: to, to: from })),
  ...plan.obstacles.flatMap(edgesOf),
];

export const edgesOf = (polygon: Polygon): readonly Edge[] =>
  polygon.map((from, corner) => ({ from, to: polygon[(corner + 1) % polygon.length] ?? from }));

export const lengthOf = ({ from, to }: Edge): number => Math.hypot(to.x - from.x, to.y - from.y);

/** Even-odd rule; points on an edge count either way. */
export function isInside(polygon: Polygon, { x, y }: Point): boolean {
  let isIn = false;
  for (const { from, to } of edgesOf(polygon))
    if (from.y > y !== to.y > y && x < ((to.x - from.x) * (y - from.y)) / (to.y - from.y) + from.x) isIn = !isIn;
  return isIn;
}

/** Whether a robot's centre may be there, walls being infinitely thin. */
export const isFree = (plan: RoomPlan, point: Point): boolean =>
  isInside(plan.boundary, point) && plan.obstacles.every((obstacle) => !isInside(obstacle, point));

/** Axis-parallel rectangle. */
export const rectangle = (left: number, bottom: number, width: number, height: number): Polygon => [
  { x: left, y: bottom },
  { x: left + width, y: bottom },
  { x: left + width, y: bottom + height },
  { x: left, y: bottom + height },
];

/** Uniform in [least, most). */
export const between = (random: RandomStream, least: number, most: number): number => least + (most - least) * random();
