import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { crc32, inflateSync } from 'node:zlib';

import { Command } from 'commander';

import { duckDbEngine } from '../../../activities/adapters/duckdb-engine.ts';
import { registerSimulateCommand } from '../../../cli/simulate-fleet.ts';
import { exportRooms, type ExportRoomsInput } from '../../../fleet/simulator/export/export-rooms.ts';
import { labelColumns } from '../../../fleet/simulator/export/label-columns.ts';
import { encodePng } from '../../../fleet/simulator/export/png.ts';
import { drawAppearance } from '../../../fleet/simulator/rooms/camera/appearance.ts';
import { cameraSchema } from '../../../fleet/simulator/rooms/camera/camera.ts';
import { openRoomCamera } from '../../../fleet/simulator/rooms/camera/room-camera.ts';
import { drawRoom, type RoomFamily } from '../../../fleet/simulator/rooms/families.ts';
import { lidarSchema } from '../../../fleet/simulator/rooms/lidar.ts';
import { parseScenario } from '../../../fleet/simulator/scenario.ts';
import { randomStream } from '../../../policies/random.ts';

interface Picture {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

/** A decoder of its own: chunks with their checksums, any filter refused but the two simplest. */
function decodePng(file: Buffer): Picture {
  assert.deepEqual([...file.subarray(0, 8)], [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const chunks = new Map<string, Buffer>();
  let at = 8;
  while (at < file.length) {
    const end = at + 8 + file.readUInt32BE(at);
    assert.equal(file.readUInt32BE(end), crc32(file.subarray(at + 4, end)));
    chunks.set(file.toString('latin1', at + 4, at + 8), file.subarray(at + 8, end));
    at = end + 4;
  }
  assert.deepEqual([...chunks.keys()], ['IHDR', 'IDAT', 'IEND']);
  const header = chunks.get('IHDR') ?? assert.fail();
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  assert.deepEqual([...header.subarray(8)], [8, 2, 0, 0, 0]);
  const rows = inflateSync(chunks.get('IDAT') ?? assert.fail());
  assert.equal(rows.length, height * (3 * width + 1));
  const pixels = new Uint8Array(height * width * 3);
  for (let row = 0; row < height; row += 1) {
    const start = row * (3 * width + 1);
    assert.equal(rows[start], 1);
    for (let index = 0; index < 3 * width; index += 1) {
      const left = index < 3 ? 0 : (pixels[row * 3 * width + index - 3] ?? 0);
      pixels[row * 3 * width + index] = (rows[start + 1 + index] ?? 0) + left;
    }
  }
  return { width, height, pixels };
}

const document = readFileSync(new URL('../../../docs/simulator-export.md', import.meta.url), 'utf8');
const section = (heading: string): string => document.split(/^## /m).find((part) => part.startsWith(heading)) ?? '';
const cells = (heading: string): readonly (readonly string[])[] =>
  section(heading)
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|').map((cell) => cell.trim().replaceAll('`', '')));

const scenario = parseScenario({
  world: { kind: 'rooms', families: ['pillars', 'ring', 'hall'] },
  framesPerEpisode: 12,
  quirks: [{ robots: [1], camera: { lightFraction: 0.5 } }],
});
const input = (folder: string, seed = 7): ExportRoomsInput => ({
  folder,
  seed,
  episodes: 4,
  scenario,
  camera: cameraSchema.parse({ width: 20, height: 15 }),
  lidar: lidarSchema.parse({ beams: 7, fieldOfViewDegrees: 180, rangeM: 3 }),
});

describe('an export of rooms', () => {
  let directory: string;
  let folder: string;
  before(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'flywheel-export-'));
    folder = path.join(directory, 'one');
    assert.deepEqual(await exportRooms(input(folder)), { episodes: 4, frames: 48, failedEpisodes: 0 });
  });
  after(() => rm(directory, { recursive: true, force: true }));

  const query = async (sql: string): Promise<readonly Record<string, unknown>[]> => {
    const session = await duckDbEngine({ temporaryDirectory: directory, threads: 1 }).open();
    try {
      return await session.rows(sql);
    } finally {
      await session.close();
    }
  };
  const labels = (): string => `read_parquet('${path.join(folder, 'labels.parquet')}')`;
  const filesIn = async (of: string): Promise<readonly string[]> =>
    (await readdir(of, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(of, path.join(entry.parentPath, entry.name)))
      .toSorted();

  it('has the files, columns, types and keys that its page names, and no others', async () => {
    const files = await filesIn(folder);
    const patterns = cells('Files').map(([, name = '']) => new RegExp(`^${name.replaceAll('000000', '\\d{6}')}$`));
    assert.equal(patterns.length, 4);
    for (const pattern of patterns)
      assert.ok(
        files.some((file) => pattern.test(file)),
        String(pattern),
      );
    assert.deepEqual(
      files.filter((file) => !patterns.some((pattern) => pattern.test(file))),
      [],
    );

    const columns = await query(`DESCRIBE SELECT * FROM ${labels()}`);
    const written = columns.map((column) => [column['column_name'], column['column_type']]);
    assert.deepEqual(
      cells('labels.parquet').map(([, name, type]) => [name, type]),
      written,
    );
    assert.deepEqual(
      cells('labels.parquet').map(([, , , meaning]) => meaning),
      labelColumns.map(({ doc }) => doc),
    );

    const dataset = JSON.parse(await readFile(path.join(folder, 'dataset.json'), 'utf8')) as Record<string, object>;
    assert.deepEqual(
      cells('dataset.json').map(([, key]) => key),
      Object.keys(dataset),
    );
    for (const part of ['camera', 'lidar', 'kinds'])
      for (const key of Object.keys(dataset[part] ?? assert.fail()))
        assert.ok(section('dataset.json').includes(`\`${key}\``), key);
  });

  it('has a row in both tables and a picture for every frame, in the same order', async () => {
    const rows = await query(`SELECT episode, frame, timestamp_us, image FROM ${labels()}`);
    assert.equal(rows.length, 48);
    const [header = '', ...lines] = (await readFile(path.join(folder, 'lidar.csv'), 'utf8')).trimEnd().split('\n');
    assert.equal(header, 'episode,frame,timestamp_us,range_0,range_1,range_2,range_3,range_4,range_5,range_6');
    const keys = rows.map((row) => [row['episode'], row['frame'], row['timestamp_us']].map(String));
    assert.deepEqual(
      lines.map((line) => line.split(',').slice(0, 3)),
      keys,
    );
    for (const line of lines)
      assert.match(line.split(',').slice(3).join(','), /^([0-2]\.\d{3},|3\.000,){6}([0-2]\.\d{3}|3\.000)$/);
    assert.deepEqual(keys.slice(11, 14), [
      ['0', '11', '1222222'],
      ['1', '0', '0'],
      ['1', '1', '111111'],
    ]);
    const pictures = (await filesIn(folder)).filter((file) => file.endsWith('.png'));
    assert.deepEqual(
      rows.map((row) => row['image']),
      pictures,
    );
  });

  it('has labels and pictures that a camera at the pose gives', async () => {
    const rows = await query(`SELECT * FROM ${labels()}`);
    for (const episode of [0, 1, 2, 3]) {
      const family = (['pillars', 'ring', 'hall', 'pillars'] as const)[episode] ?? 'hall';
      const plan = drawRoom(family satisfies RoomFamily, 7 * 1_000_003 + episode);
      const appearance = drawAppearance(plan, family, 7 * 1_000_003 + episode);
      const random = randomStream(7, `export, episode ${episode}: camera`);
      const camera = openRoomCamera({ plan, appearance, camera: input('').camera, random });
      for (const row of rows.filter((own) => own['episode'] === episode)) {
        const quirks = { lightFraction: episode === 1 ? 0.5 : 1, exposureStops: 0, blurFraction: 0, dirtFraction: 0 };
        const pose = { x: Number(row['x_m']), y: Number(row['y_m']), heading: Number(row['heading_rad']) };
        const truth = camera.capture(pose, quirks);
        assert.deepEqual(
          [
            row['family'],
            row['wall'],
            row['floor'],
            row['obstacle'],
            row['obstacle_distance_m'],
            row['ahead_m'],
            row['light_fraction'],
          ],
          [
            family,
            appearance.walls.kind,
            truth.floor,
            truth.obstacle,
            truth.obstacleDistanceM ?? null,
            truth.aheadM,
            quirks.lightFraction,
          ],
        );
        const picture = decodePng(await readFile(path.join(folder, String(row['image']))));
        assert.deepEqual(picture, { width: 20, height: 15, pixels: camera.image });
      }
    }
    const kinds = new Set(rows.map((row) => row['obstacle']));
    assert.ok(kinds.has('none') && kinds.size > 1);
    assert.ok(rows.every((row) => row['action'] !== ''));
  });

  it('has the same bytes from the same seed, and others from another', async () => {
    const digestOf = async (of: string): Promise<string> => {
      const hash = createHash('sha256');
      for (const file of await filesIn(of)) hash.update(file).update(await readFile(path.join(of, file)));
      return hash.digest('hex');
    };
    const [again, other] = [path.join(directory, 'again'), path.join(directory, 'other')];
    await exportRooms(input(again));
    await exportRooms(input(other, 8));
    assert.equal(await digestOf(again), await digestOf(folder));
    assert.notEqual(await digestOf(other), await digestOf(folder));
  });

  it('is refused for a folder with files, another world and faults, before anything is written', async () => {
    await assert.rejects(exportRooms(input(folder)), /new or empty folder, got one with files/);
    const fresh = path.join(directory, 'fresh');
    for (const [content, message] of [
      [{ world: { kind: 'recording', path: 'x.csv' } }, /world is rooms, got recording/],
      [{ faults: [{ kind: 'powerCut', episode: 1 }] }, /without faults, got 1/],
    ] as const)
      await assert.rejects(exportRooms({ ...input(fresh), scenario: parseScenario(content) }), message);
    await assert.rejects(readdir(fresh), /ENOENT/);
  });

  it('has no description when it ended in the middle', async () => {
    const cut = path.join(directory, 'cut');
    const progress = ({ episodes }: { readonly episodes: number }): void => {
      if (episodes === 2) throw new Error('no space left');
    };
    await assert.rejects(exportRooms({ ...input(cut), progress }), /no space left/);
    assert.ok((await filesIn(cut)).includes('labels.parquet'));
    assert.equal((await filesIn(cut)).includes('dataset.json'), false);
  });
});

describe('flywheel simulate export', () => {
  let directory: string;
  before(async () => (directory = await mkdtemp(path.join(tmpdir(), 'flywheel-export-'))));
  after(() => rm(directory, { recursive: true, force: true }));

  const run = async (...options: readonly string[]): Promise<void> => {
    const program = new Command('flywheel').exitOverride().configureOutput({ writeErr: () => undefined });
    registerSimulateCommand(program);
    await program.parseAsync(['node', 'flywheel', 'simulate', 'export', ...options]);
  };

  it('exports what its options declare', async () => {
    const out = path.join(directory, 'out');
    const file = path.join(directory, 'scenario.json');
    await writeFile(file, JSON.stringify({ framesPerEpisode: 9 }));
    const shape = ['--camera', '16x12', '--field-of-view', '60', '--mount-height', '1', '--lidar-beams', '2'];
    await run(
      '--out',
      out,
      '--episodes',
      '2',
      '--seed',
      '3',
      '--scenario',
      file,
      ...shape,
      '--lidar-range',
      '5',
      '--json',
    );
    const dataset = JSON.parse(await readFile(path.join(out, 'dataset.json'), 'utf8')) as Record<string, unknown>;
    assert.deepEqual(
      [dataset['episodes'], dataset['frames'], dataset['seed'], dataset['camera'], dataset['lidar']],
      [
        2,
        18,
        3,
        { width: 16, height: 12, fieldOfViewDegrees: 60, mountHeightM: 1 },
        { beams: 2, fieldOfViewDegrees: 360, rangeM: 5, offset: { forwardM: 0, leftM: 0, headingDegrees: 0 } },
      ],
    );
  });

  it('says what is wrong with its options before anything is written', async () => {
    const out = path.join(directory, 'wrong');
    for (const [options, message] of [
      [['--camera', '640'], /such as 64x48, got 640/],
      [['--camera', '640x480'], /unexpected camera.*320/s],
      [['--lidar-beams', '1441'], /unexpected LIDAR.*1440/s],
      [['--mount-height', 'high'], /expected a number/],
      [['--episodes', '0'], /whole number from 1/],
    ] as const)
      await assert.rejects(run('--out', out, ...options), message);
    await assert.rejects(readdir(out), /ENOENT/);
    await assert.rejects(run(), /--out/);
    await mkdir(out);
    await writeFile(path.join(out, 'notes.txt'), '');
    await assert.rejects(run('--out', out), /new or empty folder/);
  });

  it('names in its page every option of the command', () => {
    const program = new Command();
    registerSimulateCommand(program);
    const command = program.commands[0]?.commands.find((own) => own.name() === 'export') ?? assert.fail();
    for (const { long } of command.options) assert.ok(document.includes(`\`${long}\``), String(long));
  });
});

describe('a PNG', () => {
  it('holds every value of the image', () => {
    const random = randomStream(1, 'pixels');
    for (const [width, height] of [
      [1, 1],
      [5, 3],
    ] as const) {
      const pixels = Uint8Array.from({ length: width * height * 3 }, () => 256 * random());
      assert.deepEqual(decodePng(Buffer.from(encodePng(pixels, width, height))), { width, height, pixels });
    }
    assert.throws(() => encodePng(new Uint8Array(11), 2, 2), /expected 12 values of 2 × 2 RGB, got 11/);
  });
});
