import { h, type ComponentChild } from 'preact';

import { longestReason } from '../act-dialog.ts';
import { actButton } from '../act-buttons.ts';
import type { OfferedAct } from '../acts.ts';
import { keyOf } from '../desk-keys.ts';
import type { LabelForm } from '../label-acts.ts';
import { mostReasons } from '../label-sitting.ts';
import type { AtDesk } from '../use-sitting.ts';
import type { Episode } from './episode-curves.ts';
import { keyed, keyHint, shortcut, type KeyHints } from './key-hints.ts';

type Typed = { readonly currentTarget: { readonly value: string } };
type Change = (more: Partial<LabelForm>) => void;

interface Words {
  readonly episode: Episode;
  readonly form: LabelForm;
  readonly onChange: Change;
  readonly sitting: AtDesk;
  readonly acts: { readonly frames: OfferedAct; readonly failure: OfferedAct };
  readonly onStore: (act: OfferedAct) => void;
  readonly hints: KeyHints;
}

/** Fields that keys lead to. */
export const fieldIds = { words: 'label-words', note: 'label-note' } as const;

/** Frames are meant as soon as an end of them is marked. */
export const meansFrames = ({ first, last }: LabelForm): boolean => first !== '' || last !== '';

/** What the numbered keys choose: what it should have done in the frames that are meant, or why the whole episode failed. */
export function choicesOf(
  form: LabelForm,
  { actions }: Pick<Episode, 'actions'>,
  reasons: readonly string[],
): { readonly field: 'action' | 'failureReason'; readonly words: readonly string[] } {
  return meansFrames(form)
    ? { field: 'action', words: actions.kind === 'discrete' ? actions.names.slice(0, mostReasons) : [] }
    : { field: 'failureReason', words: reasons };
}

/** What a person says of the frames, or of the whole episode, and why they say so. */
export const wordsSection = (words: Words): ComponentChild => {
  const { episode, form, onChange, sitting, acts, onStore, hints } = words;
  return h('section', { 'aria-labelledby': 'say' }, [
    h('h2', { id: 'say' }, 'What you say of it'),
    choices(words),
    framesFields(episode, form, onChange),
    textField({
      id: fieldIds.words,
      label: ['Why it failed', keyHint(hints, keyOf('words'))],
      shortcut: shortcut(hints, keyOf('words')),
      maxLength: 200,
      value: form.failureReason,
      onValue: (failureReason) => onChange({ failureReason }),
    }),
    textField({
      id: fieldIds.note,
      label: ['Why you say so', keyHint(hints, keyOf('note'))],
      shortcut: shortcut(hints, keyOf('note')),
      hint: 'Required; the audit log keeps it, and it stays for the next label.',
      maxLength: longestReason,
      value: sitting.note,
      onValue: sitting.onNote,
    }),
    h('p', { class: 'will' }, [
      h('strong', null, ['Will be stored', keyHint(hints, keyOf('store')), ': ']),
      willText(meansFrames(form) ? acts.frames : acts.failure, sitting.note),
    ]),
    h('div', { class: 'acts', role: 'group', 'aria-label': 'Store' }, [
      actButton(acts.frames, onStore),
      actButton(acts.failure, onStore),
      sitting.last === null ? null : keyed(hints, 'undo', 'Take back the last label', sitting.onUndo),
    ]),
  ]);
};

const willText = ({ why, effect }: OfferedAct, note: string): string =>
  why === null ? `${effect} Because: ${note.trim()}` : `nothing yet: ${why}`;

function choices({ episode, form, onChange, sitting, hints }: Words): ComponentChild {
  const { field, words } = choicesOf(form, episode, sitting.reasons);
  if (words.length === 0) return null;
  const label = field === 'action' ? 'It should have done' : 'It failed because of';
  return h('div', { class: 'choices', role: 'group', 'aria-label': label }, [
    h('span', { class: 'hint' }, label),
    words.map((word, place) =>
      h(
        'button',
        {
          type: 'button',
          key: word,
          'aria-pressed': form[field] === word ? 'true' : 'false',
          'aria-keyshortcuts': shortcut(hints, String(place + 1)),
          onClick: () => onChange({ [field]: word }),
        },
        [
          form[field] === word ? h('span', { 'aria-hidden': 'true' }, '● ') : null,
          word,
          keyHint(hints, String(place + 1)),
        ],
      ),
    ),
  ]);
}

interface TextField {
  readonly id: string;
  readonly label: ComponentChild;
  readonly shortcut: string | undefined;
  readonly hint?: string;
  readonly maxLength: number;
  readonly value: string;
  readonly onValue: (value: string) => void;
}

const textField = ({ id, label, shortcut: keys, hint, maxLength, value, onValue }: TextField): ComponentChild =>
  h('div', { class: 'filters', key: id }, [
    h('label', { class: 'wide' }, [
      h('span', null, label),
      h('input', {
        type: 'text',
        id,
        maxLength,
        value,
        'aria-keyshortcuts': keys,
        'aria-describedby': hint === undefined ? undefined : `${id}-hint`,
        onInput: (event: Typed) => onValue(event.currentTarget.value),
      }),
    ]),
    hint === undefined ? null : h('span', { class: 'hint', id: `${id}-hint` }, hint),
  ]);

function framesFields({ actions, frameCount }: Episode, form: LabelForm, onChange: Change): ComponentChild {
  if (actions.kind === 'none') return null;
  const number = (name: 'first' | 'last', label: string): ComponentChild =>
    h('label', { key: name }, [
      label,
      h('input', {
        type: 'number',
        min: 0,
        max: frameCount - 1,
        value: form[name],
        onInput: (event: Typed) => onChange({ [name]: event.currentTarget.value }),
      }),
    ]);
  const onAction = (event: Typed): void => onChange({ action: event.currentTarget.value });
  return h('div', { class: 'filters' }, [
    number('first', 'First frame'),
    number('last', 'Last frame'),
    h('label', { key: 'action' }, [
      actions.kind === 'discrete' ? 'Should have done' : `Should have done: ${actions.names.join(', ')}`,
      actions.kind === 'discrete'
        ? h('select', { value: form.action, onChange: onAction }, [
            h('option', { value: '' }, 'choose'),
            actions.names.map((name) => h('option', { value: name, key: name, selected: name === form.action }, name)),
          ])
        : h('input', { type: 'text', maxLength: 2_000, value: form.action, onInput: onAction }),
    ]),
  ]);
}
