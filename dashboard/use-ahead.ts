import { useEffect, useMemo } from 'preact/hooks';

import type { EpisodeAnswer } from '../console/answers/episodes.ts';
import { Ahead } from './ahead.ts';
import { ask } from './ask.ts';
import { ClipShelf } from './clip-shelf.ts';
import { clipPathsOf } from './clip-view.ts';
import type { Place } from './label-sitting.ts';
import { episodePath } from './pages/episode.ts';
import { labelsPath } from './pages/labels.ts';
import type { Session } from './use-reading.ts';

interface AheadOf {
  readonly ahead: Ahead;
  readonly shelf: ClipShelf;
}

/** What somebody at the label desk will look at next. */
export function useAhead(session: Session): AheadOf {
  const made = useMemo(
    () => ({
      ahead: new Ahead({ ask: (path, signal) => ask(path, session.token, signal), nowMs: Date.now }),
      shelf: new ClipShelf(session.token),
    }),
    [session],
  );
  useEffect(() => {
    const unlisten = session.onTopic((topic) => {
      if (topic === 'cycles' || topic === 'labels') made.ahead.outdate();
    });
    return () => {
      unlisten();
      made.ahead.end();
      made.shelf.next([]);
    };
  }, [session, made]);
  return made;
}

/** Asks for the episode that comes next, its labels, and the first images of its clips. */
export function useNextEpisode({
  ahead,
  shelf,
  policy,
  next,
}: AheadOf & { readonly policy: string; readonly next: Place | null }): void {
  const { episodeId, day } = next ?? {};
  useEffect(() => {
    if (episodeId === undefined || day === undefined) return;
    const asked = { policy, id: episodeId, day };
    const path = episodePath(asked);
    ahead.want([path, labelsPath(asked)], (readPath, data) => {
      const { episode } = data as EpisodeAnswer;
      if (readPath === path && episode !== null) shelf.next(clipPathsOf(episodeId, episode));
    });
  }, [ahead, shelf, policy, episodeId, day]);
}
