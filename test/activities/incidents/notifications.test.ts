import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import { webhookNotifier } from '../../../activities/adapters/webhook-notifier.ts';
import { isFailure } from '../../../store/failures.ts';
import { appendIncidents, readIncidents } from '../../../activities/incidents/incident-log.ts';
import { notifyIncidents } from '../../../activities/incidents/notify-incidents.ts';
import type { IncidentEvent } from '../../../domain/monitoring/index.ts';
import { readSettings } from '../../../workers/config.ts';

const secret = 'a secret of twenty characters';
const event = (name: string, state: IncidentEvent['state'] = 'opened'): IncidentEvent => ({
  incidentId: `silent.${name}.1`,
  cause: 'silent',
  subject: name,
  state,
  atMs: 1_000,
  reason: 'no report for 6 min',
});

describe('the incident log', () => {
  it('appends a look once, whoever writes in between', async () => {
    const store = memoryObjectStore();
    const append = (lookId: string, fromSeq = 0) =>
      appendIncidents(store, 'wall', fromSeq, { lookId, events: [event(lookId)] });
    assert.deepEqual(
      [await append('a'), await append('a'), await append('b'), await append('a'), await append('c', 1)],
      [0, 0, 1, 0, 2],
    );
    const concurrent = await Promise.all(Array.from({ length: 8 }, (_, index) => append(`p${index}`, 3)));
    assert.equal(new Set(concurrent).size, 8);
    assert.equal((await readIncidents(store, 'wall')).length, 11);
    assert.deepEqual((await readIncidents(store, 'wall', 1)).map(({ seq }) => seq)[0], 2);
  });
});

describe('notifications', () => {
  let server: Server;
  let received: { path: string | undefined; headers: IncomingHttpHeaders; body: string }[];
  /** Answers in order; 204 when there are no more. */
  let answers: { status: number; headers?: Record<string, string> }[];
  const store = () => memoryObjectStore();

  beforeEach(async () => {
    [received, answers] = [[], []];
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (part: Buffer) => (body += part.toString()));
      request.on('end', () => {
        received.push({ path: request.url, headers: request.headers, body });
        const { status, headers } = answers.shift() ?? { status: 204 };
        response.writeHead(status, headers).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => new Promise((resolve) => server.close(resolve)));

  const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/token-in-path`;
  const notifier = (options: { timeoutMs?: number; url?: string } = {}) =>
    webhookNotifier({ url: url(), secret, clock: () => 1_700_000_000_500, ...options });
  const one = { ...event('r1'), policy: 'wall', notificationId: 'silent.r1.1/opened' };

  it('are signed over time and body, and carry their id', async () => {
    await notifier().notify(one);
    const [{ headers, body } = assert.fail('nothing came')] = received;
    const expected = createHmac('sha256', secret).update(`1700000000.${body}`).digest('hex');
    assert.equal(headers['flywheel-signature'], `t=1700000000,v1=${expected}`);
    assert.equal(headers['idempotency-key'], 'silent.r1.1/opened');
    assert.deepEqual(JSON.parse(body), {
      notificationId: 'silent.r1.1/opened',
      at: '1970-01-01T00:00:01.000Z',
      incidentId: 'silent.r1.1',
      cause: 'silent',
      subject: 'r1',
      state: 'opened',
      reason: 'no report for 6 min',
      policy: 'wall',
    });
  });

  it('fail for now on 5xx and 429, with the wait that is asked for, and for good on 4xx and redirects', async () => {
    answers = [
      { status: 503 },
      { status: 429, headers: { 'retry-after': '7' } },
      { status: 410 },
      { status: 302, headers: { location: '/x' } },
    ];
    await assert.rejects(notifier().notify(one), (error) => isFailure(error, 'NotificationFailed'));
    await assert.rejects(
      notifier().notify(one),
      (error) => isFailure(error, 'NotificationFailed') && error.nextRetryDelay === 7_000,
    );
    await assert.rejects(notifier().notify(one), (error) => isFailure(error, 'NotificationRefused'));
    await assert.rejects(notifier().notify(one), (error) => isFailure(error, 'NotificationRefused'));
    assert.equal(received.length, 4);
  });

  it('fail for now when nobody answers, and never tell secret or path', async () => {
    const hanging = createServer(() => undefined);
    await new Promise<void>((resolve) => hanging.listen(0, '127.0.0.1', resolve));
    const { port } = hanging.address() as AddressInfo;
    try {
      const quick = notifier({ timeoutMs: 50, url: `http://127.0.0.1:${port}/hooks/token-in-path` });
      await assert.rejects(quick.notify(one), (error: Error) => {
        assert.ok(isFailure(error, 'NotificationFailed'));
        const told = JSON.stringify([error.message, error.stack, String(error.cause), (error.cause as Error).stack]);
        assert.ok(!told.includes('token-in-path') && !told.includes(secret), told);
        return true;
      });
    } finally {
      hanging.closeAllConnections();
      await new Promise((resolve) => hanging.close(resolve));
    }
  });

  it('go on where a busy receiver stopped them, in order, with the same ids', async () => {
    const ports = { store: store(), notifier: notifier() };
    const notify = (fromSeq: number) => notifyIncidents(ports)({ policy: 'wall', fromSeq });
    await appendIncidents(ports.store, 'wall', 0, { lookId: 'a', events: [event('r1'), event('r2')] });
    await appendIncidents(ports.store, 'wall', 0, { lookId: 'b', events: [event('r1', 'closed')] });
    answers = [{ status: 204 }, { status: 204 }, { status: 500 }];
    assert.deepEqual(await notify(0), { nextSeq: 1, told: 2, refused: [] });
    answers = [{ status: 500 }];
    await assert.rejects(notify(1), (error) => isFailure(error, 'NotificationFailed'));
    assert.deepEqual(await notify(1), { nextSeq: 2, told: 1, refused: [] });
    assert.deepEqual(await notify(2), { nextSeq: 2, told: 0, refused: [] });
    assert.deepEqual(
      received.map(({ headers }) => headers['idempotency-key']),
      ['silent.r1.1/opened', 'silent.r2.1/opened', ...Array.from({ length: 3 }, () => 'silent.r1.1/closed')],
    );
  });

  it('leave out what the receiver does not want, and tell nobody when nobody asked', async () => {
    const ports = { store: store(), notifier: notifier() };
    await appendIncidents(ports.store, 'wall', 0, { lookId: 'a', events: [event('r1'), event('r2')] });
    answers = [{ status: 400 }];
    const result = await notifyIncidents(ports)({ policy: 'wall', fromSeq: 0 });
    assert.deepEqual([result.nextSeq, result.told, result.refused.length], [1, 1, 1]);
    assert.match(result.refused[0] ?? '', /silent\.r1\.1\/opened: expected a 2xx answer of the webhook, got 400/);
    const untold = await notifyIncidents({ ...ports, notifier: undefined })({ policy: 'wall', fromSeq: 0 });
    assert.deepEqual(untold, { nextSeq: 1, told: 0, refused: [] });
  });

  it('wait in quiet hours, go all with an urgent one, and after them by themselves, in order', async () => {
    const quiet = { zone: 'UTC', from: 22 * 60, to: 6 * 60, except: 'urgent' } as const;
    const at = { ms: Date.UTC(2026, 10, 27, 23) };
    const ports = {
      store: store(),
      clock: () => at.ms,
      notifier: webhookNotifier({ url: url(), secret, clock: () => at.ms, quiet }),
    };
    const notify = (fromSeq: number) => notifyIncidents(ports)({ policy: 'wall', fromSeq });
    const append = (lookId: string, one: IncidentEvent) =>
      appendIncidents(ports.store, 'wall', 0, { lookId, events: [one] });
    await append('a', event('r1'));
    assert.deepEqual(await notify(0), { nextSeq: 0, told: 0, refused: [] });
    await append('b', { ...event('r2'), cause: 'unsafe', incidentId: 'unsafe.r2.1' });
    assert.deepEqual(await notify(0), { nextSeq: 2, told: 2, refused: [] });
    await append('c', event('r3'));
    assert.deepEqual(await notify(2), { nextSeq: 2, told: 0, refused: [] });
    at.ms = Date.UTC(2026, 10, 28, 6);
    assert.deepEqual(await notify(2), { nextSeq: 3, told: 1, refused: [] });
    assert.deepEqual(
      received.map(({ headers }) => headers['idempotency-key']),
      ['silent.r1.1/opened', 'unsafe.r2.1/opened', 'silent.r3.1/opened'],
    );
  });

  it('need an address and a secret together', () => {
    const environment = { FLYWHEEL_WEBHOOK_URL: 'https://hooks.example/x', FLYWHEEL_WEBHOOK_SECRET: secret };
    assert.deepEqual(readSettings(environment).webhook, { url: 'https://hooks.example/x', secret });
    assert.throws(
      () => readSettings({ FLYWHEEL_WEBHOOK_URL: environment.FLYWHEEL_WEBHOOK_URL }),
      /together, got the URL/,
    );
    assert.throws(() => readSettings({ FLYWHEEL_WEBHOOK_SECRET: secret }), /together, got the secret only/);
    assert.throws(
      () => readSettings({ ...environment, FLYWHEEL_WEBHOOK_SECRET: 'short' }),
      (error: Error) => /at least 16 characters/.test(error.message) && !error.message.includes('short'),
    );
    assert.throws(() => readSettings({ ...environment, FLYWHEEL_WEBHOOK_URL: 'ftp://x' }), /FLYWHEEL_WEBHOOK_URL/);
    const FLYWHEEL_WEBHOOK_QUIET = '{"zone": "Europe/Berlin", "from": "22:00", "to": "06:30"}';
    assert.deepEqual(readSettings({ ...environment, FLYWHEEL_WEBHOOK_QUIET }).webhook?.quiet, {
      zone: 'Europe/Berlin',
      from: 1_320,
      to: 390,
      except: 'urgent',
    });
    for (const [text, why] of [
      ['at night', /expected JSON like/],
      ['{"zone": "Europe/Atlantis", "from": "22:00", "to": "06:30"}', /IANA time zone/],
      ['{"zone": "UTC", "from": "22:00", "to": "22:00"}', /begin and end at different times/],
    ] as const)
      assert.throws(() => readSettings({ ...environment, FLYWHEEL_WEBHOOK_QUIET: text }), why);
    assert.throws(() => readSettings({ FLYWHEEL_WEBHOOK_QUIET }), /FLYWHEEL_WEBHOOK_URL beside/);
  });
});
