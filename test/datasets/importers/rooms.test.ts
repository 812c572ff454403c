import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import sharp from 'sharp';

import { duckDbEngine } from '../../../activities/adapters/duckdb-engine.ts';
import { importRoomsFolder } from '../../../cli/import-rooms.ts';
import { inferDraft } from '../../../cli/infer.ts';
import type { RoomsDescription } from '../../../datasets/importers/rooms/description.ts';
import { roomsFrames } from '../../../datasets/importers/rooms/rooms-frames.ts';
import type { TableReader } from '../../../datasets/importers/table.ts';
import { readPng } from '../../../datasets/importers/rooms/read-png.ts';
import { checkRobotType } from '../../../datasets/robot-type-check/check-robot-type.ts';
import { readClip } from '../../../datasets/media/read-clip.ts';
import { robotTypeSchema, type RobotType } from '../../../datasets/robot-type.ts';
import { exportRooms } from '../../../fleet/simulator/export/export-rooms.ts';
import { encodePng } from '../../../fleet/simulator/export/png.ts';
import { cameraSchema } from '../../../fleet/simulator/rooms/camera/camera.ts';
import { lidarSchema } from '../../../fleet/simulator/rooms/lidar.ts';
import { parseScenario } from '../../../fleet/simulator/scenario.ts';
import { mirrorPlan, mirrorRows } from '../../../policies/mirror.ts';
import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import { ownsClip } from '../../../store/records/clip-uses.ts';

/** A table of these rows. */
const table = (rows: readonly (readonly (number | string)[])[]): TableReader => ({
  columns: async () => [],
  async *rows() {
    yield rows.map((cells, index) => ({
      place: index + 1,
      text: (cell: number) => String(cells[cell]),
      number: (cell: number) => Number(cells[cell]),
    }));
  },
});

const size = { width: 32, height: 24 };

describe('importing a data set of the simulator', () => {
  let folder: string;
  let rooms: string;
  let type: RobotType;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'flywheel-rooms-'));
    rooms = join(folder, 'rooms');
    await exportRooms({
      folder: rooms,
      seed: 3,
      episodes: 4,
      scenario: parseScenario({ world: { kind: 'rooms', families: ['pillars', 'ring'] }, framesPerEpisode: 9 }),
      camera: cameraSchema.parse(size),
      lidar: lidarSchema.parse({ beams: 8 }),
    });
    const engine = duckDbEngine({ temporaryDirectory: folder, threads: 1 });
    const draft = await inferDraft(
      { format: 'rooms', path: rooms, id: 'detector', separator: ',', decimal: '.' },
      engine,
    );
    type = robotTypeSchema.parse(draft.robotType);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const imported = async (path: string, changes: Partial<RobotType> = {}, store = memoryObjectStore()) => {
    const summary = await importRoomsFolder({
      path,
      store,
      engine: duckDbEngine({ temporaryDirectory: folder, threads: 1 }),
      type: { ...type, ...changes },
      isAgain: false,
      scratchDirectory: folder,
      progress: () => undefined,
      isRegistered: async () => false,
    });
    return { store, summary };
  };
  const keysOf = async (store: ReturnType<typeof memoryObjectStore>, prefix: string): Promise<string[]> => {
    const keys: string[] = [];
    for await (const { key } of store.list(prefix)) keys.push(key);
    return keys;
  };

  it('drafts a robot type that passes the check, with a mirror of the beams', () => {
    assert.deepEqual(checkRobotType(new TextEncoder().encode(JSON.stringify(type))).problems, []);
    assert.deepEqual(type.actions, {
      kind: 'discrete',
      names: ['none', 'barrier', 'cabinet', 'crate', 'pillar', 'shelf'],
    });
    const beams = Float32Array.from({ length: 8 }, (_, beam) => beam);
    const row = {
      rows: 1,
      observation: beams,
      task: new Int32Array(1),
      label: Int32Array.of(2),
      weight: Float32Array.of(1),
    };
    // Beam 0 looks back, beam 4 ahead.
    assert.deepEqual([...mirrorRows(row, mirrorPlan(type, []), () => true).observation], [0, 7, 6, 5, 4, 3, 2, 1]);
  });

  it('lands readings, labels and a clip for each episode, whose images are those of the folder', async () => {
    const { store, summary } = await imported(rooms);
    assert.deepEqual([summary.episodes, summary.frames, summary.robots, summary.notTaken], [4, 36, 2, []]);
    const segments = await keysOf(store, 'landing/');
    assert.equal(segments.length, 2);
    const file = join(folder, 'segment.parquet');
    await writeFile(file, (await store.get(segments[0]!))!);
    const session = await duckDbEngine({ temporaryDirectory: folder, threads: 1 }).open({ threads: 1 });
    const [first] = await session.rows(
      `SELECT robot_id, media, observation[2]::DOUBLE AS second, "action"[1]::INTEGER AS label FROM read_parquet('${file}') ORDER BY started_at, frame_index`,
    );
    await session.close();
    const media = JSON.parse(first!['media'] as string) as {
      sha256: string;
      kind: string;
      key: string;
      durationMs: number;
    }[];
    assert.deepEqual(
      media.map(({ kind, durationMs }) => [kind, durationMs]),
      [['camera:front', 1000]],
    );
    const bytes = await store.get(media[0]!.key);
    assert.equal(createHash('sha256').update(bytes!).digest('hex'), media[0]!.sha256);
    assert.ok(await ownsClip(store, first!['robot_id'] as string, media[0]!.sha256));
    const lidar = (await readFile(join(rooms, 'lidar.csv'), 'utf8')).split('\n')[1]!.split(',').slice(3).map(Number);
    assert.equal(first!['second'], Math.fround(lidar[1]!));
    const read = async (start: number, end: number): Promise<Uint8Array> => bytes!.subarray(start, end);
    const { samples } = await readClip({ sizeBytes: bytes!.length, read });
    assert.equal(samples.length, 9);
    const { offset, sizeBytes } = samples[0]!;
    const jpeg = bytes!.subarray(offset, offset + sizeBytes);
    const shown = await sharp(jpeg).raw().toBuffer();
    const truth = readPng(
      await readFile(join(rooms, 'images/episode-000000/frame-000000.png')),
      size.width,
      size.height,
    );
    const apart = truth.reduce((sum, value, at) => sum + Math.abs(value - shown[at]!), 0) / truth.length;
    assert.ok(apart < 6, `${apart}`);
  });

  it('gives the same bytes twice, and lands nothing again', async () => {
    const { store } = await imported(rooms);
    const before = await keysOf(store, '');
    const { summary } = await imported(rooms, {}, store);
    assert.equal(summary.segmentsAlreadyThere, 2);
    assert.deepEqual(await keysOf(store, ''), before);
  });

  it('refuses a robot type of other kinds, images or beams, in words', async () => {
    const actions = { kind: 'discrete' as const, names: ['none', 'crate'] };
    await assert.rejects(
      imported(rooms, { actions }),
      /expected a robot type with actions that are the kinds of obstacle or floor/,
    );
    await assert.rejects(imported(rooms, { cameras: [] as never }), /a camera front of 32 × 24 pixels/);
    await assert.rejects(
      imported(rooms, { observations: type.observations.slice(1) }),
      /observations range-0000 to range-0007/,
    );
  });

  it('refuses files that are not of one data set: a damaged image, a row too many, another frame', async () => {
    const broken = async (name: string, file: string, change: (bytes: Buffer) => Uint8Array | string) => {
      const copy = join(folder, name);
      await cp(rooms, copy, { recursive: true });
      await writeFile(join(copy, file), change(await readFile(join(copy, file))));
      return imported(copy);
    };
    const image = 'images/episode-000001/frame-000002.png';
    await assert.rejects(
      broken('cut', image, (bytes) => bytes.subarray(0, 60)),
      /expected a whole PNG file.*frame-000002/,
    );
    await assert.rejects(
      broken('small', image, () => encodePng(new Uint8Array(12), 2, 2)),
      /expected 32 × 24 pixels, got 2 × 2/,
    );
    await assert.rejects(
      broken('flipped', image, (bytes) => bytes.with(60, bytes[60]! ^ 1)),
      /wrong checksum/,
    );
    await assert.rejects(
      broken('more', 'lidar.csv', (bytes) => `${bytes.toString()}4,0,0,1,1,1,1,1,1,1,1\n`),
      /expected as many rows/,
    );
    await assert.rejects(
      broken('fewer', 'lidar.csv', (bytes) => bytes.toString().replace(/\n[^\n]*\n$/, '\n')),
      /expected as many rows/,
    );
    await assert.rejects(
      broken('other', 'lidar.csv', (bytes) => bytes.toString().replace('\n0,1,', '\n0,2,')),
      /expected the same episode, frame/,
    );
    await assert.rejects(
      broken('none', 'dataset.json', (bytes) => bytes.toString().replace('flywheel-rooms', 'rooms')),
      /expected the description/,
    );
  });

  it('refuses a path out of the folder, and a kind that there is not', async () => {
    const labels = (image: string, kind: string): TableReader => table([[0, 0, 0, image, kind]]);
    const ranges = table([[0, 0, 0, 1, 2]]);
    const description = { lidar: { beams: 2 } } as RoomsDescription;
    const read = async (reader: TableReader) => {
      for await (const frame of roomsFrames({ path: '/rooms', labels: reader, ranges }, description, taught))
        return frame;
      return undefined;
    };
    const taught = { label: 'obstacle' as const, names: ['none', 'crate'] };
    assert.equal((await read(labels('images/episode-0/frame-0.png', 'crate')))?.action, 1);
    await assert.rejects(
      read(labels('images/../../secret.png', 'crate')),
      /expected images\/…\/….png, got "images\/\.\./,
    );
    await assert.rejects(read(labels('/etc/passwd', 'crate')), /expected images/);
    await assert.rejects(
      read(labels('images/episode-0/frame-0.png', '__proto__')),
      /expected one of none, crate in obstacle, got "__proto__"/,
    );
  });

  it('reads every filter of PNG as another decoder does', async () => {
    const pixels = Uint8Array.from({ length: 3 * 40 * 30 }, (_, at) => (at * at) % 251);
    const picture = sharp(pixels, { raw: { width: 40, height: 30, channels: 3 } });
    for (const adaptiveFiltering of [true, false]) {
      const file = await picture.png({ adaptiveFiltering, palette: false }).toBuffer();
      assert.deepEqual(Buffer.from(readPng(file, 40, 30)), Buffer.from(pixels));
    }
    const grey = await picture.toColourspace('b-w').png().toBuffer();
    assert.throws(() => readPng(grey, 40, 30), /expected RGB of 8 bits/);
  });
});
