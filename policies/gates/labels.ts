import { holm, wilsonInterval } from '../../domain/statistics/index.ts';
import { measured, percent, type GateResult } from './gate.ts';
import { pairedRatio, type PairedRatioSums } from './paired-ratio.ts';

/** One action (label) on the held-out frames. */
export interface LabelFacts {
  readonly label: string;
  /** Frames with this label recorded, and those of them that the candidate found. */
  readonly frames: number;
  readonly foundFrames: number;
  /** Candidate against champion; undefined without a champion. */
  readonly recall?: PairedRatioSums;
  readonly precision?: PairedRatioSums;
  /** Precision among the frames that at least one of both answers rightly. */
  readonly contestedPrecision?: PairedRatioSums;
}

/** A label that a robot must not miss, and the least share of its held-out frames that a model must find, 0–1. */
export interface CriticalLabel {
  readonly name: string;
  readonly minRecallFraction: number;
}

/** Recall and precision of a label may be so much lower than the champion's before that counts as harm; a critical label's may not. */
export const labelMargin = 0.05;
/** Or by so much of what the whole is proven to gain, where that is more: who gains 40 pp may lose 10 on one label. */
const gainShare = 0.25;
export const labelSignificance = 0.01;
/** Fewer held-out frames of a label prove nothing about its recall. */
export const leastLabelFrames = 20;

interface Comparison {
  readonly label: string;
  readonly measure: 'recall' | 'precision';
  readonly sums: PairedRatioSums;
  readonly margin: number;
}

/**
 * No label may be proved worse than with the champion: recall and precision of each, tested together (Holm). So a model that
 * gives up a rare label is held although its overall agreement hardly falls. Of a label that is not critical, one of the two may
 * fall as long as F1 does not: a champion that always chooses the same finds all frames of that label, and nothing could ever
 * follow it otherwise. And its precision counts only frames that at least one of both answers rightly: who replaces one wrong
 * answer by another makes nothing worse, and a poor champion that is seldom wrong in one label, because it is wrong in all the
 * others, would hold back everyone. Critical labels have neither allowance, and no margin. `gainedFraction`: agreement over all frames that
 * the candidate is proven to gain on the champion, 0–1.
 */
export function labelHarm(
  labels: readonly LabelFacts[],
  critical: readonly CriticalLabel[],
  gainedFraction = 0,
): GateResult {
  const usualMargin = Math.max(labelMargin, gainShare * gainedFraction);
  const isCritical = new Set(critical.map(({ name }) => name));
  const comparisons = labels.flatMap(({ label, recall, ...facts }): Comparison[] => {
    const margin = isCritical.has(label) ? 0 : usualMargin;
    const precision = isCritical.has(label) ? facts.precision : (facts.contestedPrecision ?? facts.precision);
    return [
      ...(recall === undefined ? [] : [{ label, measure: 'recall' as const, sums: recall, margin }]),
      ...(precision === undefined ? [] : [{ label, measure: 'precision' as const, sums: precision, margin }]),
    ];
  });
  const tested = comparisons.map((comparison) => ({ ...comparison, ...pairedRatio(comparison.sums, comparison) }));
  const { rejected, adjusted } = holm(
    tested.map(({ harm }) => harm),
    labelSignificance,
  );
  const traded = new Set(
    labels.filter((label) => !isCritical.has(label.label) && keepsF1(label)).map(({ label }) => label),
  );
  const worse = tested.filter(({ label }, index) => rejected[index] === true && !traded.has(label));
  return measured({
    id: 'champion.labels',
    value: Math.min(1, ...adjusted.filter((_, index) => !traded.has(tested[index]?.label ?? ''))),
    limit: labelSignificance,
    unit: 'p-value',
    sampleSize: labels.reduce((sum, { frames }) => sum + frames, 0),
    passes: worse.length === 0,
    sentence:
      worse.length === 0
        ? `recall and precision of no label of ${labels.length} are proved more than ${percent(usualMargin)} below the champion's, with F1 below its own (least adjusted p; ${labelSignificance} is the limit)`
        : `more than ${percent(usualMargin)} below the champion (critical ones: 0.00 %): ${worse
            .slice(0, 5)
            .map(
              ({ label, measure, candidate, other, sums }) =>
                `${measure} of ${label} ${percent(candidate ?? 0)} against ${percent(other ?? 0)} (${sums.episodes} episodes)`,
            )
            .join(', ')}`,
  });
}

/** F1 = 2 · hits / (frames recorded + frames chosen), the harmonic mean of recall and precision, is at least the champion's. */
function keepsF1({ recall, precision }: LabelFacts): boolean {
  if (recall === undefined || precision === undefined) return false;
  const [hits = 0, recorded = 0, otherHits = 0, otherRecorded = 0] = recall.sums;
  const [, chosen = 0, , otherChosen = 0] = precision.sums;
  if (recorded + chosen === 0 || otherRecorded + otherChosen === 0) return false;
  return hits / (recorded + chosen) >= otherHits / (otherRecorded + otherChosen);
}

/** A label marked critical is found often enough, whatever the champion does. Its value is the worst label's recall less its limit. */
export function criticalRecall(labels: readonly LabelFacts[], critical: readonly CriticalLabel[]): GateResult {
  const found = critical.map(({ name, minRecallFraction }) => {
    const { frames = 0, foundFrames = 0 } = labels.find(({ label }) => label === name) ?? {};
    const recall = frames === 0 ? 0 : foundFrames / frames;
    const passes = frames >= leastLabelFrames && recall >= minRecallFraction;
    return { name, minRecallFraction, frames, recall, passes };
  });
  const said = found.map(({ name, minRecallFraction, frames, recall, passes }) => {
    const limit = `at least ${percent(minRecallFraction)} of at least ${leastLabelFrames} is needed`;
    return `${name}: found in ${percent(recall)} of ${frames} held-out frames${passes ? '' : `, ${limit}`}`;
  });
  return measured({
    id: 'labels.critical',
    value: Math.min(...found.map(({ recall, minRecallFraction }) => recall - minRecallFraction)),
    limit: 0,
    unit: 'fraction',
    sampleSize: Math.min(...found.map(({ frames }) => frames)),
    passes: found.every(({ passes }) => passes),
    sentence: said.join('; '),
  });
}

/** Each action is found often enough, one gate an action; one with too few held-out frames is not proven, and fails. */
export const everyRecall = (
  actions: readonly string[],
  labels: readonly LabelFacts[],
  minRecallFraction: number,
): readonly GateResult[] =>
  actions.map((label) => {
    const { frames = 0, foundFrames = 0 } = labels.find((one) => one.label === label) ?? {};
    const value = frames === 0 ? 0 : foundFrames / frames;
    const { low, high } = wilsonInterval({ successes: foundFrames, trials: Math.max(1, frames), z: 1.96 });
    const enough = frames >= leastLabelFrames;
    return measured({
      id: recallGate,
      value,
      limit: minRecallFraction,
      unit: 'fraction',
      sampleSize: frames,
      passes: enough && value >= minRecallFraction,
      sentence: `${label}: found in ${percent(value)} of ${frames} held-out frames (${percent(low)} to ${percent(high)} if frames were independent), at least ${percent(minRecallFraction)} of at least ${leastLabelFrames} is needed`,
    });
  });

export const recallGate = 'labels.recall';
