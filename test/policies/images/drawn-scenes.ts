import { randomStream, type RandomStream } from '../../../policies/random.ts';
import type { RowBlock, RowSource } from '../../../policies/rows.ts';

export const sceneSize = { height: 48, width: 64 } as const;
/** What a scene shows: a tall pillar or a flat box, left or right of the middle. */
export const sceneKinds = ['pillar left', 'pillar right', 'box left', 'box right'] as const;

type Colour = readonly [number, number, number];
const colour = (random: RandomStream): Colour => [256 * random(), 256 * random(), 256 * random()];
const distance = (a: Colour, b: Colour): number => Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
/** As far from both that it can be seen. */
function otherColour(random: RandomStream, ...others: readonly Colour[]): Colour {
  for (;;) {
    const drawn = colour(random);
    if (others.every((other) => distance(drawn, other) > 150)) return drawn;
  }
}

const held = (value: number): number => Math.max(0, Math.min(255, value));

/** Draws one scene: wall, floor and obstacle in colours of their own that say nothing of what is shown, and noise over all. */
function drawScene(kind: number, random: RandomStream, bytes: Uint8Array): void {
  const { height, width } = sceneSize;
  const [wall, floor] = [colour(random), colour(random)];
  const obstacle = otherColour(random, wall, floor);
  const horizon = height * (0.3 + 0.3 * random());
  const [long, short] = [20 + 8 * random(), 7 + 3 * random()];
  const [wide, tall] = kind < 2 ? [short, long] : [long, short];
  const left = (kind % 2) * (width / 2) + (width / 2 - wide) * random();
  const top = (height - tall) * random();
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1) {
      const isObstacle = x >= left && x < left + wide && y >= top && y < top + tall;
      const shown = isObstacle ? obstacle : y < horizon ? wall : floor;
      const noise = 40 * (random() - 0.5);
      const at = (y * width + x) * 3;
      bytes[at] = held(shown[0] + noise);
      bytes[at + 1] = held(shown[1] + noise);
      bytes[at + 2] = held(shown[2] + noise);
    }
}

const pictureBytes = sceneSize.height * sceneSize.width * 3;

function meanColour(bytes: Uint8Array): readonly number[] {
  let [red, green, blue] = [0, 0, 0];
  for (let at = 0; at < bytes.length; at += 3) {
    red += bytes[at]!;
    green += bytes[at + 1]!;
    blue += bytes[at + 2]!;
  }
  return [red, green, blue].map((sum) => (3 * sum) / bytes.length);
}

/** Scenes as rows: the picture, its mean colour as the readings, and what it shows as the label. A pure function of the seed. */
export function drawnScenes(rows: number, seed: number): RowBlock {
  const random = randomStream(seed, 'scenes');
  const picture = new Uint8Array(rows * pictureBytes);
  const label = Int32Array.from({ length: rows }, () => Math.floor(sceneKinds.length * random()));
  const observation = new Float32Array(3 * rows);
  for (let row = 0; row < rows; row += 1) {
    const bytes = picture.subarray(row * pictureBytes, (row + 1) * pictureBytes);
    drawScene(label[row]!, random, bytes);
    observation.set(meanColour(bytes), 3 * row);
  }
  const [task, weight] = [new Int32Array(rows), new Float32Array(rows).fill(1)];
  return { rows, observation, task, label, weight, pictures: [picture] };
}

/** Blocks that are drawn when they are read, as those of a file are read: none is held. */
export const sceneSource = (blocks: number, rowsInBlock: number, seed: number): RowSource => ({
  blockRows: Array.from({ length: blocks }, () => rowsInBlock),
  read: async (block) => drawnScenes(rowsInBlock, seed * 1000 + block),
});
