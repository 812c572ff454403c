import { h, type ComponentChild, type ComponentChildren } from 'preact';

import type { RunningCycleAnswer } from '../../console/answers/cycles.ts';
import { numberText, percentText, spanText } from '../format.ts';
import { moment } from '../states.ts';

export type RunStep = NonNullable<NonNullable<RunningCycleAnswer['training']>['steps']>[number];

const names: ReadonlyMap<string, string> = new Map([
  ['planCollection', 'planning the collection'],
  ['ingestBatch', 'taking in a batch'],
  ['concludeCollection', 'concluding the collection'],
  ['mixExperience', 'putting the training set together'],
  ['exportHeldoutSet', 'putting the held-out set together'],
  ['planTraining', 'planning the training'],
  ['trainModel', 'training'],
  ['trainTrial', 'training a trial of the search'],
  ['evaluateCandidate', 'judging the candidate'],
  ['registerCandidate', 'registering the candidate'],
]);

/** What a run does now, a line each: how far, since when, and until when at this rate. `atMs`: when it was read. */
export const runSteps = (steps: readonly RunStep[], atMs: number): ComponentChild =>
  steps.length === 0
    ? null
    : h(
        'ul',
        { class: 'lately' },
        steps.map((step, index) => h('li', { key: `${step.name} ${index}` }, lineOf(step, atMs))),
      );

/** Longer than this nothing was heard of an activity that beats every second. */
const silentAfterMs = 30_000;

function lineOf(step: RunStep, atMs: number): ComponentChildren {
  const { name, stage, startedMs, beatMs, attempt, failure } = step;
  const far = farText(step);
  const said = stage === null || stage === names.get(name) ? '' : `, ${stage}`;
  return [
    `${names.get(name) ?? name}${said}`,
    far === null ? null : `: ${far}`,
    startedMs === null ? '; it waits for a worker' : ['; since ', moment(startedMs)],
    attempt > 1 ? `; attempt ${attempt}${failure === null ? '' : `, the one before failed: ${failure}`}` : null,
    startedMs !== null && beatMs !== null && atMs - beatMs > silentAfterMs
      ? `; ⚠ last heard of ${spanText(atMs - beatMs)} ago`
      : null,
  ];
}

/** How far a training is; null: it counts no steps, or has not said one yet. A percentage only of a number that was planned. */
function farText(step: RunStep): string | null {
  const { step: done, plannedSteps } = step;
  if (done === null) return null;
  if (plannedSteps === null || plannedSteps === 0)
    return `step ${numberText(done, 0)}; how many there will be is not told`;
  const fraction = Math.min(1, done / plannedSteps);
  const left = leftMs(step, plannedSteps - done);
  return [
    `step ${numberText(done, 0)} of at most ${numberText(plannedSteps, 0)} (${percentText(fraction)})`,
    left === null ? 'how long it takes is not known yet' : `at this rate at most ${atMostText(left)} more`,
  ].join(', ');
}

/** How far the training is that is farthest, as {@link runSteps} says it; null: none counts its steps. */
export function farthestText(steps: readonly RunStep[]): string | null {
  const fractionOf = ({ step, plannedSteps }: RunStep): number => (step ?? 0) / (plannedSteps || Infinity);
  const counted = steps.filter(({ step }) => step !== null).toSorted((a, b) => fractionOf(b) - fractionOf(a));
  return counted[0] === undefined ? null : farText(counted[0]);
}

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const;

/** A time that it takes at most, never less than it is, in a unit of which there are two or more. */
function atMostText(ms: number): string {
  const [unit, size] = units.find(([, one]) => ms > 2 * one) ?? ['s', 1_000];
  return `${Math.ceil(ms / size)} ${unit}`;
}

/** A rate of fewer seconds says nothing. */
const leastMs = 10_000;

/** How long so many steps take as fast as those of this attempt; null: too few to say. */
function leftMs({ step, fromStep, startedMs, beatMs }: RunStep, stepsLeft: number): number | null {
  if (step === null || fromStep === null || startedMs === null || beatMs === null) return null;
  const [done, tookMs] = [step - fromStep, beatMs - startedMs];
  return done <= 0 || tookMs < leastMs ? null : (Math.max(0, stepsLeft) * tookMs) / done;
}
