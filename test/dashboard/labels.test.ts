import assert from 'node:assert/strict';

import { unread } from '../../dashboard/reading.ts';
import { failureAct, framesAct, framesOf, valuesOf, withNote } from '../../dashboard/label-acts.ts';
import { ActSender } from '../../dashboard/act-sender.ts';
import { Ahead } from '../../dashboard/ahead.ts';
import { ClipShelf } from '../../dashboard/clip-shelf.ts';
import { deskKeyOf, keyList, type Press } from '../../dashboard/desk-keys.ts';
import {
  labelled,
  newSitting,
  nextPlace,
  previousPlace,
  takenBack,
  visited,
  waitingOf,
  withReasons,
} from '../../dashboard/label-sitting.ts';
import { choicesOf } from '../../dashboard/pages/label-words.ts';
import type { AtDesk } from '../../dashboard/use-sitting.ts';
import type { ActAnswer } from '../../console/answers/acts.ts';
import type { Answer } from '../../dashboard/reading.ts';
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
    isLabelled: false,
    value: 6.5,
    reasons: [word],
  })),
  totalEpisodes: 41,
  labelledEpisodes: 4,
  totalFrames: 900,
  failureReasons: [word],
  ...more,
});
const episodeOf = (word: string): EpisodeAnswer => ({
  readAtMs: nowMs,
  episodeId: 'E1',
  missing: null,
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
const nothing = (): void => undefined;
const sittingOf = (more: Partial<AtDesk> = {}): AtDesk => ({
  ...newSitting,
  areKeysOn: true,
  goesOn: true,
  onKeys: nothing,
  onGoesOn: nothing,
  onNote: nothing,
  onStore: nothing,
  onUndo: nothing,
  onGo: nothing,
  ...more,
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
    sitting: sittingOf(),
    shelf: new ClipShelf('fo.olga.x'),
    ...more,
  });

describe('the page Labels', () => {
  it('looks differently for each state of the queue, and tells nothing collected from nothing that waits', () => {
    assertLooks(queueOf('a word'), (queue) => page({ queue }), /6\.5 of 10/);
    const nothing = { items: [], totalEpisodes: 0, labelledEpisodes: 0, totalFrames: 0 };
    assert.deepEqual(statesOf(html(page({ queue: got(queueOf('', { ...nothing, state: 'empty' })) }))), ['empty']);
    assert.deepEqual(statesOf(html(page({ queue: got(queueOf('', { ...nothing, state: 'noLake' })) }))), ['noData']);
  });

  it('replays the chosen episode by a slider with a name, and goes on to the next of the queue', () => {
    const text = html(page({ query, episode: got(episodeOf('a word')), labels: got(labelsOf('a word')) }));
    assert.match(text, /type="range"[^>]*max="2"[^>]*aria-valuetext="frame 0, 0 s"/);
    assert.match(text, /href="#\/labels\?policy=wall&amp;id=E2&amp;day=2026-11-27"[^>]*>Next episode/);
    assert.match(text, /3 to 8/);
    assert.match(text, /should have done left/);
    assert.equal(text.match(/Take back<\/button>/g)?.length, 2);
    assert.deepEqual(statesOf(html(page({ query, episode: got({ ...episodeOf(''), episode: null }) }))), ['noData']);
  });

  it('shows what robots and people wrote as text', () => {
    const word = hostile;
    const given = { labelId: 'l1', at: { episodeId: word, day: '2026-11-27' }, effect: word };
    const sitting = sittingOf({
      reasons: [word],
      note: word,
      said: { action: '', failureReason: word },
      last: given,
      news: { kind: 'done', text: word },
    });
    const text = html(
      page({ query, queue: got(queueOf(word)), episode: got(episodeOf(word)), labels: got(labelsOf(word)), sitting }),
    );
    assertHarmless(text, 18);
  });

  it('says what was stored in a place that is always there, and by which key each thing is done', () => {
    assert.match(html(page()), /<p role="status" class="news"><\/p>/);
    const shown = { query, episode: got(episodeOf('a word')), labels: got(labelsOf('a word')) };
    const sitting = sittingOf({ reasons: ['slipped'], said: { action: 'left', failureReason: 'slipped' } });
    const text = html(page({ ...shown, sitting }));
    assert.match(text, /aria-keyshortcuts="1"[^>]*>.*slipped <kbd aria-hidden="true">1<\/kbd>/);
    assert.match(text, /aria-keyshortcuts="k">Play <kbd/);
    assert.match(text, /aria-keyshortcuts="n">Next episode <kbd/);
    // What was said last is said again, but nothing is stored without a reason.
    assert.match(text, /Will be stored.*nothing yet: say why you say so/);
    const noted = html(page({ ...shown, sitting: { ...sitting, note: 'seen' } }));
    assert.match(noted, /Will be stored.*The episode failed because of: slipped\. Because: seen/);
    const off = html(page({ ...shown, sitting: { ...sitting, areKeysOn: false } }));
    assert.doesNotMatch(off, /<kbd|keyshortcuts/);
    assert.match(off, />Play<\/button>/);
    const news = { kind: 'done', text: 'It is stored.' } as const;
    assert.match(html(page({ sitting: sittingOf({ news }) })), /role="status" class="news act-done">It is stored\./);
    assert.match(html(page({ sitting: sittingOf({ news, isSending: true }) })), /class="news">… Sent/);
  });

  it('counts an episode no longer as soon as it is labelled, whether the queue was read again or not, and marks it', () => {
    const queue = queueOf('E0');
    assert.match(html(page({ queue: got(queue) })), /37 episodes without a label.*behind them 4 that have one/);
    const sitting = sittingOf({ done: ['E1'] });
    const since = html(page({ queue: got(queue), sitting, query, episode: got(episodeOf('a word')) }));
    assert.match(since, /36 episodes without a label.*behind them 5 that have one/);
    assert.match(since, /36 without a label in the queue/);
    assert.match(since, />E0<.*>E2<.*>E1<.*you labelled it in this sitting/s);
    // Read again: the episode has its label there, or has gone.
    const [first, , third] = queue.items;
    const [E1] = queue.items.filter(({ episodeId }) => episodeId === 'E1');
    assert.ok(first !== undefined && third !== undefined && E1 !== undefined);
    const marked = { ...queue, items: [first, third, { ...E1, isLabelled: true }], labelledEpisodes: 5 };
    assert.deepEqual(waitingOf(marked, ['E1']), { unlabelled: 36, labelled: 5 });
    assert.deepEqual(waitingOf({ ...queue, items: [first, third], totalEpisodes: 40 }, ['E1']), {
      unlabelled: 36,
      labelled: 4,
    });
  });

  it('shows what is looked at before what is said of it', () => {
    const text = html(page({ query, episode: got(episodeOf('a word')), labels: got(labelsOf('a word')) }));
    assert.match(
      text,
      /id="frame".*What it did.*What it sensed.*What you say of it.*id="label-words".*id="label-note"/s,
    );
    assert.match(text, /id="label-note"[^>]*aria-keyshortcuts="r"/);
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

describe('keys of the label desk', () => {
  const press = (key: string, more: Partial<Press> = {}): Press => ({
    key,
    ctrlKey: false,
    altKey: false,
    metaKey: false,
    shiftKey: false,
    repeat: false,
    isComposing: false,
    defaultPrevented: false,
    target: { tagName: 'INPUT', type: 'range' },
    ...more,
  });
  const kindOf = (key: string, more: Partial<Press> = {}): string | null => deskKeyOf(press(key, more))?.kind ?? null;

  it('each mean one thing, and stand in the list that one of them opens', () => {
    const all = ['n', 'p', 'k', ' ', ',', '.', 'b', '[', 'e', ']', 'x', 'w', 'r', 's', 'u'];
    assert.deepEqual(
      all.map((key) => kindOf(key)).filter((kind) => kind === null),
      [],
    );
    assert.deepEqual(deskKeyOf(press('9')), { kind: 'choose', place: 8 });
    assert.equal(kindOf('0'), null);
    assert.equal(kindOf('?', { shiftKey: true }), 'help');
    const listed = keyList.flatMap(([keys]) => (keys === '1 to 9' ? [] : keys.split(' or ')));
    assert.deepEqual(
      listed.filter((key) => kindOf(key === 'space' ? ' ' : key) === null),
      ['Escape', 'Enter'],
    );
    assert.equal(listed.length, all.length + 3);
  });

  it('lead into the fields, and out of them again', () => {
    assert.deepEqual([kindOf('r'), kindOf('w')], ['note', 'words']);
    const text = { tagName: 'INPUT', type: 'text' };
    assert.deepEqual([kindOf('Escape', { target: text }), kindOf('Enter', { target: text })], ['leave', 'leave']);
    assert.equal(kindOf('Escape', { target: { tagName: 'SELECT' } }), 'leave');
    // Enter opens a list, and ends a line; one that ends a word being composed is the composer's.
    assert.equal(kindOf('Enter', { target: { tagName: 'SELECT' } }), null);
    assert.equal(kindOf('Enter', { target: text, isComposing: true }), null);
    for (const key of ['Escape', 'Enter']) assert.equal(kindOf(key, { target: { tagName: 'BUTTON' } }), null);
  });

  it('mean nothing where somebody types, with a key of the system, or held down', () => {
    for (const target of [
      { tagName: 'INPUT', type: 'text' },
      { tagName: 'INPUT', type: 'number' },
      { tagName: 'INPUT', type: 'date' },
      { tagName: 'INPUT' },
      { tagName: 'TEXTAREA' },
      { tagName: 'SELECT' },
      { tagName: 'DIV', isContentEditable: true },
    ])
      for (const key of ['s', '1', 'n', '?', ' ']) assert.equal(kindOf(key, { target }), null, JSON.stringify(target));
    for (const more of [
      { ctrlKey: true },
      { altKey: true },
      { metaKey: true },
      { isComposing: true },
      { defaultPrevented: true },
      { repeat: true },
    ])
      assert.equal(kindOf('s', more), null, JSON.stringify(more));
    assert.equal(kindOf('.', { repeat: true }), 'forward');
    assert.equal(kindOf('S', { shiftKey: true }), null);
    assert.equal(kindOf('S'), 'store');
  });

  it('leave the space bar to buttons, links and what scrolls', () => {
    for (const tagName of ['BUTTON', 'A', 'SUMMARY', 'DIV', 'BODY'])
      assert.equal(kindOf(' ', { target: { tagName } }), null, tagName);
    assert.equal(kindOf(' ', { target: { tagName: 'INPUT', type: 'checkbox' } }), null);
    assert.equal(kindOf(' ', { target: { tagName: 'H2' } }), 'play');
    assert.equal(kindOf('s', { target: { tagName: 'BUTTON' } }), 'store');
  });
});

describe('a sitting at the label desk', () => {
  const items = queueOf('E0').items;
  const at = { episodeId: 'E1', day: '2026-11-27' };
  const form = { first: '', last: '', action: 'left', failureReason: 'slipped' };
  const of = { policy: 'wall', ...at, split: 'train', frameCount: 900, kind: 'discrete' } as const;
  const act = withNote(failureAct(form, of, acting.viewer), ' seen ');
  const actId = 'a'.repeat(64);
  const read = (answer: string): Answer<ActAnswer> => ({
    kind: 'read',
    data: { readAtMs: nowMs, actId, answer, isRepeated: false },
  });
  const own = read(`label ${actId.slice(0, 32)} holds from the next training set on`);
  const next = { episodeId: 'E2', day: '2026-11-27' };

  it('sends why with each label, and none without', () => {
    assert.deepEqual([act.body['reason'], act.why], ['seen', null]);
    assert.match(withNote(act, ' ').why ?? '', /say why you say so/);
    assert.match(withNote({ ...act, why: 'not you' }, '').why ?? '', /not you/);
  });

  it('goes through the queue once, and back the way it came', () => {
    assert.deepEqual(nextPlace(items, [], 'E0')?.episodeId, 'E1');
    assert.deepEqual(nextPlace(items, ['E1'], 'E0')?.episodeId, 'E2');
    assert.deepEqual(nextPlace(items, ['E1'], 'E2')?.episodeId, 'E0');
    assert.equal(nextPlace(items, ['E0', 'E1'], 'E2'), null);
    assert.equal(nextPlace(items, [], 'of another day')?.episodeId, 'E0');
    assert.equal(nextPlace([], [], 'E0'), null);
    const sitting = [next, at, next].reduce(visited, newSitting);
    assert.deepEqual(previousPlace(items, sitting.trail, 'E1'), next);
    assert.equal(previousPlace(items, sitting.trail, 'E2')?.episodeId, 'E1');
    assert.equal(previousPlace(items, [], 'E0'), null);
  });

  it('keeps what was said for the next label, and says what was stored and where it is', () => {
    const after = labelled({ ...newSitting, isSending: true }, { act, form, at, next, goesOn: true, answer: own });
    assert.deepEqual(
      [after.said, after.done, after.isSending],
      [{ action: 'left', failureReason: 'slipped' }, ['E1'], false],
    );
    assert.deepEqual(after.reasons, ['slipped']);
    assert.deepEqual(after.last?.labelId, actId.slice(0, 32));
    assert.match(after.news?.text ?? '', /^✓ Stored of episode E1: .*slipped\. Now episode E2\.$/);
    const end = labelled(newSitting, { act, form, at, next: null, goesOn: true, answer: own });
    assert.match(end.news?.text ?? '', /No other episode of this queue is left\.$/);
    const staying = labelled(newSitting, { act, form, at, next: null, goesOn: false, answer: own });
    assert.match(staying.news?.text ?? '', /slipped\.$/);
  });

  it('takes back its own label alone, and labels the episode again', () => {
    const same = read('label b says the same already: nothing is added (ada, yesterday)');
    const nothingAdded = labelled(newSitting, { act, form, at, next, goesOn: true, answer: same });
    assert.deepEqual([nothingAdded.last, nothingAdded.done], [null, ['E1']]);
    assert.match(nothingAdded.news?.text ?? '', /^○ Nothing added to episode E1: label b says the same already/);
    const after = labelled(newSitting, { act, form, at, next, goesOn: true, answer: own });
    assert.ok(after.last !== null);
    const back = takenBack(after, after.last, read('label is taken back'));
    assert.deepEqual([back.last, back.done], [null, []]);
    assert.match(back.news?.text ?? '', /^✓ Taken back, and episode E1 again/);
    const gone = { kind: 'gone', message: 'Failed to fetch' } as const;
    assert.deepEqual(takenBack(after, after.last, gone).last, after.last);
    const refused = { kind: 'refused', type: 'refused', message: 'there is none' } as const;
    assert.equal(takenBack(after, after.last, refused).last, null);
  });

  it('keeps what was done before where a label is refused, or nobody answers', () => {
    const before = { ...newSitting, done: ['E0'], said: { action: 'right', failureReason: 'fell' } };
    const refused = { kind: 'refused', type: 'forbidden', message: 'not you' } as const;
    const given = { act, form, at, next, goesOn: true };
    const after = labelled(before, { ...given, answer: refused });
    assert.deepEqual([after.done, after.said], [before.done, before.said]);
    assert.match(after.news?.text ?? '', /^✕ Not stored: not you/);
    const unknown = labelled(before, { ...given, answer: { kind: 'gone', message: 'Failed to fetch' } });
    assert.match(unknown.news?.text ?? '', /not known; the same again does it once/);
  });

  it('gives no key another word while somebody labels', () => {
    const first = withReasons(newSitting, ['slipped', 'fell']);
    const later = withReasons(first, ['fell', 'stuck', 'slipped']);
    assert.deepEqual(later.reasons, ['slipped', 'fell', 'stuck']);
    assert.equal(withReasons(later, ['fell']), later);
    assert.equal(
      withReasons(
        later,
        Array.from({ length: 20 }, (_, index) => `reason ${index}`),
      ).reasons.length,
      9,
    );
  });

  it('chooses by number why it failed, and once frames are marked what it should have done', () => {
    const { episode } = episodeOf('right');
    assert.ok(episode !== null);
    assert.deepEqual(choicesOf(form, episode, ['slipped']), { field: 'failureReason', words: ['slipped'] });
    const marked = { ...form, first: '3' };
    assert.deepEqual(choicesOf(marked, episode, ['slipped']), { field: 'action', words: ['right', 'left'] });
    const values = { actions: { kind: 'continuous', names: ['speed'] } } as const;
    assert.deepEqual(choicesOf(marked, { actions: { ...values.actions, names: ['speed'] } }, []).words, []);
  });
});

describe('acts without a dialog', () => {
  const body = { said: 1 };
  const done = { kind: 'read', data: { readAtMs: nowMs, actId: 'a', answer: 'done', isRepeated: false } } as const;
  const gone = { kind: 'gone', message: 'no' } as const;
  /** A sender whose answers are given one by one. */
  function sending(...answers: readonly Answer<ActAnswer>[]) {
    const keys: string[] = [];
    let made = 0;
    const left = [...answers];
    const sender = new ActSender(
      async (_path, _body, key) => {
        keys.push(key);
        await Promise.resolve();
        return left.shift() ?? done;
      },
      () => `key-${(made += 1)}`,
    );
    return { sender, keys };
  }

  it('are sent one at a time: a second press sends nothing', async () => {
    const { sender, keys } = sending(done, done);
    const [first, second] = await Promise.all([sender.send('/a', body), sender.send('/a', body)]);
    assert.deepEqual([first, second, keys], [done, null, ['key-1']]);
    assert.equal(await sender.send('/a', body), done);
    assert.deepEqual(keys, ['key-1', 'key-2']);
  });

  it('have the key they had, when nobody answered and the same is asked again', async () => {
    const { sender, keys } = sending(gone, gone, done, done, gone);
    for (const said of [1, 1, 1, 1, 1, 2]) await sender.send('/a', { said });
    assert.deepEqual(keys, ['key-1', 'key-1', 'key-1', 'key-2', 'key-3', 'key-4']);
  });

  it('can be sent after one that threw', async () => {
    let isFirst = true;
    const sender = new ActSender(
      async () => {
        if (!isFirst) return done;
        isFirst = false;
        throw new Error('the page goes away');
      },
      () => 'key',
    );
    await assert.rejects(sender.send('/a', body), /goes away/);
    assert.equal(await sender.send('/a', body), done);
  });
});

describe('what is asked for ahead', () => {
  const answers = new Map<string, (answer: Answer<unknown>) => void>();
  const asked: string[] = [];
  const made = () => {
    asked.length = 0;
    answers.clear();
    return new Ahead({
      nowMs: () => nowMs,
      ask: (path, signal) => {
        asked.push(path);
        return new Promise((resolve, reject) => {
          answers.set(path, resolve);
          signal.addEventListener('abort', () => reject(new Error('ended')));
        });
      },
    });
  };
  const told = async (path: string, answer: Answer<unknown>): Promise<void> => {
    answers.get(path)?.(answer);
    await new Promise((resolve) => setImmediate(resolve));
  };

  it('is asked for once, and is there for whoever comes, until something else is wanted', async () => {
    const ahead = made();
    const heard: string[] = [];
    ahead.want(['/a', '/b'], (path) => heard.push(path));
    ahead.want(['/a', '/b']);
    assert.deepEqual([asked, ahead.take('/a')], [['/a', '/b'], null]);
    await told('/a', { kind: 'read', data: 7 });
    assert.deepEqual(heard, ['/a']);
    assert.deepEqual(ahead.take('/a')?.reading, { data: 7, readMs: nowMs, problem: null });
    assert.equal(ahead.take('/a')?.reading, ahead.take('/a')?.reading);
    ahead.want(['/c']);
    await told('/b', { kind: 'read', data: 8 });
    assert.deepEqual([ahead.take('/a'), ahead.take('/b')], [null, null]);
  });

  it('keeps no refusal, and says of what changed since that it is old', async () => {
    const ahead = made();
    ahead.want(['/a', '/b', '/c']);
    await told('/a', { kind: 'refused', type: 'forbidden', message: 'no' });
    await told('/b', { kind: 'read', data: 1 });
    assert.deepEqual([ahead.take('/a'), ahead.take('/b')?.isOutdated], [null, false]);
    ahead.outdate();
    await told('/c', { kind: 'read', data: 2 });
    assert.deepEqual([ahead.take('/b')?.isOutdated, ahead.take('/c')?.isOutdated], [true, true]);
    ahead.end();
    assert.equal(ahead.take('/b'), null);
  });
});
