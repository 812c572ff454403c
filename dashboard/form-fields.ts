import { h, type ComponentChild } from 'preact';

type Query = Readonly<Record<string, string>>;
type Filter = (change: Query) => void;
type Typed = { readonly currentTarget: { readonly value: string } };

interface Choice {
  readonly name: string;
  readonly label: string;
  /** Value and what stands there; the first one is what holds when nothing is chosen. */
  readonly options: readonly (readonly [value: string, label: string])[];
}

/** A choice that the address keeps; what is chosen stays to be seen, also where it is no option any more. */
export function choiceField({ name, label, options }: Choice, query: Query, onFilter: Filter): ComponentChild {
  const chosen = query[name] ?? '';
  const isKnown = chosen === '' || options.some(([value]) => value === chosen);
  return h('label', { key: name }, [
    label,
    h(
      'select',
      { value: chosen, onChange: (event: Typed) => onFilter({ [name]: event.currentTarget.value }) },
      [...options, ...(isKnown ? [] : [[chosen, chosen] as const])].map(([value, text]) =>
        h('option', { value, key: value, selected: value === chosen }, text),
      ),
    ),
  ]);
}

interface Field {
  readonly name: string;
  readonly label: string;
  readonly type: 'search' | 'date';
  readonly maxLength?: number;
}

/** Something typed that the address keeps. A search is asked while it is typed, a day once it is whole. */
export function typedField({ name, label, type, maxLength = 100 }: Field, query: Query, onFilter: Filter) {
  const tell = (event: Typed): void => onFilter({ [name]: event.currentTarget.value });
  return h('label', { key: name }, [
    label,
    h('input', {
      type,
      maxLength,
      value: query[name] ?? '',
      ...(type === 'search' ? { onInput: tell } : { onChange: tell }),
    }),
  ]);
}

/** Filters of a page; nothing is sent by Enter, because everything is asked at once. `name`: where a page has more than one. */
export const filterForm = (fields: readonly ComponentChild[], name?: string): ComponentChild =>
  h(
    'form',
    {
      class: 'filters',
      role: 'search',
      'aria-label': name,
      onSubmit: (event: Event) => event.preventDefault(),
    },
    fields,
  );
