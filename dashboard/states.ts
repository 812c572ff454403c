import { h, type ComponentChild, type ComponentChildren } from 'preact';

import { momentText, spanText } from './format.ts';
import { lookOf, type Problem, type Reading } from './reading.ts';

/** A time for people and for programs. */
export const moment = (atMs: number): ComponentChild => timeOf(atMs, 'minutes');

/** The same to the second: of what happens within a minute of something else, so that what came first can be told. */
export const exactMoment = (atMs: number): ComponentChild => timeOf(atMs, 'seconds');

function timeOf(atMs: number, exactness: 'minutes' | 'seconds'): ComponentChild {
  const isValid = !Number.isNaN(new Date(atMs).getTime());
  return h('time', isValid ? { dateTime: new Date(atMs).toISOString() } : {}, momentText(atMs, undefined, exactness));
}

type State = 'empty' | 'loading' | 'forbidden' | 'noData' | 'gone' | 'refused';

/** Each state has a sign, a name, a frame and a place in the reading order of its own: none is told by colour alone. */
const signs: Readonly<Record<State, readonly [sign: string, title: string, role: 'status' | 'alert']>> = {
  empty: ['○', 'Nothing here', 'status'],
  loading: ['…', 'Loading', 'status'],
  forbidden: ['⊘', 'Not for you', 'alert'],
  noData: ['?', 'No data', 'status'],
  gone: ['⚡', 'The console does not answer', 'alert'],
  refused: ['✕', 'Cannot be read', 'alert'],
};

export function stateBox(state: State, sentence: ComponentChildren): ComponentChild {
  const [sign, title, role] = signs[state];
  return h('div', { class: `state state-${state}`, role }, [
    h('span', { class: 'sign', 'aria-hidden': 'true' }, sign),
    h('strong', null, title),
    h('p', null, sentence),
  ]);
}

const problemText = (problem: Problem | null): string => {
  if (problem === null) return 'no answer since then';
  if (problem.kind === 'gone') return 'the console does not answer; this page retries automatically';
  return problem.message;
};

/** What was read, by `show`, with its age where it is old; or the state that says why there is nothing. */
export function shownOf<T>(
  reading: Reading<T>,
  nowMs: number,
  what: string,
  show: (data: T) => ComponentChildren,
): ComponentChild {
  const look = lookOf(reading, nowMs);
  const { data, readMs, problem } = reading;
  if (data !== null) {
    const age =
      look === 'stale'
        ? h('p', { class: 'stale', role: 'status' }, [
            h('span', { class: 'sign', 'aria-hidden': 'true' }, '⏱'),
            h('strong', null, `${spanText(nowMs - (readMs ?? nowMs))} old: `),
            `${what} as of `,
            moment(readMs ?? nowMs),
            `; ${problemText(problem)}.`,
          ])
        : null;
    return h('div', { class: look === 'stale' ? 'is-stale' : 'is-fresh' }, [age, show(data)]);
  }
  if (look === 'loading') return stateBox('loading', `Loading ${what} …`);
  if (look === 'gone')
    return stateBox('gone', `The console did not answer the request for ${what}. This page retries automatically.`);
  if (look === 'forbidden')
    return stateBox('forbidden', `You do not have permission to see ${what}: ${problemText(problem)}.`);
  return stateBox(
    'refused',
    `The request for ${what} was refused: ${problemText(problem)}. This says nothing about the fleet.`,
  );
}

/** Objects of the store that were left out of what is shown. */
export const damagedNote = (keys: readonly string[]): ComponentChild | null =>
  keys.length === 0
    ? null
    : h('details', { class: 'damaged' }, [
        h('summary', null, `${keys.length} damaged object${keys.length === 1 ? '' : 's'} left out`),
        h(
          'ul',
          null,
          keys.map((key) => h('li', { key }, key)),
        ),
      ]);

export interface Column<T> {
  readonly head: string;
  readonly cell: (item: T) => ComponentChildren;
  readonly isNumber?: boolean;
}

/** How a table is ordered by a column, and what orders it by that column. */
export interface HeadOrder {
  readonly order: 'ascending' | 'descending' | null;
  readonly onOrder: () => void;
}

const orderSigns = { ascending: ' ▲', descending: ' ▼' } as const;

const headCell = (head: string, by: HeadOrder | undefined): ComponentChild =>
  by === undefined
    ? h('th', { scope: 'col', role: 'columnheader', key: head }, head)
    : h(
        'th',
        { scope: 'col', role: 'columnheader', key: head, 'aria-sort': by.order ?? undefined },
        h('button', { type: 'button', class: 'order', onClick: by.onOrder }, [
          head,
          h('span', { 'aria-hidden': 'true' }, by.order === null ? ' ↕' : orderSigns[by.order]),
        ]),
      );

/** A table that can be scrolled by keyboard. `body`: a `tbody`; `orderOf`: of a head by which it can be ordered. */
export const tableOf = (
  caption: string,
  heads: readonly string[],
  body: ComponentChild,
  className?: string,
  orderOf: (head: string) => HeadOrder | undefined = () => undefined,
): ComponentChild =>
  h('div', { class: 'scroll', role: 'region', 'aria-label': caption, tabIndex: 0 }, [
    h('table', { class: className, role: 'table' }, [
      h('caption', null, caption),
      h(
        'thead',
        { role: 'rowgroup' },
        h(
          'tr',
          { role: 'row' },
          heads.map((head) => headCell(head, orderOf(head))),
        ),
      ),
      body,
    ]),
  ]);

/**
 * A table with a row for each item; the first cell of a row is its name. On a narrow screen rows stand below each other, each cell with the head of its
 * column; the roles say that it is a table all the same, because a browser forgets that of elements that are not shown as one.
 */
export const table = <T>(
  caption: string,
  columns: readonly Column<T>[],
  items: readonly T[],
  keyOf: (item: T, index: number) => string,
  orderOf?: (head: string) => HeadOrder | undefined,
): ComponentChild =>
  tableOf(
    caption,
    columns.map(({ head }) => head),
    h(
      'tbody',
      { role: 'rowgroup' },
      items.map((item, index) =>
        h(
          'tr',
          { key: keyOf(item, index), role: 'row' },
          columns.map(({ head, cell, isNumber }, at) =>
            at === 0
              ? h('th', { scope: 'row', role: 'rowheader', key: head }, cell(item))
              : h(
                  'td',
                  { key: head, role: 'cell', 'data-head': head, class: isNumber === true ? 'number' : undefined },
                  cell(item),
                ),
          ),
        ),
      ),
    ),
    'is-cards',
    orderOf,
  );

/** Names with what they are. */
export const facts = (entries: readonly (readonly [name: string, value: ComponentChildren])[]): ComponentChild =>
  h(
    'dl',
    { class: 'facts' },
    entries.map(([name, value]) => h('div', { key: name }, [h('dt', null, name), h('dd', null, value)])),
  );
