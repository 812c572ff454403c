import assert from 'node:assert/strict';

import { gatherFacts } from '../../../domain/experiment/guard-facts.ts';
import {
  defaultRolloutLimits,
  judgeGuard,
  maximumHours,
  parseRolloutLimits,
  stageRobots,
  type GuardInput,
  type GuardVerdict,
} from '../../../domain/experiment/index.ts';
import { assertEdge, near, numbersIn, withValue, type Edge } from './edges.ts';
import { evidence, parameters, type FleetOptions } from './fleets.ts';

/** A situation in which the limit at `path` decides, other limits as given. */
function guardOf(path: string, fleet: FleetOptions, rest: Partial<GuardInput> = {}, others: object = {}) {
  const hours = fleet.hours ?? 6;
  const robots = rest.robots ?? evidence(fleet);
  const base = { ...structuredClone(defaultRolloutLimits), ...others };
  const situation = { parameters, stage: 1, hoursInStage: hours, hoursTotal: hours, daysTreated: hours / 24 } as const;
  const judge = (value: number): GuardVerdict =>
    judgeGuard({ ...situation, ...rest, robots, limits: withValue(base, path, value) });
  const factsAt = (value: number) =>
    gatherFacts(robots, { ...situation, ...rest }, parseRolloutLimits(withValue(base, path, value)));
  return { judge, factsAt, at: (value: number) => `${judge(value).verdict} ${judge(value).metric ?? ''}`.trim() };
}
/** No robot alone may explain an alarm. */
const noFaults = { fault: { ...defaultRolloutLimits.fault, minimumRobots: 1000 } };
const stagesWith = (fields: object) => ({
  stages: defaultRolloutLimits.stages.map((stage) => ({ ...stage, ...fields })),
});
const silentFrom =
  (hour: number, ...robots: number[]): NonNullable<FleetOptions['change']> =>
  (robot, entry) =>
    robots.includes(robot) && entry.block >= hour * 12 ? undefined : entry;
const latencyOf = (slower: number) => (robot: number) => Math.log(50) + (robot < 8 ? slower : 0) + 0.02 * (robot % 5);
const range = (count: number, from = 0): number[] => Array.from({ length: count }, (_, index) => from + index);
const evidenceIn = (verdict: GuardVerdict, metric: string) =>
  verdict.evidence.find((one) => one.metric === metric) ?? assert.fail(metric);

/** The alpha at which evidence that is there becomes an alarm. */
function alphaEdge(path: string, metric: string, fleet: FleetOptions): Edge {
  const { judge, at } = guardOf(path, fleet);
  const { logEvidence } = evidenceIn(judge(0.001), metric);
  return { at, between: [1e-9, 0.49], expected: Math.exp(-logEvidence) };
}
/** Where a number that the evidence is computed with brings it to its threshold. */
function evidenceEdge(path: string, metric: string, between: Edge['between'], fleet: FleetOptions): Edge {
  const { judge, at } = guardOf(path, fleet, {}, noFaults);
  return {
    at,
    between,
    expected: (found) => {
      const { logEvidence, threshold } = evidenceIn(judge(found), metric);
      near(logEvidence, threshold, 1e-5);
    },
  };
}
/** Where a number of the advance rule brings the lower bound to the margin. */
function boundEdge(path: string, between: Edge['between'], fleet: FleetOptions, rest: Partial<GuardInput> = {}): Edge {
  const { judge, at } = guardOf(path, fleet, rest);
  return {
    at,
    between,
    expected: (found) => {
      const { lowerBound, marginFraction } = judge(found);
      near(lowerBound, -(marginFraction ?? Number.NaN));
    },
  };
}
const good: FleetOptions = { hours: 30, candidates: 20 };
const outlier: FleetOptions = {
  hours: 24,
  change: (robot, entry) => (robot === 3 ? { ...entry, successes: 0 } : entry),
};
const oneIdle: FleetOptions = {
  robots: 100,
  hours: 12,
  change: (robot, entry) => {
    if (robot === 4) return { ...entry, episodes: 0, successes: 0 };
    return robot < 8 && entry.block % 8 === 0
      ? { ...entry, episodes: 3, successes: Math.min(3, entry.successes) }
      : entry;
  },
};
const slightlyIdle: FleetOptions = {
  robots: 100,
  hours: 1,
  change: (robot, entry) => (robot < 8 ? { ...entry, episodes: 3, successes: 3 } : entry),
};
const halfIdle: FleetOptions = {
  robots: 100,
  hours: 4,
  change: (robot, entry) => (robot < 8 ? { ...entry, episodes: 2, successes: 2 } : entry),
};
const quiet: FleetOptions = { hours: 1, change: silentFrom(0.5, 2, 5) };
/** Two of eight candidates and four of 32 controls are silent. */
const bothQuiet: FleetOptions = { hours: 1, change: silentFrom(0.5, 2, 5, 10, 11, 12, 13) };
const uninstalled = (missing: number) =>
  evidence({ hours: 24 }).map((robot, index) => (index < missing ? { ...robot, blocks: [], installed: false } : robot));
const few: FleetOptions = {
  hours: 2,
  perBlock: 0,
  change: (_, entry) => (entry.block < 3 ? { ...entry, episodes: 1, successes: 1 } : entry),
};

const stageEdges = Object.fromEntries(
  range(4).flatMap((stage): [string, Edge][] => {
    const fleet = stage === 3 ? { robots: 40, candidates: 35, hours: 90 } : { ...good, hours: 60 };
    const at = (
      name: string,
      rest: Partial<GuardInput>,
      others: object = stagesWith({ maximumHours: 1000 }),
      use: FleetOptions = fleet,
    ) => guardOf(`stages.${stage}.${name}`, use, { stage: stage as 0, ...rest }, others).at;
    const sizes = (name: string, others: object) => (value: number) =>
      String(
        stageRobots(
          parseRolloutLimits(
            withValue({ ...structuredClone(defaultRolloutLimits), ...others }, `stages.${stage}.${name}`, value),
          ),
          stage,
          1000,
        ),
      );
    const unproven = {
      stages: defaultRolloutLimits.stages.map((one, index) => ({
        ...one,
        marginFraction: index === 3 ? null : 1e-4,
        minimumTotalHours: 500,
        minimumHours: 0,
        maximumHours: 2000,
        smallFleetMaximumHours: undefined,
      })),
    };
    const own = defaultRolloutLimits.stages[stage] ?? assert.fail();
    const share = [0.05, 0.25, 0.5, 0.9][stage] ?? 0;
    const loose = { holdbackFraction: 0, holdbackMinimumRobots: 1, ...stagesWith({ minimumRobots: 1 }) };
    return [
      [
        `stages.${stage}.minimumHours`,
        { at: at('minimumHours', { hoursInStage: 55 }), between: [0, 100], expected: 55 },
      ],
      [
        `stages.${stage}.minimumTotalHours`,
        {
          at: at('minimumTotalHours', { hoursInStage: 55, hoursTotal: fleet.hours }),
          between: [0, 900],
          expected: fleet.hours,
        },
      ],
      [
        `stages.${stage}.maximumHours`,
        {
          at: at('maximumHours', { hoursInStage: 40 }, unproven, { ...fleet, robots: 100 }),
          between: [1, 1500],
          expected: 40,
        },
      ],
      [
        `stages.${stage}.fleetFraction`,
        { at: sizes('fleetFraction', loose), between: [share - 5e-4, share + 5e-4], expected: share },
      ],
      [
        `stages.${stage}.minimumRobots`,
        {
          at: (value) =>
            String(
              stageRobots(
                parseRolloutLimits(
                  withValue(
                    { ...structuredClone(defaultRolloutLimits), holdbackFraction: 0, holdbackMinimumRobots: 1 },
                    `stages.${stage}.minimumRobots`,
                    value,
                  ),
                ),
                stage,
                100,
              ) > Math.ceil(own.fleetFraction * 100),
            ),
          between: [1, 99],
          isWhole: true,
          expected: Math.min(99, Math.ceil(own.fleetFraction * 100) + 1),
        },
      ],
      ...(own.marginFraction === null
        ? []
        : [
            [
              `stages.${stage}.marginFraction`,
              boundEdge(
                `stages.${stage}.marginFraction`,
                [1e-4, 0.5],
                { ...good, hours: 60 },
                { stage: stage as 0, hoursInStage: 60 },
              ),
            ] as [string, Edge],
          ]),
    ];
  }),
);

const edges: Readonly<Record<string, Edge>> = {
  ...stageEdges,
  'stages.3.minimumRobots': {
    at: (value) =>
      String(
        stageRobots(
          parseRolloutLimits(
            withValue(
              {
                ...structuredClone(defaultRolloutLimits),
                stages: defaultRolloutLimits.stages.map((stage, index) =>
                  index === 3 ? { ...stage, fleetFraction: 0.6 } : stage,
                ),
              },
              'stages.3.minimumRobots',
              value,
            ),
          ),
          3,
          100,
        ),
      ),
    between: [60, 61],
    isWhole: true,
    expected: 61,
  },
  'stages.2.smallFleetMaximumHours': {
    at: guardOf(
      'stages.2.smallFleetMaximumHours',
      { hours: 6 },
      { stage: 2, hoursInStage: 50, hoursTotal: 6 },
      stagesWith({ marginFraction: 1e-4 }),
    ).at,
    between: [49, 500],
    expected: 50,
  },
  blockMinutes: { at: guardOf('blockMinutes', quiet).at, between: [7, 8], expected: (60 - 15) / 6 },
  'guard.successAlpha': alphaEdge('guard.successAlpha', 'success', { hours: 3, candidateSuccess: 0.8 }),
  'guard.latencyAlpha': alphaEdge('guard.latencyAlpha', 'latency', { hours: 3, latency: latencyOf(0.1) }),
  'guard.throughputAlpha': alphaEdge('guard.throughputAlpha', 'throughput', slightlyIdle),
  'guard.tau': evidenceEdge('guard.tau', 'success', [1e-4, 0.05], { hours: 6, candidateSuccess: 0.8075 }),
  'guard.marginFraction': evidenceEdge('guard.marginFraction', 'success', [0, 0.5], { candidateSuccess: 0.75 }),
  'guard.latencyMargin': evidenceEdge('guard.latencyMargin', 'latency', [0, 0.9], { latency: latencyOf(0.3) }),
  'guard.throughputPrior': evidenceEdge('guard.throughputPrior', 'throughput', [0.01, 1e5], {
    ...halfIdle,
    hours: 0.5,
  }),
  'guard.minimumEpisodes': {
    at: guardOf('guard.minimumEpisodes', { candidateSuccess: 0.7 }, {}, noFaults).at,
    between: [1, 100_000],
    isWhole: true,
    expected: 8 * 6 * 12 * 4 + 1,
  },
  'fault.outlierDeviations': (() => {
    const { at, factsAt } = guardOf('fault.outlierDeviations', outlier);
    const [facts, rest] = [factsAt(1), factsAt(1).without('robot-03')];
    const robot = facts.success.perRobot.find(({ robotId }) => robotId === 'robot-03') ?? assert.fail();
    const distance = (robot.residual - rest.success.delta) / Math.sqrt(robot.variance + rest.success.variance);
    return { at, between: [0.5, 1000], expected: -distance } as const;
  })(),
  'fault.minimumRobots': {
    at: guardOf('fault.minimumRobots', outlier).at,
    between: [1, 40],
    isWhole: true,
    expected: 9,
  },
  'fault.faultsFraction': {
    at: guardOf('fault.faultsFraction', outlier, { faultsSoFar: 1 }).at,
    between: [0, 1],
    expected: 1 / 8,
  },
  'fault.faultsMinimum': {
    at: guardOf('fault.faultsMinimum', outlier, { faultsSoFar: 3 }).at,
    between: [0, 40],
    isWhole: true,
    expected: 4,
  },
  'fault.ownMissingFraction': (() => {
    const { at, factsAt } = guardOf('fault.ownMissingFraction', oneIdle);
    const { throughput } = factsAt(0.5);
    const own = throughput.missing().get('robot-04') ?? assert.fail();
    return {
      at,
      between: [0, 1],
      expected: own / Math.abs(throughput.expectedEpisodes - throughput.episodes),
    } as const;
  })(),
  'silence.missingMinutes': { at: guardOf('silence.missingMinutes', quiet).at, between: [1, 300], expected: 30 },
  'silence.missingFraction': { at: guardOf('silence.missingFraction', quiet).at, between: [0.01, 1], expected: 2 / 8 },
  'silence.controlAlikeFraction': {
    at: guardOf('silence.controlAlikeFraction', bothQuiet).at,
    between: [0, 1],
    expected: 0.5,
  },
  'silence.controlReportingFraction': {
    at: guardOf(
      'silence.controlReportingFraction',
      bothQuiet,
      {},
      { silence: { ...defaultRolloutLimits.silence, controlAlikeFraction: 1 } },
    ).at,
    between: [0, 1],
    expected: 28 / 32,
  },
  'advance.tau': boundEdge('advance.tau', [1e-6, 0.02], { hours: 15 }),
  'advance.alpha': boundEdge('advance.alpha', [1e-12, 0.49], { hours: 9 }),
  'advance.reportingFraction': {
    at: guardOf('advance.reportingFraction', { hours: 24 }, { robots: uninstalled(3) }).at,
    between: [0, 1],
    expected: 5 / 8,
  },
  'advance.minimumEpisodes': {
    at: guardOf('advance.minimumEpisodes', { hours: 24 }).at,
    between: [0, 100_000],
    isWhole: true,
    expected: 8 * 24 * 12 * 4 + 1,
  },
  'advance.episodesAfterHours': { at: guardOf('advance.episodesAfterHours', few).at, between: [0.1, 50], expected: 2 },
  holdbackFraction: {
    at: (value) => String(stageRobots(parseRolloutLimits({ holdbackFraction: value }), 3, 1000)),
    between: [0.0495, 0.0505],
    expected: 0.05,
  },
  holdbackMinimumRobots: {
    at: (value) => String(stageRobots(parseRolloutLimits({ holdbackMinimumRobots: value }), 3, 100)),
    between: [5, 6],
    isWhole: true,
    expected: 6,
  },
  smallFleetRobots: {
    at: (value) => String(maximumHours(parseRolloutLimits({ smallFleetRobots: value }), 2, 79)),
    between: [0, 1000],
    isWhole: true,
    expected: 80,
  },
};

describe('every number of the rollout limits is obeyed at its edge', () => {
  it('has a case', () => {
    assert.deepEqual(Object.keys(edges).toSorted(), numbersIn(defaultRolloutLimits).toSorted());
  });
  for (const [path, edge] of Object.entries(edges)) it(path, () => assertEdge(path, edge));
});
