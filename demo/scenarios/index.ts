import { scitosG5RoomsType } from '../../datasets/built-in-robot-types.ts';
import type { RobotType } from '../../datasets/robot-type.ts';
import { roomFamilies, type RoomFamily } from '../../fleet/simulator/rooms/families.ts';
import { badModel } from './bad-model.ts';
import { brokenRobot } from './broken-robot.ts';
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
  readonly story: string;
  /** Plays it and checks how it ends; fails with what was not as it should be. */
  readonly play: (world: World) => Promise<void>;
  /** What its robots are. Default: robots with a single task. */
  readonly robotType?: RobotType;
  /** Where they live. Default: in the first four families, which is enough for a single task. */
  readonly families?: readonly RoomFamily[];
}

const scenarios = {
  flywheel: {
    story:
      'a cycle makes a poor champion better, by A/B test and stages; sensors wear out, and the next one learns to do without them; a policy that is bad on purpose is caught and every robot is back.',
    play: flywheel,
    robotType: scitosG5RoomsType,
    families: roomFamilies,
  },
  'bad-model': {
    story: 'a policy that passes every offline gate and drives into walls is caught, and every robot is back.',
    play: badModel,
  },
  'broken-robot': {
    story: 'one robot breaks in the middle of a rollout: it alone goes back, the good candidate is promoted.',
    play: brokenRobot,
  },
  'offline-robots': {
    story:
      'every robot is offline for hours in each stage, and the gateway goes down: the stage holds, nothing is lost.',
    play: offlineRobots,
  },
  'corrupt-data': {
    story:
      'half of the robots lose a sensor: the week ends as bad data, the champion stays, the next week is good again.',
    play: corruptData,
  },
  'no-improvement': {
    story:
      'a candidate that drives as well as the champion, no better, ends without promotion, and the reason is told.',
    play: noImprovement,
  },
  'orchestrator-down': {
    story:
      'the server dies while a bad candidate is exposed and stays away longer than the lease: robots go back by themselves.',
    play: orchestratorDown,
  },
  superseded: {
    story: 'two candidates are offered while one is on trial: the newest waits and has its turn, the other never runs.',
    play: superseded,
  },
  'new-task': {
    story:
      'an eighth kind of room arrives in the middle: the task is added by a word, robots refuse it and are shown how, and a cycle learns it without forgetting another.',
    play: newTaskArrives,
    robotType: sevenRoomsType,
    families: roomFamilies,
  },
  'new-body': {
    story:
      'half of the robots get a newer body in the middle: sensors under other names and two more. A person lets the champion drive it, a cycle learns from both bodies, and its candidate is promoted on both.',
    play: newBodyArrives,
    robotType: scitosG5RoomsType,
  },
  'rollback-during-trial': {
    story: 'an operator takes the fleet back in the middle of a rollout.',
    play: rollbackDuringTrial,
  },
  'robot-life': {
    story:
      'robots are added, moved, quarantined, released and retired under a running rollout: it is neither fooled nor stopped, nothing is lost.',
    play: robotLife,
  },
} as const satisfies Record<ScenarioName, Scenario>;

export const scenarioOf = (name: ScenarioName): Scenario => scenarios[name];
