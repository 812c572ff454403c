import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import { mostLives, mostRuns, RobotLives, takeSeq } from '../../../domain/trial/index.ts';

describe('what was taken of a robot', () => {
  it('holds at most so many runs, and never takes one number twice', () => {
    const runs: number[] = [];
    const taken = new Set<number>();
    for (let round = 0; round < 3; round += 1)
      for (let seq = 0; seq < 4 * mostRuns; seq += 2) {
        const isNew = takeSeq(runs, (seq * 7 + round) % (4 * mostRuns));
        if (isNew) assert.ok(!taken.has((seq * 7 + round) % (4 * mostRuns)), 'taken twice');
        taken.add((seq * 7 + round) % (4 * mostRuns));
        assert.ok(runs.length <= 2 * mostRuns);
      }
  });

  it('takes 200,000 numbers with gaps in logarithmic steps', () => {
    const counted: number[] = [];
    let reads = 0;
    const runs = new Proxy(counted, {
      get: (target, name, receiver) => {
        if (typeof name === 'string' && /^\d+$/.test(name)) reads += 1;
        return Reflect.get(target, name, receiver) as unknown;
      },
    });
    // A splice of the proxy reads what it moves; only the steps of the search count.
    for (let seq = 0; seq < 2 * mostRuns; seq += 2) counted.push(seq, seq + 1);
    assert.equal(takeSeq(runs, 0), false);
    assert.equal(takeSeq(runs, 2 * mostRuns - 2), false);
    assert.ok(reads < 40, `${reads} runs were looked at for two numbers`);
  });

  it('remembers the newest lives of every robot, and gives back what it was given', () => {
    const lives = new RobotLives();
    for (let boot = 0; boot < 3 * mostLives; boot += 1) {
      assert.ok(lives.take('flooder', `boot-${boot}`, 0));
      assert.equal(lives.take('honest', 'boot', 7), boot === 0);
    }
    const kept = [...lives.entries()];
    assert.equal(kept.length, mostLives + 1);
    const again = new RobotLives(kept);
    assert.equal(again.take('honest', 'boot', 7), false);
    assert.equal(again.take('flooder', `boot-${3 * mostLives - 1}`, 0), false);
    assert.deepEqual([...again.entries()], kept);
  });

  it('keeps a life that still speaks, however many others come', () => {
    const lives = new RobotLives();
    lives.take('robot', 'old', 1);
    for (let boot = 0; boot < 2 * mostLives; boot += 1) {
      lives.hear('robot', 'old', boot);
      lives.take('robot', `boot-${boot}`, 0);
    }
    assert.equal(lives.take('robot', 'old', 1), false);
  });

  it('sees two lives of a robot at once from so long on, and none of a life that it never heard of', () => {
    const lives = new RobotLives();
    const tell = (robotId: string, bootId: string, fromMs: number, untilMs: number) =>
      lives.tell(robotId, bootId, { fromMs, untilMs }, 100);
    for (const boot of ['a', 'b']) lives.hear('robot', boot, 0);
    lives.hear('other', 'b', 0);
    assert.equal(tell('robot', 'a', 0, 1_000), undefined);
    assert.equal(tell('other', 'b', 0, 1_000), undefined);
    assert.equal(tell('robot', 'unheard', 0, 1_000), undefined);
    assert.equal(tell('robot', 'b', 901, 2_000), undefined);
    assert.deepEqual(tell('robot', 'b', 900, 950), {
      robotId: 'robot',
      boots: ['a', 'b'],
      fromMs: 900,
      untilMs: 1_000,
    });
  });

  it('knows the lives that it heard of, and no other', () => {
    const lives = new RobotLives();
    lives.hear('robot', 'a', 0);
    lives.take('robot', 'b', 3);
    const known = ['a', 'b', 'c'].map((boot) => lives.knows('robot', boot));
    assert.deepEqual([...known, lives.knows('other', 'a')], [true, true, false, false]);
  });

  it('is a set of (robot, life, number) while there are few', () => {
    const entry = fc.tuple(fc.constantFrom('a', 'constructor'), fc.constantFrom('__proto__', 'b'), fc.nat(9));
    fc.assert(
      fc.property(fc.array(entry), (entries) => {
        const lives = new RobotLives();
        const reference = new Set<string>();
        for (const [robotId, bootId, seq] of entries) {
          assert.equal(lives.take(robotId, bootId, seq), !reference.has(`${robotId}/${bootId}/${seq}`));
          reference.add(`${robotId}/${bootId}/${seq}`);
        }
      }),
    );
  });
});
