import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { assignArms, type Assignable } from '../../../domain/experiment/index.ts';

const fleet = fc.uniqueArray(
  fc.record({ robotId: fc.string({ minLength: 1, maxLength: 8 }), stratum: fc.constantFrom('north', 'south', 'dock') }),
  { selector: ({ robotId }) => robotId, minLength: 1, maxLength: 60 },
);

describe('assignment of arms', () => {
  it('puts every robot in one arm, the asked number in the candidate arm', () => {
    fc.assert(
      fc.property(fleet, fc.nat(), fc.string(), (robots, number, salt) => {
        const candidates = number % (robots.length + 1);
        const { candidate, control } = assignArms({ robots, salt, candidates });
        assert.equal(candidate.length, candidates);
        assert.deepEqual([...candidate, ...control].toSorted(), robots.map(({ robotId }) => robotId).toSorted());
      }),
    );
  });

  it('keeps every smaller stage inside the larger one, whatever the order of the robots', () => {
    fc.assert(
      fc.property(fleet, fc.string(), (robots, salt) => {
        let before: string[] = [];
        for (let candidates = 0; candidates <= robots.length; candidates += 1) {
          const { candidate } = assignArms({ robots: robots.toReversed(), salt, candidates });
          assert.deepEqual(candidate.slice(0, before.length), before);
          assert.deepEqual(assignArms({ robots, salt, candidates }).candidate, candidate);
          before = candidate;
        }
      }),
      { numRuns: 30 },
    );
  });

  it('gives each stratum its share to within one robot', () => {
    fc.assert(
      fc.property(fleet, fc.nat(), (robots, number) => {
        const candidates = number % (robots.length + 1);
        const { candidate } = assignArms({ robots, salt: 'trial-1', candidates });
        for (const stratum of ['north', 'south', 'dock']) {
          const own = robots.filter((robot) => robot.stratum === stratum);
          const expected = (own.length * candidates) / robots.length;
          const got = own.filter(({ robotId }) => candidate.includes(robotId)).length;
          assert.ok(Math.abs(got - expected) <= 1.5 + 1e-9, `${stratum}: ${got} of ${expected}`);
        }
      }),
    );
  });

  it('always gives canaries, other ones in another trial', () => {
    const robots: Assignable[] = Array.from({ length: 50 }, (_, index) => ({ robotId: `robot-${index}` }));
    const canaries = Array.from(
      { length: 200 },
      (_, trial) => assignArms({ robots, salt: `trial-${trial}`, candidates: 3 }).candidate,
    );
    assert.ok(canaries.every(({ length }) => length === 3));
    const times = new Map<string, number>();
    for (const robot of canaries.flat()) times.set(robot, (times.get(robot) ?? 0) + 1);
    assert.equal(times.size, 50);
    assert.ok(Math.max(...times.values()) < 30, 'no robot is a canary far more often than others');
  });

  it('refuses more candidates than robots', () => {
    assert.throws(
      () => assignArms({ robots: [], salt: '', candidates: 1 }),
      /expected candidates to be a whole number in \[0, 0\], got 1/u,
    );
  });
});
