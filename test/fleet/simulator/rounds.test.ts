import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import { Rounds } from '../../../fleet/simulator/rounds.ts';

describe('rounds of a fleet', () => {
  it('let nobody begin an episode before all others have begun as many', () => {
    const rounds = new Rounds();
    for (const robot of [1, 2]) rounds.join(robot);
    rounds.begin(1);
    assert.deepEqual([rounds.mayBegin(1), rounds.mayBegin(2)], [false, true]);
    rounds.begin(2);
    assert.deepEqual([rounds.mayBegin(1), rounds.mayBegin(2)], [true, true]);
  });

  it('wait for nobody who left, and take in who comes later with the others', () => {
    const rounds = new Rounds();
    for (const robot of [1, 2]) rounds.join(robot);
    rounds.begin(1);
    rounds.leave(2);
    assert.ok(rounds.mayBegin(1));
    for (let times = 0; times < 9; times += 1) rounds.begin(1);
    rounds.join(2);
    rounds.join(2);
    assert.deepEqual([rounds.mayBegin(1), rounds.mayBegin(2)], [true, true]);
    rounds.begin(1);
    assert.deepEqual([rounds.mayBegin(1), rounds.mayBegin(2)], [false, true]);
  });

  it('never stop: somebody may always begin, and no two robots that stayed are more than one episode apart', () => {
    const acts = fc.array(fc.tuple(fc.constantFrom('try', 'leave', 'join'), fc.integer({ min: 0, max: 4 })), {
      maxLength: 200,
    });
    fc.assert(
      fc.property(acts, (acts) => {
        const rounds = new Rounds();
        const robots = [0, 1, 2, 3, 4];
        const begun = [0, 0];
        for (const robot of robots) rounds.join(robot);
        for (const [act, robot] of acts) {
          // The first two always stay.
          if (act === 'leave' && robot > 1) rounds.leave(robot);
          else if (act === 'join') rounds.join(robot);
          else if (act === 'try' && rounds.mayBegin(robot)) {
            rounds.join(robot);
            rounds.begin(robot);
            if (robot < 2) begun[robot] = (begun[robot] ?? 0) + 1;
          }
          assert.ok(robots.some((each) => rounds.mayBegin(each)));
          assert.ok(Math.abs((begun[0] ?? 0) - (begun[1] ?? 0)) <= 1);
        }
      }),
    );
  });
});
