import type { GateResult } from '../../policies/gates/index.ts';
import { barChart } from './charts.ts';
import type { EvaluationSection } from './cycle-report.ts';
import { html, type Html } from './html.ts';
import type { Link } from './links.ts';
import { labelsBody } from './render-labels.ts';
import { count, folded, measure, percent, table } from './report-parts.ts';
import { shownImages } from './shown-images.ts';

const rank = { fail: 0, notApplicable: 1, pass: 2 } as const;

/** How the candidate was judged, what matters first: gates that stop it, tasks and labels from the worst; the rest is folded. */
export function evaluationBody(evaluation: EvaluationSection, link: Link = (_, __, text) => text): Html {
  const gates = evaluation.gates.toSorted((a, b) => rank[a.outcome] - rank[b.outcome]);
  const open = gates.filter(({ outcome }) => outcome !== 'pass');
  return html`<p>
      On ${count(evaluation.frames)} held-out frames of ${count(evaluation.episodes)} episodes, which no training saw:
    </p>
    ${barChart(
      [
        { label: 'this candidate', value: evaluation.accuracyFraction },
        { label: 'champion', value: evaluation.championFraction },
        { label: 'linear model', value: evaluation.linearFraction },
        { label: 'always the commonest', value: evaluation.majorityFraction },
      ].flatMap(({ label, value }) => (value === null ? [] : [{ label, value }])),
      percent,
    )}
    <h3>Gates</h3>
    ${open.length === 0 ? html`<p class="muted">All ${gates.length} pass.</p>` : gatesTable(open)}
    ${folded(`${gates.length - open.length} gates that pass`, gatesTable(gates.slice(open.length)))}
    ${evaluation.bodies.length > 0 && bodiesBody(evaluation.bodies)} ${tasksBody(evaluation.tasks, link)}
    ${evaluation.robots.length > 0 && robotsBody(evaluation, link)}
    ${evaluation.actionErrors.length > 0 ? errorsBody(evaluation) : labelsBody(evaluation)}
    ${evaluation.disagreements !== undefined && disagreementsBody(evaluation.disagreements)}`;
}

/** What the cameras showed where the two policies are farthest apart; images are as the held-out set has them. */
const disagreementsBody = (disagreements: NonNullable<EvaluationSection['disagreements']>): Html =>
  html`<h3>Where candidate and champion differ most</h3>
    <table>
      <tr>
        <th>Images</th>
        <th>Recorded</th>
        <th>Candidate</th>
        <th>Champion</th>
        <th class="number">Difference</th>
        <th>Task</th>
        <th>Robot, episode of the held-out set</th>
      </tr>
      ${disagreements.map(
        (each) =>
          html`<tr>
            <td>${shownImages(each)}</td>
            <td>${each.recorded}</td>
            <td>${each.candidate}</td>
            <td>${each.champion}</td>
            <td class="number">${percent(each.differenceFraction)}</td>
            <td>${each.task}</td>
            <td>${each.robotId ?? 'unknown'}, ${each.episode}</td>
          </tr>`,
      )}
    </table>`;

const gatesTable = (gates: readonly GateResult[]): Html =>
  html`<table>
    <tr>
      <th>Gate</th>
      <th></th>
      <th class="number">Value</th>
      <th class="number">Limit</th>
      <th class="number">Sample</th>
      <th>In words</th>
    </tr>
    ${gates.map(gateRow)}
  </table>`;

const gateRow = (gate: GateResult): Html =>
  html`<tr>
    <td><code>${gate.id}</code></td>
    <td><span class="tag ${gate.outcome}">${gate.outcome}</span></td>
    <td class="number">${measure(gate.value, gate.unit)}</td>
    <td class="number">${measure(gate.limit, gate.unit)}</td>
    <td class="number">${count(gate.sampleSize)}</td>
    <td>${gate.sentence}</td>
  </tr>`;

const withoutStages =
  '; the champion does not serve it, so its robots take part in no stage, and a promotion does not give them this candidate: flywheel models serve does';

/** A body that fails holds no candidate back; robots of it are not given it without a person. */
const bodiesBody = (bodies: EvaluationSection['bodies']): Html =>
  html`<h3>Bodies</h3>
    ${bodies
      .toSorted((a, b) => (a.standing === b.standing ? 0 : a.standing === 'unproven' ? -1 : 1))
      .map(
        ({ robotType, standing, isWithoutStages = false, gates }) =>
          html`<p>${robotType}: ${standing}${isWithoutStages && withoutStages}</p>
            ${gatesTable(gates)}`,
      )}`;

const worstTasks = 10;

function tasksBody(tasks: EvaluationSection['tasks'], link: Link): Html {
  const ordered = tasks.toSorted((a, b) => (a.agreementFraction ?? 2) - (b.agreementFraction ?? 2));
  const heads = ['Task', 'Agreement', 'Episodes', 'Frames', 'Share of the work'];
  const rows = ordered.map(({ task, agreementFraction, episodes, frames, trafficFraction }) => [
    link('tasks', { search: task }, task),
    percent(agreementFraction),
    count(episodes),
    count(frames),
    percent(trafficFraction),
  ]);
  return html`<h3>Tasks, the worst first</h3>
    ${table(heads, rows.slice(0, worstTasks))}
    ${rows.length > worstTasks && folded(`${rows.length - worstTasks} more tasks`, table(heads, rows.slice(worstTasks)))}`;
}

const worstRobots = 5;

function robotsBody({ robots, robotsMeasured }: EvaluationSection, link: Link): Html {
  const heads = ['Robot', 'Agreement', 'Champion', 'Episodes', 'Frames'];
  const rows = robots.map(({ robotId, agreementFraction, championFraction, episodes, frames }) => [
    link('robot', { id: robotId }, robotId),
    percent(agreementFraction),
    percent(championFraction),
    count(episodes),
    count(frames),
  ]);
  const left = robotsMeasured - robots.length;
  const more = `${rows.length - worstRobots} more robots${left > 0 ? `; ${count(left)} better ones are left out` : ''}`;
  return html`<h3>Robots, the worst first</h3>
    ${table(heads, rows.slice(0, worstRobots))}
    ${rows.length > worstRobots && folded(more, table(heads, rows.slice(worstRobots)))}`;
}

function errorsBody({ actionErrors, errorFractions }: EvaluationSection): Html {
  const named: readonly (readonly [string, number | null])[] = [
    ['this candidate', errorFractions.candidate],
    ['champion', errorFractions.champion],
    ['repeating the measured state', errorFractions.copy],
    ['linear model', errorFractions.linear],
  ];
  return html`<h3>Mean error as a share of the range</h3>
    ${barChart(
      named.flatMap(([label, value]) => (value === null ? [] : [{ label, value }])),
      percent,
    )}
    <h3>Error of each action, the largest first</h3>
    ${table(
      ['Action', 'Mean', '95th percentile', 'Unit', 'Share of the range'],
      actionErrors
        .toSorted((a, b) => b.meanFraction - a.meanFraction)
        .map(({ name, mean, p95, unit, meanFraction }) => [name, short(mean), short(p95), unit, percent(meanFraction)]),
    )}`;
}

const short = (value: number): string => String(Number(value.toPrecision(4)));
