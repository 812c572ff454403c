import assert from 'node:assert/strict';

import { render, type ComponentChild } from 'preact';
import { act } from 'preact/test-utils';

import type { FleetAnswer, RobotAnswer } from '../../console/answers/fleet.ts';
import type { IncidentsAnswer } from '../../console/answers/incidents.ts';
import type { MetricsAnswer } from '../../console/answers/metrics.ts';
import type {
  EndedTrialsAnswer,
  TaskArmsAnswer,
  TrialAnswer,
  TrialCourseAnswer,
} from '../../console/answers/trials.ts';
import type { Acting } from '../../dashboard/act-buttons.ts';
import { attentionOf } from '../../dashboard/attention.ts';
import { chartOf } from '../../dashboard/course-chart.ts';
import { intervalText, momentText, numberText, pointsText, spanText, valueText } from '../../dashboard/format.ts';
import { fleetPage, fleetPath } from '../../dashboard/pages/fleet.ts';
import { incidentsPage } from '../../dashboard/pages/incidents.ts';
import { loginPage } from '../../dashboard/pages/login.ts';
import { metricCell, metricsPage, metricsPath } from '../../dashboard/pages/metrics.ts';
import { robotPage } from '../../dashboard/pages/robot.ts';
import { trialPage } from '../../dashboard/pages/trial.ts';
import { planTable } from '../../dashboard/pages/trial-stages.ts';
import { runsNow } from '../../dashboard/pages/runs-now.ts';
import { unread, type Problem, type Reading } from '../../dashboard/reading.ts';
import { pointsOf, trialIdOf } from '../../dashboard/trial-course.ts';
import { got, hostile, html, nowMs } from './page-world.ts';
import { smallPlace } from './small-dom.ts';

const failed = (problem: Problem): Reading<never> => ({ ...unread, problem });
const goneNow: Problem = { kind: 'gone', message: 'Failed to fetch' };
const notMine: Problem = { kind: 'refused', type: 'forbidden', message: 'expected the role viewer' };
const notNow: Problem = { kind: 'refused', type: 'storeUnavailable', message: 'the object store does not answer' };

const robotOf = (robotId: string, more: Partial<FleetAnswer['items'][number]> = {}): FleetAnswer['items'][number] => ({
  robotId,
  site: 'hall',
  contact: 'online',
  lastSeenMs: nowMs - 180_000,
  version: '1.4.0',
  quarantine: null,
  ...more,
});
const fleetOf = (items: FleetAnswer['items'], more: Partial<FleetAnswer> = {}): FleetAnswer => ({
  readAtMs: nowMs,
  damaged: [],
  presence: 'known',
  contacts: items.length === 0 ? [] : [{ name: 'online', robots: items.length }],
  versions: [{ name: '1.4.0', robots: items.length }],
  sites: [{ name: 'hall', robots: items.length }],
  quarantined: 0,
  retired: 0,
  items,
  total: items.length,
  next: null,
  ...more,
});
const acting: Acting = { viewer: { name: 'vera', role: 'viewer' }, onAct: () => undefined };
const noIncidents: IncidentsAnswer = {
  readAtMs: nowMs,
  damaged: [],
  lookedAtMs: nowMs,
  open: [],
  events: [],
  changesBefore: [],
};
const noTrial: TrialAnswer = {
  readAtMs: nowMs,
  now: null,
  trial: null,
  abTest: null,
  rollout: null,
  rollback: null,
  order: null,
  freeze: { kind: 'none' },
  champion: '1.4.0',
  previous: null,
};
/** A rollout on hold in its first stage, on a fleet whose day lasts a minute. */
const nowOf = (): NonNullable<TrialAnswer['now']> => ({
  kind: 'rollout',
  trialId: 't1',
  candidateVersion: '1.5.0',
  championVersion: '1.4.0',
  dayMs: 60_000,
  startedMs: nowMs,
  standing: 'held',
  reason: '26 episodes to compare, 30 are needed',
  atMs: nowMs,
  stages: (['held', 'coming'] as const).map((standing, index) => ({
    robots: 5 * (index + 1),
    minimumHours: 4,
    maximumHours: 48,
    marginFraction: index === 0 ? 0.03 : null,
    needsApproval: index === 1,
    standing,
    verdict: index === 0 ? { lowerBound: -0.17, robots: 5, episodes: 26 } : null,
  })),
  needs: [
    { kind: 'episodes', value: 26, needed: 30, isMet: false, perHour: 12, metAtMs: nowMs + 1_200_000 },
    { kind: 'hours', value: 5, needed: 4, isMet: true, perHour: 1, metAtMs: null },
    { kind: 'bound', value: -0.17, needed: -0.03, isMet: false, perHour: null, metAtMs: null },
  ],
  readyAtMs: null,
  evidence: [{ metric: 'success', delta: 0.1, logEvidence: -1.2, threshold: 5.3 }],
  measured: {
    atMs: nowMs,
    delta: 0.405,
    low: 0.3,
    high: 0.51,
    candidate: { success: 0.99, episodes: 26, robots: 5 },
    champion: { success: 0.585, episodes: 290, robots: 20 },
  },
  looks: null,
});
const tasksOf = (): TaskArmsAnswer => {
  const value = (at: number, n: number) => ({ kind: 'value' as const, value: at, n, low: at - 0.1, high: at + 0.1 });
  const arms = {
    champion: { robots: 20, success: value(0.33, 290) },
    candidate: { robots: 10, success: value(0.99, 300) },
    difference: value(0.66, 290),
  };
  return {
    readAtMs: nowMs,
    damaged: [],
    policy: 'wall',
    championVersion: '1.4.0',
    candidateVersion: '1.5.0',
    trialId: 't1',
    from: '2026-11-26',
    to: '2026-11-28',
    state: 'read',
    asOfMs: nowMs,
    all: arms,
    tasks: [{ task: 'hall', ...arms }],
    total: 1,
  };
};
const runOf = (status: unknown, run = 'RUNNING'): NonNullable<TrialAnswer['trial']> => ({
  workflowId: 'w',
  run,
  startedMs: nowMs,
  endedMs: null,
  status,
});

function fleetNode(reading: Reading<FleetAnswer>, query: Record<string, string> = {}): ComponentChild {
  const attention = attentionOf({ fleet: reading, incidents: got(noIncidents), trial: got(noTrial) });
  return fleetPage({
    acting,
    reading,
    attention,
    standing: unread,
    trial: got(noTrial),
    ended: unread,
    cycle: unread,
    success: unread,
    query: { policy: 'wall', ...query },
    nowMs,
    onFilter: () => undefined,
  });
}
const fleet = (...given: Parameters<typeof fleetNode>): string => html(fleetNode(...given));
/** What stands there when all goes of drawing are done. */
function drawnFleet(data: FleetAnswer): string {
  const { place, html } = smallPlace();
  void act(() => render(fleetNode(got(data)), place));
  return html();
}
/** The states that a text of HTML shows. */
const statesOf = (text: string): readonly string[] => [...text.matchAll(/state-(\w+)/g)].map(([, name = '']) => name);

describe('the pages', () => {
  it('look different when there is nothing, nothing yet, nothing for you, nothing known, old, refused or gone', () => {
    const robots = fleetOf([robotOf('r1')]);
    const looks = {
      empty: fleet(got(fleetOf([]))),
      loading: fleet(unread),
      forbidden: fleet(failed(notMine)),
      noData: fleet(got({ ...robots, presence: 'unknown' })),
      stale: fleet({ data: robots, readMs: nowMs - 600_000, problem: notNow }),
      refused: fleet(failed(notNow)),
      gone: fleet(failed(goneNow)),
    };
    for (const [name, text] of Object.entries(looks)) {
      const body = text.slice(text.indexOf('id="robots"'));
      if (name === 'stale') assert.match(body, /class="stale".*10 min old/s);
      else assert.deepEqual(statesOf(body), [name], name);
      if (name !== 'stale') assert.doesNotMatch(body, /class="stale"/, name);
      if (!['empty', 'noData', 'stale'].includes(name)) assert.doesNotMatch(body, /No robot|no robots|<table/, name);
    }
    assert.equal(new Set(Object.values(looks)).size, 7);
    assert.match(looks.stale, /r1/);
    assert.match(looks.refused, /This says nothing about the fleet/);
  });

  it('tell a fleet without robots from a filter that none fits', () => {
    const none = fleetOf([], { contacts: [{ name: 'online', robots: 7 }] });
    assert.match(fleet(got(none), { search: 'x' }), /No robot fits/);
    assert.match(fleet(got(fleetOf([]))), /has no robots/);
  });

  it('show 500 robots as so many rows, each with its state in words and a link', () => {
    const robots = Array.from({ length: 500 }, (_, index) => robotOf(`r${index}`));
    const text = drawnFleet(fleetOf(robots, { next: 'r499', total: 900 }));
    assert.equal(text.split('<th scope="row"').length, 501);
    assert.match(text, /500 of 900 robots/);
    assert.match(text, /href="#\/robot\?policy=wall&amp;id=r7"/);
    assert.match(text, /href="#\/fleet\?policy=wall&amp;after=r499"/);
    assert.match(text, /3 min ago/);
  });

  it('ask for what a viewer filters by', () => {
    assert.equal(
      fleetPath({ policy: 'wall', state: 'silent', search: ' a ' }),
      '/api/v1/fleet?policy=wall&limit=500&contact=silent&search=a',
    );
    assert.equal(
      fleetPath({ policy: 'wall', state: 'quarantined', version: '1.4.0' }),
      '/api/v1/fleet?policy=wall&limit=500&quarantined=true&version=1.4.0',
    );
    assert.equal(
      metricsPath({ policy: 'wall', by: 'robot', from: '2026-11-01' }),
      '/api/v1/metrics?policy=wall&by=robot&from=2026-11-01',
    );
    assert.equal(metricsPath({ policy: 'wall', by: 'constructor' }), '/api/v1/metrics?policy=wall');
  });

  it('never make markup of what robots, files and people wrote', () => {
    const robot = {
      ...robotOf(hostile, { site: hostile, version: hostile }),
      quarantine: { sinceMs: nowMs, who: hostile, why: hostile },
    };
    const open = {
      incidentId: 'i',
      cause: hostile,
      subject: hostile,
      openedAtMs: nowMs,
      reason: hostile,
      see: null,
      severity: 'urgent' as const,
    };
    const incidents: IncidentsAnswer = {
      ...noIncidents,
      open: [{ ...open, acknowledgedBy: null }],
      events: [{ ...open, state: hostile, atMs: nowMs, who: hostile }],
    };
    const run = runOf({ stage: hostile, candidateVersion: hostile, step: { kind: hostile, reason: hostile } });
    const course: TrialCourseAnswer = {
      readAtMs: nowMs,
      damaged: [hostile],
      plan: { kind: hostile },
      end: { outcome: hostile, reason: hostile },
      points: [{ kind: hostile, delta: 0.1, atMs: nowMs }],
      verdicts: 1,
      tasks: null,
    };
    const ended: EndedTrialsAnswer = {
      readAtMs: nowMs,
      damaged: [],
      items: [
        {
          trialId: hostile,
          candidateVersion: hostile,
          outcome: hostile,
          reason: hostile,
          atMs: nowMs,
          kind: null,
          championVersion: hostile,
          stage: null,
          sentence: hostile,
        },
      ],
    };
    const names = { trialId: hostile, candidateVersion: hostile, championVersion: hostile, reason: hostile };
    const trial = { ...noTrial, trial: run, rollback: run, now: { ...nowOf(), ...names } };
    for (const text of [
      fleet(got(fleetOf([robot], { damaged: [hostile], sites: [{ name: hostile, robots: 1 }] })), { search: hostile }),
      html(incidentsPage({ acting, policy: 'wall', reading: got(incidents), nowMs })),
      html(incidentsPage({ acting, policy: 'wall', incidentId: 'i', reading: got(incidents), nowMs })),
      html(incidentsPage({ acting, policy: 'wall', incidentId: hostile, reading: got(incidents), nowMs })),
      html(
        trialPage({
          standing: unread,
          acting,
          policy: hostile,
          trialId: hostile,
          now: got(trial),
          course: got(course),
          ended: got(ended),
          nowMs,
        }),
      ),
      html(
        loginPage({ problem: { ...notNow, message: hostile }, isAsking: false, offer: null, onToken: () => undefined }),
      ),
      html(robotPage({ acting, reading: failed({ ...notNow, message: hostile }), robotId: hostile, nowMs })),
    ]) {
      assert.doesNotMatch(text, /<img|<script|="">/);
      assert.match(text, /&quot;>&lt;img/);
      assert.doesNotMatch(text, /style="|javascript:|http:\/\//);
    }
  });
});

describe('what needs a person now', () => {
  const all = { fleet: got(fleetOf([robotOf('r1')])), incidents: got(noIncidents), trial: got(noTrial) };

  it('is nothing only when everything was asked, and answered', () => {
    assert.deepEqual(attentionOf(all), { needs: [], unknown: [], acknowledged: 0, isLoading: false });
    assert.match(fleet(all.fleet), /Nothing needs a person now/);
    for (const [name, unknown] of [
      ['fleet', 'the fleet'],
      ['incidents', 'incidents'],
      ['trial', 'the trial'],
    ] as const) {
      const attention = attentionOf({ ...all, [name]: failed(notNow) });
      assert.deepEqual(attention.unknown, [`${unknown}: the object store does not answer`]);
      const text = html(
        fleetPage({
          acting,
          standing: unread,
          trial: unread,
          ended: unread,
          cycle: unread,
          success: unread,
          reading: all.fleet,
          attention,
          query: {},
          nowMs,
          onFilter: () => undefined,
        }),
      );
      assert.doesNotMatch(text, /Nothing needs a person/, name);
      assert.match(text, /may lack something/, name);
      assert.equal(attentionOf({ ...all, [name]: unread }).isLoading, true);
    }
    assert.match(
      attentionOf({ ...all, incidents: got({ ...noIncidents, lookedAtMs: null }) }).unknown[0] ?? '',
      /no monitor/,
    );
  });

  it('is what nobody acknowledged, what waits, what stands still, and who is left out', () => {
    const open = {
      incidentId: 'i',
      cause: 'silent',
      subject: 'r1',
      openedAtMs: 1,
      reason: 'gone',
      acknowledgedBy: null,
      severity: 'normal' as const,
      see: null,
    };
    const step = { candidateVersion: '1.5.0', step: { kind: 'awaitingApproval', reason: 'r' } };
    const { needs, acknowledged } = attentionOf({
      fleet: got(fleetOf([robotOf('r1')], { quarantined: 2, damaged: ['k'] })),
      incidents: got({
        ...noIncidents,
        lookedAtMs: nowMs - 2 * 3_600_000,
        open: [open, { ...open, incidentId: 'j', subject: 'r2', acknowledgedBy: 'ada' }],
      }),
      trial: got({ ...noTrial, trial: runOf(step), rollback: runOf({ waiting: { who: 'bo' } }) }),
    });
    assert.equal(acknowledged, 1);
    assert.deepEqual(
      needs.map(({ text }) => text),
      [
        'r1: Does not report',
        'The monitor last looked 2 h ago: the fleet is not monitored',
        'The trial of 1.5.0 waits for an approval',
        'A rollback waits for an approval',
        '2 robots in quarantine, until somebody releases them',
        '1 damaged record of the fleet was left out',
      ],
    );
  });

  it('says what is on trial, and how the last trial ended, each with the way to it', () => {
    const now = {
      ...noTrial,
      trial: runOf({ candidateVersion: '1.5.0', stage: 'abTest', step: { kind: 'held', reason: 'few' } }),
    };
    const end = {
      trialId: 't9',
      candidateVersion: '2.0.0',
      outcome: 'rolledBack',
      reason: hostile,
      atMs: nowMs - 120_000,
      kind: null,
      championVersion: null,
      stage: null,
      sentence: hostile,
      endedBy: { order: 9, version: '1.9.0', who: hostile, why: 'smoke', atMs: nowMs - 180_000 },
    };
    const ended = { readAtMs: nowMs, damaged: [], items: [end] };
    const text = html(runsNow({ trial: now, ended, order: null, cycle: null }, { policy: 'wall', nowMs }));
    assert.match(text, /On trial now: <a href="#\/trial\?policy=wall">1\.5\.0<\/a>, A\/B test, on hold: few/);
    assert.match(text, /Ended by a rollback to 1\.9\.0 \(order 9\), ordered by .*smoke/s);
    assert.match(text, /id=t9">Last trial<\/a>, ended 2 min ago: /);
    assert.ok(text.includes('&lt;script>alert(2)'), 'the sentence, which names version, value and limit');
    assert.doesNotMatch(text, /<img/);
    assert.equal(
      runsNow(
        { trial: noTrial, ended: { ...ended, items: [{ ...end, atMs: 1 }] }, order: null, cycle: null },
        { policy: 'wall', nowMs },
      ),
      null,
    );
    const cycle = {
      readAtMs: nowMs,
      cycle: { ...runOf({ stage: 'training' }), startedMs: nowMs - 300_000 },
      collection: null,
      training: null,
    };
    const taken = { requestId: 'r', target: null, reason: hostile, who: 'fleetMonitor', answer: { kind: 'ordered' } };
    const returning = runOf({ stage: 'returning', version: '1.0.0', waiting: null, requests: [taken] });
    const order17 = { seq: 17, robots: 30, confirmed: 27, waiting: 3, windowed: 0, failed: 0, offline: 0, unserved: 0 };
    const coming = html(
      runsNow(
        { trial: { ...noTrial, rollback: returning }, ended: null, order: { ...order17, said: null }, cycle: null },
        { policy: 'wall', nowMs },
      ),
    );
    assert.match(coming, /Rollback<\/a> to 1\.0\.0, ordered by the monitor \(.*robots go back\./s);
    const asked = { requestId: 'r', target: '0.9.0', reason: 'old', who: 'ada', version: '0.9.0', untilMs: nowMs + 1 };
    const waits = runOf({ stage: 'awaitingApproval', version: '0.9.0', waiting: asked, requests: [] });
    const waiting = html(
      runsNow(
        { trial: { ...noTrial, rollback: waits }, ended: null, order: null, cycle: null },
        { policy: 'wall', nowMs },
      ),
    );
    assert.match(
      waiting,
      /Rollback<\/a> to 0\.9\.0, asked for by ada \(old\), waits for the approval of somebody else/,
    );
    assert.doesNotMatch(coming + waiting, /<img|awaitingApproval|fleetMonitor/);
    const learning = html(runsNow({ trial: null, ended: null, order: null, cycle }, { policy: 'wall', nowMs }));
    assert.match(learning, /#\/cycle\?policy=wall">cycle<\/a> runs for 5 min: it mixes, trains and judges\. /);
    const step = {
      name: 'trainModel',
      attempt: 1,
      startedMs: nowMs - 60_000,
      beatMs: nowMs,
      stage: null,
      step: 1_200,
      plannedSteps: 4_000,
      fromStep: 0,
      failure: null,
    };
    const status = { stage: 'training', championVersion: '1.4.0' };
    const far = {
      ...cycle,
      cycle: { ...cycle.cycle, status },
      training: { ...runOf({}), steps: [{ ...step, step: 400 }, step] },
    };
    assert.match(
      html(runsNow({ trial: null, ended: null, order: null, cycle: far }, { policy: 'wall', nowMs })),
      /begun when 1\.4\.0 was champion, runs for 5 min: it mixes, trains and judges, step 1,200 of at most 4,000 \(30 %\), at this rate at most 3 min more\. What it makes/,
    );
    const collecting = { stage: 'collecting', championVersion: '1.4.0', collection: { batches: 8, batchesDone: 3 } };
    const took = { ...cycle, cycle: { ...cycle.cycle, status: collecting } };
    assert.match(
      html(runsNow({ trial: null, ended: null, order: null, cycle: took }, { policy: 'wall', nowMs })),
      /collects and checks data, batch 3 of 8 \(37\.5 %\)\./,
    );
    const order = {
      seq: 17,
      robots: 30,
      confirmed: 27,
      waiting: 3,
      windowed: 0,
      failed: 0,
      offline: 0,
      unserved: 0,
      said: null,
    };
    const pending = html(runsNow({ trial: null, ended: null, order, cycle: null }, { policy: 'wall', nowMs }));
    assert.match(pending, /role="status".*Order 17, the last: pending: confirmed by 27 of 30; 3 on the way/);
    const blind = html(
      runsNow(
        { trial: noTrial, ended: null, order: null, cycle: null, unread: ['what is on trial'] },
        { policy: 'wall', nowMs },
      ),
    );
    assert.match(blind, /Cannot be read now, and may be otherwise than said here: what is on trial\./);
    const said = { championVersion: '1.1.0', who: hostile, why: 'worse since noon', atMs: nowMs };
    const back = { trial: null, ended: null, order: { ...order, said }, cycle: null };
    const told = html(runsNow(back, { policy: 'wall', nowMs }));
    assert.match(told, /champion 1\.1\.0, by .*27 Nov 2026.*worse since noon.*confirmed by 27 of 30/);
    assert.doesNotMatch(told, /<img/);
    assert.equal(runsNow({ trial: null, ended: null, order: null, cycle: null }, { policy: 'wall', nowMs }), null);
  });

  it('leads from each incident to it alone, and from it to what it is about', () => {
    const see = { page: 'robot', query: { id: 'r1' } } as const;
    const about = { cause: 'silent', subject: 'r1', reason: 'gone', see };
    const open = [
      { ...about, incidentId: 'i', openedAtMs: nowMs - 3_600_000, acknowledgedBy: null, severity: 'normal' as const },
    ];
    const events = [
      { ...about, incidentId: 'i', state: 'opened', atMs: nowMs - 3_600_000 },
      { ...about, incidentId: 'j', state: 'closed', atMs: nowMs, who: 'ada' },
    ];
    const reading = got({ ...noIncidents, open, events });
    const { needs } = attentionOf({ fleet: got(fleetOf([])), incidents: reading, trial: got(noTrial) });
    assert.deepEqual(needs[0]?.query, { id: 'i' });
    const of = (incidentId: string) => html(incidentsPage({ acting, policy: 'wall', incidentId, reading, nowMs }));
    assert.match(
      of('i'),
      /Incident i<\/h2>.*#\/robot\?id=r1&amp;policy=wall">r1.*open for 1 h.*by nobody.*Acknowledge/s,
    );
    assert.match(of('j'), /Incident j<\/h2>.*not open any more/s);
    assert.match(of('gone'), /not open, and not among the last 2 events/);
  });

  it('takes a trial that nobody answers for, or that failed, for one that needs somebody', () => {
    for (const [run, sentence] of [
      [runOf(null), /no worker answers/],
      [runOf({}, 'FAILED'), /ended as failed/],
      [runOf({ step: { kind: 'paused' } }), /is paused/],
    ] as const)
      assert.match(attentionOf({ ...all, trial: got({ ...noTrial, trial: run }) }).needs[0]?.text ?? '', sentence);
    for (const status of [null, 5, 'text', [], { step: 5 }])
      assert.doesNotThrow(() => attentionOf({ ...all, trial: got({ ...noTrial, trial: runOf(status) }) }));
  });
});

describe('the page of incidents', () => {
  it('tells a quiet fleet from one that nobody looks at', () => {
    const quiet = html(incidentsPage({ acting, policy: 'wall', reading: got(noIncidents), nowMs }));
    assert.deepEqual(statesOf(quiet), ['empty', 'empty']);
    const blind = html(
      incidentsPage({ acting, policy: 'wall', reading: got({ ...noIncidents, lookedAtMs: null }), nowMs }),
    );
    assert.deepEqual(statesOf(blind), ['noData', 'empty']);
    assert.doesNotMatch(blind, /No incident is open/);
  });

  it('names records that were left out, and never takes what cannot be read for nothing', () => {
    const text = html(
      incidentsPage({
        acting,
        policy: 'wall',
        reading: got({ ...noIncidents, damaged: ['incidents/wall/7.json'] }),
        nowMs,
      }),
    );
    assert.match(text, /1 damaged object left out.*incidents\/wall\/7\.json/s);
    assert.deepEqual(statesOf(text), ['empty', 'noData']);
  });
});

describe('the page of metrics', () => {
  const answer: MetricsAnswer = {
    readAtMs: nowMs,
    damaged: [],
    policy: 'wall',
    by: 'site',
    from: '2026-11-01',
    to: '2026-11-08',
    state: 'read',
    asOfMs: nowMs,
    currency: null,
    definitions: [
      { name: 'success', unit: 'fraction', sentence: 'counted episodes that succeeded' },
      { name: 'uptime', unit: 'fraction', sentence: 'time online' },
    ],
    groups: [
      {
        name: 'hall',
        metrics: [
          { name: 'success', metric: { kind: 'value', value: 0.931, n: 310, low: 0.9, high: 0.95 } },
          { name: 'uptime', metric: { kind: 'notDefined', why: 'by robot only' } },
        ],
      },
    ],
  };
  const page = (data: MetricsAnswer): string =>
    html(metricsPage({ reading: got(data), query: {}, nowMs, onFilter: () => undefined }));

  it('shows value, interval and number, and names what is not told apart so', () => {
    const text = page(answer);
    assert.match(text, /93\.1 %.*\[90 % to 95 %\].*n 310/s);
    assert.match(text, /Nothing told by site: Uptime \(by robot only\)/);
    assert.match(html(metricCell({ kind: 'noData', why: 'no robot' }, 'ms', null)), /no data: no robot/);
    assert.match(html(metricCell({ kind: 'value', value: 0, n: 4, low: null, high: null }, 'fraction', null)), /0 %/);
  });

  it('tells no facts, an empty time and zero apart', () => {
    assert.deepEqual(statesOf(page({ ...answer, state: 'noFacts', groups: [] })), ['noData']);
    assert.deepEqual(statesOf(page({ ...answer, state: 'empty', groups: [] })), ['empty']);
    assert.deepEqual(statesOf(page(answer)), []);
  });
});

describe('the page of metrics of a fleet that is silent', () => {
  it('shows that it was in service and not online, not that there is nothing', () => {
    const data: MetricsAnswer = {
      readAtMs: nowMs,
      damaged: [],
      policy: 'wall',
      by: null,
      from: '2026-11-01',
      to: '2026-11-08',
      state: 'empty',
      asOfMs: nowMs,
      currency: null,
      definitions: [{ name: 'uptime', unit: 'fraction', sentence: 'time online' }],
      groups: [
        {
          name: 'all',
          metrics: [{ name: 'uptime', metric: { kind: 'value', value: 0, n: 12, low: null, high: null } }],
        },
      ],
    };
    const text = html(metricsPage({ reading: got(data), query: {}, nowMs, onFilter: () => undefined }));
    assert.deepEqual(statesOf(text), []);
    assert.match(text, /No robot told anything/);
    assert.match(text, /<td[^>]*>.*0 %.*n 12/s);
  });
});

describe('the page of a robot', () => {
  const robot: RobotAnswer['robot'] = {
    robotId: 'r1',
    standing: 'quarantined',
    quarantine: { sinceMs: nowMs, untilMs: null, who: 'ada', why: 'wheel' },
    retiredMs: null,
    policy: 'wall',
    robotType: 'scitos-g5@1',
    site: 'hall',
    stratum: 'hall',
    tokens: 1,
    now: null,
    latency: { heardMs: nowMs, version: '1.1.0', p50Ms: 12, parts: { decodingP50Ms: 8.5, policyP50Ms: 3.5 } },
    acts: [],
    versions: [
      { atMs: 1, version: '1.0.0', outcome: 'installed' },
      { atMs: 2, version: '1.1.0', outcome: 'installed' },
    ],
    uploads: {
      waiting: 1,
      collections: 2,
      episodesStored: 3,
      episodesRefused: 4,
      segmentsRefused: 5,
      clips: 6,
      unfinishedClips: 7,
    },
    drops: null,
    clock: null,
    incidents: [],
    openIncidents: [],
    trials: [{ trialId: 't1', version: '1.1.0', sinceMs: 3 }],
    damaged: [],
  };

  it('shows its life, the newest first, and says what nobody watches', () => {
    const text = html(robotPage({ acting, reading: got({ readAtMs: nowMs, robot }), robotId: 'r1', nowMs }));
    assert.ok(text.indexOf('1.1.0') < text.indexOf('1.0.0'));
    assert.match(text, /In quarantine.*by ada: wheel/s);
    assert.match(text, /12 ms a decision: decoding 8.5 ms, policy 3.5 ms/);
    assert.deepEqual(statesOf(text), ['empty', 'noData', 'empty']);
    assert.match(text, /href="#\/trial\?policy=wall&amp;id=t1"/);
    // Which version when, and what it was trained on.
    assert.match(
      text,
      /#\/models\?policy=wall&amp;version=1\.0\.0">1\.0\.0<\/a><\/th><td><time datetime="1970-01-01T00:00:00\.001Z".*?<\/td><td><time datetime="1970-01-01T00:00:00\.002Z"/,
    );
    assert.match(text, /1\.1\.0<\/a><\/th><td>.*?<\/td><td>now<\/td><td>installed/);
  });
});

describe('the page of a trial', () => {
  const course: TrialCourseAnswer = {
    readAtMs: nowMs,
    damaged: [],
    plan: { kind: 'rollout', candidateVersion: '1.5.0', robots: [1, 2, 3] },
    end: null,
    points: [
      { kind: 'tick', index: 0, atMs: 1, delta: null, lowerBound: null },
      {
        kind: 'tick',
        index: 1,
        atMs: 2,
        delta: 0.02,
        lowerBound: -0.03,
        marginFraction: 0.05,
        robots: 12,
        episodes: 90,
      },
      { kind: 'look', index: 1, atMs: 3, delta: -0.01, low: -0.04, high: 0.02, candidateRobots: 5, controlRobots: 6 },
    ],
    verdicts: 3,
    tasks: null,
  };

  it('draws the effect with its interval against its limit, and says the same in a table', () => {
    const points = pointsOf(course);
    assert.deepEqual(
      points.map(({ effect, low, high, limit }) => [effect, low, high, limit]),
      [
        [0.02, -0.03, null, -0.05],
        [-0.01, -0.04, 0.02, null],
      ],
    );
    const { x, y } = chartOf(points);
    assert.ok(x(0) < x(1));
    assert.ok(y(0.02) < y(0) && y(0) < y(-0.05), 'more is higher');
    const text = html(
      trialPage({
        standing: unread,
        acting,
        policy: 'wall',
        trialId: 't1',
        now: got(noTrial),
        course: got(course),
        ended: unread,
        nowMs,
      }),
    );
    assert.match(text, /aria-label="Effect over 2 verdicts: \+2 pp at first, −1 pp at last"/);
    for (const number of ['+2 pp', '−3 pp', '−5 pp', '−4 pp', '5 robots', '6 robots'])
      assert.ok(text.includes(number), number);
  });

  it('takes a trial that nobody could ask for neither for one that is there, nor for none', () => {
    const courseOf = (now: Reading<TrialAnswer>): readonly string[] => {
      const page = {
        policy: 'wall',
        trialId: undefined,
        now,
        standing: unread,
        course: unread,
        ended: unread,
        nowMs,
        acting,
      };
      return statesOf(html(trialPage(page)));
    };
    assert.deepEqual(courseOf(got(noTrial)), ['empty', 'empty', 'loading']);
    assert.deepEqual(courseOf(unread), ['loading', 'loading', 'loading']);
    assert.deepEqual(courseOf(failed(notNow)), ['refused', 'noData', 'loading']);
  });

  it('says how much better the candidate is in each task, and what is not known', () => {
    const one = { candidateEpisodes: 90, controlEpisodes: 700, candidateRobots: 5, controlRobots: 9 };
    const items = [
      { ...one, task: 'slow', delta: -0.1, low: -0.2, high: -0.01, standing: 'judged' as const },
      { ...one, task: 'bad', delta: -0.3, low: -0.4, high: -0.2, standing: 'worse' as const },
      { ...one, task: 'good', delta: 0.05, low: 0.01, high: 0.09, standing: 'judged' as const },
      { ...one, task: hostile, delta: null, low: null, high: null, standing: 'unproven' as const },
      { ...one, task: 'few', delta: -1.002, low: -1, high: -0.8, standing: 'unproven' as const },
    ];
    const at = (tasks: TrialCourseAnswer['tasks']): string =>
      html(
        trialPage({
          standing: unread,
          acting,
          policy: 'wall',
          trialId: 't1',
          now: got(noTrial),
          course: got({
            ...course,
            plan: { ...course.plan, taskLimits: { marginFraction: 0.02, minimumEpisodes: 100 } },
            tasks,
          }),
          ended: unread,
          nowMs,
        }),
      );
    const text = at({ atMs: nowMs, items, total: 9 });
    assert.match(text, /5 of 9 tasks, those that decided first/);
    assert.match(
      text,
      /good<\/a><\/th><td>▲ better<\/td><td class="number">\+5 pp<\/td><td class="number">\+1 pp<\/td><td class="number">\+9 pp/,
    );
    assert.match(text, /▽ lower, but not proven worse .*−10 pp.*▼ proven worse .*: this stops the candidate.*−30 pp/s);
    assert.match(
      text,
      /◌ not judged by itself: 90 and 700 episodes, 100 of each are needed<\/td><td class="number">not known/,
    );
    // No difference of success is larger than 100 points, and a task has one judgement.
    assert.match(
      text,
      /few<\/a><\/th><td>◌ not judged by itself: [^<]*; seen lower, which decided nothing<\/td><td class="number">−100 pp/,
    );
    assert.doesNotMatch(text, /−100\.2/);
    assert.doesNotMatch(text, /<img/);
    assert.match(at(null), /No verdict judged single tasks yet/);
    assert.match(at({ atMs: nowMs, items: [], total: 0 }), /No episode of a task counted yet/);
  });

  it('says of each stage of the plan whether it was passed, runs, ended the trial, or was not reached', () => {
    const plan = { stages: [{ robots: 3 }, { robots: 9 }, { robots: 30 }] };
    const standings = (current: number | undefined, end: unknown): readonly string[] =>
      [...html(planTable(plan, current, end)).matchAll(/of 3<\/th><td>(.*?)<\/td>/g)].map(([, told = '']) => told);
    assert.deepEqual(standings(1, null), ['✓ passed', '▶ now', '◌ to come']);
    assert.deepEqual(standings(1, { outcome: 'rolledBack' }), ['✓ passed', '■ the trial ended here', '◌ not reached']);
    assert.deepEqual(standings(2, { outcome: 'promoted' }), ['✓ passed', '✓ passed', '✓ passed']);
    assert.deepEqual(standings(undefined, null), ['not known', 'not known', 'not known']);
    assert.equal(planTable({ stages: [] }, 0, null), null);
  });

  it('says one state, until when it holds, the stages, and how much better the candidate is', () => {
    const now: TrialAnswer = {
      ...noTrial,
      trial: runOf({ policy: 'wall', standing: unread, stage: 'rollout', candidateVersion: '1.5.0' }),
      rollout: runOf({ trialId: 't1' }),
      now: nowOf(),
    };
    const past = (trialId: string, candidateVersion: string) => ({
      trialId,
      candidateVersion,
      outcome: 'o',
      reason: 'r',
      atMs: 1,
      kind: null,
      championVersion: null,
      stage: null,
      sentence: 's',
    });
    const ended = {
      readAtMs: nowMs,
      damaged: [],
      items: [past('t2', '1.3.0'), past('t3', '1.3.0'), past('t4', '1.4.0')],
    };
    assert.equal(trialIdOf(now, ended, {}), 't1');
    assert.equal(trialIdOf(now, ended, { id: 't0', candidate: '1.3.0' }), 't0');
    // A candidate is found among the trials that ended, the last one first, and in the one that runs; no other stands in for it.
    assert.equal(trialIdOf(now, ended, { candidate: '1.3.0' }), 't3');
    assert.equal(trialIdOf(now, ended, { candidate: '1.5.0' }), 't1');
    assert.equal(trialIdOf(now, null, { candidate: '9.9.9' }), undefined);
    const text = html(
      trialPage({
        acting,
        policy: 'wall',
        standing: unread,
        trialId: 't1',
        now: got(now),
        course: unread,
        ended: unread,
        nowTasks: got(tasksOf()),
        tasks: got(tasksOf()),
        nowMs,
      }),
    );
    for (const words of [
      'Rollout of candidate 1.5.0 against champion 1.4.0',
      'on hold: stage 1 of 2, 5 robots on the candidate',
      '26 episodes to compare, 30 are needed',
      '4 more at 12 an hour: at about ',
      'success 99 % with 1.5.0 and 58.5 % with 1.4.0, better by 40.5 points [+30 to +51], n 26 and 290 episodes of 5 and 20 robots',
      // The same of other episodes, of another moment, stands apart and says so.
      'Success 33 % → 99 %: +66 points [+56 to +76], n 290 and 300 episodes',
      'counted later than verdicts are made',
      'one fleet day lasts 1 min here',
      '✓ reached',
      '○ to come',
      'n 26 episodes of 5 robots',
      'Evidence of harm over all tasks together: no alarm',
      'What the words on this page mean',
      '▲ higher',
    ])
      assert.ok(text.includes(words), words);
    assert.doesNotMatch(text, /were proven/);
    // Harm that is proven in one task is enough: what all of them together say never stands alone beside it.
    const harm = { candidateEpisodes: 9, controlEpisodes: 9, candidateRobots: 3, controlRobots: 3 };
    const worse = { ...harm, task: 'docking', delta: -0.3, low: -0.4, high: -0.2, standing: 'worse' as const };
    const judged = { ...worse, task: 'follow', standing: 'judged' as const };
    const shown = (trialId: string, items: (typeof worse | typeof judged)[]): string =>
      html(
        trialPage({
          acting,
          policy: 'wall',
          standing: unread,
          trialId,
          now: got(now),
          course: got({ ...course, tasks: { atMs: nowMs, items, total: items.length } }),
          ended: unread,
          nowMs,
        }),
      );
    const harmed = shown('t1', [worse, judged]);
    assert.match(
      harmed,
      /<summary>Harm is proven in a task \(docking\), which is enough to stop it\. Evidence over all tasks together: no alarm/,
    );
    assert.match(harmed, /docking<\/a>.*proven worse by more than .*: this stops the candidate/s);
    assert.doesNotMatch(harmed, /<summary>Evidence of harm[^<]*no alarm/);
    assert.match(shown('t1', [judged]), /<summary>Evidence of harm over all tasks together: no alarm/);
    // The harm of another trial is not that of the one that runs.
    assert.doesNotMatch(shown('t0', [worse]), /Harm is proven in a task/);
    const alone = html(
      trialPage({
        acting,
        standing: unread,
        policy: 'wall',
        trialId: 't1',
        now: got(now),
        course: unread,
        ended: unread,
        nowMs,
      }),
    );
    assert.match(alone, /By the last verdict, as of .*better by 40\.5 points/s);
    const unjudged = { ...now, now: { ...nowOf(), measured: null } };
    const none = html(
      trialPage({
        acting,
        standing: unread,
        policy: 'wall',
        trialId: 't1',
        now: got(unjudged),
        course: unread,
        ended: unread,
        nowMs,
      }),
    );
    assert.match(none, /no verdict has compared them yet/);
  });

  it('offers nothing to do to a trial by what was so when its viewer left, but a rollback, and what needs no workflow where none answers', () => {
    const page = (now: Reading<TrialAnswer>): string => {
      const standing = { ...noTrial, policy: 'wall' };
      const { readAtMs, champion, previous, order, freeze } = standing;
      const stands = got({ readAtMs, policy: 'wall', champion, previous, order, freeze });
      const shown = { policy: 'wall', trialId: undefined, course: unread, ended: unread, nowMs, acting };
      return html(trialPage({ ...shown, now, standing: stands }));
    };
    assert.match(page(got(noTrial)), /<button[^>]*>Roll back now/);
    const before = { ...got(noTrial), isFromBefore: true as const };
    assert.match(page(before), /What can be done with the trial stands here when it is read anew/);
    assert.match(page(before), /<button[^>]*>Roll back now/);
    assert.doesNotMatch(page(before), /<button[^>]*>(?:Pause|Abort|Freeze)/);
    assert.match(page({ ...before, problem: notNow }), /<button[^>]*>Freeze trials/);
  });

  it('shows under Now nothing that has ended, but what the last one came to', () => {
    const sentence = '1.5.0 was not promoted: r.';
    const ended = {
      trialId: 't1',
      candidateVersion: '1.5.0',
      outcome: 'harmful',
      reason: 'r',
      atMs: nowMs,
      kind: 'abTest' as const,
      championVersion: '1.4.0',
      stage: null,
      sentence,
    };
    const now = { ...noTrial, trial: runOf({}, 'COMPLETED'), rollout: runOf({}, 'COMPLETED') };
    const items = got({ readAtMs: nowMs, damaged: [], items: [ended] });
    const text = html(
      trialPage({
        acting,
        standing: unread,
        policy: 'wall',
        trialId: undefined,
        now: got(now),
        course: unread,
        ended: items,
        nowMs,
      }),
    );
    assert.match(text, /No trial runs now\. The last one: 1\.5\.0 was not promoted/);
    assert.doesNotMatch(text, /Rollout of/);
  });

  it('says it where no worker answers', () => {
    const silent = html(
      trialPage({
        standing: unread,
        acting,
        policy: 'wall',
        trialId: undefined,
        now: got({ ...noTrial, trial: runOf(null) }),
        course: unread,
        ended: unread,
        nowMs,
      }),
    );
    assert.match(silent, /No worker answers/);
  });
});

describe('times and numbers', () => {
  it('are of the viewer’s zone and of UTC, with the day where it is another one', () => {
    assert.equal(momentText(nowMs, 'Europe/Berlin'), '27 Nov 2026, 08:00 (07:00 UTC)');
    assert.equal(momentText(nowMs, 'America/Los_Angeles'), '26 Nov 2026, 23:00 (27 Nov 2026, 07:00 UTC)');
    assert.equal(momentText(nowMs, 'UTC'), '27 Nov 2026, 07:00 UTC');
    assert.equal(momentText(Number.NaN), 'no valid time');
    assert.equal(momentText(9e15), 'no valid time');
  });

  it('are told to the second where one within a minute of another may stand beside it', () => {
    const atMs = Date.UTC(2026, 10, 27, 7, 0, 9);
    assert.equal(momentText(atMs, 'UTC', 'seconds'), '27 Nov 2026, 07:00:09 UTC');
    assert.equal(momentText(atMs, 'Asia/Tokyo', 'seconds'), '27 Nov 2026, 16:00:09 (07:00:09 UTC)');
    assert.equal(momentText(atMs, 'UTC'), '27 Nov 2026, 07:00 UTC');
    const order = { seq: 9, robots: 1, confirmed: 1, waiting: 0, windowed: 0, failed: 0, offline: 0, unserved: 0 };
    const said = { championVersion: '1.0.0', who: 'ada', why: 'smoke', atMs };
    const ordered = html(
      runsNow({ trial: null, ended: null, order: { ...order, said }, cycle: null }, { policy: 'wall', nowMs }),
    );
    assert.match(ordered, /by ada <time[^>]*>[^<]*:\d\d:09/);
  });

  it('say their unit and their sign', () => {
    assert.deepEqual([-5, 999, 61_000, 7_300_000, 9e8].map(spanText), ['0 s', '0 s', '1 min', '2 h', '10 d']);
    assert.equal(numberText(-1_234.56), '−1,234.6');
    assert.equal(numberText(Number.NaN), 'not a number');
    assert.equal(pointsText(0.021), '+2.1 pp');
    assert.equal(valueText(12.345, 'currency', 'EUR'), '12.35 EUR');
    assert.equal(intervalText({ low: 3, high: null }, 'ms', null), '3 ms to open');
    assert.equal(intervalText({ low: null, high: null }, 'ms', null), null);
  });
});
