import { join } from 'node:path';

import { z } from 'zod';

import { ImportError } from '../import-summary.ts';
import { readSourceText } from '../source-files.ts';

const mostBytes = 256 * 1024;
const kinds = z.array(z.string().min(1).max(63)).min(2).max(64);

/** What an import needs of `dataset.json`; docs/simulator-export.md has all of it. */
const descriptionSchema = z.looseObject({
  format: z.literal('flywheel-rooms'),
  formatVersion: z.literal(1),
  seed: z.int(),
  episodes: z.int().min(1).max(1_000_000),
  frames: z.int().min(1),
  rateHz: z.number().positive().max(1000),
  framesPerEpisode: z.int().min(1).max(10_000),
  camera: z.looseObject({ width: z.int().min(16).max(320), height: z.int().min(12).max(240) }),
  lidar: z.looseObject({
    beams: z.int().min(1).max(1440),
    fieldOfViewDegrees: z.number().positive().max(360),
    rangeM: z.number().positive().max(100),
    offset: z.looseObject({ leftM: z.number(), headingDegrees: z.number() }),
  }),
  kinds: z.looseObject({ obstacle: kinds, floor: kinds }),
});
export type RoomsDescription = z.infer<typeof descriptionSchema>;

/** Columns of the labels that a policy can be taught. */
export const roomsLabels = ['obstacle', 'floor'] as const;
export type RoomsLabel = (typeof roomsLabels)[number];

export const descriptionFile = (folder: string): string => join(folder, 'dataset.json');

/** The description of a data set of the simulator; a folder without it is not whole. */
export async function readRoomsDescription(folder: string): Promise<RoomsDescription> {
  const file = descriptionFile(folder);
  const text = await readSourceText(file, mostBytes);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ImportError(`expected JSON, got other text [file=${file}]`);
  }
  const parsed = descriptionSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ImportError(
    `expected the description of a data set by flywheel simulate export, got another: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''} [file=${file}]`,
  );
}
