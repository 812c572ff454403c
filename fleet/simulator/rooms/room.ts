import { type Collider, ColliderDesc, init, Ray, World } from '@dimforge/rapier2d-compat';

import { edgesOf, type Point, type RoomPlan } from './room-plan.ts';

/** A room one can measure distances in. */
export interface Room {
  readonly plan: RoomPlan;
  /** Distance from a point to the first wall along a heading (radians, counter-clockwise from +x); Infinity beyond `reachM`. */
  range(from: Point, heading: number, reachM: number): number;
  /** Distance from a point to the nearest wall, metres. */
  clearance(from: Point): number;
  close(): void;
}

let loaded: Promise<void> | undefined;

/** Loads the physics engine once a process, though two ask at the same time: the later load would take the memory from under the rooms of the earlier. */
export const loadPhysics = async (): Promise<(plan: RoomPlan) => Room> => {
  loaded ??= init();
  await loaded;
  return openRoom;
};

/**
 * All walls are one hollow polyline, asked directly: nothing in a room moves by itself, so the world is never stepped.
 * https://rapier.rs/docs/user_guides/javascript/scene_queries
 */
function openRoom(plan: RoomPlan): Room {
  const world = new World({ x: 0, y: 0 });
  const walls = world.createCollider(wallsOf(plan));
  const ray = new Ray({ x: 0, y: 0 }, { x: 1, y: 0 });
  return {
    plan,
    range(from, heading, reachM) {
      ray.origin = from;
      ray.dir.x = Math.cos(heading);
      ray.dir.y = Math.sin(heading);
      const distance = walls.castRay(ray, reachM, false);
      return distance >= 0 && distance <= reachM ? distance : Number.POSITIVE_INFINITY;
    },
    clearance: (from) => clearanceOf(walls, from),
    close: () => world.free(),
  };
}

function clearanceOf(walls: Collider, from: Point): number {
  const nearest = walls.projectPoint(from, false)?.point;
  return nearest === undefined ? Number.POSITIVE_INFINITY : Math.hypot(nearest.x - from.x, nearest.y - from.y);
}

function wallsOf({ boundary, obstacles }: RoomPlan): ColliderDesc {
  const edges = [boundary, ...obstacles].flatMap(edgesOf);
  const corners = Float32Array.from(edges.flatMap(({ from, to }) => [from.x, from.y, to.x, to.y]));
  return ColliderDesc.polyline(
    corners,
    Uint32Array.from({ length: 2 * edges.length }, (_, corner) => corner),
  );
}
