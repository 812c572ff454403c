import assert from 'node:assert/strict';

import type { DriftAnswer } from '../../console/answers/drift.ts';
import type { IncidentsAnswer } from '../../console/answers/incidents.ts';
import { driftOf, driftPath, driftSection } from '../../dashboard/pages/drift.ts';
import { assertHarmless, assertLooks, got, hostile, html, nowMs, statesOf } from './page-world.ts';

const row = (feature: string | null, more: Partial<DriftAnswer['rows'][number]> = {}): DriftAnswer['rows'][number] => ({
  camera: null,
  feature,
  statistic: 'stability',
  value: 0.612,
  limit: 0.25,
  timesLimit: 2.448,
  state: 'alarm',
  samples: { reference: 24_000, current: 8_000 },
  robots: { reference: 12, current: 10 },
  ...more,
});
const driftAnswer = (rows: DriftAnswer['rows'], more: Partial<DriftAnswer> = {}): DriftAnswer => ({
  readAtMs: nowMs,
  damaged: [],
  policy: 'wall',
  lookMs: nowMs - 3_600_000,
  alarm: true,
  rows,
  rowsTotal: rows.length,
  ...more,
});
const shown = (answer: DriftAnswer): string => html(driftSection(got(answer), nowMs));

describe('what drifted', () => {
  it('is told by reading, statistic, value, limit and samples, the first five at once and the others folded', () => {
    const text = shown(driftAnswer(['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => row(name))));
    assert.match(
      text,
      />a<\/th><td>How differently values are spread<span class="count"> \(population stability index, PSI.*0\.612<.*0\.25<.*‼ over its limit, 2\.4 × the limit<.*now 8,000 \(10\), before 24,000 \(12\)/s,
    );
    assert.match(text, /5 of 7 figures.*>e<\/th>.*<details><summary>2 more figures<\/summary>.*>f<\/th>/s);
    assert.match(
      text,
      /models meet readings now that they were not trained on.*quarantine its robots.*the next cycle/s,
    );
    assert.doesNotMatch(shown(driftAnswer([row('a')])), /<details/);
    const other = shown(
      driftAnswer([
        row(null, { statistic: 'together', value: 0.002, limit: 0.01, timesLimit: 5 }),
        row('brightness', { camera: 'front', statistic: 'distance', state: 'chance' }),
      ]),
    );
    assert.match(other, />all together<\/th>.*below 0\.01.*camera front: brightness.*may be chance/s);
  });

  it('looks differently for each state, and never like no drift where nothing is kept or compared', () => {
    assertLooks(driftAnswer([row('a')]), (reading) => driftSection(reading, nowMs), /0\.612/);
    assert.match(shown(driftAnswer([], { lookMs: null })), /not kept any more/);
    assert.deepEqual(statesOf(shown(driftAnswer([], { lookMs: null }))), ['noData']);
    assert.deepEqual(statesOf(shown(driftAnswer([]))), ['noData']);
    assertHarmless(shown(driftAnswer([row(hostile, { camera: hostile })], { damaged: [hostile] })), 2);
  });

  it('is asked for where the incident is one of drift: the last look while it is open, else that before its last event', () => {
    const event = { incidentId: 'drift.fleet.1', cause: 'drift', subject: 'fleet', reason: 'r', see: null } as const;
    const answer: Pick<IncidentsAnswer, 'open' | 'events'> = {
      open: [{ ...event, openedAtMs: 1, acknowledgedBy: null, severity: 'normal' }],
      events: [
        { ...event, incidentId: 'drift.fleet.0', state: 'opened', atMs: 5 },
        { ...event, incidentId: 'drift.fleet.0', state: 'closed', atMs: 9 },
        { ...event, incidentId: 'silent.r1.1', cause: 'silent', state: 'opened', atMs: 9 },
      ],
    };
    assert.deepEqual(driftOf(answer, 'drift.fleet.1'), { untilMs: undefined });
    assert.deepEqual(driftOf(answer, 'drift.fleet.0'), { untilMs: 9 });
    for (const id of ['silent.r1.1', 'nobody', undefined]) assert.equal(driftOf(answer, id), null);
    assert.equal(driftOf(null, 'drift.fleet.1'), null);
    assert.equal(driftPath('wall', undefined), '/api/v1/drift?policy=wall');
    assert.equal(driftPath('wall', 9), '/api/v1/drift?policy=wall&until=9');
  });
});
