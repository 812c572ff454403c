import { resolveSettings, type TrainingSettings } from './specification.ts';

export interface SearchTrial {
  /** For people: what is special about it. */
  readonly summary: string;
  readonly settings: TrainingSettings;
}

const rateFactors = [1, 3, 1 / 3];
const widthFactors = [1, 2];

/**
 * A small grid around the settings: learning rate × {1, 3, ⅓} and hidden widths × {1, 2}, the settings themselves first, so
 * that they win ties. The one with the least validation loss is to be kept; held-out data plays no part.
 */
export function planSearch(settings: TrainingSettings, trainRows: number): readonly SearchTrial[] {
  const { specification, hyperparameters } = resolveSettings(settings, trainRows);
  return widthFactors.flatMap((widthFactor) =>
    rateFactors.map((rateFactor) => {
      const learningRate = Number(Math.min(1, hyperparameters.learningRate * rateFactor).toPrecision(3));
      const hiddenWidths = specification.hiddenWidths.map((width) => Math.min(4096, width * widthFactor));
      return {
        summary: `learning rate ${learningRate}, widths ${hiddenWidths.join('-')}`,
        settings: { ...settings, learningRate, hiddenWidths },
      };
    }),
  );
}
