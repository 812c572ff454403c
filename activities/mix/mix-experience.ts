import { z } from 'zod';
import type { TrainingSetReference } from '../../datasets/training-set.ts';
import { horizonSchema } from '../../policies/chunks.ts';
import { imageHistorySchema } from '../../policies/image-windows.ts';
import { historySchema } from '../../policies/windows.ts';
import { failure } from '../../store/failures.ts';
import { describeIssues } from '../../domain/describe-issues.ts';
import { robotTypeReferenceSchema } from '../../store/records/robot-types.ts';
import { doubtBySchema } from './doubtful-episodes.ts';
import { favourMissedSchema, missedLabels } from './favoured-labels.ts';
import { inScratch, readTrainableRobotType } from './in-scratch.ts';
import { learnedTasksSchema } from './learned-tasks.ts';
import { measureQuality } from './measure-quality.ts';
import { mixSet } from './mix-set.ts';
import type { SetPorts } from './ports.ts';
import { setCamerasSchema } from './set-cameras.ts';
import { sourcesSchema } from './source-schema.ts';

const versionSchema = z.object({ episodes: z.int().min(0), frames: z.int().min(0) });

const inputSchema = z.object({
  cycleId: z.string().min(1),
  robotType: robotTypeReferenceSchema,
  /** The lake to mix from. */
  datasetVersion: versionSchema,
  /** The lake before this cycle's collection: episodes it lacks are new. */
  newSince: versionSchema,
  seed: z.int().min(0),
  targetFrames: z.int().min(1).default(2_000_000),
  newFraction: z.number().min(0).max(1).default(0.3),
  historyEpisodesPerRobot: z.int().min(0).default(10_000),
  /** Weight of a correction in the loss, where other rows weigh 1, before the cap. */
  correctionWeight: z.number().positive().default(10),
  /** Largest share of the total weight that corrections hold; 1 would leave nothing to the others. */
  correctionShareCap: z.number().min(0).max(0.99).default(0.3),
  /** Several data sets or robot types, mixed by weight. */
  sources: sourcesSchema.optional(),
  /** The only tasks to learn, the others being replayed; default: every active task. */
  learnedTasks: learnedTasksSchema.optional(),
  /** Cameras of the robot type whose images the rows have; default: none, numbers only. */
  cameras: setCamerasSchema.optional(),
  /** Frames of actions that this version missed most often on held-out data enter first; default: all alike. */
  favourMissed: favourMissedSchema.optional(),
  /** Measures of quality; rows of episodes that lie far out in one of them weigh less. Default: all weigh alike. */
  doubtBy: doubtBySchema.optional(),
  /** Frames that a row has, the present included; default: the present alone. */
  history: historySchema.optional(),
  /** Actions that a row has, the present one included; default: that alone. */
  horizon: horizonSchema.optional(),
  /** Images of each camera that a row has, that of its own frame included; default: that alone. */
  imageHistory: imageHistorySchema.optional(),
});

export type MixExperienceInput = z.input<typeof inputSchema>;
export type MixExperienceResult = TrainingSetReference;

/**
 * Mixes new and old experience into a training set. Idempotent by content: the same lake versions, robot type, options
 * and seed give the same bytes under the same digest, whatever the order of files or the number of threads. What the new episodes are like is measured
 * beside it.
 */
export const mixExperience =
  (ports: SetPorts) =>
  async (input: MixExperienceInput): Promise<MixExperienceResult> => {
    const parsed = inputSchema.safeParse(input);
    if (!parsed.success) throw failure('InvalidInput', `mixExperience: ${describeIssues(parsed.error)}`);
    const robotType = await readTrainableRobotType(ports, parsed.data.robotType);
    const { favourMissed, ...options } = parsed.data;
    const favouredLabels = favourMissed && (await missedLabels(ports.store, robotType, favourMissed));
    return inScratch(ports, async (session, directory) => {
      const set = await mixSet(ports, session, robotType, { ...options, favouredLabels }, directory);
      await measureQuality(ports, session, robotType, parsed.data);
      return set;
    });
  };
