import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';

import { failure } from '../../../store/failures.ts';
import type { ObjectStore } from '../../../store/object-store.ts';
import { clipUseKeys, readClipUse } from '../../../store/records/clip-uses.ts';
import type { Gateway } from '../../../fleet/gateway/gateway.ts';
import { DailyQuotas } from '../../../fleet/gateway/daily-quotas.ts';
import { WriteStrain } from '../../../fleet/gateway/write-strain.ts';
import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import { clipLimits } from '../../../fleet/gateway/clip-limits.ts';
import { receivePart } from '../../../fleet/gateway/receive-part.ts';
import { StoreRoom } from '../../../fleet/gateway/store-room.ts';
import { wireLimits, type MediaAnswer } from '../../../fleet/protocol/index.ts';
import {
  addSeeingRobots,
  ClipClient,
  clipSettings,
  clipsIn,
  episodeId,
  statusOf,
  TestClip,
} from '../../support/clips.ts';
import { errorType, openTestFleet, type TestFleet } from '../../support/gateway.ts';

const { partBytes } = wireLimits;

describe('clips at the gateway', function () {
  this.timeout(60_000);
  let fleet: TestFleet;
  let robot: ClipClient;
  let [one, other]: Gateway[] = [];
  let url: string;

  beforeEach(async () => {
    fleet = await openTestFleet();
    await fleet.register(new Uint8Array([1]));
    const [token = ''] = await addSeeingRobots(fleet, 'r1');
    robot = new ClipClient('r1', token);
    one = await fleet.startGateway(clipSettings);
    url = one.url;
  });
  afterEach(() => fleet.close());

  const metrics = async (): Promise<string> => (await fetch(`${one?.operationsUrl}/metrics`)).text();

  it('come in parts that resume at any gateway, are visible once the whole is proven, and say whose they are', async () => {
    other = await fleet.startGateway(clipSettings);
    const clip = new TestClip();
    assert.deepEqual(await robot.state(url, clip.sha256), { outcome: 'unknown', partBytes, received: [] });
    const put = (at: string, part: number) => robot.put(at, clip.sha256, part, Buffer.from(clip.part(part)));
    assert.equal(await statusOf(await put(url, 1)), 201);
    assert.deepEqual(await robot.state(other.url, clip.sha256), { outcome: 'partial', partBytes, received: [1] });
    const early = await robot.complete(url, clip);
    assert.deepEqual([early.status, await errorType(early)], [409, 'mediaIncomplete']);
    assert.deepEqual((await clipsIn(fleet.store)).clips, []);
    assert.equal(await statusOf(await put(other.url, 0)), 201);
    assert.equal(await statusOf(await put(url, 0)), 200);
    const whole = await robot.complete(other.url, clip);
    assert.equal(whole.status, 201);
    const answer = (await whole.json()) as MediaAnswer;
    assert.deepEqual(answer, { sha256: clip.sha256, sizeBytes: clip.bytes.length, outcome: 'stored' });
    const { uses, ...left } = await clipsIn(fleet.store);
    assert.deepEqual(left, { clips: [`${clip.sha256}.mp4`], isSound: true, parts: [] });
    assert.deepEqual(uses, [`r1/${clip.sha256}/${episodeId(1)}.front.json`]);
    const [key = ''] = await clipUseKeys(fleet.store, 'r1', clip.sha256, 9);
    const { receivedAtMs = 0, ...use } = (await readClipUse(fleet.store, key)) ?? {};
    assert.ok(Date.now() - receivedAtMs < 60_000);
    const told = { camera: 'front', episodeId: episodeId(1), startedAtUs: 1_780_000_000_000_000 };
    assert.deepEqual(use, { robotId: 'r1', site: 'hall', sha256: clip.sha256, sizeBytes: clip.bytes.length, ...told });
    assert.deepEqual(await readdir(join(fleet.directory, 'scratch')), []);
  });

  it('are stored once however often they are completed, also of another episode, and a late part of one leaves nothing', async () => {
    const clip = new TestClip(Buffer.from('one small clip'));
    assert.equal(await robot.upload(url, clip), 201);
    assert.equal(await robot.upload(url, clip), 200);
    assert.equal(await robot.upload(url, clip, { episodeId: episodeId(2), camera: 'back' }), 200);
    assert.equal((await robot.state(url, clip.sha256)).outcome, 'stored');
    assert.equal(await statusOf(await robot.put(url, clip.sha256, 0, Buffer.from(clip.bytes))), 200);
    const wrongSize = await robot.complete(url, clip, { sizeBytes: 7 });
    assert.deepEqual([wrongSize.status, await errorType(wrongSize)], [409, 'conflict']);
    const { clips, uses, parts, isSound } = await clipsIn(fleet.store);
    assert.deepEqual([clips.length, uses.length, parts.length, isSound], [1, 2, 0, true]);
    const text = await metrics();
    assert.match(text, /^flywheel_gateway_clips_total\{outcome="stored"\} 1$/m);
    assert.match(text, /^flywheel_gateway_clips_total\{outcome="alreadyStored"\} 2$/m);
    assert.match(text, /^flywheel_gateway_clip_bytes_total 14$/m);
    assert.match(text, /^flywheel_gateway_clips_refused_total\{reason="conflict"\} 1$/m);
  });

  it('whose parts are not what their name says are refused whole, and can be sent anew', async () => {
    const clip = new TestClip(Buffer.from('what it should be'));
    const bad = Buffer.from('what it shouldn’t');
    const cut = await robot.put(url, clip.sha256, 0, bad, { 'flywheel-part-sha256': clip.sha256 });
    assert.deepEqual([cut.status, await errorType(cut)], [422, 'wrongDigest']);
    assert.deepEqual((await clipsIn(fleet.store)).parts, []);
    assert.equal(await statusOf(await robot.put(url, clip.sha256, 0, bad.subarray(0, 17))), 201);
    const refused = await robot.complete(url, clip);
    assert.deepEqual([refused.status, await errorType(refused)], [409, 'mediaMismatch']);
    assert.deepEqual(await clipsIn(fleet.store), { clips: [], isSound: true, uses: [], parts: [] });
    assert.equal(await robot.upload(url, clip), 201);
  });

  it('end as one clip, one record and no part, wherever a gateway dies, whether or not its last write was done', async () => {
    const { store } = fleet;
    let left = Number.POSITIVE_INFINITY;
    let isLastDone = false;
    const dying = async <Result>(write: () => Promise<Result>): Promise<Result> => {
      left -= 1;
      if (left < 0 || (left === 0 && !isLastDone)) throw failure('StoreUnavailable', 'the gateway is dead');
      const result = await write();
      if (left === 0) throw failure('StoreUnavailable', 'the gateway died before it could say so');
      return result;
    };
    const flaky: ObjectStore = {
      ...store,
      put: (key, body) => dying(() => store.put(key, body)),
      putIfAbsent: (key, body) => dying(() => store.putIfAbsent(key, body)),
      delete: (key) => dying(() => store.delete(key)),
    };
    const mortal = await fleet.startGateway({ ...clipSettings, FLYWHEEL_GATEWAY_PRESENCE_MS: '15000' }, flaky);
    const tails: number[] = [];
    for (const isDone of [false, true])
      for (let writes = 1; writes <= 5; writes += 1) {
        const clip = new TestClip(Buffer.from(`a clip of write ${writes} ${isDone}`));
        [left, isLastDone] = [writes, isDone];
        const status = await robot.upload(mortal.url, clip);
        tails.push(status);
        const { isSound, clips, uses } = await clipsIn(store);
        assert.ok(isSound, 'half a clip was visible');
        for (const name of clips) assert.ok(uses.some((use) => use.includes(name.replace('.mp4', ''))));
        left = Number.POSITIVE_INFINITY;
        assert.ok((await robot.upload(url, clip)) < 300);
        const after = await clipsIn(store);
        assert.deepEqual([after.isSound, after.parts], [true, []]);
        assert.equal(after.clips.filter((name) => name === `${clip.sha256}.mp4`).length, 1);
        assert.equal(after.uses.filter((name) => name.startsWith(`r1/${clip.sha256}/`)).length, 1);
        await store.delete(`media/${clip.sha256}.mp4`);
      }
    // A part, the record, the clip, a delete: with more writes than that it lives.
    assert.deepEqual(tails, [503, 503, 503, 503, 201, 503, 503, 503, 503, 201]);
  });

  it('come through two gateways at once as one clip', async () => {
    other = await fleet.startGateway(clipSettings);
    const clip = new TestClip();
    const both = [url, other.url, url, other.url];
    const answers = await Promise.all(both.map((at) => robot.upload(at, clip)));
    assert.ok(
      answers.some((status) => status < 300),
      `got ${answers.join()}`,
    );
    assert.ok(
      answers.every((status) => status < 300 || status === 503 || status === 409),
      `got ${answers.join()}`,
    );
    assert.equal(await robot.upload(url, clip), 200);
    const { clips, uses, isSound } = await clipsIn(fleet.store);
    assert.deepEqual([clips.length, uses.length, isSound], [1, 1, true]);
  });
});

describe('what clips may take of a gateway', () => {
  const strain = { isHigh: false, settled: async () => undefined };

  it('is nothing while telemetry waits for the disk, and for a while after', async () => {
    let nowMs = 0;
    const store = memoryObjectStore();
    let finish = (): void => undefined;
    const slow: ObjectStore = { ...store, put: () => new Promise<void>((resolve) => (finish = resolve)) };
    const high = new WriteStrain({ monotonicMs: () => nowMs, slowMs: 200, holdsForMs: 5_000 });
    const settings = { maxParts: 2, maxUnfinished: 2, leastFreeBytes: 0, slowWriteMs: 200 };
    const room = new StoreRoom(() => 0);
    const limits = clipLimits({ store, room, strain: high, scratchDirectory: '.' }, settings);
    const watched = high.watched(slow);
    const write = watched.put('telemetry/a', new Uint8Array(1));
    nowMs = 200;
    limits.checkTurn();
    nowMs = 201;
    assert.throws(() => limits.checkTurn(), { type: 'overloaded' });
    await assert.rejects(
      limits.complete('a', 1, async () => undefined),
      { type: 'overloaded' },
    );
    nowMs = 300;
    finish();
    await write;
    nowMs = 5_299;
    assert.throws(() => limits.checkTurn(), { type: 'overloaded' });
    nowMs = 5_300;
    limits.checkTurn();
    await watched.putIfAbsent('telemetry/b', new Uint8Array(1));
    limits.checkTurn();
  });

  it('is a share of the day of their own: bytes and clips, which numbers do not count into', () => {
    const limits = { uploadBytes: 9, segments: 9, telemetryEntries: 9, installReports: 9, clipBytes: 100, clips: 2 };
    const quotas = new DailyQuotas(limits, () => 0);
    quotas.take('r1', { clipBytes: 100 });
    assert.throws(() => quotas.take('r1', { clipBytes: 1 }), { type: 'mediaQuota', retryAfterMs: 3_600_000 });
    quotas.take('r1', { clips: 2 });
    assert.throws(() => quotas.take('r1', { clips: 1 }), { type: 'mediaQuota' });
    quotas.take('r1', { uploadBytes: 9, segments: 9 });
    quotas.take('r2', { clipBytes: 100 });
  });

  it('ends before the disk does: clips are refused first, with the time to wait', async () => {
    let free = 1_000;
    let nowMs = 0;
    const room = new StoreRoom(() => nowMs);
    const folder = await mkdtemp(join(tmpdir(), 'flywheel-clip-room-'));
    const ports = { store: {} as ObjectStore, room, strain, scratchDirectory: folder, freeBytes: async () => free };
    const settings = { maxParts: 2, maxUnfinished: 2, leastFreeBytes: 600, slowWriteMs: 200 };
    const limits = clipLimits(ports, settings);
    await limits.checkRoom(400);
    await assert.rejects(limits.checkRoom(401), { type: 'storeFull', retryAfterMs: 60_000 });
    free = 0;
    await assert.rejects(limits.checkRoom(1), { type: 'storeFull' });
    free = 1_000_000;
    room.note(Object.assign(new Error('full'), { code: 'ENOSPC' }));
    await assert.rejects(limits.checkRoom(1), { type: 'storeFull' });
    nowMs = 60_000;
    await limits.checkRoom(1);
    const { freeBytes, ...ofDisk } = ports;
    assert.equal(typeof freeBytes, 'function');
    await clipLimits(ofDisk, { ...settings, leastFreeBytes: 0, slowWriteMs: 200 }).checkRoom(1);
    await assert.rejects(clipLimits(ofDisk, { ...settings, leastFreeBytes: 2 ** 60 }).checkRoom(1));
    await rm(folder, { recursive: true });
  });

  it('is so many bodies at a time, of one robot two, and two clips that are put together', async () => {
    const settings = { maxParts: 3, maxUnfinished: 2, leastFreeBytes: 0, slowWriteMs: 200 };
    const room = new StoreRoom(() => 0);
    const limits = clipLimits({ store: {} as ObjectStore, room, strain, scratchDirectory: '.' }, settings);
    const at = (robotId: string) => ({ robotId, address: robotId });
    const open = [limits.bodies.begin(at('r1'), partBytes), limits.bodies.begin(at('r1'), partBytes)];
    assert.throws(() => limits.bodies.begin(at('r1'), 1), { type: 'overloaded', retryAfterMs: 5_000 });
    limits.checkTurn();
    limits.bodies.begin(at('r2'), partBytes);
    assert.throws(() => limits.checkTurn(), { type: 'overloaded', retryAfterMs: 5_000 });
    assert.throws(() => limits.bodies.begin(at('r3'), 1), { type: 'overloaded' });
    open[0]?.end();
    limits.checkTurn();
    const ends: (() => void)[] = [];
    const hold = () => new Promise<void>((resolve) => ends.push(resolve));
    const first = limits.complete('a', partBytes, hold);
    await assert.rejects(limits.complete('a', 1, hold), { type: 'overloaded' });
    const second = limits.complete('b', 1, hold);
    await assert.rejects(limits.complete('c', 1, hold), { type: 'overloaded' });
    for (const end of ends) end();
    await Promise.all([first, second]);
    await limits.complete('c', partBytes, async () => undefined);
  });

  it('is written once the telemetry that is being written is through, and not after what comes later', async () => {
    const ends: ((error?: Error) => void)[] = [];
    const slow = {
      put: () => new Promise<void>((resolve, reject) => ends.push((error) => (error ? reject(error) : resolve()))),
    } as Partial<ObjectStore> as ObjectStore;
    const busy = new WriteStrain({ monotonicMs: () => 0, slowMs: 200, holdsForMs: 5_000 });
    const settings = { maxParts: 3, maxUnfinished: 2, leastFreeBytes: 0, slowWriteMs: 200 };
    const ports = { store: slow, room: new StoreRoom(() => 0), strain: busy, scratchDirectory: '.' };
    const limits = clipLimits(ports, settings);
    const telemetry = busy.watched(slow);
    const [first, second] = [telemetry.put('a', new Uint8Array()), telemetry.put('b', new Uint8Array())];
    let isWritten = false;
    const clip = limits.writes.run(async () => void (isWritten = true));
    await setImmediate();
    const third = telemetry.put('c', new Uint8Array());
    ends[0]?.();
    await first;
    await setImmediate();
    assert.equal(isWritten, false);
    ends[1]?.(new Error('a store that fails'));
    await assert.rejects(second);
    await clip;
    assert.equal(isWritten, true);
    ends[2]?.();
    await third;
  });

  it('leaves the disk to others: pieces of its bytes are written one after the other, of all robots', async () => {
    const scratch = await mkdtemp(join(tmpdir(), 'clip-disk-'));
    try {
      const store = memoryObjectStore();
      const room = new StoreRoom(() => 0);
      const ports = {
        store,
        room,
        strain,
        scratchDirectory: scratch,
        freeBytes: async () => 2 ** 40,
      };
      const clips = clipLimits(ports, { maxParts: 8, maxUnfinished: 8, leastFreeBytes: 0, slowWriteMs: 200 });
      const clip = new TestClip();
      const bytes = Buffer.from(clip.part(0));
      const receive = (robotId: string) =>
        receivePart({ store, clips, scratchDirectory: scratch })({
          robotId,
          address: robotId,
          sha256: clip.sha256,
          part: 0,
          partSha256: createHash('sha256').update(bytes).digest('hex'),
          sizeBytes: bytes.length,
          body: Readable.from([bytes.subarray(0, 1000), bytes.subarray(1000)]),
        });
      let letGo = (): void => undefined;
      const held = clips.disk.run(() => new Promise<void>((resolve) => (letGo = resolve)));
      const parts = ['r1', 'r2'].map(receive);
      const written = async (): Promise<readonly number[]> =>
        Promise.all((await readdir(scratch)).map(async (name) => (await stat(join(scratch, name))).size));
      while ((await written()).length < 2) await setImmediate();
      for (let turn = 0; turn < 50; turn += 1) await setImmediate();
      assert.deepEqual(await written(), [0, 0]);
      letGo();
      await held;
      assert.deepEqual(await Promise.all(parts), ['stored', 'stored']);
    } finally {
      await rm(scratch, { recursive: true });
    }
  });

  it('lets small clips wait for their turn, few and no more than a part of them', async () => {
    const settings = { maxParts: 3, maxUnfinished: 2, leastFreeBytes: 0, slowWriteMs: 200 };
    const room = new StoreRoom(() => 0);
    const limits = clipLimits({ store: {} as ObjectStore, room, strain, scratchDirectory: '.' }, settings);
    const ends: (() => void)[] = [];
    const counts = { running: 0, most: 0, done: 0 };
    const hold = async () => {
      counts.running += 1;
      counts.most = Math.max(counts.most, counts.running);
      await new Promise<void>((resolve) => ends.push(resolve));
      counts.running -= 1;
      counts.done += 1;
    };
    const letAll = async (wanted: number): Promise<void> => {
      while (counts.done < wanted) {
        ends.shift()?.();
        await setImmediate();
      }
    };
    const all = Array.from({ length: 18 }, (_, clip) => limits.complete(`${clip}`, 1_000, hold));
    await assert.rejects(limits.complete('17', 1_000, hold), { type: 'overloaded' });
    await assert.rejects(limits.complete('18', 1, hold), { type: 'overloaded' });
    await letAll(18);
    await Promise.all(all);
    assert.equal(counts.most, 2);
    const large = ['a', 'b', 'c'].map((clip) => limits.complete(clip, partBytes / 3, hold));
    await assert.rejects(limits.complete('d', 2, hold), { type: 'overloaded' });
    await letAll(21);
    await Promise.all(large);
  });
});
