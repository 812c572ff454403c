import assert from 'node:assert/strict';

import { orderChanges, readFleetChanges } from '../../../activities/incidents/fleet-changes.ts';
import { assignmentRecordSchema, type AssignmentRecord } from '../../../fleet/desk/index.ts';
import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import { writeLogEntry } from '../../../store/append-log.ts';
import type { ObjectStore } from '../../../store/object-store.ts';
import { moveAliases } from '../../../store/records/aliases.ts';
import { setFreeze, liftFreeze } from '../../../store/records/freezes.ts';

const policy = 'wall';
const trial = `${policy}-rollout-aaaa`;

/** An order by its operation; times go on by a second. */
function orders(...given: readonly (readonly [operationId: string, more: Partial<AssignmentRecord>])[]) {
  return given.map(([operationId, more], index) =>
    assignmentRecordSchema.parse({
      kind: 'assign',
      defaultVersion: '1.0.0',
      championVersion: '1.0.0',
      trialId: null,
      urgency: 'whenIdle',
      overrides: [],
      operationId,
      who: `who-${index}`,
      why: `why-${index}`,
      atMs: 1_000 * (index + 1),
      ...more,
    }),
  );
}
const onTrial = (robots: number) => ({
  overrides: [
    {
      version: '1.1.0',
      trialId: trial,
      urgency: 'whenIdle' as const,
      robotIds: Array.from({ length: robots }, (_, at) => `r${at}`),
    },
  ],
});
const told = (changes: ReturnType<typeof orderChanges>): readonly string[] =>
  changes.map(({ kind, version, robots, way }) => `${kind} ${version} ${robots} ${way}`);

describe('what was done to a fleet', () => {
  it('are orders that change what robots run, each once, with how a new champion came to be', () => {
    const records = orders(
      ['baseline-a', {}],
      [`${trial}#1`, onTrial(5)],
      // The same robots again, and the same default: nothing changed.
      [`${trial}#2`, onTrial(5)],
      [`${trial}#3`, onTrial(40)],
      [`${trial}#4`, { defaultVersion: '1.1.0', trialId: trial }],
      [`${trial}#5`, { kind: 'closeTrial', closedTrialId: trial, defaultVersion: '1.1.0', championVersion: '1.1.0' }],
      // One that woke late, of a trial that is closed: robots never obeyed it.
      [`${trial}#6`, onTrial(7)],
      ['rollback-wall-b#7', {}],
      ['rollback-wall-c#8', {}],
    );
    const champion = { seq: 1, replaced: '1.0.0', who: 'w', why: 'y' };
    const changes = orderChanges(policy, records, [
      { ...champion, version: '1.1.0', way: 'trial', operationId: `${trial}#4`, atMs: 4_100 },
      { ...champion, version: '1.0.0', way: 'putBack', operationId: 'rollback-wall-b#7', atMs: 8_100 },
      { ...champion, version: '0.9.0', way: 'adopted', operationId: 'adopt-x-0.9.0', atMs: 500 },
    ]);
    assert.deepEqual(told(changes), [
      'champion 1.0.0 null null',
      'exposure 1.1.0 5 null',
      'exposure 1.1.0 40 null',
      'exposure 1.1.0 null trial',
      'trialEnd 1.1.0 null null',
      'rollback 1.0.0 null putBack',
      'rollback 1.0.0 null null',
      'champion 0.9.0 null adopted',
    ]);
    assert.deepEqual([changes[5]?.who, changes[5]?.why, changes[5]?.atMs], ['who-7', 'why-7', 8_000]);
  });

  async function filled(): Promise<ObjectStore> {
    const store = memoryObjectStore();
    let nowMs = 3_000;
    const clock = (): number => (nowMs += 100);
    const records = orders(['baseline-a', {}], [`${trial}#1`, onTrial(5)], ['rollback-wall-b#2', {}]);
    for (const [seq, record] of records.entries())
      await writeLogEntry(store, `fleet/${policy}/assignments`, seq, record);
    await moveAliases({ store, clock }, { policy, operationId: 'rollback-wall-b#2', who: 'w', why: 'y' }, () => ({
      champion: '1.0.0',
    }));
    await setFreeze({ store, clock }, { policy, who: 'bo', why: 'fair', until: '1970-02-01', mayShorten: false });
    await liftFreeze({ store, clock }, { policy, who: 'bo', why: 'over', sinceMs: 0 });
    return store;
  }

  it('comes newest first since a moment, with freezes, and nothing of before', async () => {
    const store = await filled();
    const none = (): void => assert.fail('nothing is damaged');
    const all = await readFleetChanges(store, policy, 0, none);
    assert.deepEqual(
      all.map(({ kind }) => kind),
      ['lift', 'freeze', 'rollback', 'exposure', 'champion'],
    );
    assert.equal(all[1]?.untilMs, Date.UTC(1970, 1, 1));
    // The order before is only what the exposure is compared with.
    const late = await readFleetChanges(store, policy, 2_000, none);
    assert.deepEqual(
      late.map(({ kind }) => kind),
      ['lift', 'freeze', 'rollback', 'exposure'],
    );
    assert.deepEqual(await readFleetChanges(store, policy, 9_999, none), []);
    assert.deepEqual(await readFleetChanges(store, 'other', 0, none), []);
  });

  it('names what of it cannot be read, and tells the rest', async () => {
    const store = await filled();
    const lost = [
      `fleet/${policy}/assignments/${'1'.padStart(20, '0')}.json`,
      `registry/${policy}/aliases/${'0'.padStart(20, '0')}.json`,
      `freezes/${policy}/${'1'.padStart(20, '0')}.json`,
    ];
    for (const key of lost) await store.put(key, new TextEncoder().encode('{'));
    const damaged: string[] = [];
    const changes = await readFleetChanges(store, policy, 0, ({ key }) => void damaged.push(key));
    assert.deepEqual(
      changes.map(({ kind, way }) => `${kind} ${way}`),
      ['freeze null', 'rollback null', 'champion null'],
    );
    assert.deepEqual(new Set(damaged), new Set([lost[0], lost[2], `registry/${policy}/aliases`]));
  });
});
