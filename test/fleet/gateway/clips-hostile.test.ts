import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { request as httpRequest } from 'node:http';

import { clipKey } from '../../../datasets/camera.ts';
import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import { clipPartIn, clipPartKey, clipPartsPrefix } from '../../../store/records/clip-parts.ts';
import { markClipErased } from '../../../store/records/erased-clips.ts';
import { writeErasureRequest, writeTombstone, type ErasureRequest } from '../../../store/records/erasures.ts';
import type { Gateway } from '../../../fleet/gateway/gateway.ts';
import { UnfinishedClips } from '../../../fleet/gateway/unfinished-clips.ts';
import { bearer, maxParts, mediaPartContentType, wireHeaders, wirePaths } from '../../../fleet/protocol/index.ts';
import {
  addSeeingRobots,
  addShyRobot,
  ClipClient,
  clipSettings,
  clipsIn,
  episodeId,
  statusOf,
  TestClip,
} from '../../support/clips.ts';
import { errorType, openTestFleet, sha256, who, type TestFleet } from '../../support/gateway.ts';

describe('a hostile robot with clips', function () {
  this.timeout(60_000);
  let fleet: TestFleet;
  let gateway: Gateway;
  let url: string;
  let tokens: string[];
  let robot: ClipClient;
  let victim: ClipClient;

  before(async () => {
    fleet = await openTestFleet();
    await fleet.register(new Uint8Array([1]));
    tokens = await addSeeingRobots(fleet, 'r1', 'r2');
    [robot, victim] = [new ClipClient('r1', tokens[0] ?? ''), new ClipClient('r2', tokens[1] ?? '')];
    gateway = await fleet.startGateway({ ...clipSettings, FLYWHEEL_GATEWAY_CLIPS_UNFINISHED: '3' });
    url = gateway.url;
  });
  after(() => fleet.close());

  const small = (): TestClip => new TestClip(randomBytes(1_000));
  const refusal = async (response: Response): Promise<unknown> => [response.status, await errorType(response)];

  it('learns nothing of another’s clip by its hash, and owns it only by bringing all of its bytes', async () => {
    const clip = small();
    assert.equal(await victim.upload(url, clip), 201);
    assert.equal((await robot.state(url, clip.sha256)).outcome, 'unknown');
    assert.deepEqual(await refusal(await robot.complete(url, clip)), [409, 'mediaIncomplete']);
    const forged = new TestClip(Buffer.concat([clip.bytes.subarray(0, 999), Buffer.from('x')]));
    await statusOf(await robot.put(url, clip.sha256, 0, Buffer.from(forged.bytes)));
    assert.deepEqual(await refusal(await robot.complete(url, clip)), [409, 'mediaMismatch']);
    const owners = (): Promise<string[]> =>
      clipsIn(fleet.store).then(({ uses }) => uses.filter((use) => use.includes(clip.sha256)));
    assert.deepEqual(await owners(), [`r2/${clip.sha256}/${episodeId(1)}.front.json`]);
    // With the bytes it is answered as if it were the first: that another has them, it does not learn either.
    assert.equal(await robot.upload(url, clip), 201);
    assert.equal((await owners()).length, 2);
    assert.equal(sha256((await fleet.store.get(clipKey(clip.sha256))) ?? new Uint8Array()), clip.sha256);
  });

  it('reaches nothing under another robot’s name', async () => {
    const clip = small();
    const disguised = new ClipClient('r2', tokens[0] ?? '');
    for (const response of [
      await disguised.ask(url, clip.sha256),
      await disguised.put(url, clip.sha256, 0, Buffer.from(clip.bytes)),
      await disguised.complete(url, clip),
    ])
      assert.deepEqual(await refusal(response), [403, 'forbidden']);
    const stranger = await fetch(url + wirePaths.media('r1', clip.sha256));
    assert.deepEqual(await refusal(stranger), [401, 'unauthorized']);
  });

  it('writes nowhere else by the names in its paths', async () => {
    const bytes = Buffer.from('x');
    const name = 'ab'.repeat(32);
    for (const part of [
      '-1',
      '1e9',
      '1000000000',
      '01',
      '0x1',
      '1.5',
      ' 1',
      '%20',
      '..',
      '%2e%2e%2f0',
      '0%00',
      `${maxParts}`,
    ])
      assert.ok([400, 404].includes(await statusOf(await robot.put(url, name, part, bytes))), part);
    for (const wrong of [name.toUpperCase(), name.slice(1), `${name}0`, '..%2f..%2fmedia', `${name}%2f0`])
      assert.ok([400, 404].includes(await statusOf(await robot.put(url, wrong, 0, bytes))), wrong);
    for (const camera of ['', '../front', 'Front', 'front\tback', 'x'.repeat(5_000)])
      assert.deepEqual(await refusal(await robot.put(url, name, 0, bytes, { [wireHeaders.camera]: camera })), [
        403,
        'mediaRefused',
      ]);
    const parts: string[] = [];
    for await (const { key } of fleet.store.list(clipPartsPrefix)) parts.push(key);
    assert.deepEqual(parts, []);
    for (const key of [
      'landing-media/r1/x/0',
      `landing-media/r1/${name}/00`,
      `landing-media/r1/${name}/0/1`,
      'media/x',
    ])
      assert.equal(clipPartIn(key), undefined);
    assert.deepEqual(clipPartIn(clipPartKey('r1', name, 7)), { robotId: 'r1', sha256: name, part: 7 });
  });

  it('lies about sizes in vain: of a body, of a part, of a whole', async () => {
    const clip = small();
    const name = clip.sha256;
    const raw = (headers: Record<string, string | number>, body: Uint8Array): Promise<number> =>
      new Promise((resolve) => {
        const sent = httpRequest(url + wirePaths.mediaPart('r1', name, 0), {
          method: 'PUT',
          headers: {
            authorization: bearer(tokens[0] ?? ''),
            'content-type': mediaPartContentType,
            [wireHeaders.camera]: 'front',
            [wireHeaders.partSha256]: sha256(body),
            ...headers,
          },
        });
        sent.on('response', (response) => resolve((response.resume(), response.statusCode ?? 0)));
        sent.on('error', () => resolve(0));
        sent.write(body);
        if (headers['content-length'] !== undefined && Number(headers['content-length']) > body.byteLength)
          setTimeout(() => sent.destroy(), 50);
        else sent.end();
      });
    assert.equal(await raw({ 'content-length': 2_000 }, clip.bytes), 0);
    assert.equal(await raw({ 'transfer-encoding': 'chunked' }, clip.bytes), 400);
    assert.equal(await raw({ 'content-length': 4 * 1024 * 1024 + 1 }, clip.bytes), 413);
    for (const hash of ['', 'x', sha256(Buffer.from('other'))]) {
      const answered = await statusOf(
        await robot.put(url, name, 0, Buffer.from(clip.bytes), { [wireHeaders.partSha256]: hash }),
      );
      assert.equal(answered, hash.length === 64 ? 422 : 400);
    }
    assert.deepEqual((await clipsIn(fleet.store)).parts, []);
    for (const sizeBytes of [0, -1, 2 ** 40, 1.5])
      assert.equal(await statusOf(await robot.complete(url, clip, { sizeBytes, parts: 1 })), 400);
    for (const parts of [2, 1e9]) assert.equal(await statusOf(await robot.complete(url, clip, { parts })), 400);
    for (const sizeBytes of [999, 1_001]) {
      await statusOf(await robot.put(url, name, 0, Buffer.from(clip.bytes)));
      assert.deepEqual(await refusal(await robot.complete(url, clip, { sizeBytes })), [409, 'mediaMismatch']);
    }
    await statusOf(await robot.put(url, name, 0, Buffer.from(clip.bytes)));
    await statusOf(await robot.put(url, name, 1, Buffer.from('behind the end')));
    assert.deepEqual(await refusal(await robot.complete(url, clip)), [409, 'mediaMismatch']);
    assert.deepEqual((await clipsIn(fleet.store)).parts, []);
    assert.equal(await robot.upload(url, clip), 201);
  });

  it('begins as many uploads as it likes, and has three: the one that stood still the longest gives way', async () => {
    const first = small();
    await statusOf(await victim.put(url, first.sha256, 0, Buffer.from(first.bytes)));
    for (let count = 0; count < 60; count += 1)
      assert.equal(await statusOf(await robot.put(url, sha256(Buffer.from(`${count}`)), 0, Buffer.from('x'))), 201);
    const { parts } = await clipsIn(fleet.store);
    assert.equal(parts.filter((key) => key.startsWith('r1/')).length, 3);
    assert.equal(parts.filter((key) => key.startsWith('r2/')).length, 1);
    assert.equal(await victim.upload(url, first), 201);

    const store = memoryObjectStore();
    const unfinished = new UnfinishedClips(store, 8);
    const name = (count: number): string => sha256(Buffer.from(`${count}`));
    for (let from = 0; from < 10_000; from += 100) {
      const names = Array.from({ length: 100 }, (_, index) => name(from + index));
      await Promise.all(names.map((one) => unfinished.begin('r1', one)));
      for (const one of names)
        if (unfinished.isKnown('r1', one)) await store.put(clipPartKey('r1', one, 0), new Uint8Array([1]));
    }
    let kept = 0;
    for await (const { key } of store.list(clipPartsPrefix)) kept += key.length > 0 ? 1 : 0;
    assert.ok(kept <= 8, `got ${kept}`);
  });

  it('sends no image of a camera that may not send, and of no camera it does not have', async () => {
    const clip = small();
    const shy = new ClipClient('r3', await addShyRobot(fleet, 'r3'));
    const blind = new ClipClient('r4', await fleet.addRobot('r4'));
    for (const other of [shy, blind])
      for (const response of [
        await other.ask(url, clip.sha256),
        await other.put(url, clip.sha256, 0, Buffer.from(clip.bytes)),
        await other.put(url, clip.sha256, 0, Buffer.from(clip.bytes), { [wireHeaders.camera]: 'cabin' }),
        await other.complete(url, clip, { camera: 'cabin' }),
      ])
        assert.deepEqual(await refusal(response), [403, 'mediaRefused']);
    // Under another camera's name the bytes come in, and go with the word that they are of one that may not.
    await statusOf(await robot.put(url, clip.sha256, 0, Buffer.from(clip.bytes)));
    assert.deepEqual(await refusal(await robot.complete(url, clip, { camera: 'cabin' })), [403, 'mediaRefused']);
    const { parts } = await clipsIn(fleet.store);
    assert.deepEqual(
      parts.filter((key) => key.includes(clip.sha256)),
      [],
    );
  });

  it('brings back nothing that was erased: not under another episode, not of the time, the site or the episodes', async () => {
    const erase = async (name: string, target: ErasureRequest['target'], episodes: readonly string[] = []) => {
      const request = { erasureId: name, target, recordedBeforeMs: 1_790_000_000_000, atMs: 1, ...who };
      await writeErasureRequest(fleet.store, request, episodes);
      await writeTombstone(fleet.store, request);
    };
    const clip = small();
    await markClipErased(fleet.store, 'r1', clip.sha256, 'e0');
    const [before, later] = [1_780_000_000_000_000, 1_795_000_000_000_000];
    assert.equal(await robot.upload(url, clip, { episodeId: episodeId(77), startedAtUs: later }), 403);
    assert.equal(await victim.upload(url, clip), 201);
    await erase('e1', { kind: 'episodes', digest: 'ab'.repeat(32), count: 1 }, [episodeId(5)]);
    assert.equal(await robot.upload(url, small(), { episodeId: episodeId(5), startedAtUs: later }), 403);
    await erase('e2', { kind: 'robot', robotId: 'r1' });
    assert.equal(await robot.upload(url, small(), { startedAtUs: before }), 403);
    assert.equal(await robot.upload(url, small(), { startedAtUs: later }), 201);
    assert.equal(await victim.upload(url, small(), { startedAtUs: before }), 201);
    await erase('e3', { kind: 'site', site: 'hall' });
    assert.equal(await victim.upload(url, small(), { startedAtUs: before }), 403);
    const { parts } = await clipsIn(fleet.store);
    assert.deepEqual(
      parts.filter((key) => !key.startsWith('r1/')),
      [],
    );
  });
});
