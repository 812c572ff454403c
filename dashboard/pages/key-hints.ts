import { h, type ComponentChild } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

import { keyList, keyOf, type DeskKey } from '../desk-keys.ts';
import { table } from '../states.ts';

/** Whether buttons say by which key the same is done: not where keys are turned off. */
export type KeyHints = boolean;

type Keyed = Exclude<DeskKey['kind'], 'choose'>;

/** The key beside what it does; programs that read aloud are told it otherwise. */
export const keyHint = (hints: KeyHints, key: string): ComponentChild =>
  hints ? [' ', h('kbd', { 'aria-hidden': 'true' }, key)] : null;

export const shortcut = (hints: KeyHints, key: string): string | undefined => (hints ? key : undefined);

/** A button for what a key does, too. */
export const keyed = (hints: KeyHints, kind: Keyed, text: string, onClick: () => void): ComponentChild =>
  h('button', { type: 'button', onClick, key: kind, 'aria-keyshortcuts': shortcut(hints, keyOf(kind)) }, [
    text,
    keyHint(hints, keyOf(kind)),
  ]);

/** All keys of the desk. The browser keeps the focus in it, closes it by Escape, and gives the focus back to where it was. */
export function KeysHelp({ onClose }: { readonly onClose: () => void }): ComponentChild {
  const place = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    place.current?.showModal();
  }, []);
  return h('dialog', { ref: place, class: 'act-dialog', 'aria-labelledby': 'keys-title', onClose }, [
    h('h2', { id: 'keys-title' }, 'Keys of the label desk'),
    h(
      'p',
      null,
      'They act while the focus is at the desk, outside of fields in which you type, and without Ctrl, Alt or Meta. Escape or Enter leaves a field. The box “Keys” turns them off.',
    ),
    table(
      'Keys',
      [
        { head: 'Key', cell: ([keys]) => h('kbd', null, keys) },
        { head: 'What it does', cell: ([, does]) => does },
      ],
      keyList,
      ([keys]) => keys,
    ),
    h('div', { class: 'acts' }, h('button', { type: 'button', onClick: () => place.current?.close() }, 'Close')),
  ]);
}
