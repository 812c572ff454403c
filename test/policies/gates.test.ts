import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

import * as fc from 'fast-check';

import { absoluteGates, type AbsoluteFacts } from '../../policies/gates/absolute.ts';
import { comparativeGates, type HeldoutFacts } from '../../policies/gates/comparative.ts';
import { gateVerdict, offlineGates, type GateResult } from '../../policies/gates/index.ts';
import { pairedBound, type PairedSums } from '../../policies/gates/paired-bound.ts';
import { pairedCounter } from '../../policies/evaluation/paired-counter.ts';
import { randomStream } from '../../policies/random.ts';
import { testRobotType } from '../activities/training/arrow-sets.ts';

const type = testRobotType();
const { limits } = type;

const goodModel: AbsoluteFacts = {
  sizeBytes: 1000,
  load: { isLoaded: true, reason: '' },
  ioProblems: [],
  outputs: { inputsTried: 10_000, badInputs: 0, reason: '' },
  extraOutputs: [],
  readingDependence: [],
  sums: { rows: 10_000, badRows: 0, reason: '' },
  singles: { rows: 512, differing: 0, reason: '' },
  repeats: { rows: 200, differing: 0, reason: '' },
  latency: { samples: 1000, p99Ms: 3, slowestMs: 9 },
};

/** `episodes` of 50 frames each; of them `worse` and `better` differ in every frame. */
function sums(episodes: number, { worse = 0, better = 0 } = {}): PairedSums {
  const counter = pairedCounter();
  for (let episode = 0; episode < episodes; episode += 1) {
    const [candidate, other] = episode < worse ? [0, 1] : episode < worse + better ? [1, 0] : [1, 1];
    for (let frame = 0; frame < 50; frame += 1) counter.frame(candidate, other);
    counter.endEpisode();
  }
  return counter.finish();
}

const compared = (facts: PairedSums) => ({ kind: 'compared', version: '1.0.0', sums: facts }) as const;

const goodHeldout: HeldoutFacts = {
  singles: { rows: 1000, differing: 0, reason: '', slowestMs: 3 },
  episodes: 400,
  frames: 20_000,
  agreeingFrames: 18_000,
  champion: compared(sums(400, { better: 8 })),
  anchor: compared(sums(400, { better: 4 })),
  tasks: ['drive', 'park'].map((task) => ({
    task,
    episodes: 200,
    onlyNewEpisodes: 4,
    onlyOldEpisodes: 0,
    trafficFraction: 0.5,
  })),
  labels: [],
};

const gate = (gates: readonly GateResult[], id: string): GateResult => {
  const found = gates.find((candidate) => candidate.id === id);
  assert.ok(found, `no gate ${id} in ${gates.map((one) => one.id).join(', ')}`);
  return found;
};
const absolute = (facts: Partial<AbsoluteFacts>, id: string) =>
  gate(absoluteGates({ ...goodModel, ...facts }, type), id);
const heldout = (facts: Partial<HeldoutFacts>, id: string) =>
  gate(comparativeGates({ ...goodHeldout, ...facts }, type), id);

/** Two tasks, the second with one episode too few and a share of the work. */
const splitTasks = (traffic: number) => [
  { ...goodHeldout.tasks[0]!, trafficFraction: 1 - traffic },
  { ...goodHeldout.tasks[1]!, episodes: 29, trafficFraction: traffic },
];

const offline = (facts: Partial<HeldoutFacts> = {}) =>
  offlineGates({ absolute: goodModel, heldout: { ...goodHeldout, ...facts } }, type);

describe('the absolute gates', () => {
  it('pass a good model, each with value, limit and sample size', () => {
    for (const result of absoluteGates(goodModel, type)) {
      assert.equal(result.outcome, 'pass', result.sentence);
      assert.ok(result.value !== null && result.limit !== null && result.sampleSize > 0);
    }
  });

  it('hold back what is too large, and what could not be looked at after that', () => {
    const gates = absoluteGates({ sizeBytes: limits.maxModelSizeBytes + 1 }, type);
    assert.ok(gates.every(({ outcome }) => outcome === 'fail'));
    assert.equal(absolute({ sizeBytes: limits.maxModelSizeBytes }, 'model.size').outcome, 'pass');
  });

  it('hold back what does not load, fit, answer in numbers, or answer in time', () => {
    assert.equal(absolute({ load: { isLoaded: false, reason: 'no protobuf' } }, 'model.loads').outcome, 'fail');
    assert.equal(absolute({ ioProblems: ['expected 24, got 20'] }, 'model.io').outcome, 'fail');
    const outputs = { inputsTried: 10_000, badInputs: 1, reason: 'NaN' };
    assert.equal(absolute({ outputs }, 'model.finite').outcome, 'fail');
    assert.equal(
      absolute({ outputs: { ...outputs, badInputs: 0, inputsTried: 9999 } }, 'model.finite').outcome,
      'fail',
    );
    assert.equal(absolute({ latency: { samples: 1000, p99Ms: 199.9, slowestMs: 9 } }, 'model.latency').outcome, 'pass');
    assert.equal(absolute({ latency: { samples: 1000, p99Ms: 200, slowestMs: 9 } }, 'model.latency').outcome, 'fail');
    assert.equal(absolute({ latency: { samples: 99, p99Ms: 1, slowestMs: 9 } }, 'model.latency').outcome, 'fail');
    assert.equal(
      absolute({ latency: { samples: 1000, p99Ms: Number.NaN, slowestMs: 9 } }, 'model.latency').outcome,
      'fail',
    );
  });
});

describe('the gates on how a model answers', () => {
  it('hold back what a robot would see otherwise: alone, twice, slowly, as no probabilities, with more outputs', () => {
    const rows = (differing: number, of = 512) => ({ rows: of, differing, reason: 'row 7' });
    assert.equal(absolute({ singles: rows(5) }, 'model.single-rows').outcome, 'pass');
    assert.equal(absolute({ singles: rows(6) }, 'model.single-rows').outcome, 'fail');
    assert.equal(absolute({ singles: rows(0, 99) }, 'model.single-rows').outcome, 'fail');
    assert.equal(absolute({ repeats: rows(1, 200) }, 'model.repeatable').outcome, 'fail');
    assert.equal(absolute({ repeats: rows(0, 0) }, 'model.repeatable').outcome, 'fail');
    const slow = { samples: 1000, p99Ms: 3, slowestMs: 30_000 };
    assert.match(absolute({ latency: slow }, 'model.latency').sentence, /the slowest 30000\.00 ms/);
    assert.equal(absolute({ latency: slow }, 'model.latency').outcome, 'fail');
    const sums = absolute({ sums: { rows: 10_000, badRows: 1, reason: 'input 3' } }, 'model.probabilities');
    assert.deepEqual([sums.outcome, sums.value, sums.sampleSize], ['fail', 1, 10_000]);
    assert.match(absolute({ extraOutputs: ['hidden'] }, 'model.outputs').sentence, /got also hidden/);
    assert.equal(absolute({ readingDependence: ['a Loop'] }, 'model.bounded').outcome, 'fail');
    const alone = { singles: { ...rows(11, 1000), slowestMs: 3 } };
    assert.equal(heldout(alone, 'heldout.single-rows').outcome, 'fail');
    assert.equal(heldout({ singles: { ...rows(0, 1000), slowestMs: 1000 } }, 'heldout.single-rows').outcome, 'fail');
    assert.equal(heldout({ singles: { ...rows(0, 0), slowestMs: 0 } }, 'heldout.single-rows').outcome, 'fail');
  });

  it('say why nothing is known of the held-out rows', () => {
    const gates = offlineGates({ absolute: goodModel, heldoutFailure: 'the model hung' }, type);
    assert.match(gate(gates, 'heldout.agreement').sentence, /because the model hung/);
  });
});

describe('the comparative gates', () => {
  it('pass a candidate that is better', () => {
    for (const result of comparativeGates(goodHeldout, type)) assert.equal(result.outcome, 'pass', result.sentence);
  });

  it('all fail when held-out data was not looked at', () => {
    const gates = comparativeGates(undefined, type);
    assert.equal(gates.length, comparativeGates(goodHeldout, type).length);
    assert.ok(gates.every(({ outcome, sampleSize }) => outcome === 'fail' && sampleSize === 0));
  });

  it('need held-out episodes and agreement with the labels', () => {
    assert.equal(heldout({ episodes: 19 }, 'heldout.episodes').outcome, 'fail');
    assert.equal(heldout({ agreeingFrames: 15_999 }, 'heldout.agreement').outcome, 'fail');
    assert.equal(heldout({ agreeingFrames: 16_000 }, 'heldout.agreement').outcome, 'pass');
    assert.equal(heldout({ frames: 0, agreeingFrames: 0 }, 'heldout.agreement').outcome, 'fail');
  });

  it('hold back a candidate that may be two points worse than the champion, or three than the anchor', () => {
    const worse = compared(sums(400, { worse: 4 }));
    const bound = heldout({ champion: worse }, 'champion.overall');
    assert.equal(bound.outcome, 'fail', bound.sentence);
    assert.ok(bound.value! < -0.02 && bound.value! > -0.03);
    assert.equal(heldout({ anchor: worse }, 'anchor.overall').outcome, 'pass');
    assert.equal(heldout({ anchor: compared(sums(400, { worse: 8 })) }, 'anchor.overall').outcome, 'fail');
  });

  it('cannot be passed by comparing on few episodes', () => {
    assert.equal(heldout({ champion: compared(sums(19, { better: 19 })) }, 'champion.overall').outcome, 'fail');
    assert.equal(heldout({ champion: compared(sums(0)) }, 'champion.overall').outcome, 'fail');
  });

  it('let an equal candidate pass on the recording’s thirty episodes', () => {
    assert.equal(heldout({ champion: compared(sums(30)) }, 'champion.overall').outcome, 'pass');
  });

  it('hold back a candidate that lost a single task, however good the rest is', () => {
    const [drive, park] = goodHeldout.tasks;
    const lost = heldout({ tasks: [drive!, { ...park!, onlyNewEpisodes: 1, onlyOldEpisodes: 14 }] }, 'champion.tasks');
    assert.equal(lost.outcome, 'fail');
    assert.match(lost.sentence, /park \(14 episodes lost, 1 won\)/);
    const few = heldout({ tasks: [drive!, { ...park!, onlyNewEpisodes: 1, onlyOldEpisodes: 5 }] }, 'champion.tasks');
    assert.equal(few.outcome, 'pass');
  });

  it('find the one forgotten among 150 tasks, and none where all are alike', () => {
    const tasks = (forgotten?: number): HeldoutFacts['tasks'] =>
      Array.from({ length: 150 }, (_, index) => ({
        task: `task-${index}`,
        episodes: 40,
        onlyNewEpisodes: index % 4,
        onlyOldEpisodes: index === forgotten ? 25 : (index + 2) % 4,
        trafficFraction: 1 / 150,
      }));
    assert.equal(heldout({ tasks: tasks() }, 'champion.tasks').outcome, 'pass');
    const held = heldout({ tasks: tasks(77) }, 'champion.tasks');
    assert.equal(held.outcome, 'fail');
    assert.match(held.sentence, /task-77\b/u);
  });

  it('hold when more than a fifth of the work is on tasks with few held-out episodes', () => {
    assert.equal(heldout({ tasks: splitTasks(0.21) }, 'champion.unproven').outcome, 'fail');
    assert.equal(heldout({ tasks: splitTasks(0.2) }, 'champion.unproven').outcome, 'pass');
  });

  it('ask of each of 150 tasks only what there is in bootstrap, and say so; of the next candidate they ask it all', () => {
    const tasks = Array.from({ length: 150 }, (_, index) => ({
      task: `task-${index}`,
      episodes: 3,
      onlyNewEpisodes: 2,
      onlyOldEpisodes: 0,
      trafficFraction: 1 / 150,
    }));
    const facts = { absolute: goodModel, heldout: { ...goodHeldout, tasks } };
    const first = offlineGates({ ...facts, bootstrap: true }, type);
    const open = gate(first, 'champion.unproven');
    assert.deepEqual([open.outcome, Number(open.value?.toFixed(6)), open.sampleSize], ['notApplicable', 1, 150]);
    assert.match(open.sentence, /150 of 150 tasks with fewer than 30 held-out episodes, judged by what there is/);
    assert.equal(gateVerdict(first, true), 'pass');
    assert.equal(gateVerdict(offlineGates(facts, type), false), 'hold');
    const lost = tasks.map((task) => ({ ...task, episodes: 40, onlyNewEpisodes: 0, onlyOldEpisodes: 40 }));
    assert.equal(
      gateVerdict(offlineGates({ ...facts, heldout: { ...goodHeldout, tasks: lost }, bootstrap: true }, type), true),
      'hold',
    );
  });

  it('take the only task of a robot type as proved by twenty episodes', () => {
    const only = { ...goodHeldout.tasks[0]!, trafficFraction: 1 };
    assert.equal(heldout({ tasks: [{ ...only, episodes: 20 }] }, 'champion.unproven').outcome, 'pass');
    assert.equal(heldout({ tasks: [{ ...only, episodes: 19 }] }, 'champion.unproven').outcome, 'fail');
  });

  it('fail when the champion cannot run on this data', () => {
    const champion = { kind: 'broken', version: '1.0.0', reason: 'other inputs' } as const;
    for (const id of ['champion.overall', 'champion.tasks']) assert.equal(heldout({ champion }, id).outcome, 'fail');
  });
});

describe('the documented gates', () => {
  it('are those of the code, in its order', () => {
    const critical = [{ name: 'left', minRecallFraction: 0.5 }];
    const { limits } = testRobotType();
    const discrete = testRobotType({
      actions: { kind: 'discrete', names: ['left', 'right'], critical },
      limits: { ...limits, minRecallFraction: 0.3 },
    });
    const ids = [...new Set(offlineGates({ absolute: goodModel, heldout: goodHeldout }, discrete).map(({ id }) => id))];
    const text = readFileSync(new URL('../../docs/models.md', import.meta.url), 'utf8');
    const table = text.split(/^## /m).find((part) => part.startsWith('The gates')) ?? '';
    assert.deepEqual(
      [...table.matchAll(/^\| `([a-z]+\.[a-z-]+)`/gm)].map(([, id]) => id),
      ids,
    );
  });
});

describe('the verdict', () => {
  it('passes when every gate does, and holds when any fails', () => {
    assert.equal(gateVerdict(offline(), false), 'pass');
    offline().forEach((_, index) => {
      const failing = offline().map((one, position) =>
        position === index ? { ...one, outcome: 'fail' as const } : one,
      );
      assert.equal(gateVerdict(failing, true), 'hold');
    });
    assert.equal(gateVerdict([], true), 'hold');
  });

  it('lets a policy without champion pass in bootstrap only', () => {
    const none = { champion: { kind: 'none' }, anchor: { kind: 'none' } } as const;
    assert.equal(gate(offline(none), 'champion.overall').sentence, 'notApplicable: no champion');
    assert.equal(gateVerdict(offline(none), false), 'hold');
    assert.equal(gateVerdict(offline(none), true), 'pass');
  });

  it('lets the champion stand in for a missing anchor, and nothing else', () => {
    assert.equal(gateVerdict(offline({ anchor: { kind: 'none' } }), false), 'pass');
    assert.equal(gateVerdict(offline({ champion: { kind: 'none' } }), false), 'hold');
  });
});

describe('the lower bound of a difference on clustered frames', () => {
  it('is minus one without two episodes, and never above the difference', () => {
    assert.equal(pairedBound(sums(0), 0.99).lowerBound, -1);
    assert.equal(pairedBound(sums(1), 0.99).lowerBound, -1);
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 60 }), fc.nat(10), fc.nat(10), (episodes, worse, better) => {
        const { difference, lowerBound } = pairedBound(sums(episodes, { worse, better }), 0.99);
        assert.ok(lowerBound <= difference + 1e-12 && lowerBound >= -1);
      }),
    );
  });

  it('agrees with the bound for independent frames when every episode is one frame', () => {
    const counter = pairedCounter();
    for (let frame = 0; frame < 1000; frame += 1) {
      counter.frame(frame >= 18 ? 1 : 0, frame < 18 || frame >= 23 ? 1 : 0);
      counter.endEpisode();
    }
    const { difference, lowerBound, designEffect } = pairedBound(counter.finish(), 0.99);
    assert.ok(Math.abs(difference + 0.013) < 1e-9);
    assert.ok(Math.abs(designEffect - 1) < 0.01);
    assert.ok(Math.abs(lowerBound + 0.0263) < 0.001, `${lowerBound}`);
  });

  it('is far wider when whole episodes differ than when as many single frames do', () => {
    const scattered = pairedCounter();
    for (let episode = 0; episode < 100; episode += 1) {
      for (let frame = 0; frame < 50; frame += 1) scattered.frame(frame === 0 ? 0 : 1, 1);
      scattered.endEpisode();
    }
    const clustered = pairedBound(sums(100, { worse: 2 }), 0.99);
    const even = pairedBound(scattered.finish(), 0.99);
    assert.ok(Math.abs(clustered.difference - even.difference) < 1e-12);
    assert.ok(clustered.designEffect > 30);
    assert.ok(clustered.lowerBound < even.lowerBound - 0.02);
  });

  it('is above the truth in about one of a hundred samples of thirty clustered episodes', () => {
    const random = randomStream(1, 'coverage');
    let tooHigh = 0;
    for (let sample = 0; sample < 2000; sample += 1) {
      const counter = pairedCounter();
      for (let episode = 0; episode < 30; episode += 1) {
        const [candidateRight, otherRight] = [0.8 + 0.2 * random(), 0.8 + 0.2 * random()];
        for (let frame = 0; frame < 40; frame += 1)
          counter.frame(random() < candidateRight ? 1 : 0, random() < otherRight ? 1 : 0);
        counter.endEpisode();
      }
      if (pairedBound(counter.finish(), 0.99).lowerBound > 0) tooHigh += 1;
    }
    assert.ok(tooHigh / 2000 <= 0.016, `${tooHigh} of 2000`);
  });
});
