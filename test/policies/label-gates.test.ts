import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import { robotTypeSchema } from '../../datasets/robot-type.ts';
import type { Answers } from '../../policies/evaluation/contestant.ts';
import { heldoutTally } from '../../policies/evaluation/heldout-tally.ts';
import { comparativeGates } from '../../policies/gates/comparative.ts';
import { pairedRatioCounter, type GateResult } from '../../policies/gates/index.ts';
import { criticalRecall, everyRecall, labelHarm } from '../../policies/gates/labels.ts';
import { pairedRatio } from '../../policies/gates/paired-ratio.ts';
import { studentLowerTail } from '../../policies/gates/student-tail.ts';
import { policySizes } from '../../policies/policy-io.ts';
import { randomStream, type RandomStream } from '../../policies/random.ts';
import { testRobotType } from '../activities/training/arrow-sets.ts';

const names = ['ahead', 'turn', 'brake'];
const [ahead, , brake] = [0, 1, 2];
const driving = testRobotType({ actions: { kind: 'discrete', names } });
const chooses = (chosen: Int32Array, label: Int32Array): Answers => ({
  outputs: new Float32Array(3 * label.length),
  chosen,
  agrees: Uint8Array.from(label, (one, row) => (chosen[row] === one ? 1 : 0)),
});

/**
 * Held-out frames of a road: braking is 2.4 % of them, in short stretches of every other episode. `policy` says what one who
 * would be right with a chance of `skill` chooses instead.
 */
function drive(
  candidate: (label: number, random: RandomStream) => number,
  champion: (label: number, random: RandomStream) => number,
  { episodes = 60, frames = 125, seed = 1 } = {},
) {
  const sizes = policySizes(driving)!;
  const random = randomStream(seed, 'road');
  const tally = heldoutTally({
    type: driving,
    sizes,
    others: ['champion'],
    reference: 'champion',
    majorityLabel: undefined,
  });
  for (let episode = 0; episode < episodes; episode += 1) {
    const braking =
      episode % 2 === 0 ? { start: Math.floor(random() * (frames - 6)), frames: 6 } : { start: 0, frames: 0 };
    const label = Int32Array.from({ length: frames }, (_, frame) => {
      if (frame >= braking.start && frame < braking.start + braking.frames) return brake;
      return frame % 5 === 0 ? 1 : ahead;
    });
    const [ours, others] = [candidate, champion].map((choose) => label.map((one) => choose(one, random)));
    const block = {
      rows: frames,
      observation: new Float32Array(3 * frames),
      task: new Int32Array(frames).fill(episode % 2),
      label,
      weight: new Float32Array(frames).fill(1),
    };
    tally.add({ block, episodes: new Int32Array(frames).fill(episode), robots: undefined }, chooses(ours!, label), {
      champion: chooses(others!, label),
    });
  }
  return tally.finish();
}

const usual = (label: number, random: RandomStream): number => {
  if (label === brake) return random() < 0.627 ? brake : ahead;
  return random() < 0.9 ? label : 1 - label;
};
const neverBrakes = (label: number, random: RandomStream): number => (label === brake ? ahead : usual(label, random));

function gatesOf(outcome: ReturnType<typeof drive>, critical?: { name: string; minRecallFraction: number }[]) {
  const facts = {
    ...outcome,
    singles: { rows: 1000, differing: 0, reason: '', slowestMs: 1 },
    champion: { kind: 'compared', version: '1.0.0', sums: outcome.others['champion']!.sums } as const,
    anchor: { kind: 'none' } as const,
    tasks: outcome.tasks.map(({ task, episodes, agreement }) => ({
      task,
      episodes,
      onlyNewEpisodes: 0,
      onlyOldEpisodes: 0,
      agreement: agreement['champion']!,
      trafficFraction: 0.5,
    })),
  };
  const judgedType = testRobotType({
    actions: { kind: 'discrete', names, ...(critical === undefined ? {} : { critical }) },
  });
  return comparativeGates(facts, judgedType);
}
const gate = (gates: readonly GateResult[], id: string): GateResult => {
  const found = gates.find((one) => one.id === id);
  assert.ok(found, `no gate ${id}`);
  return found;
};

describe('the gates by label', () => {
  it('hold a model that never brakes, although its overall agreement hardly falls', () => {
    const outcome = drive(neverBrakes, usual);
    const braking = outcome.labels[brake]!;
    assert.equal(braking.foundFrames, 0);
    assert.ok(braking.frames / outcome.frames < 0.03, `${braking.frames} of ${outcome.frames}`);
    const gates = gatesOf(outcome);
    assert.equal(gate(gates, 'champion.overall').outcome, 'pass');
    const labels = gate(gates, 'champion.labels');
    assert.equal(labels.outcome, 'fail', labels.sentence);
    assert.match(labels.sentence, /recall of brake 0\.00 % against 55\.00 % \(30 episodes\)/);
    assert.equal(labels.sampleSize, outcome.frames);
  });

  it('hold it where the rest got so much better that it gains overall', () => {
    const better = (label: number, random: RandomStream): number =>
      label === brake ? ahead : random() < 0.98 ? label : 1 - label;
    const gates = gatesOf(drive(better, usual));
    assert.equal(gate(gates, 'champion.overall').outcome, 'pass');
    assert.equal(gate(gates, 'champion.tasks').outcome, 'pass');
    assert.equal(gate(gates, 'champion.labels').outcome, 'fail');
  });

  it('hold a model that brakes for nothing: precision', () => {
    const nervous = (label: number, random: RandomStream): number =>
      label === ahead && random() < 0.06 ? brake : usual(label, random);
    const labels = gate(gatesOf(drive(nervous, usual)), 'champion.labels');
    assert.equal(labels.outcome, 'fail');
    assert.match(labels.sentence, /precision of brake/);
  });

  it('pass a model that follows a champion which always chooses the same, unless that label is critical', () => {
    const always = (): number => ahead;
    const gates = gatesOf(drive(usual, always));
    const labels = gate(gates, 'champion.labels');
    assert.equal(labels.outcome, 'pass', labels.sentence);
    const critical = gatesOf(drive(usual, always), [{ name: 'ahead', minRecallFraction: 0.5 }]);
    assert.match(gate(critical, 'champion.labels').sentence, /recall of ahead \d\d\.\d\d % against 100\.00 %/);
    const worse = gatesOf(drive(() => 1, usual));
    assert.equal(gate(worse, 'champion.labels').outcome, 'fail');
  });

  it('pass a model that follows a poor champion which is sure of one label and wrong in all others, unless that label is critical', () => {
    const surelyAhead = (label: number): number => (label === ahead ? ahead : 1 + (label % 2));
    const learned = (label: number, random: RandomStream): number =>
      random() < (label === ahead ? 0.97 : 0.7) ? label : label === ahead ? 1 : ahead;
    const outcome = drive(learned, surelyAhead);
    const labels = gate(gatesOf(outcome), 'champion.labels');
    assert.equal(labels.outcome, 'pass', labels.sentence);
    const critical = gate(gatesOf(outcome, [{ name: 'ahead', minRecallFraction: 0.5 }]), 'champion.labels');
    assert.match(critical.sentence, /precision of ahead 9\d\.\d\d % against 100\.00 %/);
    // The same errors where the champion was right are harm.
    const right = (label: number): number => label;
    assert.match(gate(gatesOf(drive(learned, right)), 'champion.labels').sentence, /precision of ahead/);
  });

  it('pass an equal model, and one that is the champion itself', () => {
    let held = 0;
    for (let seed = 1; seed <= 300; seed += 1) {
      const { outcome } = gate(gatesOf(drive(usual, usual, { seed })), 'champion.labels');
      if (outcome === 'fail') held += 1;
    }
    assert.ok(held <= 3, `${held} of 300 equal candidates were held`);
    const certain = (label: number): number => label;
    assert.equal(gate(gatesOf(drive(certain, certain)), 'champion.labels').value, 1);
  });

  it('say that nothing is proved on a handful of episodes', () => {
    assert.equal(gate(gatesOf(drive(neverBrakes, usual, { episodes: 8 })), 'champion.labels').outcome, 'pass');
  });

  it('are there for discrete actions only, and need a champion', () => {
    const continuous = testRobotType({
      actions: { kind: 'continuous', ranges: [{ name: 'speed', unit: 'm/s', min: 0, max: 1 }] },
    });
    assert.ok(comparativeGates(undefined, continuous).every(({ id }) => id !== 'champion.labels'));
  });
});

describe('recall of every label', () => {
  const type = testRobotType({ limits: { ...testRobotType().limits, minRecallFraction: 0.5 } });
  const found = (frames: number, foundFrames: number) => ({ label: 'brake', frames, foundFrames });

  it('is one gate a label, with its value, limit and sample size, and holds on a few frames or none', () => {
    const ofBoth = everyRecall(
      ['ahead', 'brake'],
      [{ label: 'ahead', frames: 200, foundFrames: 150 }, found(40, 19)],
      0.5,
    );
    const [ahead, brake] = ofBoth;
    assert.deepEqual([ahead?.outcome, ahead?.value, ahead?.limit, ahead?.sampleSize], ['pass', 0.75, 0.5, 200]);
    assert.deepEqual([brake?.outcome, brake?.value, brake?.limit, brake?.sampleSize], ['fail', 0.475, 0.5, 40]);
    assert.match(
      brake?.sentence ?? '',
      /^brake: found in 47\.50 % of 40 held-out frames .*at least 50\.00 % of at least 20/,
    );
    const outcome = (...facts: ReturnType<typeof found>[]) => everyRecall(['brake'], facts, 0.5)[0]?.outcome;
    assert.equal(outcome(found(19, 19)), 'fail');
    assert.equal(outcome(found(20, 10)), 'pass');
    assert.equal(outcome(found(0, 0)), 'fail');
    assert.equal(outcome(found(Number.NaN, 10)), 'fail');
    assert.equal(outcome(), 'fail', 'an action that nobody told anything of');
  });

  it('is asked only where the robot type asks, and fails without facts', () => {
    const ids = (judged: typeof type) => comparativeGates(undefined, judged).filter(({ id }) => id === 'labels.recall');
    assert.deepEqual(ids(testRobotType()), []);
    assert.deepEqual(
      ids(type).map(({ outcome, limit, value }) => [outcome, limit, value]),
      [['fail', 0.5, null]],
    );
  });
});

describe('a critical label', () => {
  const critical = [{ name: 'brake', minRecallFraction: 0.5 }];

  it('must be found often enough, whatever the champion does', () => {
    const bad = gate(gatesOf(drive(neverBrakes, neverBrakes), critical), 'labels.critical');
    assert.deepEqual([bad.outcome, bad.value, bad.limit, bad.sampleSize], ['fail', -0.5, 0, 180]);
    assert.match(bad.sentence, /brake: found in 0\.00 % of 180 held-out frames, at least 50\.00 %/);
    assert.equal(gate(gatesOf(drive(usual, usual), critical), 'labels.critical').outcome, 'pass');
  });

  it('is not proved by a few frames, and not by none', () => {
    const label = { label: 'brake', frames: 19, foundFrames: 19 };
    assert.equal(criticalRecall([label], critical).outcome, 'fail');
    assert.equal(criticalRecall([{ ...label, frames: 20, foundFrames: 20 }], critical).outcome, 'pass');
    assert.equal(criticalRecall([{ ...label, frames: 0, foundFrames: 0 }], critical).outcome, 'fail');
    assert.equal(criticalRecall([], critical).outcome, 'fail');
  });

  it('may lose nothing against the champion, where other labels have a margin', () => {
    const counter = (fall: number) => {
      const sums = pairedRatioCounter();
      for (let episode = 0; episode < 400; episode += 1)
        sums.endEpisode(90 - fall + (episode % 3), 100, 90 + (episode % 2), 100);
      return sums.finish();
    };
    const facts = { label: 'brake', frames: 40_000, foundFrames: 35_000, recall: counter(4), precision: counter(0) };
    assert.equal(labelHarm([facts], []).outcome, 'pass');
    assert.equal(labelHarm([facts], critical).outcome, 'fail');
  });

  it('may lose nothing for any gain, where others may lose a quarter of it', () => {
    const counter = (fall: number) => {
      const sums = pairedRatioCounter();
      for (let episode = 0; episode < 400; episode += 1)
        sums.endEpisode(90 - fall + (episode % 3), 100, 90 + (episode % 2), 100);
      return sums.finish();
    };
    const losing = (fall: number) => ({
      label: 'brake',
      frames: 40_000,
      foundFrames: 35_000,
      recall: counter(fall),
      precision: counter(fall),
    });
    for (const [fall, gained, outcome] of [
      [8, 0, 'fail'],
      [8, 0.2, 'fail'],
      [8, 0.4, 'pass'],
      [12, 0.4, 'fail'],
      [4, -1, 'pass'],
      [8, -1, 'fail'],
    ] as const)
      assert.equal(labelHarm([losing(fall)], [], gained).outcome, outcome, `${fall} pp lost, ${gained} gained`);
    assert.equal(labelHarm([losing(2)], critical, 0.9).outcome, 'fail');
  });

  it('is part of a robot type, with a name that the type has; older documents have none', () => {
    const type = testRobotType();
    assert.deepEqual(robotTypeSchema.parse(type), type);
    const marked = { ...type, actions: { ...type.actions, critical: [{ name: 'left', minRecallFraction: 0.9 }] } };
    assert.deepEqual(robotTypeSchema.parse(marked), marked);
    const wrong = { ...type, actions: { ...type.actions, critical: [{ name: 'up', minRecallFraction: 0.9 }] } };
    assert.match(robotTypeSchema.safeParse(wrong).error!.message, /expected names of actions/);
  });
});

describe('the test of two ratios on clustered frames', () => {
  it('knows Student’s t', () => {
    // Quantiles from standard tables (Abramowitz, Stegun 1964, table 26.10).
    for (const [t, freedom, tail] of [
      [-6.313752, 1, 0.05],
      [-4.302653, 2, 0.025],
      [-3.747, 4, 0.01],
      [-2.228139, 10, 0.025],
      [-1.697261, 30, 0.05],
      [-2.617, 120, 0.005],
    ] as const)
      assert.ok(Math.abs(studentLowerTail(t, freedom) - tail) < 2e-5, `${t}, ${freedom}`);
    assert.equal(studentLowerTail(0, 7), 0.5);
    assert.ok(Math.abs(studentLowerTail(2, 1999) - studentLowerTail(2, 2001)) < 1e-4);
    assert.throws(() => studentLowerTail(1, 0), RangeError);
  });

  it('never proves more than exchanging the names could, and nothing where nothing is lost', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(20), fc.nat(20), fc.nat(20), fc.nat(20)), { maxLength: 12 }), (episodes) => {
        const counter = pairedRatioCounter();
        for (const [a, b, c, d] of episodes) counter.endEpisode(Math.min(a, b), b, Math.min(c, d), d);
        const sums = counter.finish();
        const { candidate, other, harm } = pairedRatio(sums, { margin: 0 });
        assert.ok(harm >= 2 ** -sums.differing && harm <= 1, `${harm}`);
        if (candidate === null || other === null || candidate >= other) assert.equal(harm, 1);
      }),
    );
  });

  it('is wrong at most as often as it says, on clustered episodes of unequal length', () => {
    const random = randomStream(3, 'ratios');
    let wrong = 0;
    for (let sample = 0; sample < 3000; sample += 1) {
      const counter = pairedRatioCounter();
      for (let episode = 0; episode < 20; episode += 1) {
        const frames = 1 + Math.floor(40 * random());
        const [ours, others] = [0.5 + 0.5 * random(), 0.5 + 0.5 * random()];
        const hits = (right: number): number =>
          Array.from({ length: frames }, () => (random() < right ? 1 : 0)).reduce<number>((sum, hit) => sum + hit, 0);
        counter.endEpisode(hits(ours), frames, hits(others), frames);
      }
      if (pairedRatio(counter.finish(), { margin: 0 }).harm <= 0.01) wrong += 1;
    }
    assert.ok(wrong / 3000 <= 0.018, `${wrong} of 3000`);
  });
});
