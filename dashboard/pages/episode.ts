import { h, type ComponentChild } from 'preact';

import type { EpisodeAnswer } from '../../console/answers/episodes.ts';
import { numberText } from '../format.ts';
import type { Reading } from '../reading.ts';
import { apiPath, hrefOf } from '../route.ts';
import { facts, moment, shownOf, stateBox, table } from '../states.ts';
import { actionsSection, actionText, readingsSection, seconds, type Episode, type Frame } from './episode-curves.ts';
import { missingText } from './missing-words.ts';
import { versionLink } from './version-links.ts';

type Query = Readonly<Record<string, string>>;

export const episodePath = ({ policy, id = '', day }: Query): string =>
  apiPath(`episodes/${encodeURIComponent(id)}`, { policy, day });

interface EpisodePage {
  readonly reading: Reading<EpisodeAnswer>;
  readonly query: Query;
  readonly nowMs: number;
  readonly onFilter: (change: Query) => void;
}

/** One episode frame by frame: what the robot sensed, what it did, and what an expert would have done. */
export const episodePage = ({ reading, query, nowMs, onFilter }: EpisodePage): ComponentChild =>
  h(
    'div',
    null,
    shownOf(reading, nowMs, 'the episode', ({ episode, missing }) =>
      episode === null
        ? stateBox('noData', `This episode cannot be opened. ${missingText(missing)}.`)
        : body(episode, query, onFilter),
    ),
  );

function body(episode: Episode, query: Query, onFilter: EpisodePage['onFilter']): ComponentChild {
  const { robotId, frames, frameCount, outcome, failureReason, intervened } = episode;
  const corrections = frames.filter(({ isCorrection }) => isCorrection).length;
  return h('div', null, [
    facts([
      [
        'Outcome',
        `${outcome}${failureReason === null ? '' : `: ${failureReason}`}${intervened ? '; somebody took over' : ''}`,
      ],
      ['Robot', h('a', { href: hrefOf('robot', { policy: query['policy'], id: robotId }) }, robotId)],
      ['Task', episode.task],
      ['Version', versionLink(query['policy'] ?? '', episode.policyVersion, 'none')],
      ['Started', moment(episode.startedMs)],
      ['Length', `${numberText(episode.durationMs / 1_000)} s`],
      [
        'Frames',
        frames.length === frameCount ? String(frameCount) : `${frameCount}, of which ${frames.length} are shown`,
      ],
      ['Corrections among them', String(corrections)],
      ['Split', episode.split],
      ['Robot type', episode.robotType],
      ['Site', episode.site],
    ]),
    h(
      'p',
      null,
      h(
        'a',
        { href: hrefOf('labels', { policy: query['policy'], id: query['id'], day: query['day'] }) },
        'Label it by hand',
      ),
    ),
    frames.length === 0
      ? stateBox('noData', 'The lake has the episode and none of its frames. Nothing follows from this.')
      : [actionsSection(episode), readingsSection(episode, query, onFilter), correctionsSection(episode)],
  ]);
}

interface Run {
  readonly first: Frame;
  readonly last: Frame;
  readonly text: string;
}

/** Corrected frames that follow each other, and say the same, as one. */
export function correctionRuns({ frames, actions }: Pick<Episode, 'frames' | 'actions'>): readonly Run[] {
  const runs: Run[] = [];
  let before: Run | undefined;
  for (const frame of frames) {
    const text = `${actionText(actions, frame.action)} | ${actionText(actions, frame.expert)}`;
    if (!frame.isCorrection) before = undefined;
    else if (before?.text === text) {
      before = { ...before, last: frame };
      runs[runs.length - 1] = before;
    } else {
      before = { first: frame, last: frame, text };
      runs.push(before);
    }
  }
  return runs;
}

/** The frames in which somebody said otherwise, where there are any. */
function correctionsSection(episode: Episode): ComponentChild {
  const { actions } = episode;
  const runs = correctionRuns(episode);
  return h('section', null, [
    h('h2', null, 'Corrections'),
    runs.length === 0
      ? stateBox('empty', 'In no frame that is shown did somebody correct the robot.')
      : table(
          'Frames with a correction, those that follow each other together',
          [
            {
              head: 'Time',
              cell: ({ first, last }) =>
                first === last ? seconds(first.atMs) : `${seconds(first.atMs)} to ${seconds(last.atMs)}`,
            },
            {
              head: 'Frames',
              isNumber: true,
              cell: ({ first, last }) => (first === last ? String(first.index) : `${first.index} to ${last.index}`),
            },
            { head: 'It did', cell: ({ first }) => actionText(actions, first.action) },
            { head: 'Should have done', cell: ({ first }) => actionText(actions, first.expert) },
          ],
          runs,
          ({ first }) => String(first.index),
        ),
  ]);
}
