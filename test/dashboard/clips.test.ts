import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import type { EpisodeAnswer } from '../../console/answers/episodes.ts';
import { askBytes } from '../../dashboard/ask.ts';
import { FileBlocks, imageAt, spanOf } from '../../dashboard/clip-images.ts';
import { captionOf, whyNone } from '../../dashboard/clip-view.ts';

type Clip = NonNullable<EpisodeAnswer['episode']>['clips'][number];
const clipOf = (state: Clip['state'], violations: Clip['violations'] = []): Clip => ({
  camera: 'front',
  state,
  sha256: 'a',
  startedMs: 0,
  periodMs: 100,
  violations,
});
const mebibyte = 1024 * 1024;

describe('clips on the pages', () => {
  it('say in a sentence why there is nothing to see, each state another one', () => {
    const states = ['none', 'keptOnRobot', 'awaited', 'deleted', 'refused'] as const;
    const sentences = states.map((state) => whyNone(clipOf(state)) ?? '');
    assert.equal(new Set(sentences).size, states.length);
    for (const sentence of sentences) assert.match(sentence, /front.*\.$/);
    const refused = whyNone(clipOf('refused', [{ rule: 'media.black', value: '3', expected: 'at least 8' }]));
    assert.match(refused ?? '', /quarantine \(media\.black: 3, expected at least 8\)\.$/);
    assert.deepEqual([whyNone(clipOf('here')), whyNone(clipOf('notJudged'))], [null, null]);
  });

  it('show the last image at or before a frame, as a search from the front finds it', () => {
    const instants = fc.uniqueArray(fc.nat(5_000_000), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(instants, fc.integer({ min: -10, max: 6_000 }), (some, atMs) => {
        const atUs = some.toSorted((a, b) => a - b);
        // Frames are told in whole milliseconds: one within the same is no later one.
        assert.equal(
          imageAt(atUs, atMs),
          atUs.findLastIndex((one) => Math.floor(one / 1_000) <= atMs),
        );
      }),
    );
    assert.match(captionOf(clipOf('here'), { atUs: [0] }, -1, -400), /no image yet; the first comes 0\.4 s later/);
    const places = { atUs: [0, 100_000, 900_000] };
    assert.match(captionOf(clipOf('here'), places, 1, 300), /image 2 of 3, 0\.2 s before this frame\.$/);
    assert.match(captionOf(clipOf('here'), places, 1, 301), /too old to say what was there/);
  });

  it('are decoded from an image that stands by itself, and not further than the next one', () => {
    const atUs = Array.from({ length: 100 }, (_, index) => index);
    const coded = { codec: 'avc1.64001f', keys: [0, 20, 40], atUs };
    assert.deepEqual(spanOf(coded, 0), { start: 0, end: 13 });
    assert.deepEqual(spanOf(coded, 19), { start: 0, end: 20 });
    assert.deepEqual(spanOf(coded, 20), { start: 20, end: 33 });
    assert.deepEqual(spanOf(coded, 99), { start: 40, end: 100 });
    assert.deepEqual(spanOf({ ...coded, codec: 'jpeg' }, 95), { start: 95, end: 100 });
  });

  it('are read in blocks, each once while it is kept, and again after it failed', async () => {
    const file = Uint8Array.from({ length: 3 * mebibyte + 5 }, (_, at) => (at * 31) % 251);
    const asked: number[] = [];
    let isAway = true;
    const blocks = new FileBlocks(async (start, end) => {
      asked.push(start / mebibyte);
      if (isAway) throw new Error('away');
      return file.slice(start, end);
    });
    await assert.rejects(blocks.bytes(0, 10), /away/);
    isAway = false;
    const ranges = [
      [0, 10],
      [mebibyte - 3, mebibyte + 3],
      [5, 2 * mebibyte + 1],
      [3 * mebibyte, 3 * mebibyte + 5],
    ] as const;
    for (const [start, end] of ranges) assert.deepEqual(await blocks.bytes(start, end), file.slice(start, end));
    assert.deepEqual(asked, [0, 0, 1, 2, 3]);
    const many = new FileBlocks(async (start) => {
      asked.push(start / mebibyte);
      return new Uint8Array(mebibyte);
    });
    asked.length = 0;
    for (let block = 0; block < 40; block += 1) await many.bytes(block * mebibyte, block * mebibyte + 1);
    await many.bytes(39 * mebibyte, 39 * mebibyte + 1);
    await many.bytes(0, 1);
    assert.equal(asked.length, 41);
  });

  it('are asked for as a range with the token in its header; what is no part of a file is no bytes', async () => {
    const seen: RequestInit[] = [];
    const answering = (status: number, body: string) => async (_: string, options: RequestInit) => {
      seen.push(options);
      return new Response(body, { status });
    };
    const signal = new AbortController().signal;
    const ask = (status: number, body: string) =>
      askBytes('/x', 'fo.ada.secret', { start: 4, end: 9 }, signal, answering(status, body));
    const read = await ask(206, 'bytes');
    assert.ok(read.kind === 'read');
    assert.equal(new TextDecoder().decode(read.data), 'bytes');
    assert.deepEqual(seen[0]?.headers, { authorization: 'Bearer fo.ada.secret', range: 'bytes=4-8' });
    const refusal = JSON.stringify({ error: { type: 'notFound', message: 'gone' } });
    assert.deepEqual(await ask(404, refusal), { kind: 'refused', type: 'notFound', message: 'gone' });
    assert.equal((await ask(200, 'a whole page of a proxy')).kind, 'refused');
  });
});
