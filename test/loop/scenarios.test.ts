import { superseded } from '../../demo/scenarios/superseded.ts';
import { withWorld } from './scenario-world.ts';

describe('scenarios on a real server with real agents', function () {
  this.timeout(600_000);

  it('superseded: a policy that drives into walls is caught and every robot back; the newest offer waits and has its turn, the one it replaces never runs', () =>
    withWorld(30, superseded));
});
