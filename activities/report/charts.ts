import { html, type Html } from './html.ts';

const width = 640;
const palette = ['#2563eb', '#d97706', '#059669', '#7c3aed'] as const;

export interface Bar {
  readonly label: string;
  readonly value: number;
  readonly note?: string;
}

/** Horizontal bars from 0, one a row, each with its value in words. Empty for no bars. */
export function barChart(bars: readonly Bar[], describe: (value: number) => string): Html {
  const rowHeight = 24;
  const labelWidth = 220;
  const most = Math.max(...bars.map((bar) => bar.value), 0) || 1;
  const length = (value: number): number => ((width - labelWidth - 120) * Math.max(value, 0)) / most;
  return html`<svg viewBox="0 0 ${width} ${bars.length * rowHeight + 4}" role="img">
    ${bars.map(
      (bar, row) =>
        html`<text x="${labelWidth - 8}" y="${row * rowHeight + 17}" text-anchor="end">${bar.label}</text>
          <rect
            x="${labelWidth}"
            y="${row * rowHeight + 5}"
            width="${length(bar.value).toFixed(1)}"
            height="16"
            rx="2"
            fill="${palette[0]}"
            ><title>${bar.note}</title></rect
          >
          <text x="${(labelWidth + length(bar.value) + 6).toFixed(1)}" y="${row * rowHeight + 17}">
            ${describe(bar.value)}
          </text>`,
    )}
  </svg>`;
}

/** A small line without words, for a row of a table: both axes from 0 to the range that all rows share. Empty for no points. */
export function sparkLine(points: Line['points'], range: { readonly x: number; readonly y: number }): Html {
  if (points.length === 0) return html``;
  const [across, down] = [160, 32];
  const place = ({ x, y }: Line['points'][number]): string =>
    `${((across * x) / (range.x || 1)).toFixed(1)},${(1 + (down - 2) * (1 - y / (range.y || 1))).toFixed(1)}`;
  return html`<svg viewBox="0 0 ${across} ${down}" style="width:${across}px" role="img">
    <polyline fill="none" stroke="${palette[0]}" stroke-width="1.5" points="${points.map(place).join(' ')}" />
  </svg>`;
}

export interface Line {
  readonly name: string;
  /** In ascending order of x. */
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

/** Lines over a common x from its least to its greatest value, y from 0. Empty for no points. */
export function lineChart(lines: readonly Line[], xName: string, yName: string): Html {
  const points = lines.flatMap((line) => line.points);
  if (points.length === 0) return html``;
  const [height, left, bottom] = [260, 56, 34];
  const xs = points.map((point) => point.x);
  const [first, last] = [Math.min(...xs), Math.max(...xs)];
  const top = niceCeiling(Math.max(...points.map((point) => point.y)));
  const x = (value: number): string =>
    (left + ((width - left - 16) * (value - first)) / (last - first || 1)).toFixed(1);
  const y = (value: number): string => (8 + (height - bottom - 8) * (1 - value / top)).toFixed(1);
  const marks = [0, 0.25, 0.5, 0.75, 1].map((share) => share * top);
  return html`<svg viewBox="0 0 ${width} ${height}" role="img">
      ${marks.map(
        (mark) =>
          html`<line x1="${left}" x2="${width - 16}" y1="${y(mark)}" y2="${y(mark)}" stroke="#e5e7eb" />
            <text x="${left - 6}" y="${Number(y(mark)) + 4}" text-anchor="end">${Number(mark.toPrecision(3))}</text>`,
      )}
      ${lines.map(
        (line, index) =>
          html`<polyline
            fill="none"
            stroke="${palette[index % palette.length]}"
            stroke-width="2"
            points="${line.points.map((point) => `${x(point.x)},${y(point.y)}`).join(' ')}"
          />`,
      )}
      <text x="${left}" y="${height - 8}">${first}</text>
      <text x="${width - 16}" y="${height - 8}" text-anchor="end">${last} ${xName}</text>
    </svg>
    <p class="legend">
      ${lines.map(
        (line, index) => html`<span style="color:${palette[index % palette.length]}">■</span> ${line.name}&ensp;`,
      )}(${yName})
    </p>`;
}

/** The least of 1, 2, 5 × 10ⁿ that is not below `value`; 1 for 0. */
function niceCeiling(value: number): number {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5].find((step) => step * power >= value) ?? 10) * power;
}
