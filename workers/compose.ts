import path from 'node:path';

import type { Client } from '@temporalio/client';

import { diskSpaceOf } from '../activities/adapters/disk-space.ts';
import { openFileKeys, type FileKeys } from '../activities/adapters/file-signer.ts';
import type { SegmentJudge } from '../activities/collection/segment-judge.ts';

import type { VideoPorts } from '../activities/exports/lerobot-videos.ts';
import type { ClipPorts } from '../activities/ports/clip-decoder.ts';
import type { BuildDesk } from '../activities/ports/builds.ts';
import type { DiskSpace, CyclesPort } from '../activities/ports/cycles.ts';
import type { ModelProbe } from '../activities/ports/model-probe.ts';
import type { MailPort } from '../activities/ports/mailer.ts';
import type { Notifier } from '../activities/ports/notifier.ts';
import type { OpenRows } from '../activities/ports/rows.ts';
import type { RunTracker } from '../activities/ports/run-tracker.ts';
import type { SqlEngine } from '../activities/ports/sql.ts';
import type { Trainers } from '../activities/ports/trainer.ts';
import type { TrialSlot } from '../activities/ports/trial-slot.ts';
import type { VideoSource } from '../datasets/importers/lerobot/video-source.ts';
import type { PictureCodec } from '../policies/picture-codec.ts';
import type { GraphRuntime } from '../policies/runtime.ts';
import { fileObjectStore } from '../store/adapters/file-object-store.ts';
import { failure } from '../store/failures.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { Settings } from './config.ts';
import { allowedCommand, environmentOf } from './trainer-commands.ts';

// The one composition root: whatever runs on the operators' side (workers, gateways, commands, the demo) has its adapters from
// here, made as the settings say. What is heavy is loaded by the function that makes it, so that a command pays for no engine.

/** The object store the settings name. Credentials of S3 come from the SDK's own chain: environment, profile, role. */
export async function openStore(settings: Pick<Settings, 'store' | 'scratchDirectory'>): Promise<ObjectStore> {
  if (settings.store.kind === 'file') return fileObjectStore({ root: settings.store.directory });
  const { bucket, region, endpoint } = settings.store;
  const { s3ObjectStore } = await import('../store/adapters/s3-object-store.ts');
  return s3ObjectStore({
    bucket,
    region,
    cacheFolder: path.join(settings.scratchDirectory, 's3-cache'),
    // Servers other than Amazon's rarely serve a bucket under a host name of its own.
    ...(endpoint === undefined ? {} : { endpoint, isPathStyle: true }),
  });
}

/** The installation's keys. Makes none: fails with what to run when there are none. */
export const openKeys = ({ keysDirectory }: Pick<Settings, 'keysDirectory'>): FileKeys => openFileKeys(keysDirectory);

/** Room on the disks of this machine that Flywheel writes to. */
export const openDiskSpace = ({ store, scratchDirectory }: Pick<Settings, 'store' | 'scratchDirectory'>): DiskSpace =>
  diskSpaceOf([...(store.kind === 'file' ? [store.directory] : []), scratchDirectory]);

type EngineSettings = Pick<Settings, 'scratchDirectory' | 'threads' | 'sqlMemoryMiB'>;
const engineOptions = ({ scratchDirectory, threads, sqlMemoryMiB }: EngineSettings) => ({
  temporaryDirectory: scratchDirectory,
  threads,
  memoryLimitMiB: sqlMemoryMiB,
});

/** The SQL engine; its scratch folder has to be there. */
export async function openEngine(settings: EngineSettings): Promise<SqlEngine> {
  const { duckDbEngine } = await import('../activities/adapters/duckdb-engine.ts');
  return duckDbEngine(engineOptions(settings));
}

/** Judges segments in a process of its own, with the engine's settings. */
export async function openSegmentJudge(settings: EngineSettings): Promise<SegmentJudge> {
  const { segmentJudgeProcess } = await import('../activities/adapters/judge-process.ts');
  return segmentJudgeProcess(engineOptions(settings));
}

/** Decodes clips of cameras in processes of their own, as many at once as the settings give threads; H.264 and AV1 by the ffmpeg of this machine. */
export async function openClips({ threads }: Pick<Settings, 'threads'>): Promise<ClipPorts> {
  const [{ clipDecoderProcess }, { findFfmpeg }] = await Promise.all([
    import('../activities/adapters/clip-decoder-process.ts'),
    import('../datasets/media/find-ffmpeg.ts'),
  ]);
  return { decoder: clipDecoderProcess({ ffmpeg: await findFfmpeg(process.env) }), atOnce: threads };
}

/** Reads the videos of recordings through the ffmpeg of this machine; undefined where there is none. */
export async function openVideos(): Promise<VideoSource | undefined> {
  const [{ ffmpegVideos }, { findFfmpeg }] = await Promise.all([
    import('../activities/adapters/ffmpeg-videos.ts'),
    import('../datasets/media/find-ffmpeg.ts'),
  ]);
  const ffmpeg = await findFfmpeg(process.env);
  return ffmpeg === undefined ? undefined : ffmpegVideos({ ffmpeg });
}

/** Writes videos of exported episodes; undefined where this machine has no ffmpeg. */
export async function openVideoExport(
  settings: Pick<Settings, 'threads' | 'scratchDirectory'>,
): Promise<VideoPorts | undefined> {
  const [{ ffmpegCoder }, { findFfmpeg }] = await Promise.all([
    import('../activities/adapters/ffmpeg-videos.ts'),
    import('../datasets/media/find-ffmpeg.ts'),
  ]);
  const [ffmpeg, { decoder }] = [await findFfmpeg(process.env), await openClips(settings)];
  const { scratchDirectory } = settings;
  return ffmpeg === undefined ? undefined : { decoder, code: ffmpegCoder({ ffmpeg }), scratchDirectory };
}

/** Tries foreign models in a process of its own. */
export async function openModelProbe(): Promise<ModelProbe> {
  const { onnxProbe } = await import('../activities/adapters/onnx-probe-process.ts');
  return onnxProbe();
}

/** Codes and decodes pictures that were made here. */
export async function openPictures(): Promise<PictureCodec> {
  const { sharpPictures } = await import('../activities/adapters/sharp-pictures.ts');
  return sharpPictures;
}

/** Runs models of our own in this process. */
export async function openRuntime(settings?: Pick<Settings, 'threads'>): Promise<GraphRuntime> {
  const { onnxRuntime } = await import('../activities/adapters/onnx-runtime.ts');
  return onnxRuntime(settings === undefined ? {} : { threads: settings.threads });
}

/** What training and offline judging need: models of others run in a process of their own; held-out rows of one that sees have images. */
export async function openJudging(settings: Pick<Settings, 'threads' | 'trainerCommands'>): Promise<{
  readonly runtime: GraphRuntime;
  readonly trainers: Trainers;
  readonly openRows: OpenRows;
  readonly clips: ClipPorts;
}> {
  const [{ onnxRuntimeProcess }, { openArrowRows: openRows }, trainers, clips] = await Promise.all([
    import('../activities/adapters/onnx-runtime-process.ts'),
    import('../activities/adapters/arrow-row-source.ts'),
    openTrainers(settings),
    openClips(settings),
  ]);
  return { runtime: onnxRuntimeProcess({ threads: settings.threads }), trainers, openRows, clips };
}

/**
 * Both ways to train. A cycle's input may name a command, so only commands that the worker's own settings list are run, with
 * the environment that these settings give: who may start a workflow may not therefore run anything on the training machine,
 * nor see its secrets.
 */
export async function openTrainers(
  settings: Pick<Settings, 'threads' | 'trainerCommands'>,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<Trainers> {
  const [{ onnxTrainer }, { commandTrainer }, runtime] = await Promise.all([
    import('../activities/adapters/onnx-trainer.ts'),
    import('../activities/adapters/command-trainer.ts'),
    openRuntime(settings),
  ]);
  return {
    onnx: onnxTrainer({ runtime, monotonicMs: () => performance.now() }),
    command: (command) => {
      const allowed = allowedCommand(settings.trainerCommands, command);
      if (allowed !== undefined) return commandTrainer(command, { environment: environmentOf(allowed, environment) });
      const listed = settings.trainerCommands.map((known) => JSON.stringify(known.command)).join(', ') || 'none';
      throw failure(
        'TrainingImpossible',
        `expected a command that begins like one that FLYWHEEL_TRAINERS of the training worker lists (${listed}), got ${JSON.stringify(command).slice(0, 300)}`,
      );
    },
  };
}

/** A Temporal server, and the queue of the workflows on it. */
export interface Loop {
  readonly client: Client;
  readonly taskQueue: string;
}

export async function openTrialSlot(loop: Loop): Promise<TrialSlot> {
  const { temporalTrialSlot } = await import('../activities/adapters/temporal-trial-slot.ts');
  return temporalTrialSlot(loop);
}

export async function openCyclesPort(loop: Loop): Promise<CyclesPort> {
  const { temporalCycles } = await import('../activities/adapters/temporal-cycles.ts');
  return temporalCycles(loop);
}

export async function openBuilds(loop: Loop & { readonly deployment: string }): Promise<BuildDesk> {
  const { TemporalBuilds } = await import('../activities/adapters/temporal-builds.ts');
  return new TemporalBuilds(loop);
}

/** Where runs and versions are mirrored to; undefined where nobody asked for it. */
export async function openTracker({ mlflow }: Pick<Settings, 'mlflow'>): Promise<RunTracker | undefined> {
  if (mlflow === undefined) return undefined;
  const { mlflowTracker } = await import('../activities/adapters/mlflow-tracker.ts');
  return mlflowTracker(mlflow);
}

/** Where incidents are told; undefined where nobody is. */
export async function openNotifier({ webhook }: Pick<Settings, 'webhook'>): Promise<Notifier | undefined> {
  if (webhook === undefined) return undefined;
  const { webhookNotifier } = await import('../activities/adapters/webhook-notifier.ts');
  return webhookNotifier({ ...webhook, clock: Date.now });
}

/** Who gets mail of incidents, and what sends it; undefined where nobody does. */
export async function openMail({ mail }: Pick<Settings, 'mail'>): Promise<MailPort | undefined> {
  if (mail === undefined) return undefined;
  const { smtpMailer } = await import('../activities/adapters/smtp-mailer.ts');
  return { mailer: smtpMailer(mail), receivers: mail.receivers };
}
