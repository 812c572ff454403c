import { InvalidArgumentError, type Command } from 'commander';

import { planAbTest, planRollout, type AbTestPlan, type StagePlan } from '../domain/experiment/index.ts';
import { printJson, printTable, say } from './print.ts';

interface FleetOptions {
  readonly baseline: number;
  readonly robots: number;
  readonly episodesPerDay: number;
  readonly rho: number;
  readonly historyDays: number;
  readonly power: number;
  readonly json?: true;
}

/** `flywheel plan ab` and `flywheel plan rollout`: how long a trial takes and what it can see, before it begins. */
export function registerPlanCommands(program: Command): void {
  const plan = program.command('plan').description('how long a trial takes, and which effects it can detect');

  fleetOptions(plan.command('ab').description('plan an A/B test'))
    .requiredOption('--candidate <fraction>', 'expected success rate of the candidate, 0–1', fraction)
    .option('--share <fraction>', 'share of the robots on the candidate', fraction, 0.2)
    .action((options: FleetOptions & { candidate: number; share: number }) => {
      const { baseline, candidate, share, json } = options;
      const effect = Number((candidate - baseline).toFixed(12));
      if (effect === 0)
        throw new Error('expected --candidate to differ from --baseline, got the same; nothing to detect');
      const planned = planAbTest({ ...outlook(options), effect, candidateFraction: share });
      if (json === true) printJson({ ...planned, feasible: typeof planned.days === 'number' });
      else printAbTest(planned, effect);
    });

  fleetOptions(plan.command('rollout').description('plan the stages of a rollout of an equal candidate')).action(
    (options: FleetOptions) => {
      const stages = planRollout(outlook(options));
      if (options.json === true)
        printJson({ stages, feasible: stages.every(({ hours }) => typeof hours === 'number') });
      else printStages(stages);
    },
  );
}

const fleetOptions = (command: Command): Command =>
  command
    .requiredOption('--baseline <fraction>', 'success rate of the champion, 0–1', fraction)
    .requiredOption('--robots <count>', 'robots of the policy', whole)
    .requiredOption('--episodes-per-day <count>', 'episodes per robot and day', positive)
    .option('--rho <correlation>', 'correlation of the episodes of one robot, 0–1', correlation, 0.005)
    .option('--history-days <days>', 'days of history per robot, 0 for none', notNegative, 7)
    .option('--power <fraction>', 'probability of detecting the effect if it exists', fraction, 0.9)
    .option('--json', 'print one JSON document');

const outlook = ({ baseline, robots, episodesPerDay, rho, historyDays, power }: FleetOptions) => ({
  successFraction: baseline,
  robots,
  episodesPerRobotDay: episodesPerDay,
  rho,
  preDays: historyDays,
  power,
});

function printAbTest(plan: AbTestPlan, effect: number): void {
  const { days } = plan;
  const known = typeof days === 'number';
  printTable(
    ['A/B test', 'plan'],
    [
      ['effect to detect', points(effect)],
      ['days', known ? days : 'infeasible'],
      ['looks', known ? plan.looks : '–'],
      ['candidate / control robots', `${plan.candidateRobots} / ${plan.controlRobots}`],
      [`detectable effect after ${plan.atDays} days`, points(plan.minimumDetectableEffect)],
      ['standard error', points(plan.standardError)],
      ['  without history', points(plan.standardErrorWithoutHistory)],
      ['  if episodes were independent', points(plan.standardErrorNaive)],
      ['between-robot variance removed by history', `${(100 * plan.theta).toFixed(1)} %`],
    ],
  );
  if (days !== null && !known) say(`\nInfeasible: ${days.infeasible}.`);
}

function printStages(stages: readonly StagePlan[]): void {
  printTable(
    ['stage', 'robots', 'margin', 'hours', 'holds from', 'detectable loss'],
    stages.map(({ stage, robots, marginFraction, hours, maximumHours, detectableLossFraction }) => [
      `${stage + 1} of ${stages.length}`,
      robots,
      marginFraction === null ? 'no alarm' : points(marginFraction),
      typeof hours === 'number' ? hours : 'infeasible',
      `${maximumHours} h`,
      points(detectableLossFraction),
    ]),
  );
  const total = stages.reduce((sum, { hours }) => (typeof hours === 'number' ? sum + hours : Number.NaN), 0);
  if (Number.isFinite(total)) say(`\nAbout ${(total / 24).toFixed(1)} days in all.`);
  for (const { stage, hours } of stages) {
    if (typeof hours !== 'number') say(`\nStage ${stage + 1} of ${stages.length} is infeasible: ${hours.infeasible}.`);
  }
}

const points = (value: number): string => `${(100 * value).toFixed(2)} pp`;

const within =
  (expected: string, holds: (value: number) => boolean) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() === '' || !holds(value)) throw new InvalidArgumentError(`Expected ${expected}, got ${text}.`);
    return value;
  };
const fraction = within('a number between 0 and 1', (value) => value > 0 && value < 1);
const correlation = within('a number from 0 to below 1', (value) => value >= 0 && value < 1);
const whole = within('a whole number ≥ 2', (value) => Number.isInteger(value) && value >= 2);
const positive = within('a number above 0', (value) => value > 0 && Number.isFinite(value));
const notNegative = within('a number ≥ 0', (value) => value >= 0 && Number.isFinite(value));
