import { sparkLine } from './charts.ts';
import type { TrainingSection } from './cycle-report.ts';
import { html, type Html } from './html.ts';
import { count, folded } from './report-parts.ts';

type Trial = TrainingSection['search'][number];

/** Every training of a search, the least validation loss first, with its curve on common axes and where it was stopped. */
export function searchBody(trials: readonly Trial[]): Html {
  if (trials.length === 0) return html``;
  const points = trials.flatMap(({ curve }) => curve);
  const range = {
    x: Math.max(0, ...points.map(({ step }) => step)),
    y: Math.max(0, ...points.map(({ validationLoss }) => validationLoss)),
  };
  const stopped = trials.filter(({ stoppedAtStep }) => stoppedAtStep !== undefined).length;
  const steps = trials.reduce((sum, trial) => sum + trial.steps, 0);
  const early = stopped === 0 ? '' : `, ${stopped} stopped early, ${count(steps)} steps together`;
  return folded(
    `Search: ${trials.length} trainings${early}, the least validation loss was kept`,
    html`<table>
      <tr>
        <th></th>
        ${['Validation loss', 'Curve', 'Steps', 'Settings'].map((head) => html`<th class="number">${head}</th>`)}
      </tr>
      ${trials
        .toSorted((one, other) => (one.validationLoss ?? Infinity) - (other.validationLoss ?? Infinity))
        .map(
          (trial) =>
            html`<tr>
              <td class="">${trial.isKept ? 'kept' : endOf(trial)}</td>
              <td class="number">${lossOf(trial)}</td>
              <td class="number">${lineOf(trial, range)}</td>
              <td class="number">${count(trial.steps)}</td>
              <td class="number">${JSON.stringify(trial.hyperparameters)}</td>
            </tr>`,
        )}
    </table>`,
  );
}

const lossOf = ({ validationLoss }: Trial): string =>
  validationLoss === null ? '–' : String(Number(validationLoss.toPrecision(5)));

const endOf = ({ stoppedAtStep, reason }: Trial): string => {
  if (reason !== undefined) return `could not be trained: ${reason.slice(0, 200)}`;
  return stoppedAtStep === undefined ? '' : `stopped at ${count(stoppedAtStep)}`;
};

const lineOf = ({ curve }: Trial, range: { readonly x: number; readonly y: number }): Html =>
  sparkLine(
    curve.map(({ step, validationLoss }) => ({ x: step, y: validationLoss })),
    range,
  );
