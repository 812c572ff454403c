import assert from 'node:assert/strict';

import type { Gateway } from '../../../fleet/gateway/gateway.ts';
import { bearer, errorAnswerSchema, segmentContentType, wireLimits, wirePaths } from '../../../fleet/protocol/index.ts';
import { heartbeat, openTestFleet, policy, sha256, type TestFleet } from '../../support/gateway.ts';
import { requestText, sendRaw, spellingsOf, type RawAnswer } from '../../support/raw-http.ts';

const body = JSON.stringify(heartbeat());
const jsonHeaders = { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) };

/** A route's url with what a robot would write there. */
const concrete = (url: string): string =>
  url
    .replace(':id', 'r1')
    .replace(':sha256', 'a'.repeat(64))
    .replace(':policy', policy)
    .replace(':version', '1.0.0')
    .replace(':file', 'model.onnx');

/** What a stranger may get: refusals only, each in the protocol's form. */
function assertRefused(answer: RawAnswer, what: string): void {
  assert.ok(answer.statuses.length > 0, `no answer: ${what}`);
  for (const status of answer.statuses) assert.ok(status >= 400 && status < 500, `${status}: ${what}\n${answer.text}`);
  const json = answer.text.slice(answer.text.indexOf('\r\n\r\n') + 4);
  const end = json.indexOf('HTTP/1.1 ');
  errorAnswerSchema.parse(JSON.parse(end === -1 ? json : json.slice(0, end)));
}

async function inTens<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  await Promise.all(
    Array.from({ length: 10 }, async () => {
      for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
    }),
  );
}

describe('what a gateway lets nobody do without a token', () => {
  let fleet: TestFleet;
  let gateway: Gateway;
  let token: string;

  before(async function () {
    this.timeout(60_000);
    fleet = await openTestFleet();
    await fleet.register(new Uint8Array(1_000).fill(7));
    token = await fleet.addRobot('r1');
    gateway = await fleet.startGateway({ FLYWHEEL_GATEWAY_REQUESTS_PER_SECOND: '100000' });
  });
  after(() => fleet.close());

  it('every route but the two of load balancers needs one, however its path is spelled', async function () {
    this.timeout(120_000);
    const guarded = gateway.routes.filter(({ isOpen }) => !isOpen);
    assert.ok(guarded.length >= 7, `${guarded.length} routes`);
    assert.deepEqual(
      gateway.routes.filter(({ isOpen }) => isOpen).map(({ url }) => url),
      ['/healthz', '/readyz'],
    );
    const wrong = `fw.r1.${'A'.repeat(43)}`;
    const asked = guarded.flatMap(({ method, url }) =>
      spellingsOf(concrete(url))
        // Those are the open routes themselves, with something behind them that they ignore.
        .filter((target) => !/^\/healthz[?#;]/.test(target))
        .map((target) => ({ method, target })),
    );
    await inTens(asked, async ({ method, target }) => {
      const sent = ['POST', 'PUT'].includes(method) ? { headers: jsonHeaders, body } : { headers: {}, body: '' };
      for (const headers of [sent.headers, { ...sent.headers, authorization: bearer(wrong) }])
        assertRefused(
          await sendRaw(gateway.url, requestText(method, target, headers, sent.body)),
          `${method} ${JSON.stringify(target)}`,
        );
    });
  });

  it('no other method of a path is served either', async function () {
    this.timeout(60_000);
    const methods = [
      'GET',
      'HEAD',
      'POST',
      'PUT',
      'PATCH',
      'DELETE',
      'OPTIONS',
      'TRACE',
      'PROPFIND',
      'QUERY',
      'M-SEARCH',
    ];
    for (const { url } of gateway.routes.filter(({ isOpen }) => !isOpen))
      await inTens(methods, async (method) => {
        const { statuses } = await sendRaw(gateway.url, requestText(method, concrete(url)));
        assert.ok(statuses.length > 0 && statuses.every((status) => status >= 400 && status < 500), `${method} ${url}`);
      });
    // A tunnel is not even answered.
    assert.deepEqual((await sendRaw(gateway.url, requestText('CONNECT', 'gateway:443'))).statuses, []);
  });

  it('what the framework and the parser refuse has the protocol’s form', async () => {
    const odd: readonly (readonly [number, string])[] = [
      [400, 'nonsense\r\n\r\n'],
      [400, 'GET /healthz HTTP/1.1\r\nhost: gateway\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n'],
      [400, requestText('GET', '/%')],
      [404, requestText('GET', `/v1/models/${'x'.repeat(500)}/1.0.0/model.onnx`)],
      [417, requestText('GET', '/healthz', { expect: 'the-unexpected' })],
      [431, requestText('GET', '/healthz', { 'x-long': 'x'.repeat(20_000) })],
      [404, requestText('BREW', '/v1/robots/r1/heartbeat')],
      [404, requestText('POST', '/nowhere', jsonHeaders, body)],
    ];
    for (const [status, text] of odd) {
      const answer = await sendRaw(gateway.url, text);
      assertRefused(answer, JSON.stringify(text.slice(0, 80)));
      // An unknown method is the parser's to refuse.
      assert.ok([status, 400, 429].includes(answer.status ?? 0), `${answer.status} for ${text.slice(0, 80)}`);
    }
  });

  it('a robot’s limits hold for every spelling of its own paths', async function () {
    this.timeout(60_000);
    const slow = await fleet.startGateway({ FLYWHEEL_GATEWAY_REQUESTS_PER_SECOND: '1' });
    const headers = { ...jsonHeaders, authorization: bearer(token) };
    const spellings = spellingsOf(wirePaths.heartbeat('r1')).filter((target) => !/^\/healthz[?#;]/.test(target));
    let served = 0;
    await inTens(spellings, async (target) => {
      const { status } = await sendRaw(slow.url, requestText('POST', target, headers, body));
      if (status === 200) served += 1;
      else assert.ok((status ?? 0) >= 400, `${status} ${target}`);
    });
    // Two at once, one more for each second that the walk takes.
    assert.ok(served >= 1 && served <= 20, `${served} served`);
    const long = 'x'.repeat(wireLimits.maxJsonBytes + 1);
    const longHeaders = { ...headers, 'content-length': String(long.length) };
    await inTens(spellings, async (target) => {
      const { statuses } = await sendRaw(gateway.url, requestText('POST', target, longHeaders, long));
      assert.ok(
        statuses.every((status) => status >= 400 && status < 500),
        `${statuses.join()} ${target}`,
      );
    });
  });

  it('a body of another kind than the route’s is refused, not an internal error', async () => {
    const path = wirePaths.segment('r1', sha256(Buffer.from(body)));
    const asJson = await sendRaw(
      gateway.url,
      requestText('PUT', path, { ...jsonHeaders, authorization: bearer(token) }, body),
    );
    assert.equal(asJson.status, 400, asJson.text);
    const asSegment = { ...jsonHeaders, 'content-type': segmentContentType, authorization: bearer(token) };
    const other = await sendRaw(gateway.url, requestText('POST', wirePaths.heartbeat('r1'), asSegment, body));
    assert.equal(other.status, 400, other.text);
    const text = { ...jsonHeaders, 'content-type': 'text/plain', authorization: bearer(token) };
    assert.equal((await sendRaw(gateway.url, requestText('POST', wirePaths.heartbeat('r1'), text, body))).status, 400);
  });
});
