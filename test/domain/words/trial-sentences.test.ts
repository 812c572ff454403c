import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import { sentenceOf, toldPlanSchema, toldVerdictSchema } from '../../../activities/trials/told-verdicts.ts';
import { plainReason } from '../../../domain/words/plain-reason.ts';
import { stageWords } from '../../../domain/words/stage-words.ts';

const plan = (more: object = {}) =>
  toldPlanSchema.parse({
    kind: 'rollout',
    policy: 'wall',
    candidateVersion: '1.1.0',
    championVersion: '1.0.0',
    createdAtMs: 1,
    robots: [{ robotId: 'r1' }],
    stages: [{}, {}, {}, {}],
    taskLimits: { marginFraction: 0.02, minimumEpisodes: 30, blockAlpha: 0.01 },
    rolloutLimits: { guard: { marginFraction: 0.005, latencyMargin: 0.05 } },
    abTestLimits: { equivalenceMarginFraction: 0.01 },
    ...more,
  });
const arms = {
  candidate: { successes: 50.4, episodes: 120, robots: 5 },
  control: { successes: 249.22, episodes: 340, robots: 20 },
};
const result = {
  verdict: 'rollback',
  reason: 'r',
  delta: -0.313,
  lowerBound: -0.381,
  marginFraction: 0.03,
  robots: 5,
  episodes: 120,
};
const evidence = [
  { metric: 'success', delta: -0.313, logEvidence: 5.42, threshold: 5.3 },
  { metric: 'latency', delta: -0.2, logEvidence: 9, threshold: 5.99 },
  { metric: 'throughput', delta: -0.4, logEvidence: 8, threshold: 5.99 },
];
const tick = (more: object = {}, of: object = {}) =>
  toldVerdictSchema.parse({
    asked: { nowMs: 1, stage: 1 },
    because: 'success -31.30 pp: log evidence 5.42 ≥ 5.30',
    result: { ...result, ...of },
    verdict: { metric: 'success', reasons: [], controlEpisodes: 340, controlRobots: 20, evidence },
    arms,
    ...more,
  });
const tasks = (block: readonly string[]) => ({
  block,
  perTask: ['fold', 'stack', 'turn'].map((task, at) => ({
    task,
    delta: -0.3 + at * 0.05,
    variance: 0.0004,
    p: 0.00001,
    logEvidence: 7.31,
    episodes: { candidate: 60, control: 170 },
    robots: { candidate: 5, control: 20 },
  })),
});
const onTask = (block: readonly string[], more: object = {}) =>
  tick({ verdict: { metric: 'task', reasons: [], evidence }, tasks: tasks(block), ...more });

describe('the sentence of a verdict', () => {
  it('says version, stage, both arms, the limit, what happens then, and the statistics behind', () => {
    assert.equal(
      sentenceOf(plan(), tick()),
      '1.1.0 was stopped in stage 2 of 4 and not promoted: it is proven worse than 1.0.0: success 42 % with 1.1.0 and 73.3 % with 1.0.0, worse by 31.3 points [−38.1 to −24.5], n 120 and 340 episodes of 5 and 20 robots; at most 0.5 points worse are allowed. All robots go back to 1.0.0 (log evidence 5.42, limit 5.30).',
    );
    const taskArms = [{ task: 'fold', ...arms }];
    assert.equal(
      sentenceOf(plan(), onTask(['fold'], { taskArms })),
      '1.1.0 was stopped in stage 2 of 4 and not promoted: proven harm in task fold: success 42 % with 1.1.0 and 73.3 % with 1.0.0, worse by 30 points [−33.9 to −26.1], n 120 and 340 episodes of 5 and 20 robots; at most 2 points worse are allowed in a task. All robots go back to 1.0.0 (log evidence 7.31, limit 5.70 for one of 3 tasks).',
    );
    assert.match(
      sentenceOf(plan(), onTask(['turn', 'fold', 'stack'])),
      /in task fold: .*; and in stack: .*; and in 1 more task; at most/,
    );
  });

  it('says it of every verdict, with the version and the stage as people count them', () => {
    const held = tick({ because: 'site hall waits' }, { verdict: 'hold', delta: 0.4, lowerBound: -0.0076 });
    assert.equal(
      sentenceOf(plan(), held),
      'Stage 2 of 4 of 1.1.0 against 1.0.0 holds: site hall waits; success 42 % with 1.1.0 and 73.3 % with 1.0.0, between 0.8 points worse and 80.8 points better (seen: 40 points better), n 120 and 340 episodes of 5 and 20 robots; at most 3 points worse are allowed. No more robots get 1.1.0, those that have it keep it.',
    );
    assert.match(
      sentenceOf(plan(), tick({}, { verdict: 'advance', delta: 0.4, lowerBound: 0.3 })),
      /^Stage 2 of 4 of 1\.1\.0 against 1\.0\.0 is passed: .*better by 40 points \[\+30 to \+50\].*at most 3 points worse are allowed\. Stage 3 of 4 comes next\.$/,
    );
    assert.match(
      sentenceOf(plan(), tick({ asked: { nowMs: 1, stage: 3 } }, { verdict: 'advance', marginFraction: null })),
      /^Stage 4 of 4 .* 1\.1\.0 stays champion\.$/,
    );
    assert.match(
      sentenceOf(plan(), tick({ asked: { nowMs: 1, stage: 3 } })),
      /^1\.1\.0 was stopped in stage 4 of 4 and does not stay champion: /,
    );
    assert.match(
      sentenceOf(plan(), tick({}, { verdict: 'robotFault', suspectRobotId: 'r-7' })),
      /^r-7 was taken off 1\.1\.0 in stage 2 of 4: the candidates are proven worse .* this robot alone explains it\. It goes back to 1\.0\.0 and into quarantine/,
    );
    const about = (metric: string, because = 'safety event on r-7') =>
      sentenceOf(plan(), tick({ because, verdict: { metric, reasons: [], evidence } }));
    assert.match(
      about('latency'),
      /slower than 1\.0\.0: the time of a step is 22\.1 % longer, 5\.1 % is allowed\. .*limit 5\.99\)/,
    );
    assert.match(about('throughput'), /finish fewer episodes than 1\.0\.0: 40 % fewer than expected/);
    assert.match(about('safety'), /not promoted: safety event on r-7\. All robots go back to 1\.0\.0\.$/);
    assert.match(
      sentenceOf(plan(), tick({}, { verdict: 'continue' })),
      /^Stage 2 of 4 of 1\.1\.0 against 1\.0\.0 goes on, no alarm/,
    );
  });

  it('is whole, however much the rule has to name', () => {
    const because = `safety event on ${Array.from({ length: 500 }, (_, at) => `robot-${at}`).join(', ')}`;
    const text = sentenceOf(plan(), tick({ because, verdict: { metric: 'safety', reasons: [], evidence } }));
    assert.match(text, /robot-0, .*…\. All robots go back to 1\.0\.0\.$/);
    assert.ok(text.length < 500, text);
  });

  const look = (decision: string, of: object = {}, more: object = {}) =>
    sentenceOf(
      plan({ kind: 'abTest' }),
      toldVerdictSchema.parse({
        asked: { nowMs: 1 },
        because: 'proven better: z 6.10 against ±4.20 at 40 % of the information',
        result: {
          reason: 'r',
          decision,
          delta: 0.08,
          low: 0.05,
          high: 0.11,
          z: 6.1,
          bound: 4.2,
          information: 0.4,
          ...of,
        },
        arms,
        ...more,
      }),
    );
  it('says it of every look', () => {
    assert.match(
      look('accept'),
      /^1\.1\.0 is proven better than 1\.0\.0 in the A\/B test: .*better by 8 points \[\+5 to \+11\].* Its rollout comes next \(z 6\.10, ±4\.20 decides, 40 % of the planned evidence\)\.$/,
    );
    assert.match(
      look('acceptEquivalent', { delta: 0, low: -0.008, high: 0.008 }),
      /proven not worse .*between 0\.8 points worse and 0\.8 points better.*; at most 1 point worse is allowed\./,
    );
    const worse = { verdict: { rejection: 'worse' } };
    assert.match(
      look('reject', { delta: -0.08, low: -0.11, high: -0.05 }, worse),
      /stopped in the A\/B test and not promoted: it is proven worse than 1\.0\.0: .*worse by 8 points .*All robots go back to 1\.0\.0/,
    );
    const unproven = {
      because: 'last look without proof: z 1; equal is not enough',
      verdict: { rejection: 'unproven' },
    };
    assert.match(
      look('reject', { delta: 0.01, low: -0.01, high: 0.03 }, unproven),
      /did not prove it better than 1\.0\.0: .*between 1 point worse and 3 points better.*; equal is not enough\. All robots/,
    );
    const slow = {
      because: 'proven better: z 6; latency may be 0.1 worse, 0.05 allowed',
      verdict: { rejection: 'unproven' },
    };
    assert.match(
      look('reject', {}, slow),
      /could not prove it harmless .*better by 8 points.*; latency may be 0\.1 worse/,
    );
    assert.match(
      look('block', {}, { tasks: tasks(['fold']) }),
      /proven harm in task fold: .*\(p < 0\.0001, judged together with all 3 tasks\)/,
    );
    assert.match(
      look('block', {}, { because: 'sample-ratio mismatch' }),
      /not promoted: sample-ratio mismatch; success/,
    );
    assert.match(look('continue'), /^The A\/B test of 1\.1\.0 against 1\.0\.0 goes on, nothing is decided yet/);
    assert.match(look('another'), /^The A\/B test of 1\.1\.0 against 1\.0\.0: proven better/);
  });

  it('is made of verdicts of earlier versions too, with less in it', () => {
    const before = (of: object, more: object = {}) =>
      sentenceOf(
        toldPlanSchema.parse({ ...plan(), taskLimits: undefined, rolloutLimits: { a: 1 }, abTestLimits: 3 }),
        toldVerdictSchema.parse({ asked: { nowMs: 1, stage: 0 }, result: { ...result, ...of }, ...more }),
      );
    assert.equal(
      before({ verdict: 'hold', reason: '1 of 5 candidates report; 3 robots do not run the candidate yet' }),
      'Stage 1 of 4 of 1.1.0 against 1.0.0 holds: 1 of 5 candidates report; 3 of the robots that should run the candidate do not yet; success worse by 31.3 points [−38.1 to −24.5], n 120 episodes of 5 robots with the candidate; at most 3 points worse are allowed. No more robots get 1.1.0, those that have it keep it.',
    );
    const verdict = {
      verdict: 'rollback',
      metric: 'task',
      reasons: ['proven harm in task fold'],
      evidence: [{ metric: 1 }],
    };
    assert.match(
      before({}, { verdict, tasks: tasks(['fold']) }),
      /proven harm in task fold: success worse by 30 points/,
    );
    assert.match(before({}, { verdict }), /not promoted: proven harm in task fold\. All robots/);
  });

  it('never contradicts its verdict, whatever the figures are', () => {
    const number = fc.oneof(fc.constantFrom(0, -1, 1, 1.3, -1.002, null), fc.double({ min: -2, max: 2, noNaN: true }));
    fc.assert(
      fc.property(
        fc.record({ delta: number, lowerBound: number, marginFraction: number }),
        fc.constantFrom('rollback', 'hold', 'advance', 'continue', 'robotFault', 'x'),
        fc.integer({ min: 0, max: 3 }),
        (of, verdict, stage) => {
          const text = sentenceOf(plan(), tick({ asked: { nowMs: 1, stage } }, { ...of, verdict }));
          assert.ok(text.includes('1.1.0') && text.includes('1.0.0'), text);
          assert.ok(text.toLowerCase().includes(stageWords(stage)), text);
          if (verdict === 'rollback') assert.doesNotMatch(text, /better by|proves nothing/);
          assert.doesNotMatch(text, /NaN|Infinity|undefined|null/);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('plain reasons', () => {
  it('count stages from 1, and leave what people wrote', () => {
    assert.equal(plainReason('stage 0 of 1.1.0: started'), 'stage 1 of 4, 1.1.0: started');
    assert.equal(plainReason('stage 2 was not proven in time'), 'stage 3 of 4 was not proven in time');
    assert.equal(plainReason('stage 2 is mine'), 'stage 2 is mine');
    assert.equal(plainReason('at most 0.76 pp worse'), 'with high confidence at most 0.76 points worse');
  });

  it('said twice say the same', () => {
    for (const reason of [
      'stage 0 of 1.1.0: started',
      'stage 3 was not proven in time',
      'undecided: z 1.00 against ±4.20 at 30 % of the information; 3 blocks without control episodes left out',
      'at most 0.76 pp worse, 2.00 pp allowed; 5 robots do not run the candidate yet',
      '48 h without alarm against the holdback',
    ])
      assert.equal(plainReason(plainReason(reason)), plainReason(reason));
  });
});
