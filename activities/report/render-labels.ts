import { lineChart } from './charts.ts';
import type { EvaluationSection } from './cycle-report.ts';
import { html, type Html } from './html.ts';
import { count, folded, percent, table } from './report-parts.ts';
import { shownImages } from './shown-images.ts';

/** How each discrete action is told, the least found first: recall, precision and F1, confusion, calibration and curves with their sample sizes, and frames that are wrong. */
export function labelsBody(evaluation: EvaluationSection): Html {
  return html`<h3>Labels, the least found first</h3>
    ${table(
      ['Label', 'Recall', 'Precision', 'F1', 'Area under ROC', 'Average precision', 'Frames'],
      evaluation.perLabel
        .toSorted((a, b) => (a.recall ?? 2) - (b.recall ?? 2))
        .map(({ label, recall, precision, f1, frames }) => [
          label,
          percent(recall),
          percent(precision),
          percent(f1),
          areaOf(evaluation, label),
          averagePrecisionOf(evaluation, label),
          count(frames),
        ]),
    )}
    ${folded(
      'Confusion: recorded label (rows) against the candidate (columns)',
      html`<table>
        <tr>
          <th></th>
          ${evaluation.labels.map((label) => html`<th class="number">${label}</th>`)}
        </tr>
        ${evaluation.confusion.map((row, index) => confusionRow(evaluation.labels[index] ?? '', row))}
      </table>`,
    )}
    <p>Expected calibration error: ${percent(evaluation.calibrationError)}</p>
    ${folded(
      'Calibration: how often the chosen action was right, by its probability',
      lineChart(
        [
          {
            name: 'right',
            points: evaluation.calibrationCurve.map((bin) => ({ x: round(bin.probability), y: bin.rightFraction })),
          },
          {
            name: 'perfect',
            points: evaluation.calibrationCurve.map((bin) => ({ x: round(bin.probability), y: bin.probability })),
          },
        ],
        'probability',
        'share',
      ),
    )}
    ${curvesBody(evaluation)} ${evaluation.misclassified !== undefined && missesBody(evaluation.misclassified)}`;
}

function curvesBody(evaluation: EvaluationSection): Html {
  // Reports of earlier versions do not have them.
  const { precisionRecall = [] } = evaluation as Partial<EvaluationSection>;
  return html`${folded(
    'ROC: each label against the others',
    html`${evaluation.roc
      .filter(({ points }) => points.length > 0)
      .map(({ label, points, frames, otherFrames }) =>
        lineChart(
          [
            {
              name: sized(label, frames, otherFrames),
              points: points.map((point) => ({ x: round(point.falseFraction), y: point.trueFraction })),
            },
          ],
          'false positives',
          'found',
        ),
      )}`,
  )}
  ${folded(
    'Precision and recall: each label against the others',
    html`${precisionRecall
      .filter(({ points }) => points.length > 0)
      .map(({ label, points, frames, otherFrames }) =>
        lineChart(
          [
            {
              name: sized(label, frames, otherFrames),
              points: points.map(({ recall, precision }) => ({ x: round(recall), y: precision })),
            },
          ],
          'recall',
          'precision',
        ),
      )}`,
  )}`;
}

/** With the frames that a curve rests on. */
const sized = (label: string, frames: number | undefined, otherFrames: number | undefined): string =>
  frames === undefined ? label : `${label}, ${count(frames)} of ${count(frames + (otherFrames ?? 0))} frames`;

const mostShown = 12;

function missesBody({ frames, listed }: NonNullable<EvaluationSection['misclassified']>): Html {
  const shown = listed.slice(0, mostShown);
  return html`<h3>Where the candidate is surest and wrong</h3>
    <p>
      ${count(frames)} held-out frames are wrong; <code>flywheel data misclassified</code> lists
      ${count(listed.length)}.
    </p>
    <table>
      <tr>
        <th>Images</th>
        <th>Recorded</th>
        <th>Candidate</th>
        <th class="number">Probability</th>
        <th>Task</th>
        <th>Robot</th>
        <th>Episode, frame</th>
      </tr>
      ${shown.map(
        (miss) =>
          html`<tr>
            <td>${shownImages(miss)}</td>
            <td>${miss.recorded}</td>
            <td>${miss.chosen}</td>
            <td class="number">${percent(miss.probability)}</td>
            <td>${miss.task}</td>
            <td>${miss.robotId ?? 'unknown'}</td>
            <td>${miss.episodeId ?? 'unknown'}, ${miss.frame ?? 'unknown'}</td>
          </tr>`,
      )}
    </table>`;
}

const round = (value: number): number => Number(value.toFixed(3));

const areaOf = ({ roc }: EvaluationSection, label: string): string => {
  const area = roc.find((curve) => curve.label === label)?.area ?? null;
  return area === null ? 'unknown' : area.toFixed(3);
};

function confusionRow(label: string, row: readonly number[]): Html {
  const total = row.reduce((sum, value) => sum + value, 0) || 1;
  return html`<tr>
    <th>${label}</th>
    ${row.map(
      (value) =>
        html`<td class="number" style="background:rgba(37,99,235,${((0.6 * value) / total).toFixed(3)})">
          ${count(value)}
        </td>`,
    )}
  </tr>`;
}

const averagePrecisionOf = ({ precisionRecall = [] }: Partial<EvaluationSection>, label: string): string => {
  const value = precisionRecall.find((curve) => curve.label === label)?.averagePrecision ?? null;
  return value === null ? 'unknown' : value.toFixed(3);
};
