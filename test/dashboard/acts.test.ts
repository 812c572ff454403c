import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

import type { VNode } from 'preact';

import type { AuditAnswer } from '../../console/answers/acts.ts';
import type { StandingAnswer, TrialAnswer } from '../../console/answers/trials.ts';
import { actBar } from '../../dashboard/act-buttons.ts';
import { actState, dialogBody, type ActState } from '../../dashboard/act-dialog.ts';
import {
  fleetActs,
  incidentAct,
  refusedAct,
  robotActs,
  trialActs,
  undoActs,
  type OfferedAct,
  type Viewer,
} from '../../dashboard/acts.ts';
import { sendAct } from '../../dashboard/ask.ts';
import { auditPage, auditPath } from '../../dashboard/pages/audit.ts';
import { freezeActs, freezeNote, standingNote } from '../../dashboard/freeze.ts';
import { emptyForm, failureAct, framesAct, takeBackAct } from '../../dashboard/label-acts.ts';
import { endAct } from '../../dashboard/pages/sessions.ts';
import { trialPage } from '../../dashboard/pages/trial.ts';
import { unread, type Problem, type Reading } from '../../dashboard/reading.ts';
import { got, hostile, html, nowMs } from './page-world.ts';

const viewers = (['viewer', 'operator', 'approver', 'admin'] as const).map((role): Viewer => ({ name: 'ada', role }));
const [viewer, operator, approver] = viewers as [Viewer, Viewer, Viewer];

const run = (status: unknown): NonNullable<TrialAnswer['trial']> => ({
  workflowId: 'w',
  run: 'RUNNING',
  startedMs: nowMs,
  endedMs: null,
  status,
});
const none: TrialAnswer = {
  readAtMs: nowMs,
  now: null,
  trial: null,
  abTest: null,
  rollout: null,
  rollback: null,
  order: null,
  freeze: { kind: 'none' },
  champion: null,
  previous: null,
};
const at = (kind: string, more: object = {}): TrialAnswer => ({
  ...none,
  trial: run({ candidateVersion: '1.3.0', step: { kind, reason: 'r' }, askedBy: { who: 'bo', cause: 'c' }, ...more }),
});
const undo = { order: 9, who: 'ada', untilMs: nowMs + 60_000, version: '1.1.0', why: null };
const labels = (acts: readonly OfferedAct[]): readonly string[] =>
  acts.map(({ label, why }) => (why === null ? label : `${label} (${why})`));
const trialLabels = (answer: TrialAnswer, who: Viewer | null): readonly string[] =>
  labels(trialActs(answer, 'wall', who));

describe('acts on the pages', () => {
  it('are those that mean something now', () => {
    assert.deepEqual(trialLabels(none, approver), []);
    assert.deepEqual(trialLabels({ ...none, trial: { ...run(null), run: 'COMPLETED' } }, approver), []);
    assert.deepEqual(trialLabels(at('held'), approver), ['Pause trial', 'Abort trial']);
    assert.deepEqual(trialLabels(at('paused'), approver), ['Resume trial', 'Abort trial']);
    assert.deepEqual(trialLabels(at('returning'), approver), []);
    const waits = ['Approve stage', 'Reject stage', 'Pause trial', 'Abort trial'];
    assert.deepEqual(trialLabels(at('awaitingApproval'), approver), waits);
    const freeze = { kind: 'frozen', untilMs: nowMs + 1, who: 'ada', why: 'w', atMs: nowMs } as const;
    assert.match(trialLabels({ ...at('awaitingApproval'), freeze }, approver)[0] ?? '', /trials are frozen/);
    assert.deepEqual(labels(freezeActs('wall', { kind: 'none' }, operator)), ['Freeze trials']);
    assert.deepEqual(labels(freezeActs('wall', freeze, approver)), ['Freeze longer', 'Lift the freeze']);
    assert.match(labels(freezeActs('wall', freeze, operator))[1] ?? '', /needs the role approver/);
    const waiting = { requestId: 'r-1', who: 'bo', reason: hostile, version: '0.9.0' };
    const rollback = trialActs({ ...none, rollback: run({ waiting }) }, 'wall', approver);
    assert.deepEqual(labels(rollback), ['Approve rollback', 'Reject rollback']);
    assert.deepEqual(rollback[0]?.body, { policy: 'wall', requestId: 'r-1' });
    assert.deepEqual(trialLabels({ ...none, rollback: run({ waiting: 'nonsense' }) }, approver), []);
    const robot = { robotId: 'r1', quarantine: null, retiredMs: null };
    assert.deepEqual(labels(robotActs(robot, operator)), ['Quarantine robot']);
    assert.deepEqual(labels(robotActs({ ...robot, quarantine: {} }, approver)), ['Release robot']);
    assert.deepEqual(robotActs({ ...robot, retiredMs: 7 }, approver), []);
  });

  it('are paths of the API, all of them', () => {
    const waiting = { requestId: 'r-1', who: 'bo', reason: 'r', version: '0.9.0' };
    const robot = { robotId: 'r1', quarantine: null, retiredMs: null };
    const [episodeId, day] = ['E1', '2026-11-27'];
    const episode = { policy: 'wall', episodeId, day, split: 'train', frameCount: 9, kind: 'discrete' } as const;
    const said = { who: 'a', reason: 'r', atMs: 1 };
    const label = { labelId: 'l1', kind: 'failureReason', failureReason: 'f', ...said } as const;
    const offered = [
      ...trialActs({ ...at('awaitingApproval'), rollback: run({ waiting }) }, 'wall', approver),
      ...trialActs(at('paused'), 'wall', approver),
      ...fleetActs('wall', approver),
      ...undoActs('wall', approver, undo, nowMs),
      ...robotActs(robot, approver),
      ...robotActs({ ...robot, quarantine: {} }, approver),
      incidentAct({ incidentId: 'i', cause: 'c', subject: 's', reason: 'r' }, 'wall', approver),
      refusedAct({ sha256: 's1', robotId: 'r1', rules: ['r'] }, 'wall', approver),
      ...freezeActs('wall', { kind: 'unreadable', reason: 'r' }, approver),
      framesAct(emptyForm, episode, approver),
      failureAct(emptyForm, episode, approver),
      takeBackAct(label, 'wall', approver),
      endAct({ sessionId: 's2', name: 'bo', role: 'viewer', sinceMs: 1, untilMs: 2, seenMs: null, isThis: false }),
    ];
    const document = readFileSync(new URL('../../docs/console.md', import.meta.url), 'utf8');
    const told = [...document.matchAll(/`POST ([^`]+)`/g)].map(([, path = '']) =>
      path.replace('{robotId}', 'r1').replace('{sha256}', 's1').replace('{labelId}', 'l1').replace('{sessionId}', 's2'),
    );
    assert.deepEqual(new Set(offered.map(({ path }) => path)), new Set(told));
  });

  it('say from which version to which a rollback goes, where that is known', () => {
    const effect = (champion: string | null, previous: string | null): string =>
      fleetActs('wall', operator, { champion, previous })[0]?.effect ?? '';
    assert.match(
      effect('1.1.0', '1.0.0'),
      /gets the champion, 1\.1\.0; if none runs, everybody goes from 1\.1\.0 to 1\.0\.0/,
    );
    assert.match(effect('1.0.0', null), /if none runs, nothing happens/);
    assert.match(fleetActs('wall', operator)[0]?.effect ?? '', /without a trial, everybody gets the champion before/);
  });

  it('let who rolled back undo it while there is time, and say to the others who may, or why nobody can', () => {
    const told = (more: object, who: Viewer | null = operator) =>
      labels(undoActs('wall', who, { ...undo, ...more }, nowMs));
    assert.deepEqual(told({}), ['Undo this rollback: back to 1.1.0']);
    const [act] = undoActs('wall', operator, undo, nowMs);
    assert.deepEqual([act?.body, act?.versions?.version], [{ policy: 'wall', order: 9 }, '1.1.0']);
    assert.match(act?.effect ?? '', /order 9 by ada is undone: all robots of wall go back to 1\.1\.0/);
    assert.match(told({}, { name: 'bo', role: 'admin' })[0] ?? '', /only ada, who ordered it, can undo it/);
    assert.match(told({}, viewer)[0] ?? '', /needs the role operator/);
    assert.deepEqual(told({ version: null, why: 'it ended a trial' }), ['Undo this rollback (it ended a trial)']);
    assert.deepEqual(told({ untilMs: nowMs }), []);
    assert.deepEqual(undoActs('wall', operator, undefined, nowMs), []);
  });

  it('name the trial that was looked at, so that no other one is meant', () => {
    const named = { policy: 'wall', candidateVersion: '1.3.0' };
    for (const { body } of trialActs(at('held'), 'wall', approver)) assert.deepEqual(body, named);
    const [approve, reject, ...others] = trialActs(at('awaitingApproval'), 'wall', approver);
    for (const act of [approve, reject]) assert.deepEqual(act?.body, { ...named, waitsFor: 'r' });
    for (const { body } of others) assert.deepEqual(body, named);
  });

  it('say why a role may not, and why nobody approves what they asked for', () => {
    const whyOf = (acts: readonly OfferedAct[], label: string) => acts.find((act) => act.label === label)?.why;
    for (const act of [...trialActs(at('awaitingApproval'), 'wall', viewer), ...fleetActs('wall', viewer)])
      assert.match(act.why ?? '', /needs the role (operator|approver); you are viewer/);
    assert.match(
      whyOf(trialActs(at('awaitingApproval'), 'wall', operator), 'Approve stage') ?? '',
      /needs the role approver/,
    );
    assert.equal(whyOf(trialActs(at('awaitingApproval'), 'wall', operator), 'Pause trial'), null);
    for (const askedBy of [
      { who: 'ada', cause: 'c' },
      { who: 'cycle c-1', cause: 'console: cycle start by ada' },
    ]) {
      const own = trialActs(at('awaitingApproval', { askedBy }), 'wall', approver);
      assert.match(whyOf(own, 'Approve stage') ?? '', /you asked for it/);
      assert.equal(whyOf(own, 'Reject stage'), null);
    }
    const waiting = { requestId: 'r-1', who: 'ada', reason: 'r', version: '0.9.0' };
    const own = trialActs({ ...none, rollback: run({ waiting }) }, 'wall', approver);
    assert.match(whyOf(own, 'Approve rollback') ?? '', /you asked for it/);
    assert.match(
      incidentAct({ incidentId: 'i', cause: 'c', subject: 's', reason: 'r' }, 'wall', null).why ?? '',
      /not known yet/,
    );
    const text = html(actBar(fleetActs('wall', viewer), () => undefined));
    // It can be reached by keyboard, and is told why.
    assert.equal(text.match(/<button type="button" aria-disabled="true" aria-describedby="([^"]+)"/g)?.length, 3);
    for (const [, id] of text.matchAll(/aria-describedby="([^"]+)"/g)) assert.ok(text.includes(`id="${id}"`));
    assert.doesNotMatch(html(actBar(fleetActs('wall', operator), () => undefined)), /aria-disabled/);
  });

  it('do nothing when a button is pressed that cannot be used', () => {
    const pressed: string[] = [];
    for (const who of [viewer, operator]) {
      const bar = actBar(fleetActs('wall', who), ({ label }) => void pressed.push(label)) as VNode<{
        children: VNode[];
      }>;
      for (const act of bar.props.children) {
        const [button] = act.props.children as unknown as [VNode<{ onClick: () => void }>];
        button.props.onClick();
      }
    }
    assert.deepEqual(pressed, labels(fleetActs('wall', operator)));
  });
});

describe('the dialog of an act', () => {
  const [act] = fleetActs('wall', operator) as [OfferedAct];
  const ignore = (): void => undefined;
  const form = {
    reason: 'smoke',
    extra: '',
    nowMs,
    onReason: ignore,
    onExtra: ignore,
    onSend: ignore,
    onClose: ignore,
  };
  const shown = (state: ActState, of: OfferedAct = act): string => html(dialogBody({ act: of, state, ...form }));
  const problem = (type: 'refused' | 'temporalUnavailable'): Problem => ({ kind: 'refused', type, message: hostile });

  it('says what will happen, asks for a reason, and looks different before, after, refused and unanswered', () => {
    const looks = {
      asking: shown({ kind: 'asking' }),
      sending: shown({ kind: 'sending' }),
      done: shown({ kind: 'done', answer: hostile }),
      asked: shown({ kind: 'asked', answer: hostile }),
      refused: shown({ kind: 'failed', problem: problem('refused') }),
      unanswered: shown({ kind: 'failed', problem: problem('temporalUnavailable') }),
      gone: shown({ kind: 'failed', problem: { kind: 'gone', message: 'Failed to fetch' } }),
    };
    assert.equal(new Set(Object.values(looks)).size, 7);
    for (const [name, text] of Object.entries(looks)) {
      assert.match(text, /id="act-title">Roll back now<.*id="act-effect">All robots of wall/s, name);
      assert.doesNotMatch(text, /<img|<script/, name);
      assert.match(text, /<textarea[^>]*required/, name);
      const submits = ['asking', 'sending', 'unanswered', 'gone'].includes(name);
      assert.equal(text.includes('type="submit"'), submits, name);
      assert.equal(/readonly/i.test(text), name !== 'asking', name);
    }
    assert.match(looks.unanswered, /role="alert".*Whether it was done is not known; trying again does it once/s);
    assert.match(looks.refused, /role="alert".*Refused/s);
    assert.match(looks.done, /✓ Ordered: /);
    const toVersion = fleetActs('wall', operator)[1];
    const waits = shown({ kind: 'asked', answer: 'nothing is ordered yet: 0.9.0 waits' }, toVersion);
    assert.doesNotMatch(waits, /Ordered:|✓/);
    assert.match(
      waits,
      /Asked, and nothing is ordered yet: .*approval of somebody else with the role approver or admin.*Tell an approver: the page Trial has “Approve rollback”.*not for you.*page Fleet.*lapses.*The answer: nothing is ordered yet: 0\.9\.0 waits/s,
    );
    const [freeze] = freezeActs('wall', { kind: 'none' }, operator);
    assert.match(shown({ kind: 'asking' }, freeze), /Until: a UTC day or time.*<input required/s);
  });

  it('sends only what was confirmed with a reason, and never twice at once', () => {
    let sent = 0;
    for (const state of [
      { kind: 'asking' },
      { kind: 'sending' },
      { kind: 'done', answer: 'a' },
      { kind: 'failed', problem: problem('refused') },
      { kind: 'failed', problem: problem('temporalUnavailable') },
    ] as const) {
      const body = dialogBody({ act, state, ...form, onSend: () => (sent += 1) }) as VNode<{
        onSubmit: (event: unknown) => void;
      }>;
      body.props.onSubmit({ preventDefault: () => undefined });
    }
    assert.equal(sent, 2);
  });

  it('sends key, reason and token in a request that follows nobody elsewhere', async () => {
    const asked: [string, RequestInit][] = [];
    const fetcher = async (url: string, options: RequestInit): Promise<Response> => {
      asked.push([url, options]);
      return Response.json({ readAtMs: 1, actId: 'a', answer: 'ordered', isRepeated: false });
    };
    const answer = await sendAct<never>(
      '/api/v1/rollback',
      { policy: 'wall', reason: 'r' },
      { key: 'k'.repeat(32), token: 't' },
      fetcher,
    );
    assert.deepEqual(actState(answer), { kind: 'done', answer: 'ordered' });
    const data = { readAtMs: 1, actId: 'a', answer: 'waits', isRepeated: true, needsApproval: true } as const;
    assert.deepEqual(actState({ kind: 'read', data }), { kind: 'asked', answer: 'waits' });
    const [[url, options] = ['', {}]] = asked;
    assert.deepEqual(
      [url, options.method, options.credentials, options.redirect],
      ['/api/v1/rollback', 'POST', 'omit', 'error'],
    );
    const headers = options.headers as Record<string, string>;
    assert.deepEqual([headers['authorization'], headers['idempotency-key']], ['Bearer t', 'k'.repeat(32)]);
    assert.equal(options.body, '{"policy":"wall","reason":"r"}');
    const gone = await sendAct<never>('/x', {}, { key: 'k', token: 't' }, () =>
      Promise.reject(new TypeError('Failed to fetch')),
    );
    assert.deepEqual(actState(gone), { kind: 'failed', problem: { kind: 'gone', message: 'Failed to fetch' } });
  });
});

describe('a freeze on the pages', () => {
  it('says until when nothing advances, by whom and why, as text; what is not known looks otherwise', () => {
    const freeze = { kind: 'frozen', untilMs: nowMs + 7_200_000, who: hostile, why: hostile, atMs: nowMs } as const;
    const text = html(freezeNote(freeze, nowMs) as VNode);
    assert.match(text, /role="status".*Frozen until .*2 h left/);
    assert.doesNotMatch(text, /<img|<script/);
    assert.match(html(freezeNote({ kind: 'unreadable', reason: 'torn' }, nowMs) as VNode), /role="alert".*not known/);
    assert.equal(freezeNote({ kind: 'none' }, nowMs), null);
    assert.equal(freezeNote(null, nowMs), null);
  });

  it('is shown whether workflows can be asked or not; what was not read is never no freeze', () => {
    const at = (freeze: StandingAnswer['freeze'], readMs = nowMs, problem: Problem | null = null) =>
      standingNote(
        {
          data: { readAtMs: readMs, policy: 'wall', champion: '1.1.0', previous: '1.0.0', order: null, freeze },
          readMs,
          problem,
        },
        nowMs,
      );
    const frozen = { kind: 'frozen', untilMs: nowMs + 7_200_000, who: 'ada', why: 'fair', atMs: nowMs } as const;
    const followed = {
      seq: 4,
      robots: 3,
      confirmed: 2,
      waiting: 1,
      windowed: 0,
      failed: 0,
      offline: 0,
      unserved: 0,
      said: null,
    };
    const away: Problem = { kind: 'refused', type: 'storeUnavailable', message: 'the object store does not answer' };
    assert.match(html(at(frozen) as VNode), /Frozen until/);
    assert.equal(at({ kind: 'none' }), null);
    assert.match(html(at(frozen, nowMs - 600_000, away) as VNode), /Frozen until.*This was so .*10 min ago/);
    assert.match(
      html(at({ kind: 'none' }, nowMs - 600_000, away) as VNode),
      /were not frozen.*10 min ago.*may be otherwise/,
    );
    const unknown = html(standingNote({ data: null, readMs: null, problem: away }, nowMs) as VNode);
    assert.match(unknown, /role="alert".*frozen is not known now.*object store does not answer/);
    const page = trialPage({
      policy: 'wall',
      trialId: undefined,
      now: { data: null, readMs: null, problem: { ...away, type: 'temporalUnavailable', message: 'Temporal is away' } },
      standing: got({
        readAtMs: nowMs,
        policy: 'wall',
        champion: '1.1.0',
        previous: null,
        order: followed,
        freeze: frozen,
      }),
      course: unread,
      ended: unread,
      nowMs,
      acting: { viewer: operator, onAct: () => undefined },
    });
    const text = html(page);
    assert.match(text, /Frozen until.*Temporal is away.*confirmed by 2 of 3.*Freeze longer/s);
  });
});

describe('a rollback on the page of a trial', () => {
  const order = {
    seq: 9,
    robots: 40,
    confirmed: 31,
    waiting: 4,
    windowed: 1,
    failed: 0,
    offline: 4,
    unserved: 0,
    said: null,
  };
  const page = (answer: TrialAnswer): string =>
    html(
      trialPage({
        policy: 'wall',
        trialId: undefined,
        now: got(answer),
        standing: unread,
        course: unread,
        ended: unread,
        nowMs,
        acting: { viewer: operator, onAct: () => undefined },
      }),
    );

  it('is pending until robots confirm, n of N, and says who does not', () => {
    const returning = run({ stage: 'returning', version: '1.0.0' });
    const text = page({ ...none, rollback: returning, order });
    assert.match(text, /pending: confirmed by 31 of 40; 4 on the way, 1 wait for an update window, 4 offline/);
    const done = { ...order, confirmed: 40, waiting: 0, windowed: 0, offline: 0 };
    assert.match(page({ ...none, rollback: returning, order: done }), />confirmed by 40 of 40</);
    assert.match(page({ ...none, rollback: returning }), /who follows is not known/);
    assert.match(page({ ...none, rollback: run({ stage: 'awaitingApproval' }), order }), /nothing is ordered yet/);
    const ended = { ...returning, run: 'COMPLETED' };
    assert.doesNotMatch(page({ ...none, rollback: ended, order }), /confirmed by/);
  });
});

describe('the page of the audit log', () => {
  const entry: AuditAnswer['items'][number] = {
    seq: 7,
    atMs: nowMs,
    actId: 'a',
    outcome: 'refused',
    who: 'ada',
    role: null,
    via: 'command',
    act: 'trial.pause',
    policy: 'wall',
    subject: '1.3.0',
    reason: hostile,
    answer: 'it is paused already',
    previous: '0'.repeat(64),
  };
  const chain = { checkedAtMs: nowMs, verifiedSeq: 7, broken: null };
  const answer: AuditAnswer = { readAtMs: nowMs, damaged: [], items: [entry], next: null, chain };
  const page = (reading: Reading<AuditAnswer>, query: Record<string, string> = {}): string =>
    html(auditPage({ reading, query, nowMs, onFilter: () => undefined }));
  const failed = (problem: Problem): Reading<never> => ({ ...unread, problem });

  it('shows who did what, why, when and with what outcome, as text, and how far the chain is verified', () => {
    const text = page(got(answer));
    for (const told of ['ada (shell, by command)', 'pause trial: 1.3.0', 'wall', 'refused: it is paused already'])
      assert.ok(text.includes(told), told);
    assert.match(text, /Chain verified up to entry 7/);
    // Two acts within a minute are told apart.
    assert.match(text, /<td><time[^>]*>[^<]*:00:00/);
    assert.doesNotMatch(text, /<img|<script/);
  });

  it('says of a rollback which version it put back, as far as the answer tells it', () => {
    const rollback = { ...entry, act: 'rollback', subject: '', outcome: 'done' } as const;
    const told = (more: Partial<typeof entry>): string => page(got({ ...answer, items: [{ ...rollback, ...more }] }));
    const ordered = 'ordered 1.0.0, assignment 7: back to the champion before, 1.0.0';
    assert.match(told({ answer: ordered }), /<td>rollback: 1\.0\.0 put back<\/td>/);
    assert.match(told({ answer: '', outcome: 'asked' }), /<td>rollback to the champion or the one before<\/td>/);
    assert.match(told({ answer: '', outcome: 'asked', subject: '0.9.0' }), /<td>rollback to 0\.9\.0<\/td>/);
    const waits = 'nothing is ordered yet: 0.9.0 waits for an approval: it is the baseline';
    assert.match(told({ answer: waits, subject: '0.9.0' }), /<td>rollback to 0\.9\.0<\/td>/);
    assert.match(told({ answer: ordered, outcome: 'unanswered' }), /<td>rollback to the champion/);
  });

  it('looks different when there is nothing, nothing yet, nothing for you, old, refused, gone or broken', () => {
    const refused = (type: 'forbidden' | 'storeUnavailable'): Problem => ({ kind: 'refused', type, message: 'm' });
    const broken = { ...chain, verifiedSeq: 3, broken: { seq: 4, kind: 'missing', why: hostile } };
    const looks = {
      empty: page(got({ ...answer, items: [] })),
      loading: page(unread),
      forbidden: page(failed(refused('forbidden'))),
      refused: page(failed(refused('storeUnavailable'))),
      gone: page(failed({ kind: 'gone', message: 'm' })),
      stale: page({ data: answer, readMs: nowMs - 600_000, problem: refused('storeUnavailable') }),
      broken: page(got({ ...answer, chain: broken })),
      unchecked: page(got({ ...answer, chain: null })),
    };
    assert.equal(new Set(Object.values(looks)).size, 8);
    for (const name of ['empty', 'loading', 'forbidden', 'refused', 'gone'] as const)
      assert.match(looks[name], new RegExp(`state-${name}`), name);
    assert.match(looks.broken, /role="alert".*broken at entry 4 \(missing\).*verified up to 3/s);
    assert.doesNotMatch(looks.broken, /<img|<script|✓/);
    assert.doesNotMatch(looks.unchecked, /verified up to/);
    assert.match(looks.stale, /10 min old/);
  });

  it('is asked for by person, in pages', () => {
    assert.equal(auditPath({}), '/api/v1/audit?limit=100');
    assert.equal(auditPath({ who: ' ada&x=1 ', before: '40' }), '/api/v1/audit?who=ada%26x%3D1&before=40&limit=100');
    assert.match(page(got({ ...answer, next: 5 })), /Older entries/);
    assert.match(page(got({ ...answer, items: [] }), { who: hostile }), /state-empty/);
  });
});
