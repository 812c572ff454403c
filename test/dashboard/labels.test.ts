import assert from 'node:assert/strict';

import { unread } from '../../dashboard/reading.ts';
import { failureAct, framesAct, framesOf, valuesOf } from '../../dashboard/label-acts.ts';
import { labelQueuePath, labelsPage, labelsPath } from '../../dashboard/pages/labels.ts';
import type { LabelQueueAnswer, LabelsAnswer } from '../../console/answers/labels.ts';
import type { EpisodeAnswer } from '../../console/answers/episodes.ts';
import { assertHarmless, assertLooks, got, hostile, html, nowMs, statesOf } from './page-world.ts';

const acting = { viewer: { name: 'olga', role: 'operator' }, onAct: () => undefined } as const;
const query = { policy: 'wall', id: 'E1', day: '2026-11-27' };

const queueOf = (word: string, more: Partial<LabelQueueAnswer> = {}): LabelQueueAnswer => ({
  readAtMs: nowMs,
  policy: 'wall',
  from: '2026-11-01',
  to: '2026-11-28',
  state: 'read',
  items: [word, 'E1', 'E2'].map((episodeId) => ({
    episodeId,
    robotId: word,
    task: word,
    outcome: word,
    intervened: true,
    recordedOn: '2026-11-27',
    frames: 40,
    unlabelledFrames: 30,
    value: 6.5,
    reasons: [word],
  })),
  totalEpisodes: 41,
  totalFrames: 900,
  ...more,
});
const episodeOf = (word: string): EpisodeAnswer => ({
  readAtMs: nowMs,
  episodeId: 'E1',
  episode: {
    robotId: word,
    robotType: word,
    site: word,
    task: word,
    policyVersion: word,
    startedMs: nowMs,
    durationMs: 60_000,
    outcome: 'failure',
    failureReason: word,
    intervened: false,
    split: 'train',
    frameCount: 900,
    observations: [{ name: word, unit: word }],
    observationsTotal: 1,
    actions: { kind: 'discrete', names: [word, 'left'] },
    clips: [],
    frames: [0, 450, 899].map((index) => ({
      index,
      atMs: index * 100,
      observation: [1],
      action: [0],
      expert: null,
      isCorrection: false,
    })),
  },
});
const labelsOf = (word: string): LabelsAnswer => ({
  readAtMs: nowMs,
  episodeId: 'E1',
  items: [
    { labelId: 'l1', who: word, reason: word, atMs: nowMs, kind: 'frames', start: 3, end: 9, action: [1] },
    { labelId: 'l2', who: word, reason: word, atMs: nowMs, kind: 'failureReason', failureReason: word },
  ],
  total: 2,
});
const page = (more: Partial<Parameters<typeof labelsPage>[0]> = {}) =>
  labelsPage({
    queue: got(queueOf('a word')),
    episode: unread,
    labels: unread,
    query: { policy: 'wall' },
    nowMs,
    onFilter: () => undefined,
    acting,
    pass: 'fo.olga.x',
    ...more,
  });

describe('the page Labels', () => {
  it('looks differently for each state of the queue, and tells nothing collected from nothing that waits', () => {
    assertLooks(queueOf('a word'), (queue) => page({ queue }), /6\.5 of 10/);
    const nothing = { items: [], totalEpisodes: 0, totalFrames: 0 };
    assert.deepEqual(statesOf(html(page({ queue: got(queueOf('', { ...nothing, state: 'empty' })) }))), ['empty']);
    assert.deepEqual(statesOf(html(page({ queue: got(queueOf('', { ...nothing, state: 'noLake' })) }))), ['noData']);
  });

  it('replays the chosen episode by a slider with a name, and goes on to the next of the queue', () => {
    const text = html(page({ query, episode: got(episodeOf('a word')), labels: got(labelsOf('a word')) }));
    assert.match(text, /type="range"[^>]*max="2"[^>]*aria-valuetext="frame 0, 0 s"/);
    assert.match(text, /href="#\/labels\?policy=wall&amp;id=E2&amp;day=2026-11-27">Next episode/);
    assert.match(text, /3 to 8/);
    assert.match(text, /should have done left/);
    assert.equal(text.match(/Take back<\/button>/g)?.length, 2);
    assert.deepEqual(statesOf(html(page({ query, episode: got({ ...episodeOf(''), episode: null }) }))), ['noData']);
  });

  it('shows what robots and people wrote as text', () => {
    const word = hostile;
    const text = html(
      page({ query, queue: got(queueOf(word)), episode: got(episodeOf(word)), labels: got(labelsOf(word)) }),
    );
    assertHarmless(text, 12);
  });

  it('asks for what its address says', () => {
    assert.equal(labelQueuePath(query), '/api/v1/labels/queue?policy=wall&limit=50');
    assert.equal(labelsPath(query), '/api/v1/labels?policy=wall&episode=E1');
  });
});

describe('acts of the label desk', () => {
  const of = {
    policy: 'wall',
    episodeId: 'E1',
    day: '2026-11-27',
    split: 'train',
    frameCount: 900,
    kind: 'discrete',
  } as const;
  const form = { first: '3', last: '8', action: 'left', failureReason: ' slipped ' };

  it('say the frames half-open, and why they cannot be sent yet', () => {
    const { body, why } = framesAct(form, of, acting.viewer);
    assert.equal(why, null);
    assert.deepEqual(body, {
      policy: 'wall',
      episodeId: 'E1',
      day: '2026-11-27',
      said: { start: 3, end: 9, action: 'left' },
    });
    for (const [change, place, said] of [
      [{ last: '' }, {}, /from 0 to 899/],
      [{ last: '900' }, {}, /from 0 to 899/],
      [{ last: '2' }, {}, /from 0 to 899/],
      [{ first: '1e1' }, {}, /from 0 to 899/],
      [{ action: '' }, {}, /what it should have done/],
      [{}, { split: 'heldout' }, /kept for measuring/],
      [{}, { kind: 'none' }, /have no actions/],
      [{ action: '0.1, x' }, { kind: 'continuous' }, /what it should have done/],
    ] as const)
      assert.match(framesAct({ ...form, ...change }, { ...of, ...place }, acting.viewer).why ?? 'nothing', said);
    assert.match(framesAct(form, of, { name: 'vi', role: 'viewer' }).why ?? '', /needs the role operator/);
    assert.deepEqual(failureAct(form, of, acting.viewer).body['said'], { failureReason: 'slipped' });
    assert.match(failureAct({ ...form, failureReason: ' ' }, of, acting.viewer).why ?? '', /why it failed/);
  });

  it('read frames and values as people type them', () => {
    assert.deepEqual(framesOf({ first: '0', last: '0' }, 1), { start: 0, end: 1 });
    assert.equal(framesOf({ first: '-1', last: '0' }, 1), null);
    assert.deepEqual(valuesOf('[0.1, -2 3]'), [0.1, -2, 3]);
    for (const text of ['', '[]', 'left', '1, NaN', '1e999']) assert.equal(valuesOf(text), null, text);
  });
});
