import { scitosG5RecordingType, scitosG5RoomsType } from '../../datasets/built-in-robot-types.ts';
import { readWallFollowing } from '../../datasets/importers/wall-following.ts';
import { robotTypeSchema, type RobotType } from '../../datasets/robot-type.ts';
import { wallFollowingAction } from '../../datasets/wall-following-rule.ts';
import type { Driver } from '../../fleet/simulator/driver.ts';
import { runEpisodes } from '../../fleet/simulator/episodes.ts';
import { noQuirks } from '../../fleet/simulator/quirks.ts';
import { drawRoom, roomFamilies } from '../../fleet/simulator/rooms/families.ts';
import { loadPhysics } from '../../fleet/simulator/rooms/room.ts';
import { roomRobot } from '../../fleet/simulator/rooms/room-robot.ts';
import { randomStream } from '../../policies/random.ts';
import { armExpert, armJoints, fastestJoint, toolAt } from './arm.ts';
import { partedSet, type BenchSet, type LabelledFrame } from './rows.ts';

/**
 * The real recording without its last quarter, which stays unseen by whoever chooses defaults. Stretches of three episodes are
 * kept together, since neighbours look alike.
 */
export async function wallFollowingSet(path: string): Promise<BenchSet> {
  const framesPerEpisode = 44;
  const readings = await readWallFollowing(path);
  const frames = readings.map(({ observation, action }) => ({ observation, task: 0, label: action }));
  const episodes = chunks(frames.slice(0, Math.floor(frames.length * 0.75)), framesPerEpisode);
  return partedSet('wall-following', scitosG5RecordingType, episodes, 3);
}

const framesPerRoom = 60;

/** The simulator's rooms, eight tasks, each episode in a room of its own; one action in five is a blind one, so that mistakes are seen. */
export async function roomsSet(name: string, rows: number, seed: number): Promise<BenchSet> {
  const openRoom = await loadPhysics();
  const random = randomStream(seed, 'blind actions');
  const driver: Driver = {
    async choose(readings, tasks) {
      const width = readings.length / tasks.length;
      return tasks.map((_, robot) =>
        random() < 0.2
          ? Math.floor(4 * random())
          : wallFollowingAction(readings.subarray(robot * width, (robot + 1) * width)),
      );
    },
    close: async () => undefined,
  };
  const { tasks } = scitosG5RoomsType;
  const episodes: LabelledFrame[][] = [];
  for (let number = 0, made = 0; made < rows; number += 1) {
    const family = roomFamilies[number % roomFamilies.length] ?? 'hall';
    const room = openRoom(drawRoom(family, seed * 100_003 + number));
    try {
      const robot = roomRobot({ room, family, quirks: () => noQuirks, random: randomStream(seed, `room ${number}`) });
      const [lived] = await runEpisodes([robot], driver, { framesPerEpisode: framesPerRoom, tasks });
      const task = Math.max(0, tasks.indexOf(family));
      made += lived?.frames.length ?? 0;
      episodes.push(
        (lived?.frames ?? []).map(({ readings, expertAction }) => ({
          observation: readings,
          task,
          label: expertAction,
        })),
      );
    } finally {
      room.close();
    }
  }
  return partedSet(name, scitosG5RoomsType, episodes, roomFamilies.length);
}

const range = (name: string, unit: string, most: number) => ({ name, unit, min: -most, max: most });
const common = {
  version: 1,
  rateHz: 10,
  split: { kind: 'robotDay', validationFraction: 0.1, heldoutFraction: 0.1 },
  limits: { minEpisodeFrames: 1, maxEpisodeFrames: 1000, maxFrameGapPeriods: 5, minAgreementFraction: 0.5 },
} as const;
const numbered = (prefix: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${index + 1}`);

export const armType: RobotType = robotTypeSchema.parse({
  ...common,
  id: 'bench-arm',
  description: 'Six joints and a target; the action is the velocity of each joint.',
  observations: [
    ...numbered('joint', armJoints).map((name) => range(name, 'rad', Math.PI)),
    ...['x', 'y', 'z'].map((axis) => range(`target-${axis}`, 'm', 1)),
  ],
  actions: {
    kind: 'continuous',
    ranges: numbered('velocity', armJoints).map((name) => range(name, 'rad/s', fastestJoint)),
  },
  tasks: ['reach'],
});

const framesPerReach = 40;

/** A six-joint arm that reaches for points: continuous actions; the readings have noise, the expert knows the truth. */
export function armSet(name: string, rows: number, seed: number): BenchSet {
  const random = randomStream(seed, 'arm');
  const noise = (): number => random() + random() + random() - 1.5;
  const posture = (): Float32Array => Float32Array.from({ length: armJoints }, () => 2 * random() - 1);
  const episodes = Array.from({ length: Math.ceil(rows / framesPerReach) }, () => {
    const [angles, target] = [posture(), toolAt(posture())];
    return Array.from({ length: framesPerReach }, () => {
      const label = armExpert(angles, target);
      const seen = Float32Array.from(angles, (angle) => angle + 0.005 * noise());
      label.forEach((velocity, joint) => {
        angles[joint] = (angles[joint] ?? 0) + (velocity + 0.4 * noise()) / common.rateHz;
      });
      return { observation: [...seen, ...target], task: 0, label };
    });
  });
  return partedSet(name, armType, episodes);
}

const sorterTasks = numbered('line', 12);
export const sorterType: RobotType = robotTypeSchema.parse({
  ...common,
  id: 'bench-sorter',
  description: 'Weight, size and colour of a piece; twelve lines sort by rules of their own, and one action is rare.',
  observations: numbered('sense', 10).map((name) => range(name, '1', 4)),
  actions: { kind: 'discrete', names: ['left', 'right', 'pass', 'stop'] },
  tasks: sorterTasks,
});

const framesPerShift = 30;

/** Twelve tasks with a rule each over ten noisy readings; `stop` is asked for in about one frame of forty. */
export function sorterSet(name: string, rows: number, seed: number): BenchSet {
  const random = randomStream(seed, 'sorter');
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const rules = sorterTasks.map(() => Array.from({ length: 2 }, () => Array.from({ length: 10 }, normal)));
  const episodes = Array.from({ length: Math.ceil(rows / framesPerShift) }, (_, episode) => {
    const task = episode % sorterTasks.length;
    const [weighs, bends] = rules[task] ?? [];
    return Array.from({ length: framesPerShift }, () => {
      const piece = Array.from({ length: 10 }, normal);
      const along = (rule: readonly number[] | undefined): number =>
        piece.reduce((sum, value, index) => sum + value * (rule?.[index] ?? 0), 0) / Math.sqrt(10);
      const score = along(weighs) + 0.5 * along(bends) ** 2;
      const label = Math.min(...piece.slice(0, 2)) > 1 ? 3 : score > 1 ? 1 : score < 0 ? 0 : 2;
      return { observation: piece.map((value) => value + 0.1 * normal()), task, label };
    });
  });
  return partedSet(name, sorterType, episodes, sorterTasks.length);
}

const chunks = <Item>(items: readonly Item[], size: number): Item[][] =>
  Array.from({ length: Math.floor(items.length / size) }, (_, chunk) => items.slice(chunk * size, (chunk + 1) * size));
