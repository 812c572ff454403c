import { z } from 'zod';

import { randomStream } from '../../policies/random.ts';
import { drawAppearance } from '../../fleet/simulator/rooms/camera/appearance.ts';
import { cameraSchema } from '../../fleet/simulator/rooms/camera/camera.ts';
import { openRoomCamera } from '../../fleet/simulator/rooms/camera/room-camera.ts';
import { drawRoom, roomFamilies } from '../../fleet/simulator/rooms/families.ts';
import { roomRobot } from '../../fleet/simulator/rooms/room-robot.ts';
import { loadPhysics } from '../../fleet/simulator/rooms/room.ts';
import { noQuirks } from '../../fleet/simulator/quirks.ts';

export const partSchema = z.strictObject({
  seed: z.int(),
  episodes: z.int().min(1),
  framesPerEpisode: z.int().min(1),
  /** Without one nobody looks. */
  camera: cameraSchema.optional(),
});
export type CameraPart = z.infer<typeof partSchema>;

export interface CameraPartResult {
  readonly ms: number;
  readonly cpuMs: number;
}

const warmEpisodes = 16;

/** Drives episodes by the expert, each in a room of its own, all families in turn; the first ones are not counted. */
export async function driveEpisodes(part: CameraPart): Promise<CameraPartResult> {
  const openRoom = await loadPhysics();
  const drive = (episode: number): void => {
    const family = roomFamilies[episode % roomFamilies.length] ?? 'hall';
    const plan = drawRoom(family, part.seed + episode);
    const room = openRoom(plan);
    const robot = roomRobot({
      room,
      family,
      quirks: () => noQuirks,
      random: randomStream(part.seed, `robot ${episode}`),
    });
    const camera =
      part.camera === undefined
        ? undefined
        : openRoomCamera({
            plan,
            appearance: drawAppearance(plan, family, part.seed + episode),
            camera: part.camera,
            random: randomStream(part.seed, `camera ${episode}`),
          });
    robot.begin();
    for (let frame = 0; frame < part.framesPerEpisode; frame += 1) {
      camera?.capture(robot.pose());
      robot.act(robot.expertAction());
    }
    room.close();
  };
  for (let episode = 0; episode < warmEpisodes; episode += 1) drive(-1 - episode);
  const [startedMs, startedCpu] = [performance.now(), process.cpuUsage()];
  for (let episode = 0; episode < part.episodes; episode += 1) drive(episode);
  const { user, system } = process.cpuUsage(startedCpu);
  return { ms: performance.now() - startedMs, cpuMs: (user + system) / 1_000 };
}
