import assert from 'node:assert/strict';

import type { IncidentsAnswer } from '../../console/answers/incidents.ts';
import { attentionOf } from '../../dashboard/attention.ts';
import { changeText } from '../../dashboard/pages/changes-before.ts';
import { incidentsPage } from '../../dashboard/pages/incidents.ts';
import { unread } from '../../dashboard/reading.ts';
import { got, hostile, html, nowMs, statesOf } from './page-world.ts';

type Change = NonNullable<IncidentsAnswer['changesBefore']>[number]['items'][number];

const openedAtMs = nowMs - 3_600_000;
const rollback: Change = {
  kind: 'rollback',
  atMs: openedAtMs - 12 * 60_000,
  version: '1.0.0',
  robots: null,
  way: 'putBack',
  untilMs: null,
  who: 'ada',
  why: 'smoke',
};
const incident = {
  incidentId: 'fleetBroken.fleet.1',
  cause: 'fleetBroken',
  subject: 'fleet',
  openedAtMs,
  reason: 'success -31.0 pp',
  acknowledgedBy: null,
  severity: 'urgent' as const,
  see: null,
};
const answerOf = (changesBefore: IncidentsAnswer['changesBefore'], more: Partial<IncidentsAnswer> = {}) =>
  got<IncidentsAnswer>({
    readAtMs: nowMs,
    damaged: [],
    lookedAtMs: nowMs,
    open: [incident],
    events: [],
    changesBefore,
    ...more,
  });
const before = (items: readonly Change[], total = items.length) => [
  { incidentId: incident.incidentId, openedAtMs, items: [...items], total },
];
const page = (reading: ReturnType<typeof answerOf>, incidentId?: string): string =>
  html(
    incidentsPage({
      reading,
      policy: 'wall',
      incidentId,
      nowMs,
      acting: { viewer: { name: 'ada', role: 'viewer' }, onAct: () => undefined },
    }),
  );

describe('what changed before an incident of the whole fleet', () => {
  it('names a rollback by whom, why, to which version, and how long before', () => {
    const last = 'Last change before it began, 12 min before: Rollback, all robots to 1.0.0, by ada: smoke.';
    const reading = answerOf(before([rollback], 7));
    assert.ok(page(reading).includes(last));
    // A freeze after it changes nothing that robots run.
    const freeze: Change = { ...rollback, kind: 'freeze', atMs: openedAtMs - 60_000, version: null, way: null };
    assert.ok(page(answerOf(before([freeze, rollback]))).includes(last));
    assert.match(page(answerOf(before([freeze]))), /Last change before it began, 1 min before: Trials frozen/);
    const one = page(reading, incident.incidentId);
    assert.match(
      one,
      /What changed before it began<\/h3>.*the last 1 of 7 in 7 days.*12 min before.*Rollback, all robots/s,
    );
    const { needs } = attentionOf({ fleet: unread, incidents: reading, trial: unread });
    assert.match(
      needs[0]?.detail ?? '',
      /success -31\.0 pp\. Last change before it began, 12 min before: Rollback.*smoke\. See what changed/,
    );
  });

  it('says what each kind of change was', () => {
    const textOf = (more: Partial<Change>): string => changeText({ ...rollback, way: null, ...more });
    assert.deepEqual(
      [
        textOf({ kind: 'champion', version: '1.1.0', way: 'trial' }),
        textOf({ kind: 'champion' }),
        textOf({ kind: 'exposure', version: '1.2.0', robots: 1 }),
        textOf({ kind: 'exposure', version: '1.2.0' }),
        textOf({ kind: 'trialEnd' }),
        textOf({ kind: 'freeze', version: null, untilMs: Date.UTC(2030, 0, 1) }),
        textOf({ kind: 'lift', version: null }),
      ],
      [
        'Champion 1.1.0, promoted by a trial (ada): smoke',
        'Order, all robots to 1.0.0, by ada: smoke',
        'Trial, 1 robot on candidate 1.2.0, by ada: smoke',
        'Trial, all robots but a few on candidate 1.2.0, by ada: smoke',
        'End of a trial, all robots to 1.0.0, by ada: smoke',
        'Trials frozen until 2030-01-01T00:00:00.000Z, by ada: smoke',
        'Freeze lifted, by ada: smoke',
      ],
    );
  });

  it('tells nothing that changed, nothing that explains it, and what cannot be read apart', () => {
    const id = incident.incidentId;
    assert.match(page(answerOf(before([])), id), /state-empty.*Nothing was ordered, promoted, put back or frozen/s);
    assert.deepEqual(statesOf(page(answerOf(null), id)), ['noData', 'empty']);
    assert.match(page(answerOf(null), id), /cannot be read now\. Nothing follows/);
    assert.doesNotMatch(page(answerOf([]), id), /What changed before/);
    assert.doesNotMatch(page(answerOf(null)), /Last change/);
    const robot = { ...incident, cause: 'silent', subject: 'r1' };
    assert.doesNotMatch(page(answerOf(null, { open: [robot] }), id), /What changed before/);
    assert.match(
      page(answerOf(before([rollback]), { damaged: ['k1'] }), id),
      /What changed.*1 damaged object left out/s,
    );
  });

  it('never makes markup of what people wrote', () => {
    const text = page(
      answerOf(before([{ ...rollback, who: hostile, why: hostile, version: hostile }])),
      incident.incidentId,
    );
    assert.doesNotMatch(text, /<img|<script/);
  });
});
