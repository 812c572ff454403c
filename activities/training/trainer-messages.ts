import { z } from 'zod';

import type { TrainingJob } from '../ports/trainer.ts';

/**
 * What a training program and we say to each other; docs/training.md is the contract for people. A change that an existing
 * program would not understand takes a new `contract` number.
 */
export const trainerContract = 1;
/** The set has images, which the job names in `cameras`, or `history`, or a `horizon`, and the model may take them. */
export const seeingTrainerContract = 2;
/** The job may have `untilStep` as well: the program is to stop there, with a checkpoint. */
export const pausingTrainerContract = 3;

/** A program that ends with this code says that the job cannot be done at all; any other code but 0 may be tried again. */
export const impossibleExitCode = 65;

export interface TrainerJobFile {
  readonly contract: typeof trainerContract | typeof seeingTrainerContract | typeof pausingTrainerContract;
  readonly trainPath: string;
  readonly validationPath: string;
  readonly trainRows: number;
  readonly validationRows: number;
  readonly robotType: TrainingJob['robotType'];
  readonly settings: TrainingJob['settings'];
  readonly seed: number;
  /** Cameras whose images it is to learn from; not there where there are none. */
  readonly cameras?: readonly string[];
  /** Frames that the model is to read at once; not there for the present alone. */
  readonly history?: number;
  /** Actions to learn at once; not there for the present one alone. */
  readonly horizon?: number;
  /** How many of them the model is to answer; there where `horizon` is. */
  readonly execute?: number;
  /** Ends at the first evaluation at or after this step; not there for a training to its end. */
  readonly untilStep?: number;
  /** Images of each camera that the model is to see at once; not there for the present ones alone. */
  readonly imageHistory?: number;
  readonly modelPath: string;
  readonly checkpointDirectory: string;
  readonly resumeFrom: { readonly step: number; readonly path: string } | null;
  readonly startFromPath: string | null;
}

const step = z.int().min(0);

/** One line of the program's standard output. Lines that are no JSON object are the program's own business. */
export const trainerLineSchema = z.discriminatedUnion('event', [
  z.looseObject({
    event: z.literal('progress'),
    step,
    /** How many steps there are at most, for people; what does not fit is not told. */
    maxSteps: z.int().min(1).optional().catch(undefined),
  }),
  z.looseObject({
    event: z.literal('evaluation'),
    step,
    trainLoss: z.number(),
    validationLoss: z.number(),
    validationAgreementFraction: z.number().min(0).max(1),
  }),
  z.looseObject({ event: z.literal('checkpoint'), step, path: z.string().min(1) }),
  z.looseObject({
    event: z.literal('done'),
    steps: step,
    validationLoss: z.number(),
    validationAgreementFraction: z.number().min(0).max(1).nullable().default(null),
    settings: z.record(z.string(), z.unknown()).default({}),
    warmStart: z.string().max(1000).optional(),
    dataWaitFraction: z.number().min(0).max(1).optional(),
  }),
]);
export type TrainerLine = z.infer<typeof trainerLineSchema>;

/** Undefined for a line that is not one of ours; throws, naming field and expectation, for one that is ours but wrong. */
export function parseTrainerLine(line: string): TrainerLine | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || !('event' in value)) return undefined;
  const parsed = trainerLineSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new Error(
    `expected a line of the trainer contract, got ${line.slice(0, 200)}: ${issue?.path.join('.')} ${issue?.message}`,
  );
}
