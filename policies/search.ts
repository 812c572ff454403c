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
export function planSearch(settings: TrainingSettings, trainRows: number, sees = false): readonly SearchTrial[] {
  const { specification, hyperparameters } = resolveSettings(settings, trainRows, sees);
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

/** More trainings than this at once are no small grid. */
const mostTrials = 24;

/**
 * The grid of a trainer whose settings only it knows: every combination of the settings that are given as `{"oneOf": [...]}`, the
 * first values first. Without any, a `learningRate` that is a number is tried × {1, 3, ⅓}. Throws a RangeError, in words, where
 * there is nothing to vary or too much.
 */
export function planOwnSearch(settings: Readonly<Record<string, unknown>>): readonly {
  readonly summary: string;
  readonly settings: Readonly<Record<string, unknown>>;
}[] {
  const choices = Object.entries(settings).flatMap(([name, value]) => {
    const values = choicesOf(value);
    return values === undefined ? [] : [{ name, values }];
  });
  const rate = settings['learningRate'];
  if (choices.length === 0 && typeof rate === 'number')
    choices.push({ name: 'learningRate', values: rateFactors.map((factor) => Number((rate * factor).toPrecision(3))) });
  if (choices.length === 0)
    throw new RangeError(
      'expected settings to search over, such as "learningRate": {"oneOf": [0.01, 0.003]}, or a learningRate that is a number, got none',
    );
  const total = choices.reduce((product, { values }) => product * values.length, 1);
  if (total > mostTrials) throw new RangeError(`expected at most ${mostTrials} trainings in a search, got ${total}`);
  return Array.from({ length: total }, (_, index) => {
    let rest = index;
    const chosen = choices.map(({ name, values }) => {
      const value = values[rest % values.length];
      rest = Math.floor(rest / values.length);
      return [name, value] as const;
    });
    return {
      summary: chosen.map(([name, value]) => `${name} ${JSON.stringify(value)}`).join(', '),
      settings: { ...settings, ...Object.fromEntries(chosen) },
    };
  });
}

function choicesOf(value: unknown): readonly unknown[] | undefined {
  if (typeof value !== 'object' || value === null || !('oneOf' in value)) return undefined;
  const { oneOf } = value;
  return Array.isArray(oneOf) && oneOf.length > 0 ? (oneOf as unknown[]) : undefined;
}
