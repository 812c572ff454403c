import type { QualityMeasure } from '../../domain/quality/measure-episode.ts';
import { barChart } from './charts.ts';
import type { QualitySection } from './cycle-report.ts';
import { html, type Html } from './html.ts';
import { count, facts, folded, percent, table } from './report-parts.ts';

interface Words {
  readonly title: string;
  readonly meaning: string;
  readonly show: (value: number) => string;
}

const digits = (value: number): string => String(Number(value.toPrecision(3)));

/** How measures are told to people; docs/data.md has the formulas. */
export const qualityWords: Readonly<Record<QualityMeasure, Words>> = {
  stallFraction: { title: 'Stalled', meaning: 'share of the steps in which no reading moves', show: percent },
  logJerk: {
    title: 'Jerk',
    meaning: 'ln of the dimensionless squared jerk; the smoothest movement has 6.6',
    show: digits,
  },
  autocorrelation: {
    title: 'Autocorrelation',
    meaning: 'how much a frame is like the one before, −1 to 1',
    show: digits,
  },
  actionLagMs: {
    title: 'Lag',
    meaning: 'how long readings follow the commands that they measure',
    show: (ms) => `${digits(ms)} ms`,
  },
  nearestDistance: {
    title: 'Distance to the nearest other episode',
    meaning: 'in shares of the ranges; below 0.005 is a near-duplicate',
    show: digits,
  },
  championDisagreement: {
    title: 'Champion against labels',
    meaning: 'share of the frames of a held-out episode whose label the champion does not give',
    show: percent,
  },
};

/** Each measure as a distribution, with the episodes that lie far out. */
export const qualityBody = (quality: QualitySection): Html =>
  html`${facts([
    ['Robot type', quality.robotType],
    [
      'Measured',
      `${count(quality.measuredEpisodes)} of ${count(quality.newEpisodes)} new episodes, at most ${count(quality.framesOfEpisode)} frames of each`,
    ],
  ])}
  ${quality.measures.map((measured) => measureBody(measured))}
  ${quality.robots.length > 0 && folded('By robot: middle values, those with the most outliers first', robotsTable(quality))}`;

function measureBody(measured: QualitySection['measures'][number]): Html {
  const { title, meaning, show } = qualityWords[measured.measure];
  const { episodes, untold, quantiles, classes, outliers, listed } = measured;
  const at = (fraction: number): string => {
    const found = quantiles.find((one) => one.fraction === fraction);
    return found === undefined ? '–' : show(found.value);
  };
  return html`<h3>${title}</h3>
    <p class="muted">${meaning}</p>
    ${
      episodes === 0
        ? html`<p class="muted">No episode tells it.</p>`
        : html`${facts([
            [
              'Middle',
              `${at(0.5)} (half of the episodes: ${at(0.25)} to ${at(0.75)}; 5th and 95th of a hundred: ${at(0.05)}, ${at(0.95)})`,
            ],
            [
              'Outliers',
              `${count(outliers)} of ${count(episodes)} episodes${untold === 0 ? '' : `; ${count(untold)} do not tell it`}`,
            ],
          ])}
          ${folded(
            'Distribution',
            barChart(
              classes.map(({ from, to, episodes: value }) => ({ label: `${show(from)} to ${show(to)}`, value })),
              (value) => `${count(value)} episodes`,
            ),
          )}
          ${
            listed.length > 0 &&
            folded(
              'Outliers, the farthest out first',
              table(
                ['Episode', 'Robot', title],
                listed.map(({ episodeId, robotId, value }) => [episodeId, robotId, show(value)]),
              ),
            )
          }`
    }`;
}

function robotsTable({ robots, measures }: QualitySection): Html {
  const shown = measures.map(({ measure }) => measure).filter((measure) => measure !== 'championDisagreement');
  return table(
    ['Robot', 'Episodes', 'Outliers', ...shown.map((measure) => qualityWords[measure].title)],
    robots.map(({ robotId, episodes, outliers, medians }) => [
      robotId,
      count(episodes),
      count(outliers),
      ...shown.map((measure) => {
        const value = medians[measure];
        return value === undefined ? '–' : qualityWords[measure].show(value);
      }),
    ]),
  );
}
