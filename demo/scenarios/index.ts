import {
  pushArmCameraType,
  pushArmType,
  scitosG5CameraType,
  scitosG5RoomsType,
} from '../../datasets/built-in-robot-types.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import { roomFamilies, type RoomFamily } from '../../fleet/simulator/rooms/families.ts';
import { openArms } from '../arms.ts';
import type { FleetWorld } from '../fleet.ts';
import type { TrainerCommand } from '../../workers/trainer-commands.ts';
import { pytorchTrainer } from '../pytorch.ts';
import { armLearns, armPace } from './arm.ts';
import { openSeeingArms, seeingArmLearns, seeingArmPace } from './arm-camera.ts';
import { badModel } from './bad-model.ts';
import { brokenRobot } from './broken-robot.ts';
import { cameraFamilies, cameraLearns, cameraPace } from './camera.ts';
import { corruptData } from './corrupt-data.ts';
import { flywheel } from './flywheel.ts';
import { newBodyArrives } from './new-body.ts';
import { newTaskArrives, sevenRoomsType } from './new-task.ts';
import { noImprovement } from './no-improvement.ts';
import { offlineRobots } from './offline-robots.ts';
import { orchestratorDown } from './orchestrator-down.ts';
import { robotLife } from './robot-life.ts';
import { rollbackDuringTrial } from './rollback-during-trial.ts';
import { superseded } from './superseded.ts';
import type { ScenarioName } from './names.ts';
import type { World } from '../world.ts';

interface Scenario {
  /** One sentence for people. */
  readonly summary: string;
  /** Plays it and checks how it ends; fails with what was not as it should be. */
  readonly play: (world: World) => Promise<void>;
  /** What its robots are. Default: robots with a single task. */
  readonly robotType?: RobotType;
  /** Where they live. Default: in the first four families, which is enough for a single task. */
  readonly families?: readonly RoomFamily[];
  /** Real length of their fleet day, and how often a robot begins an episode. Default: a minute, and forty a day. */
  readonly pace?: { readonly dayMs: number; readonly episodeSeconds: number };
  /** What simulates them. Default: rooms. */
  readonly simulated?: () => Promise<FleetWorld>;
  /** What may train beside the embedded trainer. Default: nothing. */
  readonly trainer?: () => Promise<TrainerCommand>;
  /** More are not started, however many are asked for. */
  readonly mostRobots?: number;
}

const scenarios = {
  flywheel: {
    summary:
      'a cycle trains a better candidate than the poor champion, and A/B test and stages promote it; sensors wear out, and the next cycle learns to drive without them; a deliberately bad policy is stopped and every robot returns.',
    play: flywheel,
    robotType: scitosG5RoomsType,
    families: roomFamilies,
  },
  'bad-model': {
    summary: 'a policy that passes every offline gate but drives into walls is stopped, and every robot returns.',
    play: badModel,
  },
  'broken-robot': {
    summary: 'one robot breaks during a rollout: only this robot returns, the good candidate is promoted.',
    play: brokenRobot,
  },
  'offline-robots': {
    summary:
      'every robot is offline for hours in each stage, and the gateway goes down: the stage is held, nothing is lost.',
    play: offlineRobots,
  },
  'corrupt-data': {
    summary:
      'half of the robots lose a sensor: the week ends as bad data, the champion stays, the next week is good again.',
    play: corruptData,
  },
  'no-improvement': {
    summary:
      'a candidate that drives as well as the champion, but no better, ends without promotion, and the result says why.',
    play: noImprovement,
  },
  'orchestrator-down': {
    summary:
      'the server dies while a bad candidate is exposed and stays down longer than the lease: robots return by themselves.',
    play: orchestratorDown,
  },
  superseded: {
    summary: 'two candidates are offered while one is on trial: the newest waits for its turn, the other never runs.',
    play: superseded,
  },
  'new-task': {
    summary:
      'an eighth kind of room is added: its task is added by command, robots refuse it until an expert demonstrates it, and a cycle learns it without forgetting another.',
    play: newTaskArrives,
    robotType: sevenRoomsType,
    families: roomFamilies,
  },
  'new-body': {
    summary:
      'half of the robots get a newer body with renamed sensors and two new ones. A person approves the champion for it, a cycle learns from both bodies, and its candidate is promoted on both.',
    play: newBodyArrives,
    robotType: scitosG5RoomsType,
  },
  'rollback-during-trial': {
    summary: 'an operator rolls the fleet back during a rollout.',
    play: rollbackDuringTrial,
  },
  'robot-life': {
    summary:
      'robots are added, moved, quarantined, released and retired during a rollout: it is neither misled nor stopped, nothing is lost.',
    play: robotLife,
  },
  camera: {
    summary:
      'robots that have nothing but a camera: a cycle learns from their clips, its candidate is promoted; dirt on lenses is named as drift, a second cycle learns it and is promoted; a policy that overlooks one kind of obstacle passes every offline gate, and is stopped where robots meet it.',
    play: cameraLearns,
    robotType: scitosG5CameraType,
    families: cameraFamilies,
    pace: cameraPace,
  },
  arm: {
    summary:
      'arms in MuJoCo that reach and push, robots in Python: a cycle learns chunks of continuous actions from what an expert corrects, a person lets each stage of the small fleet begin, and its candidate is promoted.',
    play: armLearns,
    robotType: pushArmType,
    pace: armPace,
    simulated: openArms,
    mostRobots: 8,
  },
  'arm-camera': {
    summary:
      'arms in MuJoCo that see by a camera at the wrist: a cycle trains a network in PyTorch on their clips, its candidate passes A/B test and stages, and the arms reach by what they see.',
    play: seeingArmLearns,
    robotType: pushArmCameraType,
    pace: seeingArmPace,
    simulated: openSeeingArms,
    trainer: pytorchTrainer,
    // The fewest that an A/B test takes.
    mostRobots: 20,
  },
} as const satisfies Record<ScenarioName, Scenario>;

export const scenarioOf = (name: ScenarioName): Scenario => scenarios[name];
