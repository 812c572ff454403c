import type { LakeEpisode } from '../activities/lake/read-episode.ts';
import { readClipState } from '../activities/media/clip-state.ts';
import { camerasOf, type Camera } from '../datasets/camera.ts';
import type { RobotType } from '../datasets/robot-type.ts';
import type { ObjectStore } from '../store/object-store.ts';
import type { EpisodeAnswer } from './answers/episodes.ts';

type ClipAnswer = NonNullable<EpisodeAnswer['episode']>['clips'][number];
type ToldEpisode = Pick<LakeEpisode, 'robotId' | 'clips'> & { readonly episodeId: string };

const mostViolations = 5;

/** Every camera of the robot type, and how its clip of the episode stands: one that cannot be shown has a reason. */
export const readClips = (store: ObjectStore, episode: ToldEpisode, type: RobotType): Promise<ClipAnswer[]> =>
  Promise.all(camerasOf(type).map((camera) => readCamera(store, episode, camera)));

async function readCamera(
  store: ObjectStore,
  { robotId, episodeId, clips }: ToldEpisode,
  { name: camera, rateHz, mayLeaveRobot }: Camera,
): Promise<ClipAnswer> {
  const clip = clips.find((one) => one.camera === camera);
  const told = { camera, periodMs: 1_000 / rateHz, violations: [] };
  if (clip === undefined)
    return { ...told, state: mayLeaveRobot ? 'none' : 'keptOnRobot', sha256: null, startedMs: null };
  const { sha256, startedMs } = clip;
  const state = await readClipState(store, { robotId, sha256, episodeId, camera });
  const violations = state.kind === 'refused' ? state.violations.slice(0, mostViolations) : [];
  return { ...told, state: state.kind, sha256, startedMs, violations };
}
