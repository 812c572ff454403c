import { useEffect, useRef, useState } from 'preact/hooks';

import type { Ahead } from './ahead.ts';
import { ask } from './ask.ts';
import type { Pass } from './pass.ts';
import { begun, calmMs, changed, ended, everyMs, scheduled, type Schedule } from './reading-schedule.ts';
import { heard, unread, type Answer, type Reading } from './reading.ts';

/** Who asks, and how pages hear of changes. */
export interface Session {
  readonly token: Pass;
  /** Called with each answer that says that the token is nobody's. */
  readonly onRefused: () => void;
  /** Told of each topic that changed; gives what ends that. */
  readonly onTopic: (listener: (topic: string) => void) => () => void;
  /** Tells of a change that the viewer made, before the console does. */
  readonly tell: (topic: string) => void;
}

/** Readings that whoever comes back to a page sees until they are read anew, of one session; the oldest go first. */
const mostKept = 60;
const keptOf = new WeakMap<Session, Map<string, Reading<unknown>>>();

function kept<T>(session: Session, path: string | null): Reading<T> {
  const found = path === null ? undefined : keptOf.get(session)?.get(path);
  return found === undefined ? unread : { ...(found as Reading<T>), isFromBefore: true };
}

function remember(session: Session, path: string, reading: Reading<unknown>): void {
  const all = keptOf.get(session) ?? new Map<string, Reading<unknown>>();
  keptOf.set(session, all);
  all.delete(path);
  // What is not the viewer's, or is gone, is not shown to anybody who comes back.
  if (reading.data === null) return;
  all.set(path, reading);
  for (const oldest of all.keys()) {
    if (all.size <= mostKept) break;
    all.delete(oldest);
  }
}

/**
 * What `path` answers, read anew every 30 s, when a topic of `topics` changed, and when the path is another one. null: nothing is asked. While another path of
 * the same `subject` is asked for, what the one before it answered stays to be seen. `isKept`: whoever comes back to the page sees what it showed, with its age, until it is read. `ahead`: what it
 * knows is there at once, and what it does not know is asked for at once.
 */
export function useReading<T>(
  session: Session,
  path: string | null,
  subject: string,
  topics: string,
  { isKept = false, ahead }: { readonly isKept?: boolean; readonly ahead?: Ahead } = {},
): Reading<T> {
  const [shown, keep] = useState<{ readonly subject: string; readonly reading: Reading<T> }>(() => ({
    subject,
    reading: isKept ? kept<T>(session, path) : unread,
  }));
  const isFirst = useRef(true);
  useEffect(() => {
    if (path === null) return;
    const end = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let schedule: Schedule;
    const follow = (next: Schedule): void => {
      schedule = next;
      clearTimeout(timer);
      if (next.nextMs !== null) timer = setTimeout(() => void read(), next.nextMs - performance.now());
    };
    const read = async (): Promise<void> => {
      follow(begun);
      try {
        const answer: Answer<T> = await ask<T>(path, session.token, end.signal);
        end.signal.throwIfAborted();
        if (answer.kind === 'refused' && answer.type === 'unauthenticated') session.onRefused();
        keep((before) => {
          const reading = heard(before.subject === subject ? before.reading : unread, answer, Date.now());
          if (isKept) remember(session, path, reading);
          return { subject, reading };
        });
      } catch {
        // Nobody waits for it any more.
        return;
      }
      follow(ended(schedule, performance.now()));
    };
    const known = ahead?.take<T>(path) ?? null;
    if (known === null) follow(scheduled(performance.now() + (isFirst.current || ahead !== undefined ? 0 : calmMs)));
    else {
      keep({ subject, reading: known.reading });
      const restMs = known.isOutdated ? calmMs : known.readMs + everyMs - Date.now();
      follow(scheduled(performance.now() + Math.min(everyMs, Math.max(0, restMs))));
    }
    isFirst.current = false;
    const listens = topics.split(' ');
    const unlisten = session.onTopic(
      (topic) => listens.includes(topic) && follow(changed(schedule, performance.now())),
    );
    return () => {
      end.abort();
      clearTimeout(timer);
      unlisten();
    };
  }, [path, subject, topics, session, isKept, ahead]);
  if (shown.subject === subject) return shown.reading;
  if (isKept) return kept<T>(session, path);
  return (path === null ? null : ahead?.take<T>(path)?.reading) ?? unread;
}
