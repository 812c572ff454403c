import type { LossReason, RobotLoss } from '../monitor/robot-losses.ts';
import { html, type Html } from './html.ts';
import { count, folded, table } from './report-parts.ts';

const words: Readonly<Record<LossReason, string>> = {
  episodesDropped: 'episodes dropped: its disk was full before they were uploaded',
  outcomesUndated: 'outcomes whose time nobody knows: its clock was not set, and nobody counted them',
  installsRefused: 'models it refused to install',
};
const mostShown = 20;

const rowOf = ({ robotId, reason, count: lost }: RobotLoss): string[] => [robotId, words[reason], count(lost)];

/** What robots made and nobody has: robot by robot, the worst first. */
export function lossesBody(losses: readonly RobotLoss[] | null): Html {
  if (losses === null) return html`<p class="muted">No monitor watches this fleet: nobody knows.</p>`;
  if (losses.length === 0) return html`<p class="muted">Nothing that robots told of.</p>`;
  const heads = ['Robot', 'What', 'In seven days'];
  const rest = losses.slice(mostShown);
  const [shown, more] = [losses.slice(0, mostShown).map(rowOf), rest.map(rowOf)];
  return html`${table(heads, shown)}
  ${rest.length === 0 ? '' : folded(`${count(rest.length)} more`, table(heads, more))}`;
}
