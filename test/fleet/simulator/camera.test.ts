import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

import { noCameraQuirks, noQuirks, type CameraQuirks } from '../../../fleet/simulator/quirks.ts';
import {
  ceilingM,
  drawAppearance,
  floorKinds,
  obstacleHeightsM,
  obstacleKinds,
  wallKinds,
  type RoomAppearance,
  type Surface,
  type ObstacleKind,
  type Tint,
} from '../../../fleet/simulator/rooms/camera/appearance.ts';
import { cameraSchema } from '../../../fleet/simulator/rooms/camera/camera.ts';
import { openRayCaster } from '../../../fleet/simulator/rooms/camera/ray-caster.ts';
import { openRoomCamera, type ImageLabels } from '../../../fleet/simulator/rooms/camera/room-camera.ts';
import { openScene } from '../../../fleet/simulator/rooms/camera/scene.ts';
import type { Pose } from '../../../fleet/simulator/rooms/body.ts';
import { drawRoom, roomFamilies, type RoomFamily } from '../../../fleet/simulator/rooms/families.ts';
import { lidarSchema } from '../../../fleet/simulator/rooms/lidar.ts';
import { between, isFree, rectangle, type RoomPlan } from '../../../fleet/simulator/rooms/room-plan.ts';
import { roomRobot } from '../../../fleet/simulator/rooms/room-robot.ts';
import { loadPhysics, type Room } from '../../../fleet/simulator/rooms/room.ts';
import { parseScenario, quirksOf } from '../../../fleet/simulator/scenario.ts';
import { randomStream } from '../../../policies/random.ts';

const plain: Tint = [1, 1, 1];
const dark: Tint = [0.2, 0.2, 0.2];
const from: Pose = { x: 1, y: 4, heading: 0 };

/** A hall of 12 m × 8 m with one floor; what stands there looks as told. */
const looking = (obstacles: readonly Surface<ObstacleKind>[], walls: Tint = plain): RoomAppearance => ({
  walls: { kind: 'plaster', tint: walls },
  floors: [
    { kind: 'concrete', tint: plain },
    { kind: 'concrete', tint: plain },
  ],
  border: { through: { x: 0, y: 0 }, normal: { x: 1, y: 0 } },
  obstacles,
});

interface Shot {
  readonly image: Uint8Array;
  readonly labels: ImageLabels;
}

function shoot(
  plan: RoomPlan,
  appearance: RoomAppearance,
  {
    declared = {},
    quirks,
    seed = 1,
    pose = from,
  }: { declared?: object; quirks?: CameraQuirks; seed?: number; pose?: Pose } = {},
): Shot {
  const camera = cameraSchema.parse(declared);
  const opened = openRoomCamera({ plan, appearance, camera, random: randomStream(seed, 'camera') });
  const labels = opened.capture(pose, quirks);
  return { image: opened.image, labels };
}

/** Pixels that differ, as [row, column]. */
function changed(one: Uint8Array, other: Uint8Array, width = 64): readonly (readonly [number, number])[] {
  assert.equal(one.length, other.length);
  const pixels = Array.from({ length: one.length / 3 }, (_, pixel) => pixel).filter((pixel) =>
    [0, 1, 2].some((channel) => one[3 * pixel + channel] !== other[3 * pixel + channel]),
  );
  return pixels.map((pixel) => [Math.floor(pixel / width), pixel % width]);
}

/** The pixels that show the first obstacle: those which change with its colour. */
function obstaclePixels(obstacle: RoomPlan['boundary'], kind: ObstacleKind, declared: object = {}) {
  const plan = { boundary: rectangle(0, 0, 12, 8), obstacles: [obstacle] };
  const [usual, other] = [plain, dark].map((tint) => shoot(plan, looking([{ kind, tint }]), { declared }).image);
  const { width } = cameraSchema.parse(declared);
  return changed(usual ?? assert.fail(), other ?? assert.fail(), width);
}

const rowsIn = (pixels: readonly (readonly [number, number])[], column: number): readonly number[] =>
  pixels.filter(([, own]) => own === column).map(([row]) => row);
const rangeOf = (start: number, end: number): readonly number[] =>
  Array.from({ length: end - start }, (_, index) => start + index);

describe('a camera in a room', () => {
  it('gives RGB of the declared size', () => {
    const plan = drawRoom('hall', 1);
    const appearance = drawAppearance(plan, 'hall', 1);
    for (const [width, height] of [
      [16, 12],
      [64, 48],
      [320, 240],
    ] as const)
      assert.equal(shoot(plan, appearance, { declared: { width, height } }).image.length, height * width * 3);
    for (const declared of [{ width: 15 }, { width: 321 }, { height: 241 }, { fieldOfViewDegrees: 10 }, { zoom: 2 }])
      assert.equal(cameraSchema.safeParse(declared).success, false);
  });

  it('shows a wall straight ahead on the rows that its distance and height make', () => {
    // 64 pixels under 90 degrees: a focal length of 32 pixels. The foot is 0.4 m below the camera, the ceiling 2 m above it.
    for (const [distanceM, first, end] of [
      [2, 0, 30],
      [4, 8, 27],
      [8, 16, 26],
    ] as const) {
      const plan = { boundary: rectangle(from.x + distanceM - 12, 0, 12, 8), obstacles: [] };
      const [usual, other] = [plain, dark].map((tint) => shoot(plan, looking([], tint)));
      const rows = rowsIn(changed(usual?.image ?? assert.fail(), other?.image ?? assert.fail()), 32);
      assert.deepEqual(rows, rangeOf(first, end), `${distanceM} m`);
      assert.ok(Math.abs((usual?.labels.aheadM ?? 0) - distanceM) < 1e-9);
    }
  });

  it('shows an obstacle on the rows and columns that its place and height make, larger when it is nearer', () => {
    const pixels = obstaclePixels(rectangle(3, 3.5, 1, 1), 'barrier');
    assert.deepEqual(rowsIn(pixels, 32), rangeOf(22, 30));
    // 0.5 m to either side at 2 m: 8 pixels; the sides cannot be seen.
    assert.deepEqual(
      [...new Set(pixels.map(([, column]) => column))].toSorted((a, b) => a - b),
      rangeOf(24, 40),
    );
    const sizes = [2.5, 3, 4, 6].map((x) => obstaclePixels(rectangle(x, 3.5, 1, 1), 'barrier').length);
    assert.deepEqual(
      sizes.toSorted((a, b) => b - a),
      sizes,
    );
    assert.ok((sizes[0] ?? 0) > 4 * (sizes[3] ?? 0));
  });

  it('shows on the left what is on the left', () => {
    const columns = (y: number): readonly number[] =>
      obstaclePixels(rectangle(4, y, 1, 1), 'crate').map(([, column]) => column);
    assert.ok(columns(4.5).length > 0 && columns(4.5).every((column) => column < 32));
    assert.ok(columns(2.5).length > 0 && columns(2.5).every((column) => column >= 32));
  });

  it('shows each floor on its side of the border', () => {
    const plan = { boundary: rectangle(0, 0, 12, 8), obstacles: [] };
    const rowsOf = (floor: 0 | 1): readonly number[] => {
      const shots = [plain, dark].map((tint) => {
        const floors = [0, 1].map((own) => ({ kind: 'wood', tint: own === floor ? tint : plain }) as const);
        const border = { through: { x: 3, y: 0 }, normal: { x: 1, y: 0 } };
        const [first, second] = [floors[0] ?? assert.fail(), floors[1] ?? assert.fail()];
        return shoot(plan, { ...looking([]), floors: [first, second], border }).image;
      });
      return rowsIn(changed(shots[0] ?? assert.fail(), shots[1] ?? assert.fail()), 32);
    };
    // The border is 2 m ahead, on row 24 + 32 · 0.4 / 2; the far wall begins on row 24 + 32 · 0.4 / 11.
    assert.deepEqual([rowsOf(0), rowsOf(1)], [rangeOf(25, 30), rangeOf(30, 48)]);
  });

  it('looks down on what is lower than itself, and on the floor behind it', () => {
    const declared = { mountHeightM: 1.5 };
    // A crate of 0.7 m from 2 m to 3 m ahead: its foot is on row 24 + 32 · 1.5 / 2, the far edge of its top on 24 + 32 · 0.8 / 3.
    assert.deepEqual(rowsIn(obstaclePixels(rectangle(3, 3.5, 1, 1), 'crate', declared), 32), rangeOf(33, 48));
    const plan = { boundary: rectangle(0, 0, 12, 8), obstacles: [rectangle(3, 3.5, 1, 1), rectangle(5, 3, 1, 2)] };
    const shots = [plain, dark].map((tint) =>
      shoot(
        plan,
        looking([
          { kind: 'crate', tint: plain },
          { kind: 'shelf', tint },
        ]),
        { declared },
      ),
    );
    const behind = rowsIn(changed(shots[0]?.image ?? assert.fail(), shots[1]?.image ?? assert.fail()), 32);
    // The shelf behind stands from row 24 + 32 · 1.5 / 4 up: 36 is hidden by the crate, whose top begins on row 33.
    assert.deepEqual([Math.max(...behind), shots[0]?.labels.obstacle], [32, 'crate']);
  });

  it('paints every pixel of every image', () => {
    const random = randomStream(3, 'poses');
    for (const family of roomFamilies)
      for (const mountHeightM of [0.05, 0.4, 2]) {
        const plan = drawRoom(family, 5);
        const camera = cameraSchema.parse({ width: 33, height: 25, fieldOfViewDegrees: 140, mountHeightM });
        const caster = openRayCaster(openScene(plan, drawAppearance(plan, family, 5)), camera);
        for (let shot = 0; shot < 30; shot += 1) {
          caster.radiance.fill(Number.NaN);
          caster.render(poseIn(plan, random));
          assert.ok(
            caster.radiance.every((value) => value >= 0 && value <= 1.5),
            family,
          );
        }
      }
  });

  it('gives the same bytes from the same seed and another noise from another', () => {
    const plan = drawRoom('pillars', 2);
    const appearance = drawAppearance(plan, 'pillars', 2);
    const pose = poseIn(plan, randomStream(1, 'pose'));
    const [once, again, other] = [1, 1, 2].map((seed) => shoot(plan, appearance, { seed, pose }));
    assert.deepEqual(once, again);
    assert.notDeepEqual(once?.image, other?.image);
    assert.deepEqual(once?.labels, other?.labels);
    const farthest = Math.max(
      ...(once?.image ?? []).map((value, index) => Math.abs(value - (other?.image[index] ?? 0))),
    );
    assert.ok(farthest <= 8, `noise of ${farthest}`);
  });
});

function poseIn(plan: RoomPlan, random: () => number): Pose {
  const xs = plan.boundary.map(({ x }) => x);
  const ys = plan.boundary.map(({ y }) => y);
  for (;;) {
    const point = {
      x: between(random, Math.min(...xs), Math.max(...xs)),
      y: between(random, Math.min(...ys), Math.max(...ys)),
    };
    if (isFree(plan, point)) return { ...point, heading: between(random, -Math.PI, Math.PI) };
  }
}

describe('quirks of a camera', () => {
  const plan = drawRoom('pillars', 3);
  const appearance = drawAppearance(plan, 'pillars', 3);
  const pose = { x: 1, y: 1, heading: 0.6 };
  const shot = (quirks: Partial<CameraQuirks>): Shot =>
    shoot(plan, appearance, { pose, quirks: { ...noCameraQuirks, ...quirks } });
  const usual = shot({});
  const meanOf = (image: Uint8Array): number => image.reduce((sum, value) => sum + value, 0) / image.length;
  /** Sum of differences between neighbours. */
  const detail = (image: Uint8Array): number =>
    image.reduce((sum, value, index) => sum + (index < 3 ? 0 : Math.abs(value - (image[index - 3] ?? 0))), 0);
  const everyValue = (image: Uint8Array, expected: (value: number) => number, tolerance: number): void =>
    image.forEach((value, index) => {
      const wanted = expected(usual.image[index] ?? 0);
      assert.ok(Math.abs(value - wanted) <= tolerance, `expected ${wanted}, got ${value}`);
    });

  it('are none unless told', () => {
    assert.deepEqual(usual, shoot(plan, appearance, { pose }));
  });

  it('light: a darker room is darker by that factor, and the noise stays', () => {
    everyValue(shot({ lightFraction: 0.5 }).image, (value) => value / 2, 3);
    assert.ok(meanOf(shot({ lightFraction: 0 }).image) < 2);
    assert.ok(meanOf(shot({ lightFraction: 0, exposureStops: 4 }).image) > 5);
  });

  it('exposure: a stop doubles every value, noise included, and cuts it off at white', () => {
    everyValue(shot({ exposureStops: 1 }).image, (value) => Math.min(255, 2 * value), 1);
    everyValue(shot({ exposureStops: -1 }).image, (value) => value / 2, 1);
  });

  it('blur: less detail, the same brightness', () => {
    const [little, much] = [0.01, 0.04].map((blurFraction) => shot({ blurFraction }).image);
    const details = [usual.image, little ?? assert.fail(), much ?? assert.fail()].map(detail);
    assert.deepEqual(
      details.toSorted((a, b) => b - a),
      details,
    );
    assert.ok((details[2] ?? 0) < 0.5 * (details[0] ?? 0));
    assert.ok(Math.abs(meanOf(much ?? assert.fail()) - meanOf(usual.image)) < 2);
  });

  it('dirt: covers its share and what less dirt covers; the rest stays as it is', () => {
    const [some, more] = [0.2, 0.5].map((dirtFraction) => changed(usual.image, shot({ dirtFraction }).image));
    const pixels = 64 * 48;
    // A spot more than asked for at most; where dirt has the colour of what it hides, nothing changes.
    assert.ok(Math.abs((some?.length ?? 0) / pixels - 0.2) < 0.05, `${some?.length}`);
    assert.ok(Math.abs((more?.length ?? 0) / pixels - 0.5) < 0.05, `${more?.length}`);
    const soiled = new Set((more ?? []).map(([row, column]) => row * 64 + column));
    const outside = (some ?? []).filter(([row, column]) => !soiled.has(row * 64 + column));
    assert.ok(outside.length < 0.01 * pixels, `${outside.length}`);
  });

  it('change no label and nothing that other sensors read', async () => {
    const all = { lightFraction: 0.3, exposureStops: 1, blurFraction: 0.02, dirtFraction: 0.4 };
    assert.deepEqual(shot(all).labels, usual.labels);
    const room = (await loadPhysics())(plan);
    const lives = [noQuirks, { ...noQuirks, camera: all }].map((quirks) => {
      const robot = roomRobot({ room, quirks: () => quirks, random: randomStream(1, 'robot') });
      const camera = openRoomCamera({
        plan,
        appearance,
        camera: cameraSchema.parse({}),
        random: randomStream(1, 'camera'),
      });
      return rangeOf(0, 40).map(() => {
        if (quirks.camera !== undefined) camera.capture(robot.pose(), quirks.camera);
        robot.act(robot.expertAction());
        return [...robot.readings];
      });
    });
    room.close();
    assert.deepEqual(lives[0], lives[1]);
  });

  it('come from the scenario key by key, the last entry wins', () => {
    const scenario = parseScenario({
      quirks: [{ camera: { lightFraction: 0.5, dirtFraction: 0.1 } }, { robots: [1], camera: { dirtFraction: 0.3 } }],
    });
    assert.deepEqual(quirksOf(scenario, 0).camera, { ...noCameraQuirks, lightFraction: 0.5, dirtFraction: 0.1 });
    assert.deepEqual(quirksOf(scenario, 1).camera, { ...noCameraQuirks, lightFraction: 0.5, dirtFraction: 0.3 });
    assert.deepEqual(quirksOf(parseScenario({}), 0), noQuirks);
    for (const camera of [{ dirtFraction: 1 }, { blurFraction: -1 }, { rain: 1 }])
      assert.throws(() => parseScenario({ quirks: [{ camera }] }), /quirks\[0\]\.camera/);
  });
});

describe('labels of images', () => {
  let openRoom: (plan: RoomPlan) => Room;
  before(async () => (openRoom = await loadPhysics()));

  /** By the physics engine: the room, the room without obstacles, and each obstacle alone. */
  function truthOf(plan: RoomPlan, appearance: RoomAppearance, pose: Pose, width: number): Partial<ImageLabels> {
    const whole = openRoom(plan);
    const alone = plan.obstacles.map((obstacle) =>
      openRoom({ boundary: rectangle(-90, -90, 180, 180), obstacles: [obstacle] }),
    );
    const columns = rangeOf(0, width).map((column) => {
      const angle = -Math.atan((column + 0.5 - width / 2) / (width / 2));
      const first = whole.range(pose, pose.heading + angle, 50);
      const index = alone.findIndex((room) => Math.abs(room.range(pose, pose.heading + angle, 50) - first) < 1e-4);
      return { index, first, offCentre: Math.abs(column + 0.5 - width / 2) };
    });
    const aheadM = whole.range(pose, pose.heading, 50);
    for (const room of [whole, ...alone]) room.close();
    const nearest = columns
      .filter(({ index }) => index >= 0)
      .toSorted((a, b) => a.offCentre - b.offCentre || a.first - b.first)[0];
    return {
      aheadM,
      obstacle: appearance.obstacles[nearest?.index ?? -1]?.kind ?? 'none',
      obstacleDistanceM: nearest?.first,
      obstacleColumns: columns.filter(({ index }) => index >= 0 && index === nearest?.index).length,
    };
  }

  it('agree with an independent ray cast', () => {
    const random = randomStream(9, 'poses');
    const seen = new Map<string, number>();
    for (const family of ['pillars', 'ring', 'corner'] as const)
      for (let seed = 0; seed < 20; seed += 1) {
        const plan = drawRoom(family, seed);
        const appearance = drawAppearance(plan, family, seed);
        for (let shot = 0; shot < 5; shot += 1) {
          const pose = poseIn(plan, random);
          const { labels } = shoot(plan, appearance, { pose });
          const truth = truthOf(plan, appearance, pose, 64);
          const where = JSON.stringify({ family, seed, pose, labels, truth });
          assert.equal(labels.obstacle, truth.obstacle, where);
          assert.ok(Math.abs(labels.obstacleColumns - (truth.obstacleColumns ?? 0)) <= 1, where);
          assert.ok(Math.abs((labels.obstacleDistanceM ?? 0) - (truth.obstacleDistanceM ?? 0)) < 0.01, where);
          assert.ok(Math.abs(labels.aheadM - (truth.aheadM ?? 0)) < 0.001, where);
          seen.set(labels.obstacle, 1 + (seen.get(labels.obstacle) ?? 0));
        }
      }
    assert.deepEqual([...seen.keys()].toSorted(), [...obstacleKinds, 'none'].toSorted());
  }).timeout(60_000);

  it('name the floor that the bottom of the image shows in the middle', () => {
    const floors = [
      { kind: 'wood', tint: plain },
      { kind: 'tiles', tint: plain },
    ] as const;
    // The bottom row sees the floor 32 · 0.4 / 23.5 = 0.54 m ahead.
    for (const [borderX, kind] of [
      [1.5, 'wood'],
      [1.6, 'tiles'],
    ] as const) {
      const appearance = { ...looking([]), floors, border: { through: { x: borderX, y: 0 }, normal: { x: 1, y: 0 } } };
      const plan = { boundary: rectangle(0, 0, 12, 8), obstacles: [] };
      assert.equal(shoot(plan, appearance).labels.floor, kind);
      // A wall nearer than that: the floor at its foot.
      const near = { boundary: rectangle(0, 0, 1.3, 8), obstacles: [] };
      assert.equal(
        shoot(near, { ...appearance, border: { ...appearance.border, through: { x: 1.31, y: 0 } } }).labels.floor,
        'tiles',
      );
    }
  });
});

describe('the appearance of rooms', () => {
  it('is the same from the same seed, shows every kind, and changes no plan', () => {
    const kinds = { walls: new Set<string>(), floors: new Set<string>(), obstacles: new Set<string>() };
    const draw = (family: RoomFamily, seed: number): RoomAppearance => {
      const plan = drawRoom(family, seed);
      const before = structuredClone(plan);
      const appearance = drawAppearance(plan, family, seed);
      assert.deepEqual([plan, appearance.obstacles.length], [before, plan.obstacles.length]);
      return appearance;
    };
    for (const family of roomFamilies)
      for (let seed = 0; seed < 30; seed += 1) {
        const { walls, floors, obstacles } = draw(family, seed);
        assert.deepEqual(draw(family, seed), { walls, floors, obstacles, border: draw(family, seed).border });
        kinds.walls.add(walls.kind);
        for (const { kind } of floors) kinds.floors.add(kind);
        for (const { kind } of obstacles) kinds.obstacles.add(kind);
      }
    assert.deepEqual(
      [kinds.walls, kinds.floors, kinds.obstacles],
      [new Set(wallKinds), new Set(floorKinds), new Set(obstacleKinds)],
    );
  });
});

describe('docs/simulator.md', () => {
  const text = readFileSync(new URL('../../../docs/simulator.md', import.meta.url), 'utf8');

  it('names every kind, obstacle height, key of a camera and of a LIDAR, label and quirk', () => {
    const plan = drawRoom('pillars', 1);
    const labels = Object.keys(shoot(plan, drawAppearance(plan, 'pillars', 1)).labels);
    const keys = [cameraSchema, lidarSchema].flatMap(({ shape }) => Object.keys(shape));
    for (const name of [...wallKinds, ...floorKinds, ...keys, ...labels, ...Object.keys(noCameraQuirks)])
      assert.ok(text.includes(`\`${name}\``), name);
    for (const kind of obstacleKinds) {
      const height = kind === 'pillar' ? 'to the ceiling' : `${obstacleHeightsM[kind]} m`;
      assert.ok(text.includes(`| \`${kind}\` | ${height} |`), kind);
    }
    assert.ok(text.includes(`is ${ceilingM} m high`));
  });
});
