import assert from 'node:assert/strict';

import { missingFinder, type MissingEpisode } from '../../../activities/collection/find-missing.ts';
import { quarantineKeyOf, type QuarantineRecord } from '../../../activities/collection/quarantine.ts';
import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import { jsonBytes } from '../../../store/json-objects.ts';
import type { ObjectStore } from '../../../store/object-store.ts';
import { writeErasureRequest, writeTombstone, type ErasureRequest } from '../../../store/records/erasures.ts';

const endedMs = Date.UTC(2026, 10, 27);
const hourMs = 3_600_000;
const of = (episodeId: string, more: Partial<MissingEpisode> = {}): MissingEpisode => ({
  episodeId,
  robotId: 'r1',
  endedMs,
  ...more,
});

describe('an episode that the lake does not have', () => {
  let atMs = endedMs;
  let store: ObjectStore;
  let reads: string[];
  let find: ReturnType<typeof missingFinder>;
  beforeEach(() => {
    atMs = endedMs + hourMs;
    const memory = memoryObjectStore(() => atMs);
    reads = [];
    store = {
      ...memory,
      get: (key, ...rest) => {
        reads.push(key);
        return memory.get(key, ...rest);
      },
    };
    find = missingFinder(store);
  });

  const kindOf = async (episode: MissingEpisode): Promise<string | undefined> => (await find([episode]))[0]?.kind;
  const refuse = (sha256: string, more: Partial<QuarantineRecord>): Promise<unknown> => {
    const violation = { rule: 'frame.finite', doc: 'd', value: 'NaN', expected: 'a number', row: 1, episodeId: 'E1' };
    const record: QuarantineRecord = {
      sha256,
      cycleId: 'c1',
      scope: 'episode',
      landingKey: `landing/r1/${sha256}.parquet`,
      robotId: 'r1',
      robotType: 'scitos-g5@1',
      receivedMs: atMs,
      sizeBytes: 9,
      rules: [violation.rule],
      violations: [violation],
      violationsNotListed: 0,
      ...more,
    };
    return store.put(quarantineKeyOf('c1', sha256, 'json'), jsonBytes(record));
  };
  const erase = async (erasureId: string, target: ErasureRequest['target']) => {
    const request = { erasureId, target, recordedBeforeMs: endedMs + 1, who: 'ada', why: 'asked', atMs };
    await writeErasureRequest(store, request, ['E1']);
    await writeTombstone(store, request);
  };

  it('is on its robot, or given up, where nothing of its robot came since', async () => {
    assert.equal(await kindOf(of('E1')), 'notUploaded');
    atMs = endedMs - hourMs;
    await store.put('landing/r1/a.parquet', jsonBytes(1));
    await store.put('removed/r1/b.parquet.json', jsonBytes(1));
    await refuse('c', { scope: 'segment', violations: [], receivedMs: atMs });
    assert.equal(await kindOf(of('E1')), 'notUploaded');
    // Of another robot whose name begins the same.
    atMs = endedMs + hourMs;
    await store.put('landing/r11/a.parquet', jsonBytes(1));
    assert.equal(await kindOf(of('E1')), 'notUploaded');
  });

  it('waits, where uploads of its robot that came since lie in landing', async () => {
    for (const name of ['a', 'b']) await store.put(`landing/r1/${name}.parquet`, jsonBytes(1));
    assert.deepEqual(await find([of('E1'), of('E2', { robotId: 'r2' })]), [
      { kind: 'waits', rules: [], uploads: 2 },
      { kind: 'notUploaded', rules: [], uploads: 0 },
    ]);
    // A whole upload was refused as well: what waits is told first.
    await refuse('c', { scope: 'segment', violations: [] });
    assert.equal(await kindOf(of('E1')), 'waits');
  });

  it('was refused, by name or perhaps with a whole upload; a record that cannot be read says nothing', async () => {
    await store.put(quarantineKeyOf('c1', 'z', 'json'), jsonBytes('broken'));
    assert.equal(await kindOf(of('E1')), 'notUploaded');
    await refuse('c', { scope: 'segment', violations: [], rules: ['segment.size', 'segment.size'] });
    assert.deepEqual(await find([of('E1')]), [{ kind: 'perhapsRefused', rules: ['segment.size'], uploads: 1 }]);
    await store.put('landing/r1/a.parquet', jsonBytes(1));
    await refuse('d', {});
    assert.deepEqual(await find([of('E1'), of('E2')]), [
      { kind: 'refused', rules: ['frame.finite'], uploads: 1 },
      { kind: 'waits', rules: [], uploads: 1 },
    ]);
    reads.length = 0;
    await find([of('E1')]);
    assert.deepEqual(
      reads.filter((key) => key.endsWith('c.json') || key.endsWith('d.json')),
      [],
    );
  });

  it('was perhaps taken out of landing by a person', async () => {
    await store.put('removed/r1/b.parquet', jsonBytes(1));
    await store.put('removed/r1/b.parquet.json', jsonBytes(1));
    assert.deepEqual(await find([of('E1')]), [{ kind: 'perhapsRemoved', rules: [], uploads: 1 }]);
  });

  it('was erased, by its id or with its robot, whatever else is there', async () => {
    await refuse('d', {});
    await erase('e-1', { kind: 'episodes', digest: 'd'.repeat(64), count: 1 });
    assert.equal(await kindOf(of('E1')), 'erased');
    assert.equal(await kindOf(of('E2')), 'notUploaded');
    await erase('e-2', { kind: 'robot', robotId: 'r1' });
    assert.equal(await kindOf(of('E2')), 'erased');
    assert.equal(await kindOf(of('E2', { endedMs: endedMs + hourMs })), 'notUploaded');
    assert.equal(await kindOf(of('E2', { endedMs: null })), 'notUploaded');
  });

  it('is not known where nobody knows whose it is; nothing is asked for nothing', async () => {
    assert.equal(await kindOf(of('E1', { robotId: null })), 'unknown');
    reads.length = 0;
    assert.deepEqual([await find([]), reads], [[], []]);
  });
});
