import { h, type ComponentChild } from 'preact';
import { useEffect, useState } from 'preact/hooks';

import type { LabelsAnswer } from '../../console/answers/labels.ts';
import { actButton, type Acting } from '../act-buttons.ts';
import { emptyForm, failureAct, framesAct, framesOf, takeBackAct, type LabelForm } from '../label-acts.ts';
import { ClipViews } from '../clip-view.ts';
import type { ChartMarks } from '../line-chart.ts';
import type { Pass } from '../pass.ts';
import type { Reading } from '../reading.ts';
import { facts, moment, shownOf, stateBox, table } from '../states.ts';
import { actionsSection, actionText, readingsSection, seconds, type Episode } from './episode-curves.ts';

type Query = Readonly<Record<string, string>>;
type Typed = { readonly currentTarget: { readonly value: string } };

interface LabelDeskProps {
  readonly episode: Episode;
  readonly episodeId: string;
  readonly day: string;
  readonly labels: Reading<LabelsAnswer>;
  readonly query: Query;
  readonly nowMs: number;
  readonly onFilter: (change: Query) => void;
  readonly acting: Acting;
  /** By what clips are asked for. */
  readonly pass: Pass;
}

/** Replays an episode frame by frame, and takes what a person says of its frames or of its failure. Everything by keyboard. */
export function LabelDesk(props: LabelDeskProps): ComponentChild {
  const { episode, episodeId, day, labels, query, nowMs, onFilter, acting, pass } = props;
  const { frames, frameCount, split, actions } = episode;
  const [place, setPlace] = useState(0);
  const [isPlaying, setPlaying] = useState(false);
  const [form, setForm] = useState<LabelForm>(emptyForm);
  const last = Math.max(0, frames.length - 1);
  usePlaying(isPlaying, place, last, setPlace, setPlaying);
  const current = frames[Math.min(place, last)];
  const policy = query['policy'] ?? '';
  const of = { policy, episodeId, day, split, frameCount, kind: actions.kind };
  const change = (more: Partial<LabelForm>): void => setForm((before) => ({ ...before, ...more }));
  const mark = (end: 'first' | 'last'): void => change({ [end]: String(current?.index ?? 0) });
  const onKeyDown = (event: KeyboardEvent): void => {
    const act = { '[': () => mark('first'), ']': () => mark('last'), ' ': () => setPlaying(!isPlaying) }[event.key];
    if (act === undefined) return;
    event.preventDefault();
    act();
  };
  const clips = h(ClipViews, { episode, episodeId, atMs: current?.atMs ?? 0, pass });
  const player = { place: Math.min(place, last), last, isPlaying, onKeyDown, mark, clips };
  const marks = marksOf(episode, form, current?.atMs);
  return h('div', null, [
    about(episode),
    frames.length === 0
      ? stateBox('noData', 'The lake has the episode and none of its frames. Nothing follows from this.')
      : replay({ ...player, episode, onPlace: setPlace, onPlaying: setPlaying }),
    h('section', { 'aria-labelledby': 'say' }, [
      h('h2', { id: 'say' }, 'What you say of it'),
      framesFields(episode, form, change),
      actButton(framesAct(form, of, acting.viewer), acting.onAct),
      failureField(form, change),
      actButton(failureAct(form, of, acting.viewer), acting.onAct),
    ]),
    frames.length === 0 ? null : [actionsSection(episode, marks), readingsSection(episode, query, onFilter, marks)],
    h('section', { 'aria-labelledby': 'said' }, [
      h('h2', { id: 'said' }, 'Labels that hold'),
      shownOf(labels, nowMs, 'labels of the episode', (answer) => saidBody(answer, actions, policy, acting)),
    ]),
  ]);
}

/** So long a replay takes at least, and at most: frames are shown faster or slower than they were recorded where they are many or few. */
const frameMs = { least: 40, most: 250 };

function usePlaying(
  isPlaying: boolean,
  place: number,
  last: number,
  setPlace: (place: number) => void,
  setPlaying: (is: boolean) => void,
): void {
  useEffect(() => {
    if (!isPlaying) return;
    if (place >= last) return setPlaying(false);
    const pace = Math.min(frameMs.most, Math.max(frameMs.least, 20_000 / Math.max(1, last)));
    const timer = setTimeout(() => setPlace(place + 1), pace);
    return () => clearTimeout(timer);
  }, [isPlaying, place, last, setPlace, setPlaying]);
}

/** Where the curves are marked: at the frame that is looked at, and over the frames that are chosen. */
function marksOf({ frames, frameCount }: Episode, form: LabelForm, at: number | undefined): ChartMarks {
  const chosen = framesOf(form, frameCount);
  if (chosen === null) return { at };
  // Of thinned frames the nearest ones that are there.
  const from = frames.findLast(({ index }) => index <= chosen.start) ?? frames[0];
  const to = frames.find(({ index }) => index >= chosen.end - 1) ?? frames.at(-1);
  return { at, span: from === undefined || to === undefined ? undefined : [from.atMs, to.atMs] };
}

const about = ({ outcome, failureReason, intervened, robotId, task, split, startedMs }: Episode): ComponentChild =>
  facts([
    [
      'Outcome',
      `${outcome}${failureReason === null ? '' : `: ${failureReason}`}${intervened ? '; somebody took over' : ''}`,
    ],
    ['Robot', robotId],
    ['Task', task],
    ['Started', moment(startedMs)],
    ['Split', split === 'heldout' ? 'held out: kept for measuring, its frames take no label' : split],
  ]);

interface Replay {
  readonly episode: Episode;
  readonly place: number;
  readonly last: number;
  readonly isPlaying: boolean;
  readonly onPlace: (place: number) => void;
  readonly onPlaying: (is: boolean) => void;
  readonly onKeyDown: (event: KeyboardEvent) => void;
  readonly mark: (end: 'first' | 'last') => void;
  readonly clips: ComponentChild;
}

const button = (text: string, onClick: () => void): ComponentChild =>
  h('button', { type: 'button', onClick, key: text }, text);

/** A slider over the frames: arrows go on by one, page keys by more, `[` and `]` mark, space plays. */
function replay({
  episode,
  place,
  last,
  isPlaying,
  onPlace,
  onPlaying,
  onKeyDown,
  mark,
  clips,
}: Replay): ComponentChild {
  const { frames, actions } = episode;
  const frame = frames[place];
  if (frame === undefined) return null;
  const where = `frame ${frame.index}, ${seconds(frame.atMs)}`;
  return h('section', { 'aria-labelledby': 'replay', class: 'replay' }, [
    h('h2', { id: 'replay' }, 'Replay'),
    h('label', null, [
      'Frame: arrow keys step, space plays, [ marks the first and ] the last frame',
      h('input', {
        type: 'range',
        min: 0,
        max: last,
        step: 1,
        value: place,
        'aria-valuetext': where,
        onInput: (event: Typed) => onPlace(Number(event.currentTarget.value)),
        onKeyDown,
      }),
    ]),
    h('div', { class: 'acts', role: 'group', 'aria-label': 'Replay' }, [
      button(isPlaying ? 'Stop' : 'Play', () => {
        if (!isPlaying && place >= last) onPlace(0);
        onPlaying(!isPlaying);
      }),
      button('First frame is here', () => mark('first')),
      button('Last frame is here', () => mark('last')),
    ]),
    clips,
    facts([
      ['At', where],
      ['It did', actionText(actions, frame.action)],
      ['Should have done', actionText(actions, frame.expert)],
    ]),
  ]);
}

function framesFields(
  { actions, frameCount }: Episode,
  form: LabelForm,
  onChange: (more: Partial<LabelForm>) => void,
): ComponentChild {
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

const failureField = ({ failureReason }: LabelForm, onChange: (more: Partial<LabelForm>) => void): ComponentChild =>
  h('div', { class: 'filters' }, [
    h('label', null, [
      'Why it failed',
      h('input', {
        type: 'text',
        maxLength: 200,
        value: failureReason,
        onInput: (event: Typed) => onChange({ failureReason: event.currentTarget.value }),
      }),
    ]),
  ]);

function saidBody(
  { items, total }: LabelsAnswer,
  actions: Episode['actions'],
  policy: string,
  acting: Acting,
): ComponentChild {
  if (items.length === 0) return stateBox('empty', 'Nobody has said anything of this episode.');
  return table(
    `${items.length} of ${total} labels, the newest first; of frames that two name the newer one holds`,
    [
      {
        head: 'Frames',
        cell: (item) => (item.kind === 'frames' ? `${item.start} to ${item.end - 1}` : 'the whole episode'),
      },
      {
        head: 'Says',
        cell: (item) =>
          item.kind === 'frames'
            ? `should have done ${actionText(actions, item.action)}`
            : `failed: ${item.failureReason}`,
      },
      { head: 'Who', cell: ({ who }) => who },
      { head: 'Reason', cell: ({ reason }) => reason },
      { head: 'Since', cell: ({ atMs }) => moment(atMs) },
      {
        head: 'Take back',
        cell: (item) => actButton(takeBackAct(item, policy, acting.viewer), acting.onAct, item.labelId),
      },
    ],
    items.toReversed(),
    ({ labelId }) => labelId,
  );
}
