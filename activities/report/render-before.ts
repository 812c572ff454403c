import type { CycleBefore } from './cycle-before.ts';
import type { CycleReport } from './cycle-report.ts';
import { html, type Html } from './html.ts';
import { count, folded, percent, table } from './report-parts.ts';

type Figure = number | null | undefined;

/** What is otherwise than in the cycle before: figures, gates that changed, and the tasks that changed most. */
export function beforeBody(report: CycleReport, before: CycleBefore): Html {
  const now = report.evaluation;
  const then = before.evaluation;
  const rows = [
    countRow('Episodes stored', before.collection?.episodesStored, report.collection?.episodesStored),
    countRow('Frames stored', before.collection?.framesStored, report.collection?.framesStored),
    countRow('Failure episodes stored', before.collection?.failuresStored, report.collection?.failuresStored),
    countRow('Episodes in quarantine', before.collection?.quarantinedEpisodes, report.collection?.quarantinedEpisodes),
    countRow('Frames that wait for a label', before.mix?.needsLabelFrames, report.mix?.needsLabelFrames),
    countRow('Steps of training', before.training?.steps, report.training?.steps),
    shareRow('Agreement of the candidate', then?.accuracyFraction, now?.accuracyFraction),
    shareRow('Agreement of the champion', then?.championFraction, now?.championFraction),
    countRow('Held-out frames', then?.frames, now?.frames),
  ];
  const tasks = taskRows(before, report);
  const gates = gateRows(before, report);
  return html`<p>
      ${before.cycleId} ended ${new Date(before.writtenAtMs).toISOString()} as ${before.outcome}, with
      ${before.candidateVersion === null ? 'no candidate' : `candidate ${before.candidateVersion}`}.
    </p>
    ${table(['', 'Before', 'Now', 'Change'], rows)}
    ${gates.length === 0 ? html`<p class="muted">Every gate has the outcome it had.</p>` : table(['Gate', 'Before', 'Now'], gates)}
    ${tasks.length > 0 && folded('Agreement by task, the largest changes first', table(['Task', 'Before', 'Now', 'Change'], tasks))}`;
}

const unknown = 'unknown';
const signed = (value: number, text: (size: number) => string): string =>
  `${value > 0 ? '+' : value < 0 ? '−' : ''}${text(Math.abs(value))}`;

const countRow = (name: string, before: Figure, now: Figure): readonly string[] => [
  name,
  before === null || before === undefined ? unknown : count(before),
  now === null || now === undefined ? unknown : count(now),
  changeText(before, now, count),
];

const shareRow = (name: string, before: Figure, now: Figure): readonly string[] => [
  name,
  percent(before ?? null),
  percent(now ?? null),
  changeText(before, now, points),
];

const points = (fraction: number): string => `${(100 * fraction).toFixed(1)} pp`;

function changeText(before: Figure, now: Figure, text: (size: number) => string): string {
  if (before === null || before === undefined || now === null || now === undefined) return unknown;
  return signed(now - before, text);
}

const mostTasks = 20;

function taskRows({ evaluation }: CycleBefore, report: CycleReport): readonly (readonly string[])[] {
  const then = new Map((evaluation?.tasks ?? []).map((one) => [one.task, one.agreementFraction]));
  return (report.evaluation?.tasks ?? [])
    .flatMap(({ task, agreementFraction: now }) => {
      const before = then.get(task);
      return now === null || before === null || before === undefined ? [] : [{ task, before, now }];
    })
    .filter(({ before, now }) => now !== before)
    .toSorted((a, b) => Math.abs(b.now - b.before) - Math.abs(a.now - a.before))
    .slice(0, mostTasks)
    .map(({ task, before, now }) => shareRow(task, before, now));
}

function gateRows({ evaluation }: CycleBefore, report: CycleReport): readonly (readonly string[])[] {
  const then = new Map((evaluation?.gates ?? []).map(({ id, outcome }) => [id, outcome]));
  const now = new Map((report.evaluation?.gates ?? []).map(({ id, outcome }) => [id, outcome]));
  if (then.size === 0 || now.size === 0) return [];
  const ids = [...new Set([...then.keys(), ...now.keys()])];
  return ids
    .filter((id) => then.get(id) !== now.get(id))
    .map((id) => [id, then.get(id) ?? 'not there', now.get(id) ?? 'not there']);
}
