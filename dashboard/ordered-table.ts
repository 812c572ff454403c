import type { ComponentChild } from 'preact';

import { choiceField } from './form-fields.ts';
import { table, type Column, type HeadOrder } from './states.ts';

type Query = Readonly<Record<string, string>>;

/** A column by which a table can be ordered; `valueOf` null: unknown, which stands last whichever way round. */
export interface OrderedColumn<T> extends Column<T> {
  /** In the address: the name of the order, with `-` before it the other way round. */
  readonly id: string;
  readonly valueOf: (item: T) => string | number | null;
}

interface Order {
  readonly id: string;
  readonly isDown: boolean;
}

const orderIn = ({ sort = '' }: Query): Order => ({ id: sort.replace(/^-/, ''), isDown: sort.startsWith('-') });
const nameOf = ({ id, isDown }: Order): string => `${isDown ? '-' : ''}${id}`;

/** Items as the address orders them; as they come where it names no column of these. What is equal keeps its place. */
function ordered<T>(items: readonly T[], columns: readonly OrderedColumn<T>[], query: Query): readonly T[] {
  const { id, isDown } = orderIn(query);
  const column = columns.find((one) => one.id === id);
  if (column === undefined) return items;
  const told = items.map((item) => ({ item, value: column.valueOf(item) }));
  const known = told.filter((one): one is { item: T; value: string | number } => one.value !== null);
  const sorted = known.toSorted((a, b) => (isDown ? -1 : 1) * compare(a.value, b.value));
  return [...sorted, ...told.filter(({ value }) => value === null)].map(({ item }) => item);
}

/** Numbers within names count as such: `r2` comes before `r10`, and `1.9.0` before `1.10.0`. */
const names = new Intl.Collator('en', { numeric: true });
const compare = (a: string | number, b: string | number): number =>
  typeof a === 'number' && typeof b === 'number' ? a - b : names.compare(String(a), String(b));

/** A table that its heads order, by pointer and by keyboard. */
export function orderedTable<T>(
  caption: string,
  columns: readonly OrderedColumn<T>[],
  items: readonly T[],
  keyOf: (item: T) => string,
  { query, onFilter }: { readonly query: Query; readonly onFilter: (change: Query) => void },
): ComponentChild {
  const now = orderIn(query);
  const orderOf = (head: string): HeadOrder | undefined => {
    const column = columns.find((one) => one.head === head);
    if (column === undefined) return undefined;
    const { id } = column;
    const isNow = id === now.id;
    return {
      order: isNow ? (now.isDown ? 'descending' : 'ascending') : null,
      onOrder: () => onFilter({ sort: nameOf({ id, isDown: isNow && !now.isDown }) }),
    };
  };
  return table(caption, columns, ordered(items, columns, query), keyOf, orderOf);
}

/** The same order as a choice: on a telephone a table has no heads. */
export const orderField = (
  columns: readonly Pick<OrderedColumn<never>, 'id' | 'head'>[],
  query: Query,
  onFilter: (change: Query) => void,
): ComponentChild =>
  choiceField(
    {
      name: 'sort',
      label: 'Order',
      options: [
        ['', 'as it comes'],
        ...columns.flatMap(({ id, head }) => [
          [id, `${head}, lowest first`] as const,
          [`-${id}`, `${head}, highest first`] as const,
        ]),
      ],
    },
    query,
    onFilter,
  );
