import { useEffect, useMemo, useRef, useState } from 'preact/hooks';

import type { ActAnswer } from '../console/answers/acts.ts';
import type { LabelQueueAnswer } from '../console/answers/labels.ts';
import { ActSender } from './act-sender.ts';
import type { OfferedAct } from './acts.ts';
import { sendAct } from './ask.ts';
import type { LabelForm } from './label-acts.ts';
import { labelled, newSitting, takenBack, visited, withReasons, type Place, type Sitting } from './label-sitting.ts';
import { hrefOf } from './route.ts';
import type { Session } from './use-reading.ts';

type Query = Readonly<Record<string, string>>;

/** A sitting at the label desk, and what its person can do. */
export interface AtDesk extends Sitting {
  readonly areKeysOn: boolean;
  readonly onKeys: (areOn: boolean) => void;
  /** Whether it goes on to the next episode after a label; who says more than one thing of each episode stays. */
  readonly goesOn: boolean;
  readonly onGoesOn: (does: boolean) => void;
  readonly onNote: (note: string) => void;
  /** Stores a label of the episode that is looked at, and goes on to `next` if that is wished. */
  readonly onStore: (act: OfferedAct, form: LabelForm, next: Place | null) => void;
  /** Takes the last label back, and goes back to its episode. */
  readonly onUndo: () => void;
  readonly onGo: (place: Place) => void;
}

export const deskHref = ({ policy, from, to }: Query, { episodeId, day }: Place): string =>
  hrefOf('labels', { policy, from, to, id: episodeId, day });

/** Something that is on until somebody turns it off, in this browser for good. */
function useSwitch(name: string): readonly [boolean, (is: boolean) => void] {
  const [isOn, setOn] = useState(() => localStorage.getItem(name) === null);
  const set = (is: boolean): void => {
    setOn(is);
    if (is) localStorage.removeItem(name);
    else localStorage.setItem(name, 'off');
  };
  return [isOn, set];
}

const undoReason = 'taken back at the label desk right after it was given';

export function useSitting(session: Session, query: Query, queue: LabelQueueAnswer | null): AtDesk {
  const [sitting, change] = useState(newSitting);
  const [areKeysOn, onKeys] = useSwitch('flywheel.label-keys');
  const [goesOn, onGoesOn] = useSwitch('flywheel.label-goes-on');
  const sender = useMemo(
    () => new ActSender((path, body, key) => sendAct<ActAnswer>(path, body, { key, token: session.token })),
    [session],
  );
  const { id = '', day = '' } = query;
  const here = useRef(id);
  useEffect(() => {
    here.current = id;
    if (id !== '') change((before) => visited(before, { episodeId: id, day }));
  }, [id, day]);
  useEffect(() => {
    if (queue !== null) change((before) => withReasons(before, queue.failureReasons));
  }, [queue]);
  const onGo = (place: Place): void => {
    location.hash = deskHref(query, place);
  };
  const send = async (path: string, body: OfferedAct['body'], hear: Hear): Promise<void> => {
    change((before) => ({ ...before, isSending: true }));
    const answer = await sender.send(path, body);
    // Another one is under way: its answer comes.
    if (answer === null) return;
    if (answer.kind === 'refused' && answer.type === 'unauthenticated') session.onRefused();
    hear(answer);
    session.tell('labels');
  };
  const onStore: AtDesk['onStore'] = (act, form, following) => {
    const { why } = act;
    const next = goesOn ? following : null;
    if (why !== null)
      return change((before) => ({ ...before, news: { kind: 'failed', text: `✕ Not stored: ${why}.` } }));
    const at = { episodeId: id, day };
    void send(act.path, act.body, (answer) => {
      change((before) => labelled(before, { act, form, at, next, goesOn, answer }));
      // Who has gone elsewhere meanwhile stays there.
      if (answer.kind === 'read' && next !== null && here.current === at.episodeId) onGo(next);
    });
  };
  const onUndo = (): void => {
    const { last } = sitting;
    if (sitting.isSending) return;
    if (last === null)
      return change((before) => ({
        ...before,
        news: {
          kind: 'failed',
          text: '✕ No label of this sitting is left to take back: the list of labels takes back any other.',
        },
      }));
    const path = `/api/v1/labels/${encodeURIComponent(last.labelId)}/remove`;
    void send(path, { policy: query['policy'], reason: undoReason }, (answer) => {
      change((before) => takenBack(before, last, answer));
      if (answer.kind === 'read') onGo(last.at);
    });
  };
  const onNote = (note: string): void => change((before) => ({ ...before, note }));
  return { ...sitting, areKeysOn, onKeys, goesOn, onGoesOn, onNote, onStore, onUndo, onGo };
}

type Hear = (answer: NonNullable<Awaited<ReturnType<ActSender['send']>>>) => void;
