import { type ComponentChild } from 'preact';

import { numberText } from '../format.ts';
import { stateBox, table } from '../states.ts';

/** A verdict of a gate; null: not told. */
export interface GateRow {
  readonly id: string;
  readonly outcome: string;
  readonly value: number | null;
  readonly limit: number | null;
  readonly unit: string | null;
  readonly sampleSize: number | null;
  readonly sentence: string | null;
}

const signs: Readonly<Record<string, string>> = {
  pass: '✓ passed',
  fail: '✕ failed',
  notApplicable: '– not applicable',
};

/** A sign and words; what is none of ours stands as it is. */
export const outcomeText = (outcome: string): string =>
  Object.hasOwn(signs, outcome) ? (signs[outcome] ?? outcome) : outcome;

const told = (value: number | null, unit: string | null, none: string): string =>
  value === null ? none : `${numberText(value, 6)}${unit === null ? '' : ` ${unit}`}`;

/** Verdicts with value, limit and sample size. */
export const gatesTable = (gates: readonly GateRow[]): ComponentChild =>
  gates.length === 0
    ? stateBox('empty', 'No gate judged it.')
    : table(
        `${gates.filter(({ outcome }) => outcome === 'pass').length} of ${gates.length} gates passed`,
        [
          { head: 'Gate', cell: ({ id }) => id },
          { head: 'Outcome', cell: ({ outcome }) => outcomeText(outcome) },
          { head: 'Value', isNumber: true, cell: ({ value, unit }) => told(value, unit, 'not measured') },
          { head: 'Limit', isNumber: true, cell: ({ limit, unit }) => told(limit, unit, 'none') },
          { head: 'n', isNumber: true, cell: ({ sampleSize }) => told(sampleSize, null, 'not told') },
          { head: 'In words', cell: ({ sentence }) => sentence ?? '' },
        ],
        gates,
        ({ id }, index) => `${id} ${index}`,
      );
