import { Fragment, h, type ComponentChild } from 'preact';
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';

import type { EpisodeAnswer } from '../../console/answers/episodes.ts';
import type { LabelsAnswer } from '../../console/answers/labels.ts';
import type { Acting } from '../act-buttons.ts';
import type { ClipShelf } from '../clip-shelf.ts';
import { ClipViews } from '../clip-view.ts';
import { deskKeyOf, keyOf, type DeskKey } from '../desk-keys.ts';
import { emptyForm, failureAct, framesAct, withNote, type LabelForm } from '../label-acts.ts';
import { numberText } from '../format.ts';
import type { Place } from '../label-sitting.ts';
import type { Reading } from '../reading.ts';
import { hrefOf } from '../route.ts';
import { facts, moment, shownOf, stateBox } from '../states.ts';
import { deskHref, type AtDesk } from '../use-sitting.ts';
import { actionsSection, readingsSection, type Episode } from './episode-curves.ts';
import { keyed, keyHint, KeysHelp, shortcut } from './key-hints.ts';
import { marksOf, replay, usePlaying } from './label-replay.ts';
import { saidBody } from './label-said.ts';
import { missingText } from './missing-words.ts';
import { choicesOf, fieldIds, meansFrames, wordsSection } from './label-words.ts';

type Query = Readonly<Record<string, string>>;

interface LabelDeskProps {
  readonly episode: Reading<EpisodeAnswer>;
  readonly episodeId: string;
  readonly day: string;
  readonly labels: Reading<LabelsAnswer>;
  /** Where it goes on in the queue, and back. */
  readonly next: Place | null;
  readonly previous: Place | null;
  readonly sitting: AtDesk;
  readonly query: Query;
  readonly nowMs: number;
  readonly onFilter: (change: Query) => void;
  readonly acting: Acting;
  readonly shelf: ClipShelf;
  /** How many episodes of the queue have no label at all. */
  readonly unlabelled: number | null;
}

/** Nobody has seen an episode that was shown so short a time ago: a key or a button that was pressed twice is no label of the next one. */
const seenAfterMs = 600;

/** Replays an episode frame by frame, and takes what a person says of its frames or of its failure. Everything by keyboard. */
export function LabelDesk(props: LabelDeskProps): ComponentChild {
  const { episodeId, nowMs, sitting, episode: reading } = props;
  const [isHelpOpen, setHelpOpen] = useState(false);
  const desk = useDesk(props);
  const hints = sitting.areKeysOn;
  const onKeyDown = (event: KeyboardEvent): void => {
    const key = hints ? deskKeyOf(event) : null;
    if (key === null) return;
    event.preventDefault();
    if (key.kind === 'help') setHelpOpen(true);
    else desk.onKey(key);
  };
  return h(Fragment, null, [
    // Who points at something in it has the focus in it, and so its keys.
    h('section', { 'aria-labelledby': 'desk', key: 'desk', class: 'desk', tabIndex: -1, onKeyDown }, [
      h('div', { class: 'desk-head' }, [
        h('h2', { id: 'desk', tabIndex: -1 }, `Episode ${episodeId}`),
        waysOn(props, hints, () => setHelpOpen(true)),
      ]),
      shownOf(reading, nowMs, 'the episode', ({ episode, missing }) =>
        episode === null
          ? stateBox('noData', `This episode cannot be opened. ${missingText(missing)}.`)
          : deskBody(props, episode, desk),
      ),
    ]),
    isHelpOpen ? h(KeysHelp, { key: 'help', onClose: () => setHelpOpen(false) }) : null,
  ]);
}

type Desk = ReturnType<typeof useDesk>;

/** What is looked at, what was filled in, and what keys do with it. */
function useDesk({ episode: reading, next, previous, sitting, query, episodeId, day, acting }: LabelDeskProps) {
  const episode = reading.data?.episode ?? null;
  const [place, onPlace] = useState(0);
  const [isPlaying, onPlaying] = useState(false);
  const [form, setForm] = useState<LabelForm>({ ...emptyForm, ...sitting.said });
  const last = Math.max(0, (episode?.frames.length ?? 0) - 1);
  usePlaying({ isPlaying, place, last, onPlace, onPlaying });
  const shownMs = useArrival(episode !== null);
  const current = episode?.frames[Math.min(place, last)];
  const onChange = useCallback((more: Partial<LabelForm>) => setForm((before) => ({ ...before, ...more })), []);
  const acts = actsOf({ episode, form, query, episodeId, day, note: sitting.note, acting });
  const onMark = (end: 'first' | 'last'): void => onChange({ [end]: String(current?.index ?? 0) });
  const onClear = (): void => onChange({ first: '', last: '' });
  const onPlay = (): void => {
    if (!isPlaying && place >= last) onPlace(0);
    onPlaying(!isPlaying);
  };
  const onStore = (act: Acts['frames']): void => {
    if (performance.now() - shownMs.current >= seenAfterMs) sitting.onStore(act, form, next);
  };
  const choose = (at: number): void => {
    if (episode === null) return;
    const { field, words } = choicesOf(form, episode, sitting.reasons);
    const word = words[at];
    if (word !== undefined) onChange({ [field]: word });
  };
  const onKey = (key: DeskKey): void => {
    if (key.kind === 'choose') return choose(key.place);
    const does: Readonly<Record<Exclude<DeskKey['kind'], 'choose'>, () => void>> = {
      next: () => next !== null && sitting.onGo(next),
      previous: () => previous !== null && sitting.onGo(previous),
      play: onPlay,
      back: () => onPlace(Math.max(0, place - 1)),
      forward: () => onPlace(Math.min(last, place + 1)),
      first: () => onMark('first'),
      last: () => onMark('last'),
      clear: onClear,
      words: () => focusOn(fieldIds.words),
      note: () => focusOn(fieldIds.note),
      leave: () => focusOn('frame'),
      store: () => acts !== null && onStore(meansFrames(form) ? acts.frames : acts.failure),
      undo: sitting.onUndo,
      help: () => undefined,
    };
    does[key.kind]();
  };
  const at = Math.min(place, last);
  return {
    place: at,
    last,
    isPlaying,
    form,
    current,
    acts,
    onPlace,
    onPlay,
    onMark,
    onClear,
    onChange,
    onStore,
    onKey,
  };
}

/** Without frames there is no slider: then the heading has the keys. */
const focusOn = (id: string): void => (document.getElementById(id) ?? document.getElementById('desk'))?.focus();

type Acts = NonNullable<ReturnType<typeof actsOf>>;

interface ActsOf extends Pick<LabelDeskProps, 'query' | 'episodeId' | 'day' | 'acting'> {
  readonly episode: Episode | null;
  readonly form: LabelForm;
  readonly note: string;
}

/** Both labels that can be given; null: the episode is not there yet. */
function actsOf({ episode, form, query, episodeId, day, note, acting: { viewer } }: ActsOf) {
  if (episode === null) return null;
  const { split, frameCount, actions } = episode;
  const of = { policy: query['policy'] ?? '', episodeId, day, split, frameCount, kind: actions.kind };
  return {
    frames: withNote(framesAct(form, of, viewer), note),
    failure: withNote(failureAct(form, of, viewer), note),
  };
}

/** When the episode was shown. Who came for it, and has not gone elsewhere, is led to the slider, where keys act and screen readers let them through. */
function useArrival(isShown: boolean): { readonly current: number } {
  const shownMs = useRef(Number.POSITIVE_INFINITY);
  useEffect(() => {
    if (!isShown) return;
    shownMs.current = performance.now();
    const at = document.activeElement;
    // Either heading has the focus where nobody has chosen anything else.
    if (at === null || at === document.body || at.id === 'desk' || at.tagName === 'H1')
      document.getElementById('frame')?.focus({ preventScroll: true });
  }, [isShown]);
  return shownMs;
}

const box = (text: string, isOn: boolean, onChange: (is: boolean) => void): ComponentChild =>
  h('label', { class: 'box', key: text }, [
    h('input', {
      type: 'checkbox',
      checked: isOn,
      onChange: (event: { readonly currentTarget: { readonly checked: boolean } }) =>
        onChange(event.currentTarget.checked),
    }),
    text,
  ]);

/** Where it goes on from the episode, and back; and the keys. */
function waysOn(
  { next, previous, sitting, query, unlabelled }: LabelDeskProps,
  hints: boolean,
  onHelp: () => void,
): ComponentChild {
  const { policy, from, to } = query;
  const way = (kind: 'next' | 'previous', text: string, place: Place | null): ComponentChild =>
    place === null
      ? null
      : h('a', { href: deskHref(query, place), key: kind, 'aria-keyshortcuts': shortcut(hints, keyOf(kind)) }, [
          text,
          keyHint(hints, keyOf(kind)),
        ]);
  return h('div', { class: 'pages', role: 'group', 'aria-label': 'Desk' }, [
    way('previous', 'Episode before', previous),
    way('next', 'Next episode', next),
    h('a', { href: hrefOf('labels', { policy, from, to }), key: 'queue' }, 'Back to the queue alone'),
    unlabelled === null
      ? null
      : h('span', { key: 'left' }, `${numberText(unlabelled, 0)} without a label in the queue`),
    box('Keys', sitting.areKeysOn, sitting.onKeys),
    box('Go on after a label', sitting.goesOn, sitting.onGoesOn),
    keyed(hints, 'help', 'Which keys', onHelp),
  ]);
}

function deskBody(props: LabelDeskProps, episode: Episode, desk: Desk): ComponentChild {
  const { episodeId, labels, sitting, query, nowMs, onFilter, acting } = props;
  const { form, acts, current } = desk;
  const hasFrames = episode.frames.length > 0;
  const hints = sitting.areKeysOn;
  const marks = marksOf(episode, form, current?.atMs);
  const hasClips = episode.clips.length > 0;
  return h('div', null, [
    about(episode),
    hasFrames
      ? replay({ ...desk, episode, hints })
      : stateBox('noData', 'The lake has the episode and none of its frames. Nothing follows from this.'),
    // What is looked at stands beside what is said of it, and above it where there is no room beside it.
    h('div', { class: hasClips ? 'desk-columns has-clips' : 'desk-columns' }, [
      hasClips
        ? h(
            'div',
            { class: 'desk-clips' },
            h(ClipViews, { episode, episodeId, atMs: current?.atMs ?? 0, shelf: props.shelf }),
          )
        : null,
      hasFrames
        ? h('div', { class: 'desk-curves' }, [
            actionsSection(episode, marks),
            readingsSection(episode, query, onFilter, { ...marks, height: 110 }),
          ])
        : null,
      acts === null
        ? null
        : h(
            'div',
            { class: 'desk-words' },
            wordsSection({ episode, form, onChange: desk.onChange, sitting, acts, onStore: desk.onStore, hints }),
          ),
    ]),
    h('section', { 'aria-labelledby': 'said' }, [
      h('h2', { id: 'said' }, 'Labels that hold'),
      shownOf(labels, nowMs, 'labels of the episode', (answer) =>
        saidBody(answer, episode.actions, query['policy'] ?? '', acting),
      ),
    ]),
  ]);
}

const about = ({ outcome, failureReason, intervened, robotId, task, split, startedMs }: Episode): ComponentChild =>
  h(
    'div',
    { id: 'about' },
    facts([
      [
        'Outcome',
        `${outcome}${failureReason === null ? '' : `: ${failureReason}`}${intervened ? '; somebody took over' : ''}`,
      ],
      ['Robot', robotId],
      ['Task', task],
      ['Started', moment(startedMs)],
      ['Split', split === 'heldout' ? 'held out: kept for measuring, its frames take no label' : split],
    ]),
  );
