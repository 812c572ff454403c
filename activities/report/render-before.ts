import { changesSince, type ChangesSince } from './changes-since.ts';
import type { CycleBefore } from './cycle-before.ts';
import type { CycleReport } from './cycle-report.ts';
import { html, type Html } from './html.ts';
import { count, folded, percent, table } from './report-parts.ts';

/** What is otherwise than in the cycle before: figures, gates that changed, and the tasks that changed most. */
export function beforeBody(report: CycleReport, before: CycleBefore): Html {
  const { figures, gates, tasks } = changesSince(report, before);
  const rows = figures.map(({ name, unit, ...pair }) =>
    unit === 'count' ? countRow(name, pair) : shareRow(name, pair),
  );
  const taskRows = tasks.map(({ task, ...pair }) => shareRow(task, pair));
  return html`<p>
      ${before.cycleId} ended ${new Date(before.writtenAtMs).toISOString()} as ${before.outcome}, with
      ${before.candidateVersion === null ? 'no candidate' : `candidate ${before.candidateVersion}`}.
    </p>
    ${table(['', 'Before', 'Now', 'Change'], rows)} ${gatesBody(gates)}
    ${taskRows.length > 0 && folded('Agreement by task, the largest changes first', table(['Task', 'Before', 'Now', 'Change'], taskRows))}`;
}

function gatesBody(gates: ChangesSince['gates']): Html {
  if (gates === null)
    return html`<p class="muted">Which gates changed is unknown: one of the two cycles judged nothing.</p>`;
  if (gates.length === 0) return html`<p class="muted">Every gate has the outcome it had.</p>`;
  return table(
    ['Gate', 'Before', 'Now'],
    gates.map(({ id, before, now }) => [id, before, now]),
  );
}

type Pair = Pick<ChangesSince['figures'][number], 'before' | 'now'>;

const unknown = 'unknown';
const signed = (value: number, text: (size: number) => string): string =>
  `${value > 0 ? '+' : value < 0 ? '−' : ''}${text(Math.abs(value))}`;

const countRow = (name: string, pair: Pair): readonly string[] => [
  name,
  pair.before === null ? unknown : count(pair.before),
  pair.now === null ? unknown : count(pair.now),
  changeText(pair, count),
];

const shareRow = (name: string, pair: Pair): readonly string[] => [
  name,
  percent(pair.before),
  percent(pair.now),
  changeText(pair, points),
];

const points = (fraction: number): string => `${(100 * fraction).toFixed(1)} pp`;

const changeText = ({ before, now }: Pair, text: (size: number) => string): string =>
  before === null || now === null ? unknown : signed(now - before, text);
