import type { Outcome } from './scenario.ts';

/** Two shares of wrong ends in one scenario, 0–1. */
interface Pair {
  readonly label: string;
  readonly ours: number;
  readonly naive: number;
}

const [width, rowHeight, left, right, top] = [760, 46, 250, 70, 64];
const colours = { ours: '#1f6f8b', naive: '#d1495b' };

/** Wrong ends, ours against the naive rule, from the outcomes of a simulation. */
export function drawPicture(outcomes: ReadonlyMap<string, readonly Outcome[]>): string {
  const equal = [0, 0.005, 0.02].map((rho) =>
    pairOf(outcomes.get(`equal-${rho}`), `equal model (rho ${rho}) rolled back`, 'rolledBack'),
  );
  const worse = [
    pairOf(outcomes.get('worse-1pp'), '1 pp worse (rho 0.005) promoted', 'promoted'),
    pairOf(outcomes.get('worse-1pp-0.02'), '1 pp worse (rho 0.02) promoted', 'promoted'),
    pairOf(outcomes.get('worse-2pp'), '2 pp worse (rho 0.005) promoted', 'promoted'),
  ];
  const pairs = [...equal, ...worse];
  const height = top + pairs.length * rowHeight + 24;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="13">`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    `<text x="16" y="24" font-size="15" font-weight="bold">How often a rollout ends wrongly</text>`,
    legend('ours', 'this project', 16),
    legend('naive', 'naive rule: Wilson intervals every 5 min', 130),
    ...pairs.flatMap(drawRow),
    '</svg>',
    '',
  ].join('\n');
}

function pairOf(outcomes: readonly Outcome[] | undefined, label: string, end: string): Pair {
  const runs = (outcomes ?? []).flatMap((outcome) => (outcome.kind === 'rollout' ? [outcome] : []));
  const naive = runs.flatMap((outcome) => (outcome.naive === null ? [] : [outcome.naive]));
  const share = (ends: readonly { readonly end: string }[]): number =>
    ends.filter((run) => run.end === end).length / Math.max(1, ends.length);
  return { label, ours: share(runs.map(({ run }) => run)), naive: share(naive) };
}

const legend = (name: keyof typeof colours, text: string, x: number): string =>
  `<rect x="${x}" y="36" width="12" height="12" fill="${colours[name]}"/><text x="${x + 18}" y="47">${text}</text>`;

function drawRow({ label, ours, naive }: Pair, index: number): string[] {
  const y = top + index * rowHeight;
  return [
    `<text x="${left - 10}" y="${y + 24}" text-anchor="end">${label}</text>`,
    drawBar(ours, colours.ours, y + 4),
    drawBar(naive, colours.naive, y + 22),
  ];
}

function drawBar(share: number, colour: string, y: number): string {
  const length = Math.max(1, share * (width - left - right));
  const text = `${(100 * share).toFixed(1)} %`;
  return `<rect x="${left}" y="${y}" width="${length.toFixed(1)}" height="15" fill="${colour}"/><text x="${(left + length + 6).toFixed(1)}" y="${y + 12}">${text}</text>`;
}
