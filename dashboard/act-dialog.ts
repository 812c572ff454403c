import { h, type ComponentChild } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

import type { ActAnswer } from '../console/answers/acts.ts';
import type { RollbackTargetsAnswer } from '../console/answers/rollback-targets.ts';
import type { OfferedAct } from './acts.ts';
import { sendAct } from './ask.ts';
import { unread, type Answer, type Problem, type Reading } from './reading.ts';
import { rollbackChoice, weighed } from './rollback-choice.ts';
import { useReading, type Session } from './use-reading.ts';

export type ActState =
  | { readonly kind: 'asking' }
  | { readonly kind: 'sending' }
  | { readonly kind: 'done'; readonly answer: string }
  /** Somebody else has to approve it before anything is done. */
  | { readonly kind: 'asked'; readonly answer: string }
  | { readonly kind: 'failed'; readonly problem: Problem };

/** How an act stands after an answer. */
export const actState = (answer: Answer<ActAnswer>): ActState =>
  answer.kind === 'read'
    ? { kind: answer.data.needsApproval === true ? 'asked' : 'done', answer: answer.data.answer }
    : { kind: 'failed', problem: answer };

/** Whether sending the same again may help: nobody answered, or not now. A refusal stays one. */
export const mayRetry = (problem: Problem): boolean =>
  problem.kind === 'gone' || ['storeUnavailable', 'temporalUnavailable', 'tooMany', 'internal'].includes(problem.type);

/** Whether there is nothing left to do but to close. */
const isAnswered = (state: ActState): boolean =>
  state.kind === 'done' || state.kind === 'asked' || (state.kind === 'failed' && !mayRetry(state.problem));

export const longestReason = 500;

interface DialogBody {
  readonly act: OfferedAct;
  readonly state: ActState;
  readonly reason: string;
  readonly extra: string;
  /** Of an act that takes robots to another version: what is known of where they can go. */
  readonly targets?: Reading<RollbackTargetsAnswer>;
  readonly nowMs: number;
  readonly onReason: (reason: string) => void;
  readonly onExtra: (extra: string) => void;
  readonly onSend: () => void;
  readonly onClose: () => void;
}

type Typed = { readonly currentTarget: { readonly value: string } };

/** What stands in the dialog of an act. What was sent once is not changed any more: the same is sent again, so that it is done once. */
export function dialogBody({ act, state, ...form }: DialogBody): ComponentChild {
  const isSent = state.kind !== 'asking';
  const isOver = isAnswered(state);
  return h(
    'form',
    {
      onSubmit: (event: Event) => {
        event.preventDefault();
        if (!isOver && state.kind !== 'sending') form.onSend();
      },
    },
    [
      h('h2', { id: 'act-title' }, act.label),
      h('p', { id: 'act-effect' }, act.effect),
      act.field === undefined
        ? null
        : h('label', null, [
            `${act.field.label}: ${act.field.hint}`,
            h('input', {
              required: true,
              maxLength: 63,
              value: form.extra,
              readOnly: isSent,
              // It stands before the reason, so it is filled in first.
              autoFocus: true,
              onInput: (event: Typed) => form.onExtra(event.currentTarget.value),
            }),
          ]),
      versionPart(act, form, isSent),
      h('label', null, [
        `Reason, required; recorded in the audit log (at most ${longestReason} characters)`,
        h('textarea', {
          required: true,
          maxLength: longestReason,
          rows: 3,
          value: form.reason,
          readOnly: isSent,
          autoFocus: act.field === undefined && act.versions?.choose === undefined,
          onInput: (event: Typed) => form.onReason(event.currentTarget.value),
        }),
      ]),
      outcome(state, act, form.reason),
      h('div', { class: 'acts' }, [
        isOver
          ? null
          : h('button', { type: 'submit' }, state.kind === 'failed' ? 'Try again' : `Confirm: ${act.label}`),
        h('button', { type: 'button', onClick: form.onClose }, isSent ? 'Close' : 'Cancel'),
      ]),
    ],
  );
}

/** What is known of the version that robots would go to, or the list of versions to choose from. */
function versionPart(
  { versions }: OfferedAct,
  { targets = unread, nowMs, extra, onExtra }: Pick<DialogBody, 'targets' | 'nowMs' | 'extra' | 'onExtra'>,
  isSent: boolean,
): ComponentChild {
  if (versions === undefined) return null;
  if (versions.choose !== undefined)
    return rollbackChoice({ reading: targets, nowMs, chosen: extra, isFixed: isSent, onChoose: onExtra });
  return weighed(targets, nowMs, versions.version ?? null);
}

function outcome(state: ActState, { after, whenAsked }: OfferedAct, reason: string): ComponentChild {
  switch (state.kind) {
    case 'asking':
      return h('p', { role: 'status' }, reason !== '' && reason.trim() === '' ? 'Say why: blanks are no reason.' : '');
    case 'sending':
      return h('p', { role: 'status' }, '… Sent; waiting for the answer.');
    case 'done':
      return h('p', { role: 'status', class: 'act-done' }, [
        h('strong', null, after === undefined ? '✓ Done: ' : '✓ Ordered: '),
        state.answer,
        after === undefined ? null : `. ${after}`,
      ]);
    case 'asked':
      return h('div', { role: 'status', class: 'act-done' }, [
        h('p', null, [
          h('strong', null, '◇ Asked, and nothing is ordered yet: '),
          'it waits for the approval of somebody else with the role approver or admin.',
        ]),
        whenAsked === undefined ? null : h('p', null, whenAsked),
        h('p', { class: 'hint' }, `The answer: ${state.answer}`),
      ]);
    case 'failed':
      return h('p', { role: 'alert', class: 'act-failed' }, [
        h('strong', null, mayRetry(state.problem) ? '⚡ No answer: ' : '✕ Refused: '),
        state.problem.message,
        mayRetry(state.problem) ? '. Whether it was done is not known; trying again does it once.' : '',
      ]);
    default:
      return state satisfies never;
  }
}

const newKey = (): string =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');

interface ActDialogProps {
  readonly act: OfferedAct;
  readonly session: Session;
  /** Called with each answer, so that pages read anew. */
  readonly onAnswer: (answer: Answer<ActAnswer>) => void;
  readonly onClose: () => void;
}

/** Asks for a reason and a confirmation, and sends the act. The browser keeps the focus in it, and closes it by Escape. */
export function ActDialog({ act, session, onAnswer, onClose }: ActDialogProps): ComponentChild {
  const place = useRef<HTMLDialogElement>(null);
  const [key] = useState(newKey);
  const [reason, setReason] = useState('');
  const [extra, setExtra] = useState('');
  const [state, setState] = useState<ActState>({ kind: 'asking' });
  const { versions } = act;
  const read = useReading<RollbackTargetsAnswer>(session, versions?.path ?? null, 'targets', 'models');
  // What was weighed stays as it was when the act was sent: after it, everything compares with another version.
  const weighedBy = useRef(read);
  if (state.kind === 'asking') weighedBy.current = read;
  const targets = weighedBy.current;
  useEffect(() => {
    place.current?.showModal();
    // The list comes later, and stands before the reason: whoever goes on by Tab is led to it.
    place.current?.querySelector<HTMLElement>('.choice')?.focus();
  }, []);
  const isOver = isAnswered(state);
  useEffect(() => {
    // The button that was pressed is gone: what is left to do is to close.
    if (isOver) place.current?.querySelector<HTMLButtonElement>('.acts button:last-child')?.focus();
  }, [isOver]);
  const send = async (): Promise<void> => {
    setState({ kind: 'sending' });
    const asked = act.field?.name ?? versions?.choose;
    const more = asked === undefined ? {} : { [asked]: extra.trim() };
    const { token } = session;
    const answer = await sendAct<ActAnswer>(act.path, { ...act.body, ...more, reason }, { key, token });
    setState(actState(answer));
    onAnswer(answer);
  };
  const onSend = (): void => {
    const isChosen = versions?.choose === undefined || extra.trim() !== '';
    if (reason.trim() !== '' && isChosen) void send();
  };
  const close = (): void => place.current?.close();
  return h(
    'dialog',
    { ref: place, class: 'act-dialog', 'aria-labelledby': 'act-title', 'aria-describedby': 'act-effect', onClose },
    dialogBody({
      act,
      state,
      reason,
      extra,
      targets,
      nowMs: Date.now(),
      onReason: setReason,
      onExtra: setExtra,
      onSend,
      onClose: close,
    }),
  );
}
