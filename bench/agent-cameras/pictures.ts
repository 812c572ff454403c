import sharp from 'sharp';

import { drawAppearance } from '../../fleet/simulator/rooms/camera/appearance.ts';
import { cameraSchema } from '../../fleet/simulator/rooms/camera/camera.ts';
import { openRoomCamera } from '../../fleet/simulator/rooms/camera/room-camera.ts';
import { drawRoom } from '../../fleet/simulator/rooms/families.ts';
import { loadPhysics } from '../../fleet/simulator/rooms/room.ts';
import { roomRobot } from '../../fleet/simulator/rooms/room-robot.ts';
import { noQuirks } from '../../fleet/simulator/quirks.ts';
import { randomStream } from '../../policies/random.ts';

/** Standard deviation of a small camera's noise indoors, of 255. */
const noise = 3;

/** What a driving robot sees in a simulated room, as JPEG of 640 × 480 with a sensor's noise, quality 85, as cameras give it. */
export async function drivingPictures(count: number, seed: number): Promise<readonly Uint8Array[]> {
  const plan = drawRoom('hall', seed);
  const room = (await loadPhysics())(plan);
  const robot = roomRobot({ room, family: 'hall', quirks: () => noQuirks, random: randomStream(seed, 'robot') });
  const view = openRoomCamera({
    plan,
    appearance: drawAppearance(plan, 'hall', seed),
    camera: cameraSchema.parse({ width: 320, height: 240 }),
    random: randomStream(seed, 'camera'),
  });
  robot.begin();
  const pictures: Uint8Array[] = [];
  for (let index = 0; index < count; index += 1) {
    view.capture(robot.pose());
    robot.act(robot.expertAction());
    pictures.push(await encoded(view.image, seed + index));
  }
  room.close();
  return pictures;
}

async function encoded(image: Uint8Array, seed: number): Promise<Uint8Array> {
  const small = { raw: { width: 320, height: 240, channels: 3 } } as const;
  const pixels = await sharp(image, small).resize(640, 480).raw().toBuffer();
  const random = randomStream(seed, 'noise');
  for (const [index, value] of pixels.entries())
    pixels[index] = Math.max(0, Math.min(255, Math.round(value + noise * 1.7 * (random() + random() - 1))));
  return sharp(pixels, { raw: { width: 640, height: 480, channels: 3 } })
    .jpeg({ quality: 85 })
    .toBuffer();
}
