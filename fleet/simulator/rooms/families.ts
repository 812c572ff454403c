import { randomStream, type RandomStream } from '../../../policies/random.ts';
import { between, rectangle, type Point, type Polygon, type RoomPlan } from './room-plan.ts';

/** Kinds of room; each draws ever new rooms from a seed. All leave passages that the wall-following rule can take. */
export const roomFamilies = ['hall', 'corner', 'pillars', 'round', 'ring', 'alcoves', 'zigzag', 'slanted'] as const;
export type RoomFamily = (typeof roomFamilies)[number];

/** Draws a room; a pure function of (family, seed). */
export const drawRoom = (family: RoomFamily, seed: number): RoomPlan =>
  drawers[family](randomStream(seed, `room of family ${family}`));

const drawers: Readonly<Record<RoomFamily, (random: RandomStream) => RoomPlan>> = {
  /** Four walls. */
  hall: (random) => empty(rectangle(0, 0, between(random, 5, 8), between(random, 4, 7))),
  /** Two wings at a right angle: one corner points into the room. */
  corner: (random) => {
    const [width, height] = [between(random, 6, 9), between(random, 6, 9)];
    const [wing, depth] = [between(random, 2.9, 3.7), between(random, 2.9, 3.7)];
    return empty([at(0, 0), at(width, 0), at(width, depth), at(wing, depth), at(wing, height), at(0, height)]);
  },
  /** A hall with boxes along its walls. */
  pillars: (random) => {
    const [width, height] = [between(random, 7, 9), between(random, 6, 8)];
    const size = (): number => between(random, 0.4, 0.8);
    return {
      boundary: rectangle(0, 0, width, height),
      obstacles: [
        rectangle(between(random, 2.6, width - 3.4), 0.001, size(), size()),
        rectangle(0.001, between(random, 2.6, height - 3.2), size(), size()),
        rectangle(width / 2, height / 2, size(), size()),
      ],
    };
  },
  /** One wall all round, of many short straight parts. */
  round: (random) => {
    const [across, along] = [between(random, 2.4, 3.6), between(random, 2.4, 3.6)];
    const corners = Math.floor(between(random, 14, 22));
    return empty(
      Array.from({ length: corners }, (_, corner) => {
        const angle = (2 * Math.PI * corner) / corners;
        return at(across * Math.cos(angle), along * Math.sin(angle));
      }),
    );
  },
  /** A passage round a block. */
  ring: (random) => {
    const [width, height] = [between(random, 2, 4), between(random, 2, 4)];
    const passage = between(random, 2.5, 3.2);
    return {
      boundary: rectangle(0, 0, width + 2 * passage, height + 2 * passage),
      obstacles: [rectangle(passage, passage, width, height)],
    };
  },
  /** A hall with a niche in two of its walls. */
  alcoves: (random) => {
    const [width, height] = [between(random, 7, 9), between(random, 5, 7)];
    const niche = (): { start: number; end: number; depth: number } => {
      const opening = between(random, 2.4, 3);
      const start = between(random, 1, width - opening - 1);
      return { start, end: start + opening, depth: between(random, 0.8, 1.8) };
    };
    const [below, above] = [niche(), niche()];
    return empty([
      at(0, 0),
      at(below.start, 0),
      at(below.start, -below.depth),
      at(below.end, -below.depth),
      at(below.end, 0),
      at(width, 0),
      at(width, height),
      at(above.end, height),
      at(above.end, height + above.depth),
      at(above.start, height + above.depth),
      at(above.start, height),
      at(0, height),
    ]);
  },
  /** Two walls folded to and fro. */
  zigzag: (random) => {
    const [folds, fold] = [Math.floor(between(random, 4, 7)), between(random, 1.1, 1.6)];
    const [amplitude, height] = [between(random, 0.25, 0.55), between(random, 4, 6)];
    const corners = Array.from({ length: folds + 1 }, (_, corner) =>
      at(corner * fold, corner % 2 === 1 ? amplitude : 0),
    );
    return empty([...corners, ...corners.toReversed().map(({ x, y }) => at(x, height - y))]);
  },
  /** Four to six walls that meet at odd angles. */
  slanted: (random) => {
    const corners = Math.floor(between(random, 4, 7));
    const radius = between(random, 3.4, 4.4);
    const angles = Array.from(
      { length: corners },
      (_, corner) => (2 * Math.PI * (corner + between(random, -0.18, 0.18))) / corners,
    );
    return empty(angles.map((angle) => at(radius * Math.cos(angle), radius * Math.sin(angle))));
  },
};

const at = (x: number, y: number): Point => ({ x, y });
const empty = (boundary: Polygon): RoomPlan => ({ boundary, obstacles: [] });
