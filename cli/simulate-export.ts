import path from 'node:path';

import { InvalidArgumentError, type Command } from 'commander';
import { z } from 'zod';

import { exportRooms } from '../fleet/simulator/export/export-rooms.ts';
import { cameraSchema } from '../fleet/simulator/rooms/camera/camera.ts';
import { lidarSchema } from '../fleet/simulator/rooms/lidar.ts';
import { parseScenario } from '../fleet/simulator/scenario.ts';
import { CommandError } from './exit-codes.ts';
import { machineMonotonicMs } from './machine-clock.ts';
import { printJson, say } from './print.ts';
import { printable } from './printable.ts';
import { readJsonFile } from './read-json-file.ts';

interface ExportOptions {
  readonly out: string;
  readonly episodes: number;
  readonly seed: number;
  readonly scenario?: string;
  /** `WxH`. */
  readonly camera: string;
  readonly fieldOfView: number;
  readonly mountHeight: number;
  readonly lidarBeams: number;
  readonly lidarFieldOfView: number;
  readonly lidarRange: number;
  readonly json: boolean;
}

const mostEpisodes = 1_000_000;
const reportEveryMs = 2_000;

const whole = (least: number, most: number) => (text: string) => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least || value > most)
    throw new InvalidArgumentError(`expected a whole number from ${least} to ${most}`);
  return value;
};

/** The schemas say which numbers are right. */
const anyNumber = (text: string): number => {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('expected a number');
  return value;
};

function sizeOf(text: string): { readonly width: number; readonly height: number } {
  const [, width, height] = /^(\d{1,4})x(\d{1,4})$/.exec(text) ?? [];
  if (width === undefined || height === undefined)
    throw new CommandError('wrong', `--camera: expected width and height in pixels such as 64x48, got ${text}`);
  return { width: Number(width), height: Number(height) };
}

/** `flywheel simulate export`: what LIDAR and camera see in rooms, with true labels, as files. */
export function registerSimulateExport(simulate: Command): void {
  const camera = cameraSchema.parse({});
  const lidar = lidarSchema.parse({});
  simulate
    .command('export')
    .description('drive seeded episodes by the expert, write LIDAR (CSV), images (PNG) and labels (Parquet)')
    .requiredOption('--out <folder>', 'a new or empty folder')
    .option('--episodes <count>', 'episodes, each in a room of its own', whole(1, mostEpisodes), 100)
    .option('--seed <number>', 'seed of rooms, starts and noise', whole(0, 2 ** 31), 1)
    .option('--scenario <file>', 'JSON file: families, framesPerEpisode, quirks; robots are the episodes')
    .option('--camera <WxH>', 'size of the images, 16x12 to 320x240', `${camera.width}x${camera.height}`)
    .option('--field-of-view <degrees>', 'of the camera, horizontal, 20–140', anyNumber, camera.fieldOfViewDegrees)
    .option('--mount-height <metres>', 'of the camera above the floor, 0.05–2', anyNumber, camera.mountHeightM)
    .option('--lidar-beams <count>', '1–1440', anyNumber, lidar.beams)
    .option('--lidar-field-of-view <degrees>', 'up to 360', anyNumber, lidar.fieldOfViewDegrees)
    .option('--lidar-range <metres>', '0.1–30', anyNumber, lidar.rangeM)
    .option('--json', 'the summary as JSON', false)
    .action(exportFiles);
}

async function exportFiles(options: ExportOptions): Promise<void> {
  const folder = path.resolve(options.out);
  const { fieldOfView, mountHeight, lidarBeams, lidarFieldOfView, lidarRange } = options;
  const camera = { ...sizeOf(options.camera), fieldOfViewDegrees: fieldOfView, mountHeightM: mountHeight };
  const lidar = { beams: lidarBeams, fieldOfViewDegrees: lidarFieldOfView, rangeM: lidarRange };
  let reportedMs = machineMonotonicMs();
  const { episodes, frames, failedEpisodes } = await exportRooms({
    folder,
    seed: options.seed,
    episodes: options.episodes,
    scenario: parseScenario(options.scenario === undefined ? {} : await readJsonFile(options.scenario, z.unknown())),
    camera: declared('camera', cameraSchema, camera),
    lidar: declared('LIDAR', lidarSchema, lidar),
    progress(soFar) {
      if (machineMonotonicMs() - reportedMs < reportEveryMs) return;
      reportedMs = machineMonotonicMs();
      const line = `simulate: ${soFar.episodes} of ${options.episodes} episodes, ${soFar.frames} frames`;
      process.stderr.write(`${printable(line)}\n`);
    },
  });
  if (options.json) printJson({ folder, episodes, frames, failedEpisodes });
  else say(`${folder}: ${episodes} episodes, ${frames} frames; the expert failed in ${failedEpisodes}`);
}

function declared<Value>(what: string, schema: z.ZodType<Value>, content: unknown): Value {
  const parsed = schema.safeParse(content);
  if (parsed.success) return parsed.data;
  throw new CommandError('wrong', `unexpected ${what}: ${z.prettifyError(parsed.error)}`);
}
