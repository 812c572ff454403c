import assert from 'node:assert/strict';

import { ask } from '../../dashboard/ask.ts';
import { ChangeParser } from '../../dashboard/change-stream.ts';
import { begun, calmMs, changed, ended, everyMs, scheduled } from '../../dashboard/reading-schedule.ts';
import { heard, lookOf, problemOf, staleAfterMs, unread, type Problem, type Reading } from '../../dashboard/reading.ts';
import { apiPath, hrefOf, parseRoute } from '../../dashboard/route.ts';

const gone: Problem = { kind: 'gone', message: 'no' };
const refused = (type: Extract<Problem, { kind: 'refused' }>['type']): Problem => ({
  kind: 'refused',
  type,
  message: 'no',
});
const begin: Reading<string> = unread;
const read = heard(begin, { kind: 'read', data: 'robots' }, 1_000);

describe('what a page knows', () => {
  it('looks different for each way in which it is not known', () => {
    assert.equal(lookOf(begin, 0), 'loading');
    assert.equal(lookOf(heard(begin, gone, 1), 1), 'gone');
    assert.equal(lookOf(heard(begin, refused('unauthenticated'), 1), 1), 'forbidden');
    assert.equal(lookOf(heard(begin, refused('forbidden'), 1), 1), 'forbidden');
    for (const type of [
      'storeUnavailable',
      'temporalUnavailable',
      'notFound',
      'damaged',
      'tooMany',
      'internal',
    ] as const)
      assert.equal(lookOf(heard(begin, refused(type), 1), 1), 'refused', type);
    assert.equal(lookOf(read, 1_000), 'shown');
  });

  it('is stale when it grew old, or could not be had again; and fresh after the next answer', () => {
    assert.equal(lookOf(read, 1_000 + staleAfterMs), 'shown');
    assert.equal(lookOf(read, 1_001 + staleAfterMs), 'stale');
    const away = heard(read, gone, 2_000);
    assert.deepEqual([lookOf(away, 2_000), away.data, away.readMs], ['stale', 'robots', 1_000]);
    assert.equal(lookOf(heard(read, refused('storeUnavailable'), 2_000), 2_000), 'stale');
    assert.equal(lookOf(heard(away, { kind: 'read', data: 'more' }, 3_000), 3_000), 'shown');
  });

  it('is forgotten when it is not the viewer’s any more, or not there', () => {
    for (const type of ['unauthenticated', 'forbidden', 'notFound'] as const)
      assert.equal(heard(read, refused(type), 2_000).data, null, type);
  });
});

describe('asking the console', () => {
  const signal = new AbortController().signal;
  const answering = (status: number, body: string) => async () => new Response(body, { status });

  it('sends the token as a bearer’s and nothing else that names the viewer', async () => {
    let sent: RequestInit | undefined;
    const answer = await ask('/api/v1/me', 'fo.a.b', signal, async (_, options) => {
      sent = options;
      return new Response('{"name":"a"}');
    });
    assert.deepEqual(answer, { kind: 'read', data: { name: 'a' } });
    assert.equal(new Headers(sent?.headers).get('authorization'), 'Bearer fo.a.b');
    assert.equal(sent?.credentials, 'omit');
  });

  it('takes every refusal for one, whatever stands in it', async () => {
    const refusal = '{"error":{"type":"forbidden","message":"expected the role admin"}}';
    assert.deepEqual(await ask('/', 't', signal, answering(403, refusal)), {
      kind: 'refused',
      type: 'forbidden',
      message: 'expected the role admin',
    });
    for (const body of ['', '<html>', 'null', '[]', '{"error":5}', '{"error":{"type":5}}'])
      assert.equal((await ask('/', 't', signal, answering(500, body))).kind, 'refused', body);
    assert.equal((await ask('/', 't', signal, answering(200, 'not JSON'))).kind, 'refused');
    assert.equal(problemOf(502, null).kind, 'gone');
  });

  it('says that the console is gone where nobody answers, and throws only when nobody waits any more', async () => {
    const away = async () => {
      throw new TypeError('Failed to fetch');
    };
    assert.deepEqual(await ask('/', 't', signal, away), { kind: 'gone', message: 'Failed to fetch' });
    const ended = AbortSignal.abort(new Error('left the page'));
    await assert.rejects(ask('/', 't', ended, away), /left the page/);
  });

  it('takes an answer that breaks off for none, and throws when nobody waits for the rest', async () => {
    const breaking = (error: Error) => async () =>
      new Response(
        new ReadableStream({
          pull: (controller) => controller.error(error),
        }),
      );
    assert.deepEqual(await ask('/', 't', signal, breaking(new TypeError('terminated'))), {
      kind: 'gone',
      message: 'terminated',
    });
    const leaving = new AbortController();
    const begunOnly = async () =>
      new Response(
        new ReadableStream({
          pull: (controller) => {
            leaving.abort(new Error('left the page'));
            controller.error(leaving.signal.reason);
          },
        }),
      );
    await assert.rejects(ask('/', 't', leaving.signal, begunOnly), /left the page/);
  });
});

describe('when a page reads anew', () => {
  it('is every 30 s, and a moment after a change, which no further change puts off', () => {
    assert.equal(changed(scheduled(1_000), 999).nextMs, 1_000);
    const later = ended(begun, 2_000);
    assert.equal(later.nextMs, 2_000 + everyMs);
    let schedule = changed(later, 5_000);
    for (let nowMs = 5_000; nowMs < 6_000; nowMs += calmMs / 5) schedule = changed(schedule, nowMs);
    assert.equal(schedule.nextMs, 5_000 + calmMs);
  });

  it('is never while a read is under way, and soon after one in which something changed', () => {
    assert.equal(begun.nextMs, null);
    const during = changed(changed(begun, 1_000), 1_500);
    assert.equal(during.nextMs, null);
    const after = ended(during, 9_000);
    assert.equal(after.nextMs, 9_000 + calmMs);
    // That read is not outdated by what came before it.
    assert.equal(ended(begun, 10_000).nextMs, 10_000 + everyMs);
    assert.equal(after.isOutdated, false);
  });
});

describe('the stream of changes', () => {
  it('gives whole changes, however they are cut, and leaves out what it does not know', () => {
    const text =
      ': here\n\nevent: change\ndata: {"topic":"fleet","policy":"wall"}\n\nevent: other\ndata: {"topic":"x"}\n\n' +
      'event: change\ndata: not JSON\n\nevent: change\ndata: {"topic":5}\n\nevent: change\r\ndata: {"topic":"facts"}\r\n\r\n';
    for (const size of [1, 2, 7, 64, text.length]) {
      const parser = new ChangeParser();
      const found = [];
      for (let at = 0; at < text.length; at += size) found.push(...parser.take(text.slice(at, at + size)));
      assert.deepEqual(found, [{ topic: 'fleet' }, { topic: 'facts' }], `pieces of ${size}`);
    }
  });
});

describe('addresses of pages', () => {
  it('come back as they were made, with whatever stands in them', () => {
    const query = { policy: 'wall', search: 'a&b=#<script>?', site: 'höf 1' };
    assert.deepEqual(parseRoute(hrefOf('fleet', query)), { page: 'fleet', query });
    assert.deepEqual(parseRoute(''), { page: 'fleet', query: {} });
    assert.deepEqual(parseRoute('#/nothing?x=1'), { page: null, query: { x: '1' } });
    assert.equal(hrefOf('trial', { policy: 'wall', id: undefined, site: '' }), '#/trial?policy=wall');
    assert.equal(apiPath('fleet', { policy: 'a/b', limit: '5' }), '/api/v1/fleet?policy=a%2Fb&limit=5');
    assert.equal(parseRoute(`#/fleet?search=${'x'.repeat(5_000)}`).query['search']?.length, 200);
  });
});
