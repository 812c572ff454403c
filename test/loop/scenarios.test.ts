import { badModel } from '../../demo/scenarios/bad-model.ts';
import { superseded } from '../../demo/scenarios/superseded.ts';
import { withWorld } from './scenario-world.ts';

describe('scenarios on a real server with real agents', function () {
  this.timeout(600_000);

  it('bad-model: a policy that passes every gate and drives into walls is caught, and every robot is back', () =>
    withWorld(30, badModel));

  it('superseded: the newest offer waits and has its turn, the one it replaces never runs', () =>
    withWorld(30, superseded));
});
