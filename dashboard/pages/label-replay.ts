import { h, type ComponentChild } from 'preact';
import { useEffect } from 'preact/hooks';

import { framesOf, type LabelForm } from '../label-acts.ts';
import type { ChartMarks } from '../line-chart.ts';
import { facts } from '../states.ts';
import { actionText, seconds, type Episode } from './episode-curves.ts';
import { keyed, type KeyHints } from './key-hints.ts';

type Typed = { readonly currentTarget: { readonly value: string } };

/** So long a replay takes at least, and at most: frames are shown faster or slower than they were recorded where they are many or few. */
const frameMs = { least: 40, most: 250 };

interface Playing {
  readonly isPlaying: boolean;
  readonly place: number;
  readonly last: number;
  readonly onPlace: (place: number) => void;
  readonly onPlaying: (is: boolean) => void;
}

export function usePlaying({ isPlaying, place, last, onPlace, onPlaying }: Playing): void {
  useEffect(() => {
    if (!isPlaying) return;
    if (place >= last) return onPlaying(false);
    const pace = Math.min(frameMs.most, Math.max(frameMs.least, 20_000 / Math.max(1, last)));
    const timer = setTimeout(() => onPlace(place + 1), pace);
    return () => clearTimeout(timer);
  }, [isPlaying, place, last, onPlace, onPlaying]);
}

/** Where the curves are marked: at the frame that is looked at, and over the frames that are chosen. */
export function marksOf(
  { frames, frameCount }: Pick<Episode, 'frames' | 'frameCount'>,
  form: LabelForm,
  at: number | undefined,
): ChartMarks {
  const chosen = framesOf(form, frameCount);
  if (chosen === null) return { at };
  // Of thinned frames the nearest ones that are there.
  const from = frames.findLast(({ index }) => index <= chosen.start) ?? frames[0];
  const to = frames.find(({ index }) => index >= chosen.end - 1) ?? frames.at(-1);
  return { at, span: from === undefined || to === undefined ? undefined : [from.atMs, to.atMs] };
}

interface Replay {
  readonly episode: Episode;
  readonly place: number;
  readonly last: number;
  readonly isPlaying: boolean;
  readonly onPlace: (place: number) => void;
  readonly onPlay: () => void;
  readonly onMark: (end: 'first' | 'last') => void;
  readonly onClear: () => void;
  readonly hints: KeyHints;
}

/** A slider over the frames, which arrows move by one and page keys by more, and buttons for what keys do. */
export function replay({ episode, place, last, isPlaying, hints, ...does }: Replay): ComponentChild {
  const { frames, actions } = episode;
  const frame = frames[place];
  if (frame === undefined) return null;
  const where = `frame ${frame.index}, ${seconds(frame.atMs)}`;
  const { onPlace, onPlay, onMark, onClear } = does;
  return h('section', { 'aria-labelledby': 'replay', class: 'replay' }, [
    h('h2', { id: 'replay', class: 'unseen' }, 'Replay'),
    h('label', null, [
      'Frame',
      h('input', {
        type: 'range',
        id: 'frame',
        min: 0,
        max: last,
        step: 1,
        value: place,
        'aria-valuetext': where,
        // Who comes here by a key hears at which episode they are, and what is known of it.
        'aria-describedby': 'desk about',
        onInput: (event: Typed) => onPlace(Number(event.currentTarget.value)),
      }),
    ]),
    h('div', { class: 'acts', role: 'group', 'aria-label': 'Replay' }, [
      keyed(hints, 'play', isPlaying ? 'Stop' : 'Play', onPlay),
      keyed(hints, 'back', 'Frame back', () => onPlace(Math.max(0, place - 1))),
      keyed(hints, 'forward', 'Frame forward', () => onPlace(Math.min(last, place + 1))),
      keyed(hints, 'first', 'First frame is here', () => onMark('first')),
      keyed(hints, 'last', 'Last frame is here', () => onMark('last')),
      keyed(hints, 'clear', 'No frames', onClear),
    ]),
    facts([
      ['At', where],
      ['It did', actionText(actions, frame.action)],
      ['Should have done', actionText(actions, frame.expert)],
    ]),
  ]);
}
