import { badModel } from './bad-model.ts';
import { corruptData } from './corrupt-data.ts';
import { noImprovement } from './no-improvement.ts';
import { orchestratorDown } from './orchestrator-down.ts';
import { rollbackDuringTrial } from './rollback-during-trial.ts';
import { superseded } from './superseded.ts';
import type { World } from './world.ts';

interface Scenario {
  /** One sentence for people. */
  readonly story: string;
  /** Plays it and checks how it ends; fails with what was not as it should be. */
  readonly play: (world: World) => Promise<void>;
}

export const scenarios = {
  'bad-model': {
    story: 'a policy that passes every offline gate and drives into walls is caught, and every robot is back.',
    play: badModel,
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
  'rollback-during-trial': {
    story: 'an operator takes the fleet back in the middle of a rollout.',
    play: rollbackDuringTrial,
  },
} as const satisfies Record<string, Scenario>;

export type ScenarioName = keyof typeof scenarios;
export const scenarioNames = Object.keys(scenarios) as readonly ScenarioName[];
export const isScenarioName = (name: string): name is ScenarioName => Object.hasOwn(scenarios, name);
