import assert from 'node:assert/strict';

import { lookAt } from '../../../domain/experiment/ab-look.ts';
import {
  cellsPerTestBlock,
  defaultAbTestLimits,
  judgeAbTest,
  parseAbTestLimits,
  planAbTest,
  type AbTestInput,
  type AbTestVerdict,
} from '../../../domain/experiment/index.ts';
import { estimateEffect } from '../../../domain/statistics/index.ts';
import { assertEdge, near, numbersIn, withValue, type Edge } from './edges.ts';
import { evidence, parameters, type FleetOptions } from './fleets.ts';

function lookOf(path: string, fleet: FleetOptions = {}, rest: Partial<AbTestInput> = {}, others: object = {}) {
  const robots =
    rest.robots ?? evidence({ robots: 60, candidates: 20, hours: 24, blockMinutes: 60, perBlock: 40, ...fleet });
  const input = { parameters, look: 4, looks: 7, informationMax: 120_000, ...rest, robots };
  const limitsAt = (value: number) => withValue({ ...defaultAbTestLimits, ...others }, path, value);
  const judge = (value: number): AbTestVerdict => judgeAbTest({ ...input, limits: limitsAt(value) });
  return {
    judge,
    limitsAt,
    input,
    at: (value: number) => `${judge(value).decision} ${judge(value).rejection ?? ''}`.trim(),
  };
}

/** Where a number brings a score to its bound. */
function scoreEdge(
  path: string,
  score: 'z' | 'zEquivalence',
  between: Edge['between'],
  fleet: FleetOptions,
  rest: Partial<AbTestInput> = {},
): Edge {
  const { judge, at } = lookOf(path, fleet, rest);
  return {
    at,
    between,
    expected: (found) => {
      const verdict = judge(found);
      near(Math.abs(verdict[score]), verdict.bound, 1e-5);
    },
  };
}
function guardrailEdge(path: string, metric: string, between: Edge['between'], fleet: FleetOptions): Edge {
  const { judge, at } = lookOf(path, { candidateSuccess: 0.89, ...fleet });
  return {
    at,
    between,
    expected: (found) => {
      const { upperBound, margin } = judge(found).guardrails.find((one) => one.metric === metric) ?? assert.fail();
      near(upperBound, margin, 1e-6);
    },
  };
}

const latency = (robot: number): number => Math.log(50) + (robot < 20 ? 0.02 : 0) + 0.02 * (robot % 5);
const interventions: FleetOptions = {
  change: (robot, entry) => ({ ...entry, interventions: (robot % 3) + (robot < 20 ? 0.1 : 0) }),
};
const equivalent = { look: 7, looks: 7, allowEquivalent: true, anchorLossFraction: 0.004 } as const;
const long = { hours: 168, candidateSuccess: 0.85 };
const fewRobots = (candidates: number): FleetOptions => ({ robots: 60, candidates, candidateSuccess: 0.95 });
const outlook = { robots: 100, successFraction: 0.85, rho: 0.005, episodesPerRobotDay: 1000, preDays: 7 };

/** Days differ so much that what a robot did counts for more the more of them a look stands for. */
const unsteady = { parameters: { ...parameters, dayVariance: 0.004 }, informationMax: 2e5 } as const;

const edges: Readonly<Record<string, Edge>> = {
  alpha: scoreEdge('alpha', 'z', [1e-9, 0.49], { candidateSuccess: 0.87 }),
  lookHours: scoreEdge('lookHours', 'z', [1, 2000], { hours: 48, candidateSuccess: 0.87, perBlock: 400 }, unsteady),
  blockMinutes: {
    at: (value) => String(cellsPerTestBlock({ blockMinutes: value }, { blockMinutes: 5 })),
    between: [60, 65],
    expected: 62.5,
  },
  firstLook: { at: lookOf('firstLook', { candidateSuccess: 0.95 }).at, between: [1, 50], isWhole: true, expected: 5 },
  maximumDays: {
    at: (value) => typeof planAbTest({ ...outlook, effect: 0.005, limits: { maximumDays: value } }).days,
    between: [0.6, 100],
    expected: (found) => {
      const { days } = planAbTest({ ...outlook, effect: 0.005, limits: { maximumDays: 100 } });
      assert.ok(typeof days === 'number');
      near(found, days, 0.02);
    },
  },
  equivalenceMarginFraction: scoreEdge('equivalenceMarginFraction', 'zEquivalence', [0, 0.5], long, equivalent),
  anchorLossFraction: { at: lookOf('anchorLossFraction', long, equivalent).at, between: [0, 0.5], expected: 0.004 },
  sampleRatioP: (() => {
    const fleet: FleetOptions = {
      candidateSuccess: 0.89,
      change: (robot, entry) =>
        robot < 20 && entry.block % 40 === 0 ? { ...entry, episodes: 0, successes: 0 } : entry,
    };
    const { judge, at } = lookOf('sampleRatioP', fleet);
    return { at, between: [1e-12, 0.49], expected: judge(0.001).sampleRatioP } as const;
  })(),
  smallArmRobots: { at: lookOf('smallArmRobots', fewRobots(12)).at, between: [0, 60], isWhole: true, expected: 13 },
  missingFraction: {
    at: lookOf(
      'missingFraction',
      { change: (robot, entry) => (robot < 5 ? undefined : entry) },
      {},
      { sampleRatioP: 1e-300 },
    ).at,
    between: [0.01, 1],
    expected: 5 / 20,
  },
  guardrailAlpha: guardrailEdge('guardrailAlpha', 'latency', [1e-12, 0.49], { latency }),
  latencyMargin: guardrailEdge('latencyMargin', 'latency', [0, 1], { latency }),
  interventionMarginFraction: guardrailEdge('interventionMarginFraction', 'interventions', [0, 1], interventions),
};

describe('every number of the A/B test limits is obeyed at its edge', () => {
  it('has a case', () => {
    assert.deepEqual(Object.keys(edges).toSorted(), numbersIn(defaultAbTestLimits).toSorted());
  });
  for (const [path, edge] of Object.entries(edges)) it(path, () => assertEdge(path, edge));

  it('takes earlier looks as evenly spaced in information', () => {
    const { input } = lookOf('alpha');
    const effect = estimateEffect({ parameters, robots: input.robots, daysTreated: 1, form: 'twoArm' });
    const limits = parseAbTestLimits({});
    const bounds = [2, 4, 6].map((look) => lookAt(effect, { look, looks: 7, informationMax: 120_000 }, limits).bound);
    // The more looks have spent at the same information, the less is left: each bound is above the one before.
    assert.ok((bounds[0] ?? 0) < (bounds[1] ?? 0) && (bounds[1] ?? 0) < (bounds[2] ?? 0), String(bounds));
  });
});
