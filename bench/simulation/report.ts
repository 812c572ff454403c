import type { Figure, Outcome, Scenario } from './scenario.ts';

/** The figures of one scenario as run. */
export interface ScenarioResult {
  readonly id: string;
  readonly title: string;
  readonly runs: number;
  readonly figures: readonly Figure[];
}

export const resultsOf = (
  scenarios: readonly Scenario[],
  outcomes: ReadonlyMap<string, readonly Outcome[]>,
): ScenarioResult[] =>
  scenarios.map(({ id, title, figures }) => {
    const own = outcomes.get(id) ?? [];
    return { id, title, runs: own.length, figures: figures(own) };
  });

/** Every figure that misses its bar, as a sentence. */
export const missed = (results: readonly ScenarioResult[]): string[] =>
  results.flatMap(({ title, figures }) =>
    figures.filter(({ holds }) => !holds).map(({ name, value, bar }) => `${title}: ${name} ${value}, bar ${bar}`),
  );

/** The results as a table in Markdown, its columns aligned as the formatter wants them. */
export function markdownTable(results: readonly ScenarioResult[]): string {
  const rows = results.flatMap(({ title, figures }) =>
    figures.map(({ name, value, bar, holds }, index) => [
      index === 0 ? title : '',
      name,
      value,
      bar,
      markOf(bar, holds),
    ]),
  );
  const head = ['scenario', 'figure', 'value', 'bar', 'holds'];
  const widths = head.map((name, column) =>
    Math.max(3, ...[[name], ...rows.map((row) => [row[column] ?? ''])].map(([cell = '']) => cell.length)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

function markOf(bar: string, holds: boolean): string {
  if (bar === '') return '';
  return holds ? 'yes' : '**no**';
}

const [startMark, endMark] = ['<!-- simulation:start -->', '<!-- simulation:end -->'];

/** Puts text between the marks of a document; throws when the document has none. */
export function betweenMarks(document: string, text: string): string {
  const [start, end] = [document.indexOf(startMark), document.indexOf(endMark)];
  if (start < 0 || end < start) throw new Error(`expected ${startMark} and ${endMark} in the document, found none`);
  return `${document.slice(0, start + startMark.length)}\n\n${text}\n\n${document.slice(end)}`;
}
