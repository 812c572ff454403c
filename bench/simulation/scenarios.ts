import { promotions } from './promotion-scenarios.ts';
import type { Faults, RolloutRun } from './rollout-run.ts';
import {
  abTestScenario,
  atLeast,
  atMost,
  meanHours,
  minutesToRollback,
  promoted,
  provenAtMost,
  rolledBack,
  rolloutScenario,
  shown,
  type Figure,
  type Scenario,
} from './scenario.ts';
import type { WorldOptions } from './world.ts';

const fleet = (options: Partial<WorldOptions>): WorldOptions => ({ robots: 100, rho: 0.005, effect: 0, ...options });
const disaster = fleet({ mean: 0.87, effect: -0.12 });

const falseRollback = (runs: readonly RolloutRun[]): Figure[] => [
  atMost('rolled back', runs, rolledBack, 0.01),
  shown('promoted', runs, promoted),
];
const alwaysRolledBack = (runs: readonly RolloutRun[]): Figure => atLeast('rolled back', runs, rolledBack, 1);

const equalModel = [0, 0.005, 0.02].map((rho) =>
  rolloutScenario({
    id: `equal-${rho}`,
    title: `equal model, rho ${rho}`,
    sizes: { runs: 1000, reducedRuns: 5 },
    world: fleet({ rho }),
    naive: true,
    figures: (runs) => [
      atMost('rolled back', runs, rolledBack, 8 / 1000),
      atLeast('reached 100 %', runs, ({ reachedAll }) => reachedAll, 0.95),
      shown('promoted', runs, promoted),
      meanHours('mean hours', runs),
    ],
  }),
);

const harmfulModel = [
  rolloutScenario({
    id: 'worse-1pp',
    title: '1 pp worse',
    sizes: { runs: 500, reducedRuns: 6 },
    world: fleet({ effect: -0.01 }),
    naive: true,
    figures: (runs) => [atMost('promoted', runs, promoted, 5 / 500), shown('rolled back', runs, rolledBack)],
  }),
  rolloutScenario({
    id: 'worse-1pp-0.02',
    title: '1 pp worse, rho 0.02',
    sizes: { runs: 300, reducedRuns: 4 },
    world: fleet({ rho: 0.02, effect: -0.01 }),
    naive: true,
    figures: (runs) => [atMost('promoted', runs, promoted, 5 / 500), shown('rolled back', runs, rolledBack)],
  }),
  rolloutScenario({
    id: 'worse-2pp',
    title: '2 pp worse',
    sizes: { runs: 300, reducedRuns: 6 },
    world: fleet({ effect: -0.02 }),
    naive: true,
    figures: (runs) => [atMost('promoted', runs, promoted, 0), shown('rolled back', runs, rolledBack)],
  }),
  rolloutScenario({
    id: 'disaster-5',
    title: '87 → 75 %, 5 canaries',
    sizes: { runs: 300, reducedRuns: 24 },
    world: disaster,
    naive: true,
    figures: (runs) => [minutesToRollback(runs, 50, 90), alwaysRolledBack(runs)],
  }),
  rolloutScenario({
    id: 'disaster-10',
    title: '87 → 75 %, 10 canaries',
    sizes: { runs: 300, reducedRuns: 24 },
    world: disaster,
    options: { canaries: 10 },
    figures: (runs) => [minutesToRollback(runs, 30), alwaysRolledBack(runs)],
  }),
];

const brokenParts = [
  rolloutScenario({
    id: 'broken-canary',
    title: 'one canary at 20 %, good model',
    sizes: { runs: 300, reducedRuns: 5 },
    world: fleet({}),
    options: { faults: { brokenCanarySuccess: 0.2 } },
    figures: (runs) => [
      atMost('rolled back', runs, rolledBack, 0.03),
      atLeast('robot fault', runs, ({ robotFaults }) => robotFaults > 0, 0.97),
    ],
  }),
  rolloutScenario({
    id: 'one-offline',
    title: 'one candidate offline for 4 h',
    sizes: { runs: 200, reducedRuns: 3 },
    world: fleet({}),
    options: { faults: { offline: { who: 'firstCandidate', fromHour: 2, hours: 4 } } },
    figures: (runs) => [atMost('rolled back', runs, rolledBack, 2 / 200)],
  }),
  rolloutScenario({
    id: 'all-silent',
    title: 'both arms silent for 30 min',
    sizes: { runs: 200, reducedRuns: 3 },
    world: fleet({}),
    options: { faults: { offline: { who: 'everybody', fromHour: 2, hours: 0.5 } } },
    figures: (runs) => [atMost('rolled back', runs, rolledBack, 2 / 200)],
  }),
  rolloutScenario({
    id: 'idle',
    title: 'candidate that makes no episodes',
    sizes: { runs: 100, reducedRuns: 10 },
    world: fleet({}),
    options: { faults: { idleCandidates: true } },
    figures: (runs) => [atLeast('rolled back within 30 min', runs, (run) => rolledBack(run) && run.hours <= 0.5, 1)],
  }),
];

const roughFleets = [
  { id: 'volumes', title: 'volumes × 0.2–3', world: fleet({ volumes: [0.2, 3] }) },
  { id: 'bursts', title: 'hourly bursts, sd 5 pp', world: fleet({ hourlySd: 0.05 }) },
  { id: 'effect-sd', title: 'effect differs by robot, sd 1 pp', world: fleet({ effectSd: 0.01 }) },
].map((scenario) => rolloutScenario({ ...scenario, sizes: { runs: 300, reducedRuns: 5 }, figures: falseRollback }));

const shock = rolloutScenario({
  id: 'shock',
  title: 'everybody 10 pp worse from hour 10 on',
  // Nobody's fault: no more alarms than the 1 % a rollout that its tests spend together.
  sizes: { runs: 3000, reducedRuns: 5 },
  world: fleet({ shock: { fromHour: 10, change: -0.1 } }),
  figures: (runs) => [provenAtMost('alarms', runs, (run) => rolledBack(run) || run.robotFaults > 0, 0.01)],
});

const percent = (fraction: number): string => `${Math.round(100 * fraction)} %`;

/** Few episodes, champions that hardly ever or nearly always succeed; stages as a trial plans them. */
const sparseFleets = [
  ...[20, 100, 1000].flatMap((episodesPerDay) =>
    [0, 0.1, 0.3, 0.7].map((mean) =>
      rolloutScenario({
        id: `sparse-better-${episodesPerDay}-${mean}`,
        title: `${episodesPerDay} episodes a robot and day, ${percent(mean)} → ${percent(mean + 0.2)}`,
        sizes: { runs: 100, reducedRuns: 2 },
        world: fleet({ episodesPerDay, mean, rho: mean === 0 ? 0 : 0.02, effect: 0.2 }),
        options: { planned: true },
        figures: (runs) => [atLeast('promoted', runs, promoted, 0.95), meanHours('mean hours', runs)],
      }),
    ),
  ),
  rolloutScenario({
    id: 'sparse-better-5',
    title: '5 episodes a robot and day, 10 % → 50 %',
    sizes: { runs: 100, reducedRuns: 2 },
    world: fleet({ episodesPerDay: 5, mean: 0.1, rho: 0.02, effect: 0.4 }),
    options: { planned: true },
    figures: (runs) => [atLeast('promoted', runs, promoted, 0.95), meanHours('mean hours', runs)],
  }),
  rolloutScenario({
    id: 'sparse-compressed',
    title: '30 robots, 20 episodes, 10 % → 54 %, compressed clock',
    sizes: { runs: 100, reducedRuns: 2 },
    world: fleet({ robots: 30, episodesPerDay: 20, mean: 0.1, rho: 0.02, effect: 0.44 }),
    options: { planned: true, tickBlocks: 10 },
    figures: (runs) => [atLeast('promoted', runs, promoted, 0.95), meanHours('mean hours', runs)],
  }),
  ...[5, 20, 100].flatMap((episodesPerDay) =>
    [0.3, 0.85, 0.95].map((mean) =>
      rolloutScenario({
        id: `sparse-worse-${episodesPerDay}-${mean}`,
        title: `${episodesPerDay} episodes a robot and day, ${percent(mean)}, 2 pp worse`,
        sizes: { runs: 100, reducedRuns: 2 },
        world: fleet({ episodesPerDay, mean, rho: 0.02, effect: -0.02 }),
        options: { planned: true },
        figures: (runs) => [atMost('promoted', runs, promoted, 0), shown('rolled back', runs, rolledBack)],
      }),
    ),
  ),
  ...[5, 20].map((episodesPerDay) =>
    rolloutScenario({
      id: `sparse-equal-${episodesPerDay}`,
      title: `${episodesPerDay} episodes a robot and day, equal model`,
      sizes: { runs: 200, reducedRuns: 2 },
      world: fleet({ episodesPerDay, rho: 0.02 }),
      options: { planned: true },
      figures: falseRollback,
    }),
  ),
];

type Attack = NonNullable<Faults['attack']>;

/** One robot that lies. Hidden harm: a stage is passed that must not be. Veto: a good model is taken back. Looked at every hour. */
const attackOf = (id: string, title: string, effect: number, attack: Attack): Scenario =>
  rolloutScenario({
    id: `attack-${id}`,
    title,
    // As many as prove the bar with 95 % confidence, with one hit to spare.
    sizes: { runs: effect < 0 ? 475 : 160, reducedRuns: effect < 0 ? 2 : 1 },
    world: fleet({ effect }),
    options: { tickBlocks: 12, faults: { attack } },
    figures: (runs) =>
      effect < 0
        ? [provenAtMost('harm hidden: a stage advanced', runs, (run) => run.stage > 0 || promoted(run), 0.01)]
        : [
            provenAtMost('vetoed: rolled back', runs, rolledBack, 0.03),
            shown('robot fault', runs, (run) => run.robotFaults > 0),
            shown('promoted', runs, promoted),
          ],
  });

const factors = [1, 5, 25, 100];

const attacks = [
  ...factors.flatMap((factor) => [
    attackOf(`hide-25-${factor}`, `85 → 60 %, one canary claims ${factor} × episodes, all successes`, -0.25, {
      arm: 'candidate',
      factor,
      success: 1,
    }),
    attackOf(`hide-10-${factor}`, `85 → 75 %, one canary claims ${factor} × episodes, all successes`, -0.1, {
      arm: 'candidate',
      factor,
      success: 1,
    }),
  ]),
  ...factors.map((factor) =>
    attackOf(`hide-control-${factor}`, `85 → 75 %, one control claims ${factor} × episodes, all failures`, -0.1, {
      arm: 'control',
      factor,
      success: 0,
    }),
  ),
  ...factors.flatMap((factor) => [
    attackOf(`veto-${factor}`, `equal model, one canary always fails, ${factor} × episodes`, 0, {
      arm: 'candidate',
      factor,
      success: 0,
    }),
    attackOf(`veto-control-${factor}`, `equal model, one control claims ${factor} × episodes, all successes`, 0, {
      arm: 'control',
      factor,
      success: 1,
    }),
  ]),
  attackOf('veto-unsafe', 'equal model, one canary always reports safety events', 0, {
    arm: 'candidate',
    factor: 1,
    isUnsafe: true,
  }),
];

const abTests = [
  ...[0, 0.005, 0.02].map((rho) =>
    abTestScenario({
      id: `ab-equal-${rho}`,
      title: `A/B, equal model, rho ${rho}`,
      sizes: { runs: 1000, reducedRuns: 20 },
      world: fleet({ rho }),
      figures: (runs) => [
        atMost('accepted', runs, ({ decision }) => decision === 'accept', 0.01),
        atMost('called worse', runs, ({ rejection }) => rejection === 'worse', 0.01),
        shown('blocked', runs, ({ decision }) => decision === 'block'),
        // with rho 0 episodes are independent, and only the repeated looks are wrong
        rho > 0
          ? atLeast('naive test wrong', runs, ({ naive }) => naive !== 'none', 0.2)
          : shown('naive test wrong', runs, ({ naive }) => naive !== 'none'),
      ],
    }),
  ),
  abTestScenario({
    id: 'ab-worse',
    title: 'A/B, 1 pp worse',
    sizes: { runs: 500, reducedRuns: 20 },
    world: fleet({ effect: -0.01 }),
    figures: (runs) => [atMost('accepted', runs, ({ decision }) => decision === 'accept', 0)],
  }),
  abTestScenario({
    id: 'ab-better',
    title: 'A/B, 2 pp better',
    sizes: { runs: 500, reducedRuns: 20 },
    world: fleet({ effect: 0.02 }),
    figures: (runs) => [
      atLeast('accepted', runs, ({ decision }) => decision === 'accept', 0.99),
      meanHours('mean hours', runs, 24),
    ],
  }),
];

/** Every row of the acceptance table; where the usual rule has something to show it runs beside ours. */
export const scenarios: readonly Scenario[] = [
  ...equalModel,
  ...harmfulModel,
  ...brokenParts,
  ...roughFleets,
  shock,
  ...sparseFleets,
  ...attacks,
  ...promotions,
  ...abTests,
];
