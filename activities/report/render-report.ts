import { plainReason } from '../../domain/words/plain-reason.ts';
import { lineChart } from './charts.ts';
import { evaluationBody } from './render-evaluation.ts';
import { clipsText } from './render-cameras.ts';
import { mixBody } from './render-mix.ts';
import { qualityBody } from './render-quality.ts';
import { lossesBody } from './render-losses.ts';
import { searchBody } from './render-search.ts';
import { count, facts, folded } from './report-parts.ts';
import type { CollectionSection, CycleReport, LineageSection, TrainingSection } from './cycle-report.ts';
import { html, type Html } from './html.ts';
import { linkTo } from './links.ts';
import { beforeBody } from './render-before.ts';

/** The report as one self-contained HTML page: no script, no file beside it. Pure: same report, same bytes. */
export function renderReport(report: CycleReport): string {
  const link = linkTo(report);
  const versionLink = (version: string | null): Html | string | null =>
    version === null ? null : link('models', { version }, version);
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>${report.policy}: ${report.outcome} (${report.cycleId})</title>
        <style>
          ${style}
        </style>
      </head>
      <body>
        <header>
          <p class="kind">Flywheel cycle report</p>
          <h1>${report.policy} <span class="tag ${report.outcome}">${report.outcome}</span></h1>
          <p class="reason">${plainReason(report.reason)}</p>
          ${facts([
            ['Cycle', link('cycle', { id: report.cycleId }, report.cycleId)],
            ['Cause', report.cause],
            ['Champion at the start', versionLink(report.championVersion)],
            ['Candidate', versionLink(report.candidateVersion)],
            ['Written', new Date(report.writtenAtMs).toISOString()],
          ])}
        </header>
        ${report.before !== null && section('Since the cycle before', report.before, (before) => beforeBody(report, before))}
        ${section('Data quality', report.collection, collectionBody)}
        <section>
          <h2>Lost on robots</h2>
          ${lossesBody(report.losses)}
        </section>
        ${section('What new episodes are like', report.quality, qualityBody)}
        ${section('Experience-replay mix', report.mix, mixBody)} ${section('Training', report.training, trainingBody)}
        ${section('Offline judgement', report.evaluation, (evaluation) => evaluationBody(evaluation, link))}
        <section>
          <h2>Lineage</h2>
          ${lineageBody(report.lineage)}
        </section>
      </body>
    </html> `.text;
}

const section = <T>(title: string, content: T | null, body: (content: T) => Html): Html =>
  html`<section>
    <h2>${title}</h2>
    ${content === null ? html`<p class="muted">The cycle ended before this step.</p>` : body(content)}
  </section>`;

const waitingWords: Readonly<Record<string, string>> = {
  otherType: 'of robot type',
  unregistered: 'of unregistered robot',
  quarantined: 'of quarantined robot',
  revoked: 'of robot without a token',
};
const maxWaitingShown = 10;

/** `12 segments of quarantined robot r7; 3 of robot type arm@2` */
function waitingText(waiting: CollectionSection['waiting']): string {
  const shown = waiting
    .slice(0, maxWaitingShown)
    .map(({ reason, name, segments }) => `${count(segments)} ${waitingWords[reason] ?? reason} ${name}`);
  const more = waiting.length > maxWaitingShown ? [`${waiting.length - maxWaitingShown} more in the summary`] : [];
  return [...shown, ...more].join('; ') || 'nothing';
}

const collectionBody = (collection: CollectionSection): Html =>
  html`${facts([
      ['Verdict', collection.verdict],
      ['Stored', `${count(collection.episodesStored)} episodes, ${count(collection.framesStored)} frames`],
      ['Already stored', `${count(collection.alreadyStored)} episodes`],
      ['Failure episodes stored', count(collection.failuresStored)],
      [
        'Quarantined',
        `${count(collection.quarantinedEpisodes)} episodes, ${count(collection.quarantinedSegments)} whole segments`,
      ],
      ['Robots left out', collection.robotsLeftOut.join(', ') || 'none'],
      ['Left in landing', waitingText(collection.waiting)],
      ...(collection.clips === undefined ? [] : [['Clips of cameras', clipsText(collection.clips)] as const]),
    ])}
    <h3>Refused, by rule</h3>
    ${
      collection.rules.every(({ refused }) => refused === 0)
        ? html`<p class="muted">No rule refused anything.</p>`
        : rulesTable(collection.rules.filter(({ refused }) => refused > 0))
    }
    ${folded(
      `${collection.rules.filter(({ refused }) => refused === 0).length} rules that refused nothing`,
      rulesTable(collection.rules.filter(({ refused }) => refused === 0)),
    )}`;

const rulesTable = (rules: CollectionSection['rules']): Html =>
  html`<table>
    <tr>
      <th>Rule</th>
      <th>What it asks</th>
      <th class="number">Refused</th>
    </tr>
    ${[...rules]
      .toSorted((a, b) => b.refused - a.refused)
      .map(
        (rule) =>
          html`<tr class="${rule.refused > 0 && 'refusing'}">
            <td><code>${rule.id}</code></td>
            <td>${rule.doc}</td>
            <td class="number">${count(rule.refused)}</td>
          </tr>`,
      )}
  </table>`;

const trainingBody = (training: TrainingSection): Html =>
  html`${facts([
    ['Seed', training.seed === null ? null : String(training.seed)],
    ['Steps', count(training.steps)],
    ['Start', training.warmStart ?? 'fresh'],
  ])}
  ${lineChart(
    [
      { name: 'training', points: series(training, (point) => point.trainLoss) },
      { name: 'validation', points: series(training, (point) => point.validationLoss) },
    ],
    'steps',
    'loss',
  )}
  ${folded(
    'Hyperparameters',
    facts(Object.entries(training.hyperparameters).map(([name, value]) => [name, JSON.stringify(value)])),
  )}
  ${searchBody(training.search)}`;

const series = (
  training: TrainingSection,
  value: (point: TrainingSection['curve'][number]) => number | null,
): { x: number; y: number }[] =>
  training.curve.flatMap((point) => {
    const y = value(point);
    return y === null ? [] : [{ x: point.step, y }];
  });

const lineageBody = (lineage: LineageSection): Html =>
  facts([
    [
      'Dataset version',
      lineage.datasetVersion === null
        ? null
        : `episodes ${lineage.datasetVersion.episodes}, frames ${lineage.datasetVersion.frames}`,
    ],
    ['Training set', lineage.trainingSetDigest],
    ['Model sha256', lineage.modelSha256],
    ['Parents', lineage.parents.join(', ') || null],
    ['Code build', lineage.codeBuild],
  ]);

const style = html`
  body { font: 15px/1.5 system-ui, sans-serif; color: #111827; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
  h1 { margin: 0; } h2 { border-bottom: 1px solid #e5e7eb; margin-top: 2.5rem; } h3 { margin-bottom: 0.3rem; } .kind,
  .muted { color: #6b7280; margin: 0; } .reason { font-size: 1.1rem; } dl { display: grid; grid-template-columns:
  max-content 1fr; gap: 0.2rem 1.5rem; } dt { color: #6b7280; } dd { margin: 0; overflow-wrap: anywhere; } table {
  border-collapse: collapse; margin: 0.5rem 0 1rem; } th, td { padding: 0.25rem 0.7rem; text-align: left; border-bottom:
  1px solid #f3f4f6; vertical-align: top; } .number { text-align: right; font-variant-numeric: tabular-nums;
  white-space: nowrap; } tr.refusing { background: #fef3c7; } .tag { font-size: 0.85rem; border-radius: 0.6rem; padding:
  0.1rem 0.6rem; background: #e5e7eb; } .tag.promoted, .tag.pass { background: #d1fae5; } .tag.fail, .tag.failed,
  .tag.badData, .tag.gatesHold { background: #fee2e2; } svg { width: 100%; max-width: 40rem; font: 12px system-ui,
  sans-serif; } .legend { margin: 0; font-size: 0.85rem; }
`;
