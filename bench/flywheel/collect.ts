import { scitosG5Type } from '../../datasets/built-in-robot-types.ts';
import type { SegmentRow } from '../../datasets/segment-row.ts';
import type { Driver } from '../../fleet/simulator/driver.ts';
import { episodeRows } from '../../fleet/simulator/episode-rows.ts';
import { runEpisodes } from '../../fleet/simulator/episodes.ts';
import { noQuirks } from '../../fleet/simulator/quirks.ts';
import { drawRoom, type RoomFamily } from '../../fleet/simulator/rooms/families.ts';
import { loadPhysics } from '../../fleet/simulator/rooms/room.ts';
import { roomRobot } from '../../fleet/simulator/rooms/room-robot.ts';
import { randomStream } from '../../policies/random.ts';
import type { RobotWeek } from './loop.ts';

export interface CollectInput {
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
  const rooms = indexes.map((robot) =>
    openRoom(
      drawRoom(
        input.families[robot % input.families.length] ?? 'hall',
        input.seed * 1_000_003 + input.week * 1009 + robot,
      ),
    ),
  );
  try {
    const robots = rooms.map((room, robot) =>
      roomRobot({
        room,
        quirks: () => noQuirks,
        random: randomStream(input.seed, `week ${input.week}, robot ${robot}`),
      }),
    );
    const rows = indexes.map((): SegmentRow[] => []);
    for (let episode = 0; episode < input.episodesPerRobot; episode += 1)
      for (const lived of await runEpisodes(robots, input.driver, {
        framesPerEpisode: input.framesPerEpisode,
        leastFrames: scitosG5Type.limits.minEpisodeFrames,
      }))
        rows[lived.robot]?.push(
          ...episodeRows(lived, {
            robotId: robotIdOf(lived.robot),
            robotType: scitosG5Type,
            policyVersion: `0.${input.week}.0`,
            startedMs: firstWeekMs + input.week * weekMs + episode * 60_000,
            isCorrected: input.isCorrected,
          }),
        );
    return indexes.map((robot) => ({ robotId: robotIdOf(robot), rows: rows[robot] ?? [] }));
  } finally {
    for (const room of rooms) room.close();
  }
}

const robotIdOf = (robot: number): string => `room-robot-${String(robot + 1).padStart(3, '0')}`;
