import { html, type Html } from './html.ts';

export const facts = (rows: readonly (readonly [string, Html | string | null])[]): Html =>
  html`<dl>
    ${rows.map(
      ([name, value]) =>
        html`<dt>${name}</dt>
          <dd>${value ?? '–'}</dd>`,
    )}
  </dl>`;

/** 12345.6 → `12,346`, in every locale. */
export const count = (value: number): string => String(Math.round(value)).replaceAll(/\B(?=(\d{3})+$)/g, ',');
export const percent = (fraction: number | null): string =>
  fraction === null ? 'unknown' : `${(fraction * 100).toFixed(1)} %`;
export const measure = (value: number | null, unit: string): string =>
  value === null ? 'unknown' : `${Number(value.toPrecision(4))} ${unit}`;

/** Details that are shown when somebody opens them. */
export const folded = (title: string, body: Html): Html =>
  html`<details>
    <summary>${title}</summary>
    ${body}
  </details>`;

/** A table of texts; the first column to the left, the others to the right. */
export const table = (heads: readonly string[], rows: readonly (readonly (Html | string)[])[]): Html =>
  html`<table>
    <tr>
      ${heads.map((head, index) => html`<th class="${index > 0 && 'number'}">${head}</th>`)}
    </tr>
    ${rows.map(
      (row) =>
        html`<tr>
          ${row.map((cell, index) => html`<td class="${index > 0 && 'number'}">${cell}</td>`)}
        </tr>`,
    )}
  </table>`;
