import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { robotTypeName } from '../../datasets/robot-type.ts';
import {
  partsOf,
  pickEpisodes,
  type ExportInput,
  type ExportPorts,
  type ExportSummary,
  type Part,
} from './picked-episodes.ts';

interface PartsFormat {
  readonly format: 'csv' | 'mcap';
  /** By which `flywheel import` reads the files back. */
  readonly importMap: unknown;
  readonly write: (part: Part, file: string) => Promise<void>;
}

/** Frames of a file: 100 to 150 MiB before any compression, for a robot of twenty readings. */
const framesPerFile = 500_000;

/** Writes the picked episodes as files of frames, with the robot type and an import map beside them. */
export async function exportParts(
  ports: ExportPorts,
  input: ExportInput,
  { format, importMap, write }: PartsFormat,
): Promise<ExportSummary> {
  const { robotType, folder, version } = input;
  const picked = await pickEpisodes(ports, input);
  await mkdir(join(folder, 'frames'), { recursive: true });
  const parts = await partsOf(ports.session, framesPerFile);
  for (const [index, part] of parts.entries())
    await write(part, join(folder, 'frames', `frames-${String(index).padStart(5, '0')}.${format}`));
  const { catalogue: _, ...type } = robotType;
  await writeFile(join(folder, 'robot-type.json'), document(type));
  await writeFile(join(folder, 'import-map.json'), document(importMap));
  return {
    format,
    robotType: robotTypeName(robotType),
    version,
    episodes: parts.reduce((sum, { firstEpisode, lastEpisode }) => sum + lastEpisode - firstEpisode + 1, 0),
    frames: parts.reduce((sum, { frames }) => sum + frames, 0),
    files: parts.length,
    ...picked,
  };
}

const document = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;
