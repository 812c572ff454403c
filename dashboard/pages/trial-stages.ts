import { h, type ComponentChild } from 'preact';

import { numberField } from '../fields.ts';
import { numberText, pointsText } from '../format.ts';
import { hrefOf } from '../route.ts';
import { table } from '../states.ts';

/** What a workflow says of a number, or that it does not. */
export const told = (value: number | undefined, text: (value: number) => string): string =>
  value === undefined ? 'not told' : text(value);

export const armText = (robots: number | undefined, episodes: number | undefined): string =>
  `${told(robots, (n) => numberText(n, 0))} robots, ${told(episodes, (n) => numberText(n, 0))} episodes`;

/** Stages of a rollout that were proven, each with the way to its course. */
export const stages = (rows: readonly unknown[], policy: string, id: string | undefined): ComponentChild | null =>
  rows.length === 0
    ? null
    : table(
        'Stages that were proven',
        [
          {
            head: 'Stage, and its course',
            cell: (row) => {
              const stage = told(numberField(row, 'stage'), (n) => String(n));
              return h('a', { href: hrefOf('trial', { policy, id, stage }) }, `Stage ${stage}`);
            },
          },
          { head: 'Robots', isNumber: true, cell: (row) => told(numberField(row, 'robots'), (n) => numberText(n, 0)) },
          { head: 'Effect at least', isNumber: true, cell: (row) => told(numberField(row, 'lowerBound'), pointsText) },
          {
            head: 'Limit',
            isNumber: true,
            cell: (row) => {
              const margin = numberField(row, 'marginFraction');
              return margin === undefined ? 'none' : pointsText(-margin);
            },
          },
          {
            head: 'n robots, episodes',
            isNumber: true,
            cell: (row) => armText(numberField(row, 'reportingRobots'), numberField(row, 'episodes')),
          },
        ],
        rows,
        (_, index) => String(index),
      );
