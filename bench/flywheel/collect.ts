import { camerasOf } from '../../datasets/camera.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import type { SegmentRow } from '../../datasets/segment-row.ts';
import type { Driver } from '../../fleet/simulator/driver.ts';
import { episodeRows } from '../../fleet/simulator/episode-rows.ts';
import { runEpisodes } from '../../fleet/simulator/episodes.ts';
import { noQuirks } from '../../fleet/simulator/quirks.ts';
import { openEyes } from '../../fleet/simulator/rooms/eyes.ts';
import { drawRoom, type RoomFamily } from '../../fleet/simulator/rooms/families.ts';
import { loadPhysics } from '../../fleet/simulator/rooms/room.ts';
import { roomRobot } from '../../fleet/simulator/rooms/room-robot.ts';
import { randomStream } from '../../policies/random.ts';
import { withClips, type EpisodeClip } from './clips.ts';
import type { RobotWeek } from './loop.ts';

export interface CollectInput {
  readonly robotType: RobotType;
  readonly driver: Driver;
  readonly families: readonly RoomFamily[];
  readonly seed: number;
  /** Week 0 is the first; a later week has later times and other rooms. */
  readonly week: number;
  readonly robots: number;
  readonly episodesPerRobot: number;
  readonly framesPerEpisode: number;
  readonly isCorrected: boolean;
}

const firstWeekMs = Date.parse('2026-01-05T08:00:00Z');
const weekMs = 7 * 86_400_000;

/** Lets a fleet drive for a week: each robot in a room of its own, episode after episode. */
export async function collectWeek(input: CollectInput): Promise<readonly RobotWeek[]> {
  const openRoom = await loadPhysics();
  const indexes = Array.from({ length: input.robots }, (_, robot) => robot);
  const { robotType } = input;
  const familyOf = (robot: number): RoomFamily => input.families[robot % input.families.length] ?? 'hall';
  const seedOf = (robot: number): number => input.seed * 1_000_003 + input.week * 1009 + robot;
  const rooms = indexes.map((robot) => openRoom(drawRoom(familyOf(robot), seedOf(robot))));
  try {
    const robots = rooms.map((room, robot) =>
      roomRobot({
        room,
        readings: robotType.observations.map(({ name }) => name),
        eyes: openEyes({
          plan: room.plan,
          family: familyOf(robot),
          seed: seedOf(robot),
          cameras: camerasOf(robotType),
          random: (camera) => randomStream(input.seed, `week ${input.week}, robot ${robot}: camera ${camera}`),
        }),
        quirks: () => noQuirks,
        random: randomStream(input.seed, `week ${input.week}, robot ${robot}`),
      }),
    );
    const rows = indexes.map((): SegmentRow[] => []);
    const clips = indexes.map((): EpisodeClip[] => []);
    for (let episode = 0; episode < input.episodesPerRobot; episode += 1)
      for (const lived of await runEpisodes(robots, input.driver, {
        framesPerEpisode: input.framesPerEpisode,
        leastFrames: robotType.limits.minEpisodeFrames,
        cameras: robotType.cameras,
        keepsPictures: true,
      })) {
        const recorded = await withClips(
          robotType,
          lived,
          episodeRows(lived, {
            robotId: robotIdOf(lived.robot),
            robotType,
            policyVersion: `0.${input.week}.0`,
            startedMs: firstWeekMs + input.week * weekMs + episode * 60_000,
            isCorrected: input.isCorrected,
          }),
        );
        rows[lived.robot]?.push(...recorded.rows);
        clips[lived.robot]?.push(...recorded.clips);
      }
    return indexes.map((robot) => ({ robotId: robotIdOf(robot), rows: rows[robot] ?? [], clips: clips[robot] ?? [] }));
  } finally {
    for (const room of rooms) room.close();
  }
}

const robotIdOf = (robot: number): string => `room-robot-${String(robot + 1).padStart(3, '0')}`;
