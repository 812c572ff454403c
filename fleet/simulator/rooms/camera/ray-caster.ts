import type { Pose } from '../body.ts';
import { floorAt } from './appearance.ts';
import { focalLengthPixels, type Camera } from './camera.ts';
import { openPainter, type Painter } from './painter.ts';
import type { Ray } from './ray.ts';
import type { Face, Scene } from './scene.ts';

/** What the columns of an image show. */
export interface SeenColumns {
  /** Index in the plan of the nearest obstacle of which a column shows something; -1 where it shows none. */
  readonly obstacle: Int16Array;
  /** Its distance, metres along the floor. */
  readonly distanceM: Float64Array;
}

/** Renders a room column by column. */
export interface RayCaster {
  /** [height, width, 3], 0–1 for what is lit as usual; overwritten by `render`. */
  readonly radiance: Float32Array;
  readonly seen: SeenColumns;
  render(pose: Pose): void;
  /** Metres along the floor to the first thing straight ahead, whatever its height. */
  aheadM(pose: Pose): number;
  /** Which of the two floors the bottom of the image shows in the middle; behind something, the one at its foot. */
  floorAhead(pose: Pose): 0 | 1;
}

/** Where a ray meets the faces of obstacles, nearest first, and where it leaves the room; in units of the ray's direction. */
interface Hits {
  count: number;
  readonly depth: Float64Array;
  readonly face: Int32Array;
  /** 1 where the ray comes out of the obstacle. */
  readonly isLeaving: Uint8Array;
  wallDepth: number;
  wallFace: number;
}

/** Nothing is so far away: a ray that slips through a corner ends here. */
const farthestM = 100;
const nearestM = 1e-6;
const cornerTolerance = 1e-9;

/**
 * One ray a column (Wolfenstein 3D, 1992), but with faces of any direction and height, and their tops. Depth is measured
 * along the optical axis, so straight lines stay straight. Cost: columns × faces + pixels.
 */
export function openRayCaster(scene: Scene, camera: Camera): RayCaster {
  const { width, height } = camera;
  const painter = openPainter(scene, camera);
  const focal = focalLengthPixels(camera);
  const hits = noHits(scene.obstacles.length);
  const seen = { obstacle: new Int16Array(width), distanceM: new Float64Array(width) };
  const aheadM = ({ x, y, heading }: Pose): number => {
    cast(scene, hits, { x, y, directionX: Math.cos(heading), directionY: Math.sin(heading) });
    return hits.count > 0 ? (hits.depth[0] ?? 0) : hits.wallDepth;
  };
  const bottomDepth = (focal * camera.mountHeightM) / ((height - 1) / 2);
  return {
    radiance: painter.radiance,
    seen,
    aheadM,
    floorAhead(pose) {
      const depth = Math.min(bottomDepth, aheadM(pose));
      const [x, y] = [pose.x + depth * Math.cos(pose.heading), pose.y + depth * Math.sin(pose.heading)];
      return floorAt(scene.appearance.border, x, y);
    },
    render({ x, y, heading }) {
      const [aheadX, aheadY] = [Math.cos(heading), Math.sin(heading)];
      for (let column = 0; column < width; column += 1) {
        const right = (column + 0.5 - width / 2) / focal;
        const ray = { x, y, directionX: aheadX + right * aheadY, directionY: aheadY - right * aheadX };
        cast(scene, hits, ray);
        painter.start(column, ray);
        paintColumn(scene, hits, painter, seen, column);
      }
    },
  };
}

const noHits = (faces: number): Hits => ({
  count: 0,
  depth: new Float64Array(faces),
  face: new Int32Array(faces),
  isLeaving: new Uint8Array(faces),
  wallDepth: farthestM,
  wallFace: 0,
});

/** From the floor before the camera up: each thing hides what is behind it, up to its height. */
function paintColumn(scene: Scene, hits: Hits, painter: Painter, seen: SeenColumns, column: number): void {
  seen.obstacle[column] = -1;
  seen.distanceM[column] = Number.POSITIVE_INFINITY;
  let enteredAt = 0;
  for (let hit = 0; hit < hits.count && painter.isOpen(); hit += 1) {
    const [face, depth] = [scene.obstacles[hits.face[hit] ?? 0], hits.depth[hit] ?? 0];
    if (face === undefined) continue;
    let rows = 0;
    if (hits.isLeaving[hit] === 1) rows = painter.top(depth, face.heightM, face.material);
    else {
      enteredAt = depth;
      painter.floor(depth);
      rows = painter.face(depth, face);
    }
    if (rows === 0 || seen.obstacle[column] !== -1) continue;
    seen.obstacle[column] = face.obstacle;
    seen.distanceM[column] = painter.metres(enteredAt);
  }
  if (!painter.isOpen()) return;
  const wall = scene.walls[hits.wallFace];
  painter.floor(hits.wallDepth);
  if (wall !== undefined) painter.face(hits.wallDepth, wall);
  painter.ceiling();
}

/** Finds what a ray meets. */
function cast(scene: Scene, hits: Hits, ray: Ray): void {
  hits.wallDepth = farthestM;
  for (let index = 0; index < scene.walls.length; index += 1) {
    const wall = scene.walls[index];
    if (wall === undefined || crossing(wall, ray) <= 0) continue;
    const depth = depthOf(wall, ray);
    if (depth >= hits.wallDepth) continue;
    hits.wallDepth = depth;
    hits.wallFace = index;
  }
  hits.count = 0;
  for (let index = 0; index < scene.obstacles.length; index += 1) {
    const face = scene.obstacles[index];
    if (face === undefined) continue;
    const depth = depthOf(face, ray);
    if (depth < hits.wallDepth) insert(hits, depth, index, crossing(face, ray) > 0 ? 1 : 0);
  }
}

/** Sorted by depth; there are few. */
function insert(hits: Hits, depth: number, face: number, isLeaving: 0 | 1): void {
  let place = hits.count;
  for (; place > 0 && (hits.depth[place - 1] ?? 0) > depth; place -= 1) {
    hits.depth[place] = hits.depth[place - 1] ?? 0;
    hits.face[place] = hits.face[place - 1] ?? 0;
    hits.isLeaving[place] = hits.isLeaving[place - 1] ?? 0;
  }
  hits.depth[place] = depth;
  hits.face[place] = face;
  hits.isLeaving[place] = isLeaving;
  hits.count += 1;
}

/** Positive where the ray crosses from the left of the face to its right: out of what the face bounds counter-clockwise. */
const crossing = (face: Face, { directionX, directionY }: Ray): number =>
  directionX * face.alongY - directionY * face.alongX;

/** How far along the ray it meets the face, in units of its direction; Infinity where it does not. */
function depthOf(face: Face, ray: Ray): number {
  const across = crossing(face, ray);
  if (across === 0) return Number.POSITIVE_INFINITY;
  const [toX, toY] = [face.x - ray.x, face.y - ray.y];
  const depth = (toX * face.alongY - toY * face.alongX) / across;
  const along = (toX * ray.directionY - toY * ray.directionX) / across;
  const isMet = depth > nearestM && along >= -cornerTolerance && along <= 1 + cornerTolerance;
  return isMet ? depth : Number.POSITIVE_INFINITY;
}
