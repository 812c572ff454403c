import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import { publishSet } from '../../../activities/mix/publish-set.ts';
import { sweepScratch } from '../../../activities/retention/sweep-scratch.ts';
import { sweepStore, type SweepStoreResult } from '../../../activities/retention/sweep-store.ts';
import { trainingSetFile } from '../../../datasets/training-set.ts';
import { ageMs } from '../../../domain/retention.ts';
import { laterEngine, laterLake } from './no-lake.ts';
import { writeTombstone } from '../../../store/records/erasures.ts';
import { readTelemetry } from '../../../fleet/desk/index.ts';

const dayMs = 86_400_000;
const hourMs = 3_600_000;
const policy = 'wall';
const hex = (letter: string): string => letter.repeat(64);

/** A store whose objects get the age of the clock at their writing. */
function world() {
  let nowMs = Date.UTC(2026, 0, 1);
  const store = memoryObjectStore(() => nowMs);
  const bytes = (size: number): Uint8Array => new Uint8Array(size);
  return {
    store,
    now: () => nowMs,
    pass: (days: number) => (nowMs += days * dayMs),
    set: async (letter: string): Promise<string> => {
      for (const file of ['train.arrow', 'validation.arrow', 'manifest.json'] as const)
        await store.put(trainingSetFile(hex(letter), file), bytes(100));
      return hex(letter);
    },
    sweep: (dryRun = false): Promise<SweepStoreResult> =>
      sweepStore({
        store,
        clock: () => nowMs,
        progress: () => undefined,
        scratchDirectory: '/nowhere',
        lake: laterLake,
        engine: laterEngine,
      })({
        policy,
        dayMs,
        dryRun,
      }),
    keys: async (prefix = ''): Promise<readonly string[]> => {
      const keys: string[] = [];
      for await (const { key } of store.list(prefix)) keys.push(key);
      return keys;
    },
  };
}
type World = ReturnType<typeof world>;

/** A registered version that was trained on a set, with or without an alias. */
async function register(
  { store, now }: World,
  version: string,
  trainingSetDigest: string,
  alias?: string,
): Promise<void> {
  const manifest = {
    policy,
    version,
    robotType: { id: 'scitos-g5', version: 1, digest: hex('0') },
    files: {},
    parents: [],
    training: {
      cycleId: 'c',
      datasetVersion: { episodes: 1, frames: 1 },
      trainingSetDigest,
      seed: 1,
      hyperparameters: {},
    },
    codeBuild: 'test',
    registeredAtMs: now(),
    metrics: {},
    gates: [],
  };
  const signature = { algorithm: 'Ed25519', publicKeyId: 'k', value: 'v' };
  await store.put(`models/${policy}/${version}/manifest.json`, encode({ manifest, signature }));
  if (alias !== undefined) {
    const log = await count(store.list(`registry/${policy}/aliases/`));
    await store.put(
      `registry/${policy}/aliases/${String(log).padStart(20, '0')}.json`,
      encode({
        seq: log,
        set: { [alias]: version },
        who: 'a test',
        why: 'a test',
        atMs: now(),
        operationId: `o${log}`,
      }),
    );
  }
}
const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
async function count(entries: AsyncIterable<unknown>): Promise<number> {
  let sum = 0;
  for await (const _ of entries) sum += 1;
  return sum;
}

describe('the sweep of a store', () => {
  it('takes old rows of sets that no registered model needs; manifests, models and everything else stay', async () => {
    const here = world();
    const { store, set, pass, sweep, keys } = here;
    const champion = await set('a');
    await register(here, '1.0.0', champion, 'champion');
    const retired = await set('b');
    await register(here, '0.9.0', retired);
    await set('c');
    await store.put(`heldout-sets/${hex('d')}/heldout.arrow`, new Uint8Array(7));
    await store.put(`heldout-sets/${hex('d')}/manifest.json`, new Uint8Array(7));
    await store.put('training-runs/r/checkpoints/000000000001-x', new Uint8Array(5));
    await store.put('training-runs/r/model.onnx', new Uint8Array(5));
    await store.put('landing/r1/file.parquet', new Uint8Array(5));
    pass(20);
    const onTrial = await set('e');
    await register(here, '1.1.0', onTrial);
    pass(13);
    const before = await keys();
    const dry = await sweep(true);
    assert.deepEqual(await keys(), before, 'a dry run changes nothing');
    assert.deepEqual(dry.swept, [
      { kind: 'trainingSets', objects: 2, bytes: 200 },
      { kind: 'heldoutSets', objects: 1, bytes: 7 },
      { kind: 'checkpoints', objects: 1, bytes: 5 },
    ]);
    assert.deepEqual((await sweep()).swept, dry.swept);
    const after = new Set(await keys());
    assert.deepEqual(
      before.filter((key) => !after.has(key)),
      [
        `heldout-sets/${hex('d')}/heldout.arrow`,
        'training-runs/r/checkpoints/000000000001-x',
        `training-sets/${hex('c')}/train.arrow`,
        `training-sets/${hex('c')}/validation.arrow`,
      ],
    );
    assert.deepEqual((await sweep()).swept, []);
    pass(80);
    await sweep();
    const last = new Set(await keys('training-sets/'));
    assert.ok(last.has(trainingSetFile(champion, 'train.arrow')), 'the champion’s set stays for ever');
    assert.ok(last.has(trainingSetFile(retired, 'manifest.json')));
    assert.ok(!last.has(trainingSetFile(retired, 'train.arrow')), 'a version without alias, 113 days old');
  });

  it('takes out of telemetry what a robot told after an erasure of before it', async () => {
    const { store, now, pass, sweep, keys } = world();
    const requestMs = now();
    const request = { erasureId: 'e1', target: { kind: 'robot', robotId: 'r1' }, recordedBeforeMs: requestMs } as const;
    await writeTombstone(store, { ...request, who: 'ada', why: 'a test', atMs: requestMs });
    pass(0.25);
    const entries = [{ kind: 'online', seq: 1, atMs: requestMs - 1, durationMs: 1 }];
    const key = `telemetry/${policy}/${new Date(now()).toISOString().slice(0, 13).replace('T', '/')}/one`;
    await store.put(key, encode({ robotId: 'r1', bootId: 'b', receivedMs: now(), clockSkewMs: 0, entries }));
    assert.deepEqual((await sweep()).swept, []);
    pass(0.25);
    assert.deepEqual((await sweep(true)).swept, [{ kind: 'lateTelemetry', objects: 1, bytes: 0 }]);
    assert.deepEqual((await sweep()).swept, [{ kind: 'lateTelemetry', objects: 1, bytes: 0 }]);
    assert.deepEqual(await keys('telemetry/'), []);
  });

  it('stops when a manifest cannot be read: what its model needs is not known', async () => {
    const here = world();
    await here.set('a');
    await here.store.put(`models/${policy}/1.0.0/manifest.json`, new Uint8Array([123]));
    here.pass(100);
    await assert.rejects(here.sweep());
    assert.equal((await here.keys('training-sets/')).length, 3);
  });

  it('never takes what is younger than an hour, however fast fleet days pass', () => {
    assert.equal(ageMs(14, 60_000), hourMs);
    assert.equal(ageMs(14, dayMs), 14 * dayMs);
  });

  it('lets a set that was taken be made again', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'flywheel-set-'));
    try {
      const { store, pass, sweep } = world();
      await writeFile(path.join(directory, 'train.arrow'), 'rows');
      const publish = () => publishSet(store, directory, trainingSetFile, ['train.arrow'], { seed: 1 });
      const digest = await publish();
      pass(20);
      await sweep();
      assert.equal(await store.get(trainingSetFile(digest, 'train.arrow')), undefined);
      assert.equal(await publish(), digest);
      pass(13);
      await sweep();
      assert.notEqual(await store.get(trainingSetFile(digest, 'train.arrow')), undefined, 'it is young again');
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it('puts old telemetry together; before, between and after readers get the same entries', async () => {
    const here = world();
    const { store, now, pass, sweep, keys } = here;
    const startMs = now();
    const robot = (index: number) => `r${index % 3}`;
    for (let index = 0; index < 60; index += 1) {
      const receivedMs = startMs + index * 5 * 60_000;
      const hour = new Date(receivedMs).toISOString();
      const line = {
        robotId: robot(index),
        bootId: '01J00000000000000000000000',
        receivedMs,
        clockSkewMs: 0,
        entries: [0, 1].map((more) => ({
          kind: 'safetyEvent',
          seq: 2 * Math.floor(index / 3) + more,
          atMs: receivedMs,
          policyVersion: null,
          trialId: null,
          event: `bump ${index}`,
        })),
      };
      // Every fourth object lacks its last line's end, as one that was cut short would.
      const text = JSON.stringify(line) + (index % 4 === 0 ? '' : '\n');
      const key = `telemetry/${policy}/${hour.slice(0, 10)}/${hour.slice(11, 13)}/${hex((index % 16).toString(16))}`;
      await store.put(key, new TextEncoder().encode(text));
    }
    const entries = async (): Promise<readonly string[]> => {
      const found: string[] = [];
      for await (const { robotId, entry, receivedMs } of readTelemetry(store, policy, startMs, startMs + 6 * hourMs))
        found.push(JSON.stringify([robotId, receivedMs, entry]));
      return found.toSorted();
    };
    const damaged = `telemetry/${policy}/2026-01-01/02/${hex('f')}0`;
    const expected = await entries();
    assert.equal(expected.length, 120);
    await store.put(damaged, new TextEncoder().encode('{"robotId":'));
    pass(3);
    const small = await keys('telemetry/');
    assert.deepEqual((await sweep(true)).swept.length, 1);
    assert.deepEqual(await keys('telemetry/'), small);
    await sweep();
    assert.notEqual(await store.get(damaged), undefined);
    await store.delete(damaged);
    assert.deepEqual(await entries(), expected, 'both are there, and a damaged object damaged no other');
    assert.equal((await keys('telemetry/')).length, small.length - 1 + 5);
    await sweep();
    assert.equal((await keys('telemetry/')).length, small.length - 1 + 5, 'a reader that listed before may still read');
    pass(0.1);
    await sweep();
    assert.deepEqual(await entries(), expected);
    assert.equal((await keys('telemetry/')).length, 5, 'one an hour');
    assert.deepEqual(await keys('retention/'), []);
    pass(1);
    assert.deepEqual((await sweep()).swept, []);
  });

  it('goes on where it was cut short, and leaves hours that are not over for two days', async () => {
    const { store, now, pass, sweep, keys } = world();
    const day = new Date(now()).toISOString().slice(0, 10);
    const lines = new TextEncoder().encode('');
    for (const name of ['a', 'b', 'c']) await store.put(`telemetry/${policy}/${day}/00/${hex(name)}`, lines);
    pass(1.9);
    await sweep();
    assert.equal((await keys('telemetry/')).length, 3);
    pass(0.2);
    await sweep();
    pass(0.1);
    // Cut short after the first deletion.
    await store.delete(`telemetry/${policy}/${day}/00/${hex('a')}`);
    await sweep();
    assert.equal((await keys('telemetry/')).filter((key) => !key.endsWith('.all')).length, 0);
  });

  it('takes copies of objects that nobody asked for in a week, which may be of what was erased', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'flywheel-scratch-'));
    try {
      await mkdir(path.join(directory, 's3-cache'));
      for (const name of ['old.parquet', 'used.parquet'])
        await writeFile(path.join(directory, 's3-cache', name), '123');
      const nowMs = Date.now() + 8 * dayMs;
      const late = new Date(nowMs - 6 * dayMs);
      await utimes(path.join(directory, 's3-cache', 'used.parquet'), late, late);
      assert.deepEqual(await sweepScratch(directory, Date.now() + 6 * dayMs, false), []);
      const swept = [{ name: path.join('s3-cache', 'old.parquet'), sizeBytes: 3 }];
      assert.deepEqual(await sweepScratch(directory, nowMs, false), swept);
      assert.deepEqual(await readdir(path.join(directory, 's3-cache')), ['used.parquet']);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it('takes from scratch what nothing touched for a day', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'flywheel-scratch-'));
    try {
      for (const name of ['set-old', 'train-young', 's3-cache']) await mkdir(path.join(directory, name));
      await writeFile(path.join(directory, 'set-old', 'rows'), '12345');
      await writeFile(path.join(directory, 'train-young', 'checkpoint'), '1');
      const long = new Date(Date.now() - 90 * hourMs);
      await utimes(path.join(directory, 'train-young'), long, long);
      // The change time cannot be set: the clock goes on instead.
      const nowMs = Date.now() + 25 * hourMs;
      await writeFile(path.join(directory, 'late'), '');
      const soon = new Date(nowMs);
      await utimes(path.join(directory, 'train-young', 'checkpoint'), soon, soon);
      await utimes(path.join(directory, 'late'), soon, soon);
      assert.deepEqual(await sweepScratch(directory, nowMs, true), [{ name: 'set-old', sizeBytes: 5 }]);
      assert.equal((await readdir(directory)).length, 4);
      await sweepScratch(directory, nowMs, false);
      assert.deepEqual((await readdir(directory)).toSorted(), ['late', 's3-cache', 'train-young']);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
