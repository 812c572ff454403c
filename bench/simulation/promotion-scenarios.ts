import type { PromotionRunOptions } from './promotion-run.ts';
import {
  atLeast,
  minutesToRollback,
  promotionScenario,
  provenAtMost,
  rolledBack,
  shown,
  type Scenario,
} from './scenario.ts';
import type { WorldOptions } from './world.ts';

/** The monitor's look every 2 s where a day lasts a minute. */
const compressed = { minutesBetweenLooks: 48 };
const promotedFleet = (options: Partial<WorldOptions>): WorldOptions => ({
  robots: 30,
  mean: 0.87,
  rho: 0.01,
  preDays: 28,
  effect: 0,
  ...options,
});
/** A fall once the promoted fleet worked well for a day and a half. */
const lateFall = { fromHour: 36.5, change: -0.12 };

/** A promotion that was right. So many runs that 0.5 % can be proven: none of 600, one of 1,000. */
const keptPromotion = (
  id: string,
  title: string,
  runs: number,
  world: Partial<WorldOptions>,
  options: Partial<PromotionRunOptions> = {},
): Scenario =>
  promotionScenario({
    id: `after-${id}`,
    title: `after a promotion: ${title}`,
    sizes: { runs, reducedRuns: 1 },
    world: promotedFleet(world),
    options: { days: 14, ...options },
    figures: (all) => [provenAtMost('rolled back in 14 days', all, rolledBack, 0.005)],
  });
const fallenPromotion = (
  id: string,
  title: string,
  runs: number,
  world: Partial<WorldOptions>,
  { sinceHour = 0, median }: { sinceHour?: number; median?: number } = {},
): Scenario =>
  promotionScenario({
    id: `after-${id}`,
    title: `after a promotion: ${title}`,
    sizes: { runs, reducedRuns: 3 },
    world: promotedFleet(world),
    options: { days: 4 },
    figures: (all) => [
      minutesToRollback(all, median ?? Infinity, undefined, sinceHour),
      median === undefined ? shown('rolled back', all, rolledBack) : atLeast('rolled back', all, rolledBack, 1),
    ],
  });

/** What happens in 14 days after a promotion. */
export const promotions: readonly Scenario[] = [
  fallenPromotion('fall', '87 → 75 %, 100 robots', 200, { robots: 100, effect: -0.12 }, { median: 60 }),
  fallenPromotion('fall-30', '87 → 75 %, 30 robots', 200, { effect: -0.12 }, { median: 60 }),
  fallenPromotion(
    'fall-late',
    '87 → 75 % after 36 h',
    100,
    { shock: lateFall },
    { sinceHour: lateFall.fromHour, median: 60 },
  ),
  fallenPromotion('fall-moving', '87 → 75 %, fleet moves by 1 pp from day to day', 100, {
    effect: -0.12,
    fleetDailySd: 0.01,
  }),
  fallenPromotion('fall-sparse', '87 → 75 %, 100 episodes a robot and day', 100, {
    effect: -0.12,
    episodesPerDay: 100,
  }),
  keptPromotion('equal', 'equal model, a look a minute', 600, {}),
  keptPromotion('equal-week', 'equal model, a week of history', 1000, { preDays: 7 }, compressed),
  keptPromotion('equal-100', 'equal model, 100 robots', 1000, { robots: 100 }, compressed),
  keptPromotion('equal-5', 'equal model, 5 robots', 1000, { robots: 5 }, compressed),
  keptPromotion(
    'moving',
    'fleet moves by 2 pp, robots by 2 pp from day to day',
    600,
    { fleetDailySd: 0.02, dailySd: 0.02 },
    { minutesBetweenLooks: 5 },
  ),
  keptPromotion(
    'moving-week',
    'fleet moves by 3 pp from day to day, a week of history',
    1000,
    { fleetDailySd: 0.03, preDays: 7 },
    compressed,
  ),
  ...[0.03, 0.08].map((dayNight) =>
    keptPromotion(
      `day-night-${dayNight}`,
      `fleet ${Math.round(100 * dayNight)} pp better by day, worse by night`,
      1000,
      { dayNight },
      compressed,
    ),
  ),
  keptPromotion('broken', 'one of 30 robots always fails', 1000, {}, { ...compressed, faults: { brokenSuccess: 0 } }),
  keptPromotion(
    'broken-25',
    'one of 30 robots always fails, 25 × episodes',
    1000,
    {},
    { ...compressed, faults: { brokenSuccess: 0, factor: 25 } },
  ),
  keptPromotion(
    'broken-5',
    'one of 5 robots always fails',
    1000,
    { robots: 5 },
    { ...compressed, faults: { brokenSuccess: 0 } },
  ),
];
