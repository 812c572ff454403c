import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import { standingHolds, type HoldEvent } from '../../domain/legal-hold.ts';
import {
  ageMs,
  defaultRetentionLimits,
  retentionClasses,
  whyKept,
  type Needs,
  type RetentionLimits,
} from '../../domain/retention.ts';

const dayMs = 86_400_000;
const nowMs = Date.UTC(2030, 0, 1);
const nothing: Needs = { from: [], named: [] };
const limitsOf = (days: number | null): RetentionLimits => ({
  frames: days,
  media: days,
  telemetry: days,
  trainingSets: days,
  quarantine: days,
  verdicts: days,
  reports: days,
  imports: days,
  agents: days,
});
const kind = fc.constantFrom(...retentionClasses);
const ageDays = fc.integer({ min: 0, max: 5_000 });

describe('retention by class', () => {
  it('keeps everything but sets until somebody says otherwise', () => {
    const forEver = retentionClasses.filter((one) => defaultRetentionLimits[one] === null);
    assert.deepEqual(forEver, [
      'frames',
      'media',
      'telemetry',
      'quarantine',
      'verdicts',
      'reports',
      'imports',
      'agents',
    ]);
    for (const one of forEver)
      assert.equal(
        whyKept({ class: one, atMs: 0 }, { limits: defaultRetentionLimits, needs: nothing, nowMs, dayMs }),
        'young',
      );
  });

  it('lets go exactly what is older than its limit, where nothing needs it', () => {
    fc.assert(
      fc.property(kind, ageDays, fc.integer({ min: 1, max: 3_000 }), (one, age, days) => {
        const atMs = nowMs - age * dayMs;
        const why = whyKept({ class: one, atMs }, { limits: limitsOf(days), needs: nothing, nowMs, dayMs });
        assert.equal(why, age > days ? undefined : 'young');
      }),
    );
  });

  it('keeps what a need names or is younger than a need, whatever its age, and tells which', () => {
    fc.assert(
      fc.property(kind, kind, ageDays, ageDays, fc.boolean(), (one, other, age, since, isNamed) => {
        const needs: Needs = {
          from: [{ classes: [other], fromMs: nowMs - since * dayMs, why: 'an incident' }],
          named: [{ class: other, id: 'x', why: 'the champion' }],
        };
        const given = { class: one, atMs: nowMs - age * dayMs, id: isNamed ? 'x' : 'xx' };
        const why = whyKept(given, { limits: limitsOf(1), needs, nowMs, dayMs });
        const isNeeded = one === other;
        const expected =
          age <= 1
            ? 'young'
            : isNeeded && isNamed
              ? 'the champion'
              : isNeeded && age <= since
                ? 'an incident'
                : undefined;
        assert.equal(why, expected);
      }),
    );
  });

  it('never lets go what is younger than an hour, however fast fleet days pass', () => {
    assert.equal(ageMs(14, 60_000), 3_600_000);
    const of = (atMs: number) =>
      whyKept({ class: 'telemetry', atMs }, { limits: limitsOf(1), needs: nothing, nowMs, dayMs: 60_000 });
    assert.deepEqual([of(nowMs - 3_600_000), of(nowMs - 3_600_001)], ['young', undefined]);
  });
});

describe('legal holds', () => {
  it('stand from their line until the one that lifts them, and never again', () => {
    const word = { who: 'ada', why: 'a letter', atMs: 1 };
    const names = ['hold-1', 'hold-2', 'hold-3'];
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(...names), fc.boolean()), { maxLength: 12 }), (acts) => {
        const events = acts.map(([holdId, isLift]): HoldEvent =>
          isLift ? { kind: 'lift', holdId, ...word } : { kind: 'add', holdId, scope: { kind: 'everything' }, ...word },
        );
        const standing = new Set(standingHolds(events).map(({ holdId }) => holdId));
        for (const name of names) {
          const own = acts.filter(([holdId]) => holdId === name);
          assert.equal(standing.has(name), own.length > 0 && own.every(([, isLift]) => !isLift));
        }
      }),
    );
  });
});
