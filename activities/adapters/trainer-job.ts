import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { TrainingJob } from '../ports/trainer.ts';
import {
  pausingTrainerContract,
  seeingTrainerContract,
  trainerContract,
  type TrainerJobFile,
} from '../training/trainer-messages.ts';
import { plannedChunk } from './planned-chunk.ts';

/** Writes `job.json`, as the contract of docs/training.md says, into the folder of the job. */
export async function writeJob(
  job: TrainingJob,
): Promise<{ readonly jobFile: TrainerJobFile; readonly jobPath: string }> {
  const checkpointDirectory = join(job.scratchDirectory, 'checkpoints');
  await mkdir(checkpointDirectory, { recursive: true });
  const saved = await job.checkpoints.latest();
  const { trainPath, validationPath, trainRows, validationRows, robotType, settings, seed } = job;
  const { cameras, history, untilStep } = job;
  const chunk = plannedChunk(job);
  const jobFile: TrainerJobFile = {
    contract: contractOf(
      untilStep !== undefined,
      cameras !== undefined || history !== undefined || chunk !== undefined,
    ),
    trainPath,
    validationPath,
    trainRows,
    validationRows,
    robotType,
    settings,
    seed,
    ...(cameras === undefined ? {} : { cameras }),
    ...(history === undefined ? {} : { history }),
    ...(job.imageHistory === undefined ? {} : { imageHistory: job.imageHistory }),
    ...chunk,
    ...(untilStep === undefined ? {} : { untilStep }),
    modelPath: join(job.scratchDirectory, 'model.onnx'),
    checkpointDirectory,
    resumeFrom: saved === undefined ? null : { step: saved.step, path: saved.filePath },
    startFromPath: job.startFromPath ?? null,
  };
  const jobPath = join(job.scratchDirectory, 'job.json');
  await writeFile(jobPath, JSON.stringify(jobFile, undefined, 2));
  return { jobFile, jobPath };
}

/** The least that says all of the job, so that a program needs to know no more than it is asked for. */
function contractOf(pauses: boolean, sees: boolean): TrainerJobFile['contract'] {
  if (pauses) return pausingTrainerContract;
  return sees ? seeingTrainerContract : trainerContract;
}
