import assert from 'node:assert/strict';

import type { EpisodeAnswer, EpisodesAnswer, TrialRobotsAnswer } from '../../console/answers/episodes.ts';
import type { TrialCourseAnswer } from '../../console/answers/trials.ts';
import { actionText } from '../../dashboard/pages/episode-curves.ts';
import { correctionRuns, episodePage, episodePath } from '../../dashboard/pages/episode.ts';
import { robotEpisodes, robotEpisodesPath } from '../../dashboard/pages/episodes.ts';
import { fleetEpisodes, fleetEpisodesPath } from '../../dashboard/pages/fleet-episodes.ts';
import { trialRobots } from '../../dashboard/pages/trial-robots.ts';
import type { Reading } from '../../dashboard/reading.ts';
import { daysOf, pointsOf } from '../../dashboard/trial-course.ts';
import { assertHarmless, assertLooks, got, hostile, html, nowMs, statesOf } from './page-world.ts';

const span = {
  readAtMs: nowMs,
  policy: 'wall',
  from: '2026-11-01',
  to: '2026-11-28',
  state: 'read',
  asOfMs: nowMs,
} as const;
type Missing = NonNullable<EpisodesAnswer['items'][number]['missing']>;
const onFilter = (): void => undefined;
const query = { policy: 'wall', id: 'r1' };

const listOf = (word: string, more: Partial<EpisodesAnswer> = {}): EpisodesAnswer => ({
  ...span,
  items: [
    {
      episodeId: word,
      robotId: word,
      task: word,
      policyVersion: word,
      trialId: word,
      endedMs: null,
      day: '2026-11-27',
      durationMs: 60_000,
      outcome: word,
      failureReason: word,
      intervened: true,
      correctedFrames: 12,
      isCollected: true,
      missing: null,
    },
  ],
  total: 41,
  groups: null,
  ...more,
});
const robotsOf = (word: string, more: Partial<TrialRobotsAnswer> = {}): TrialRobotsAnswer => ({
  ...span,
  trialId: word,
  items: [{ robotId: word, policyVersion: word, episodes: 40, successes: 30, failures: 10 }],
  total: 1,
  ...more,
});
const frameOf = (index: number, action: number, expert: number | null) => ({
  index,
  atMs: index * 100,
  observation: [1, 2, 3, 4, 5],
  action: [action],
  expert: expert === null ? null : [expert],
  isCorrection: expert !== null,
});
const episodeOf = (word: string, more: Partial<NonNullable<EpisodeAnswer['episode']>> = {}): EpisodeAnswer => ({
  readAtMs: nowMs,
  episodeId: word,
  missing: null,
  episode: {
    robotId: word,
    robotType: word,
    site: word,
    task: word,
    policyVersion: word,
    startedMs: nowMs,
    durationMs: 60_000,
    outcome: word,
    failureReason: word,
    intervened: false,
    split: word,
    frameCount: 900,
    observations: ['a', 'b', 'c', 'd', word].map((name) => ({ name, unit: word })),
    observationsTotal: 90,
    actions: { kind: 'discrete', names: [word, 'left'] },
    clips: [],
    frames: [frameOf(0, 0, null), frameOf(1, 0, null), frameOf(2, 1, 0)],
    ...more,
  },
});
const episode = (reading: Reading<EpisodeAnswer>, more: Record<string, string> = {}) =>
  episodePage({ reading, query: { ...query, ...more }, nowMs, onFilter });
const list = (reading: Reading<EpisodesAnswer>, more: Record<string, string> = {}) =>
  robotEpisodes({ reading, query: { ...query, ...more }, nowMs, onFilter });
const days = { from: '2026-11-01', to: '2026-11-28' };
const robots = (reading: Reading<TrialRobotsAnswer>) =>
  trialRobots({ reading, policy: 'wall', trialId: 't 1', days, nowMs });

describe('the way from a trial to frames', () => {
  it('looks different where there are no facts, no such episodes, no episode in the lake, and where it cannot be read', () => {
    assert.deepEqual(statesOf(html(list(got(listOf('x', { state: 'noFacts', items: [] }))))), ['noData']);
    assert.deepEqual(statesOf(html(list(got(listOf('x', { state: 'empty', items: [] }))))), ['empty']);
    assert.deepEqual(statesOf(html(robots(got(robotsOf('x', { state: 'noFacts', items: [] }))))), ['noData']);
    assert.deepEqual(statesOf(html(robots(got(robotsOf('x', { state: 'empty', items: [] }))))), ['empty']);
    const missing: Missing = { kind: 'notUploaded', rules: [], uploads: 0, isRobotQuarantined: false, givenUp: 0 };
    assert.match(
      html(episode(got({ ...episodeOf('x'), missing, episode: null }))),
      /state-noData.*cannot be opened.*still on its robot/s,
    );
    assert.match(html(episode(got(episodeOf('x', { frames: [] })))), /none of its frames/);
    assertLooks(listOf('x'), (reading) => list(reading), /41 episodes/);
    assertLooks(robotsOf('x'), (reading) => robots(reading), /the most failures first/);
    assertLooks(episodeOf('x'), (reading) => episode(reading), /What it sensed/);
  });

  it('says where an episode is that cannot be opened, and no more than is known', () => {
    const missing: Missing = { kind: 'unknown', rules: [], uploads: 0, isRobotQuarantined: false, givenUp: null };
    const textOf = (more: Partial<Missing>): string => {
      const [item] = listOf('x').items;
      assert.ok(item !== undefined);
      return html(
        list(got(listOf('x', { items: [{ ...item, isCollected: false, missing: { ...missing, ...more } }] }))),
      );
    };
    const told: readonly (readonly [Partial<Missing>, RegExp])[] = [
      [{ kind: 'erased' }, /■ erased on request</],
      [{ kind: 'refused', rules: ['frame.finite'], uploads: 1 }, /✕ refused by a collection \(frame\.finite\)/],
      [
        { kind: 'waits', uploads: 1 },
        /◌ waits for a collection: 1 upload of its robot came since then and lies in landing</,
      ],
      [{ kind: 'waits', uploads: 3, isRobotQuarantined: true }, /3 uploads .*its robot is in quarantine/],
      [{ kind: 'perhapsRefused', rules: [], uploads: 2 }, /perhaps refused: 2 uploads .* were refused as a whole;/],
      [{ kind: 'perhapsRemoved', uploads: 1 }, /perhaps removed: a person took 1 upload/],
      [{ kind: 'notUploaded', givenUp: 0 }, /◌ not uploaded yet: it is still on its robot</],
      [{ kind: 'notUploaded', givenUp: 7 }, /one of the 7 episodes that it gave up/],
      [{ kind: 'notUploaded' }, /it did not tell/],
      [{}, /\? not known/],
    ];
    for (const [more, said] of told) assert.match(textOf(more), said);
    const [item] = listOf('x').items;
    assert.ok(item !== undefined);
    const refusedBy: Missing = { ...missing, kind: 'refused', rules: [hostile] };
    const hostileItem = { ...item, isCollected: false, missing: refusedBy };
    assertHarmless(html(list(got(listOf('x', { items: [hostileItem] })))), 0);
  });

  it('names the trial, its days and the episode in every step', () => {
    assert.match(
      html(robots(got(robotsOf('r1')))),
      /href="#\/robot\?policy=wall&amp;id=r1&amp;trial=t\+1&amp;from=2026-11-01/,
    );
    const asked = { ...query, trial: 't1', outcome: 'failure', ...days };
    assert.equal(
      robotEpisodesPath(asked),
      '/api/v1/episodes?policy=wall&robot=r1&trial=t1&outcome=failure&from=2026-11-01&to=2026-11-28&limit=100',
    );
    assert.match(html(list(got(listOf('E1')), asked)), /href="#\/episode\?policy=wall&amp;id=E1&amp;day=2026-11-27/);
    assert.equal(episodePath({ policy: 'wall', id: 'E/1', day: 'd' }), '/api/v1/episodes/E%2F1?policy=wall&day=d');
  });

  it('leads from a reason of failures to the robots and versions that have most of it, and to their episodes', () => {
    const asked = { policy: 'wall', reason: 'slipped', from: '2026-11-01', to: '2026-11-28' };
    const ofFleet = (reading: Reading<EpisodesAnswer>, given: typeof asked = asked) =>
      fleetEpisodes({ reading, query: given, nowMs, onFilter });
    const groupsOf = (word: string): NonNullable<EpisodesAnswer['groups']> => ({
      robots: [{ name: word, episodes: 3, of: 12 }],
      robotsTotal: 14,
      versions: [
        { name: word, episodes: 2, of: 4 },
        { name: null, episodes: 1, of: 8 },
      ],
      versionsTotal: 2,
    });
    assertLooks(listOf('x', { groups: groupsOf('r1') }), ofFleet, /41 episodes/);
    const text = html(ofFleet(got(listOf('r1', { groups: groupsOf('r1') }))));
    assert.match(text, /Who did not succeed because of: slipped/);
    assert.match(text, /1 of 14 robots.*href="#\/episodes\?[^"]*reason=slipped[^"]*robot=r1".*>3<.*25 % of 12/s);
    assert.match(text, /none told.*12\.5 % of 8/s);
    assert.match(text, /href="#\/robot\?policy=wall&amp;id=r1&amp;from=2026-11-01/);
    assert.doesNotMatch(html(ofFleet(got(listOf('r1')))), /Who did not succeed/);
    const empty = html(ofFleet(got(listOf('r1', { state: 'empty', items: [], total: 0, groups: groupsOf('r1') }))));
    assert.match(empty, /No robot told of such an episode/);
    assert.doesNotMatch(empty, /Who did not succeed/);
    assertHarmless(
      html(ofFleet(got(listOf(hostile, { groups: groupsOf(hostile) })), { ...asked, reason: hostile })),
      7,
    );
    assert.equal(
      fleetEpisodesPath({ ...asked, robot: 'r1', outcome: 'failure', id: 'x' }),
      '/api/v1/episodes?policy=wall&reason=slipped&outcome=failure&robot=r1&from=2026-11-01&to=2026-11-28&limit=100',
    );
  });

  it('shows readings by fours, actions in words where they change, and corrections', () => {
    const text = html(episode(got(episodeOf('stop'))));
    assert.match(text, /900, of which 3 are shown/);
    assert.match(text, /Changes of the action.*0 s<\/th>.*stop<\/td>.*not known.*0\.2 s<\/th>.*left<\/td><td>stop/s);
    assert.equal(text.match(/0\.1 s<\/th><td class="number">1<\/td><td>stop/g), null);
    const actions = { kind: 'discrete' as const, names: ['a', 'b'] };
    const corrected = [
      [0, null],
      [1, 0],
      [1, 0],
      [1, 0],
      [1, 1],
      [0, null],
      [1, 1],
    ] as const;
    const frames = corrected.map(([action, expert], index) => frameOf(index, action, expert));
    assert.deepEqual(
      correctionRuns({ frames, actions }).map(({ first, last, text: said }) => [first.index, last.index, said]),
      [
        [1, 3, 'b | a'],
        [4, 4, 'b | b'],
        [6, 6, 'b | b'],
      ],
    );
    assert.match(html(episode(got(episodeOf('last')), { readings: '4' })), /aria-label="last in 3 frames"/);
    for (const readings of ['-4', '1e9', 'x', '0.5'])
      assert.match(html(episode(got(episodeOf('z')), { readings })), /aria-label="a, b, c, d in 3/);
    assert.equal(actionText({ kind: 'continuous', names: ['elbow'] }, [0.12345, 2]), 'elbow 0.123, action 1 2');
    assert.equal(actionText({ kind: 'discrete', names: ['a'] }, [7]), 'action 7');
  });

  it('knows the days of a trial by its verdicts, and its stages where verdicts tell theirs', () => {
    const dayMs = 86_400_000;
    const course = (points: Record<string, unknown>[]) => ({ points }) as unknown as TrialCourseAnswer;
    const atMs = Date.UTC(2026, 10, 20, 23);
    assert.deepEqual(daysOf(course([{ atMs }, { atMs: atMs + dayMs }])), { from: '2026-11-19', to: '2026-11-22' });
    assert.equal(daysOf(course([{ atMs: 'soon' }, { atMs: 1e300 }])), undefined);
    const long = daysOf(course([{ atMs }, { atMs: atMs - 400 * dayMs }]));
    assert.ok(Date.parse(long?.to ?? '') - Date.parse(long?.from ?? '') <= 92 * dayMs);
    const staged = course([0, 0, 1].map((stage, index) => ({ atMs, delta: index, stage })));
    assert.deepEqual([pointsOf(staged, 1).length, pointsOf(staged).length, pointsOf(staged, 7).length], [1, 3, 3]);
  });

  it('never makes markup of what robots, files and people wrote', () => {
    assertHarmless(html(list(got(listOf(hostile)), { trial: hostile })), 5);
    assertHarmless(html(robots(got(robotsOf(hostile)))), 2);
    assertHarmless(html(episode(got(episodeOf(hostile)))), 12);
  });
});
