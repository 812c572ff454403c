/** What a key does at the label desk. `choose`: the numbered word at this place, from 0. */
export type DeskKey =
  | { readonly kind: Exclude<KeyKind, 'choose'> }
  | { readonly kind: 'choose'; readonly place: number };

type KeyKind =
  | 'next'
  | 'previous'
  | 'play'
  | 'back'
  | 'forward'
  | 'first'
  | 'last'
  | 'clear'
  | 'choose'
  | 'words'
  | 'note'
  | 'leave'
  | 'store'
  | 'undo'
  | 'help';

/** The first key of each is the one that buttons show. Those after it are for keyboards and hands that are used to them. */
const keys = [
  ['next', ['n'], 'next episode of the queue'],
  ['previous', ['p'], 'episode before'],
  ['play', ['k', ' '], 'play and stop; the space bar only while the slider or the heading has the focus'],
  ['back', [','], 'one frame back'],
  ['forward', ['.'], 'one frame forward'],
  ['first', ['b', '['], 'the frames that are meant begin here'],
  ['last', ['e', ']'], 'the frames that are meant end here'],
  ['clear', ['x'], 'no frames are meant: the label is of the whole episode'],
  [
    'choose',
    ['1', '2', '3', '4', '5', '6', '7', '8', '9'],
    'choose the numbered word: why it failed, or, once frames are marked, what it should have done',
  ],
  ['words', ['w'], 'write why it failed, in words of your own'],
  ['note', ['r'], 'write the reason: why you say so'],
  ['leave', ['Escape', 'Enter'], 'in a field: back to the replay, where keys act'],
  ['store', ['s'], 'store the label that is shown, and go to the next episode'],
  ['undo', ['u'], 'take back the label that was given last, and go back to its episode'],
  ['help', ['?'], 'this list'],
] as const satisfies readonly (readonly [KeyKind, readonly string[], string])[];

/** For the list that `?` opens: the keys as they are called, and what they do. */
export const keyList: readonly (readonly [keys: string, does: string])[] = keys.map(([kind, own, does]) => [
  kind === 'choose' ? '1 to 9' : own.map((key) => (key === ' ' ? 'space' : key)).join(' or '),
  does,
]);

/** The key that a button of the desk shows. */
export const keyOf = (kind: Exclude<KeyKind, 'choose'>): string => keys.find(([name]) => name === kind)?.[1][0] ?? '';

const kinds: ReadonlyMap<string, DeskKey> = new Map(
  keys.flatMap(([kind, own]) =>
    own.map((key, place): [string, DeskKey] => [key, kind === 'choose' ? { kind, place } : { kind }]),
  ),
);

/** What goes on while a key is held down. */
const held: ReadonlySet<KeyKind> = new Set(['back', 'forward']);
/** Fields that take characters, and lists in which characters look for an entry. */
const typedIn: ReadonlySet<string> = new Set(['TEXTAREA', 'SELECT']);
const notTypedIn: ReadonlySet<string> = new Set(['range', 'checkbox', 'radio', 'button', 'submit']);

/** As much of a `keydown` as it takes to know what is meant. */
export interface Press {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly altKey: boolean;
  readonly metaKey: boolean;
  readonly shiftKey: boolean;
  readonly repeat: boolean;
  readonly isComposing: boolean;
  readonly defaultPrevented: boolean;
  readonly target: unknown;
}

/**
 * What a key means at the desk; null: nothing, and the browser has it. Nothing while a field takes characters, but what leaves it; nothing with Ctrl, Alt or Meta, and by a key that is
 * held down, but for steps of frames. Capitals by Shift mean nothing; those by Caps Lock do.
 */
export function deskKeyOf(press: Press): DeskKey | null {
  const { key, ctrlKey, altKey, metaKey, shiftKey, target } = press;
  if (ctrlKey || altKey || metaKey || press.isComposing || press.defaultPrevented) return null;
  const at = target as { readonly tagName?: string; readonly type?: string; readonly isContentEditable?: boolean };
  const tag = at.tagName ?? '';
  const isTyped =
    at.isContentEditable === true || typedIn.has(tag) || (tag === 'INPUT' && !notTypedIn.has(at.type ?? ''));
  if (isTyped) return key === 'Escape' || (key === 'Enter' && tag === 'INPUT') ? { kind: 'leave' } : null;
  // A button is pressed by the space bar, and a page or a table scrolled by it.
  if (key === ' ' && tag !== 'H2' && !(tag === 'INPUT' && at.type === 'range')) return null;
  const found = kinds.get(shiftKey ? key : key.toLowerCase()) ?? null;
  if (found?.kind === 'leave') return null;
  return found !== null && press.repeat && !held.has(found.kind) ? null : found;
}
