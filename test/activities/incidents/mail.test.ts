import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

import * as fc from 'fast-check';

import { smtpMailer } from '../../../activities/adapters/smtp-mailer.ts';
import { appendIncidents } from '../../../activities/incidents/incident-log.ts';
import { notifyIncidents } from '../../../activities/incidents/notify-incidents.ts';
import { mailOf } from '../../../activities/incidents/tell-by-mail.ts';
import type { Mail, MailReceiver } from '../../../activities/ports/mailer.ts';
import type { Notification } from '../../../activities/ports/notifier.ts';
import { incidentCauses } from '../../../domain/monitoring/causes.ts';
import type { IncidentEvent } from '../../../domain/monitoring/index.ts';
import { isQuiet, planMail } from '../../../domain/monitoring/plan-mail.ts';
import { severityOf } from '../../../domain/monitoring/severity.ts';
import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import { failure, isFailure } from '../../../store/failures.ts';
import { readSettings } from '../../../workers/config.ts';

const minuteMs = 60_000;
const event = (name: string, more: Partial<IncidentEvent> = {}): IncidentEvent => ({
  incidentId: `silent.${name}.1`,
  cause: 'silent',
  subject: name,
  state: 'opened',
  atMs: Date.UTC(2026, 10, 27, 12),
  reason: 'no report for 6 min',
  ...more,
});
const urgent = event('fleet', { cause: 'fleetBroken', incidentId: 'fleetBroken.fleet.1' });
const ada: MailReceiver = { to: 'ada@example.org', least: 'normal', paceMs: 10 * minuteMs };
const night = { zone: 'Europe/Berlin', from: 22 * 60, to: 6 * 60, except: 'urgent' } as const;

describe('what is sent by mail', () => {
  it('is nothing that nobody has to do, waits in quiet hours and for the pace, and an urgent event takes along what waits', () => {
    const noon = { nowMs: Date.UTC(2026, 10, 27, 11), sentMs: null };
    const midnight = { ...noon, nowMs: Date.UTC(2026, 10, 27, 23) };
    const quiet = { ...ada, quiet: night };
    assert.equal(planMail([event('r1', { state: 'closed' })], ada, noon).kind, 'nothing');
    assert.equal(planMail([event('r1', { state: 'closed' })], { ...ada, least: 'notice' }, noon).kind, 'send');
    assert.equal(planMail([event('r1')], quiet, noon).kind, 'send');
    assert.equal(planMail([event('r1')], quiet, midnight).kind, 'wait');
    assert.deepEqual(planMail([event('r1'), urgent], quiet, midnight), { kind: 'send', events: [event('r1'), urgent] });
    const soon = { ...noon, sentMs: noon.nowMs - 10 * minuteMs + 1 };
    assert.equal(planMail([event('r1')], ada, soon).kind, 'wait');
    assert.equal(planMail([urgent], ada, soon).kind, 'send');
    assert.equal(planMail([event('r1')], ada, { ...soon, sentMs: noon.nowMs - 10 * minuteMs }).kind, 'send');
    // A clock that was set back keeps nobody waiting.
    assert.equal(planMail([event('r1')], ada, { ...soon, sentMs: noon.nowMs + 60 * minuteMs }).kind, 'send');
  });

  it('knows the hours on the wall', () => {
    // Berlin: 22:00 is 21:00 UTC in winter and 20:00 UTC in summer.
    assert.equal(isQuiet(night, Date.UTC(2026, 10, 27, 20, 59)), false);
    assert.equal(isQuiet(night, Date.UTC(2026, 10, 27, 21)), true);
    assert.equal(isQuiet(night, Date.UTC(2026, 6, 27, 20)), true);
    assert.equal(isQuiet(night, Date.UTC(2026, 10, 28, 5)), false);
    assert.equal(isQuiet({ ...night, from: 60, to: 120 }, Date.UTC(2026, 10, 28, 0, 30)), true);
  });

  it('never holds back or leaves out an event that matters for ever', () => {
    const events = fc.array(
      fc.record({
        cause: fc.constantFrom(...incidentCauses),
        state: fc.constantFrom('opened' as const, 'closed' as const),
      }),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(events, fc.integer({ min: 0, max: 2 ** 41 }), (some, nowMs) => {
        const all = some.map((one, index) => event(`r${index}`, one));
        const plan = planMail(all, { ...ada, quiet: night }, { nowMs, sentMs: nowMs });
        const matters = all.filter((one) => severityOf(one) !== 'notice');
        assert.equal(plan.kind === 'nothing', matters.length === 0);
        if (all.some((one) => severityOf(one) === 'urgent')) assert.equal(plan.kind, 'send');
        if (plan.kind === 'send') assert.deepEqual(plan.events, matters);
      }),
    );
  });

  it('stays in its line and its header, whatever robots write', () => {
    const evil = 'bad\r\nBcc: x@example.org\u001b[2J';
    const { subject, text } = mailOf('wall', [event(evil, { reason: evil })]);
    assert.doesNotMatch(subject, /[\p{Cc}\p{Cf}]/u);
    assert.equal(text.split('\n').length, 4);
    assert.match(text, /flywheel incidents since 2026-11-27T12:00:00\.000Z --policy wall/);
    const many = mailOf('wall', [...Array.from({ length: 99 }, (_, index) => event(`r${index}`)), urgent]);
    assert.match(many.subject, /^\[Flywheel wall\] urgent: 100 opened$/);
    assert.match(many.text.split('\n')[0] ?? '', /urgent opened fleetBroken/);
    assert.match(many.text, /and 50 more/);
  });
});

describe('telling several receivers', () => {
  const sent: Mail[] = [];
  const hooked: Notification[] = [];
  beforeEach(() => void (sent.splice(0), hooked.splice(0)));

  it('each is told once, the webhook at once, mail when its hours and its pace let it; one that is down delays nobody', async () => {
    const store = memoryObjectStore();
    let nowMs = Date.UTC(2026, 10, 27, 23);
    let isDown = true;
    const bo: MailReceiver = { ...ada, to: 'bo@example.org' };
    const ports = {
      store,
      clock: () => nowMs,
      notifier: { notify: async (one: Notification) => void hooked.push(one) },
      mail: {
        receivers: [{ ...ada, quiet: night }, bo],
        mailer: {
          async send(mail: Mail) {
            if (isDown && mail.to === bo.to) throw failure('NotificationFailed', 'down');
            sent.push(mail);
          },
        },
      },
    };
    const notify = (fromSeq: number) => notifyIncidents(ports)({ policy: 'wall', fromSeq });
    await appendIncidents(store, 'wall', 0, { lookId: 'a', events: [event('r1'), event('r2')] });
    await appendIncidents(store, 'wall', 0, { lookId: 'b', events: [event('r3')] });
    assert.deepEqual(await notify(0), { nextSeq: 0, told: 3, refused: [] });
    assert.deepEqual([hooked.length, sent.length], [3, 0]);
    // Nobody can be told anything new: the call fails, so that it is tried again.
    await assert.rejects(notify(0), (error) => isFailure(error, 'NotificationFailed'));
    isDown = false;
    assert.deepEqual(await notify(0), { nextSeq: 0, told: 3, refused: [] });
    nowMs = Date.UTC(2026, 10, 28, 8);
    assert.deepEqual(await notify(0), { nextSeq: 2, told: 3, refused: [] });
    assert.deepEqual(await notify(2), { nextSeq: 2, told: 0, refused: [] });
    assert.equal(hooked.length, 3);
    assert.deepEqual(
      sent.map(({ to, subject }) => [to, subject]),
      [
        ['bo@example.org', '[Flywheel wall] 3 opened'],
        ['ada@example.org', '[Flywheel wall] 3 opened'],
      ],
    );
    for await (const { key } of store.list('notified/')) assert.doesNotMatch(key, /ada|bo@/);
  });

  it('one whose mail is refused is not sent the same again', async () => {
    const store = memoryObjectStore();
    const mailer = { send: () => Promise.reject(failure('NotificationRefused', 'no such mailbox')) };
    const ports = { store, notifier: undefined, mail: { receivers: [ada], mailer } };
    await appendIncidents(store, 'wall', 0, { lookId: 'a', events: [event('r1')] });
    assert.deepEqual(await notifyIncidents(ports)({ policy: 'wall', fromSeq: 0 }), {
      nextSeq: 1,
      told: 0,
      refused: ['no such mailbox'],
    });
  });
});

describe('mail by SMTP', () => {
  let server: Server;
  let heard: string[];
  /** Answers to commands by their first word. */
  let answers: Map<string, string>;
  beforeEach(async () => {
    [heard, answers] = [[], new Map()];
    server = createServer((socket) => {
      let isData = false;
      let rest = '';
      socket.on('error', () => undefined);
      socket.write('220 test ESMTP\r\n');
      socket.on('data', (chunk: Buffer) => {
        const lines = (rest + chunk.toString()).split('\r\n');
        rest = lines.pop() ?? '';
        for (const line of lines) {
          heard.push(line);
          if (isData && line !== '.') continue;
          const word = isData ? '.' : (line.split(/[ :]/)[0] ?? '').toUpperCase();
          isData = word === 'DATA';
          socket.write(`${answers.get(word) ?? usual(word)}\r\n`);
        }
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(() => new Promise((resolve) => server.close(resolve)));
  const usual = (word: string): string =>
    ({ EHLO: '250-test\r\n250 AUTH PLAIN', AUTH: '235 fine', DATA: '354 go on', QUIT: '221 bye' })[word] ?? '250 ok';

  const mail: Mail = { to: ada.to, subject: 'störung', text: 'eins\n.\nzwei', mailId: 'abc' };
  const mailer = (user = '') =>
    smtpMailer({
      url: `smtp://${user}127.0.0.1:${(server.address() as AddressInfo).port}`,
      from: 'flywheel@example.org',
      timeoutMs: 2_000,
    });

  it('carries sender, receiver, an id that stays the same, and its text whole', async () => {
    await mailer('ada:p%40ss@').send(mail);
    const said = heard.join('\n');
    assert.match(said, /^MAIL FROM:<flywheel@example\.org>/m);
    assert.match(said, /^RCPT TO:<ada@example\.org>/m);
    assert.match(said, /^Message-ID: <abc@flywheel\.invalid>/m);
    assert.match(said, /^Auto-Submitted: auto-generated/m);
    assert.match(said, /^eins\n\.\.\nzwei/m);
    assert.ok(heard.includes(`AUTH PLAIN ${Buffer.from('\0ada\0p@ss').toString('base64')}`), said);
  });

  it('fails for good on 5xx, for now on 4xx, a refused password and a server that is not there, and tells no password', async () => {
    const cases: readonly (readonly [
      word: string,
      answer: string,
      type: 'NotificationFailed' | 'NotificationRefused',
    ])[] = [
      ['RCPT', '550 no such mailbox', 'NotificationRefused'],
      ['RCPT', '451 later', 'NotificationFailed'],
      ['.', '552 too much', 'NotificationRefused'],
      ['AUTH', '535 wrong', 'NotificationFailed'],
    ];
    for (const [word, answer, type] of cases) {
      answers = new Map([[word, answer]]);
      await assert.rejects(mailer('ada:sesame@').send(mail), (error: Error) => {
        assert.ok(isFailure(error, type), `${answer}: ${error.message}`);
        assert.doesNotMatch(JSON.stringify([error.message, error.stack, String(error.cause)]), /sesame|c2VzYW1l/);
        return true;
      });
    }
    await assert.rejects(smtpMailer({ url: 'smtp://127.0.0.1:1', from: 'a@b.org' }).send(mail), (error) =>
      isFailure(error, 'NotificationFailed'),
    );
  });
});

describe('the settings of mail', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'flywheel-mail-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));
  const file = () => path.join(directory, 'mail.json');
  async function read(document: unknown, mode = 0o600) {
    await writeFile(file(), typeof document === 'string' ? document : JSON.stringify(document));
    await chmod(file(), mode);
    return readSettings({ FLYWHEEL_MAIL: file() }).mail;
  }
  const quiet = { zone: 'Europe/Berlin', from: '22:00', to: '06:00' };
  const good = { url: 'smtps://u:sesame@mail.example', from: 'f@example.org', receivers: [{ to: ada.to, quiet }] };

  it('are a file of its owner, with receivers that have hours, pace and severity', async () => {
    assert.deepEqual(await read(good), { url: good.url, from: good.from, receivers: [{ ...ada, quiet: night }] });
  });

  it('that are wrong are told by field, without what stands there', async () => {
    const wrong: readonly (readonly [unknown, RegExp, number?])[] = [
      [good, /chmod 600/, 0o644],
      ['{', /JSON/],
      [{ ...good, url: 'http://mail.example' }, /url/],
      [{ ...good, receivers: [] }, /receivers/],
      [{ ...good, receivers: [{ to: ada.to }, { to: ada.to }] }, /every address once/],
      [{ ...good, receivers: [{ to: 'nobody' }] }, /receivers/],
      [{ ...good, receivers: [{ to: ada.to, quiet: { ...quiet, zone: 'Europe/Atlantis' } }] }, /zone/],
      [{ ...good, receivers: [{ to: ada.to, quiet: { ...quiet, to: '22:00' } }] }, /different times/],
      [{ ...good, password: 'sesame' }, /password/],
    ];
    for (const [document, why, mode] of wrong)
      await assert.rejects(read(document, mode), (error: Error) => {
        assert.match(error.message, why);
        assert.doesNotMatch(error.message, /sesame/);
        return true;
      });
    assert.throws(
      () => readSettings({ FLYWHEEL_MAIL: path.join(directory, 'none') }),
      /FLYWHEEL_MAIL: expected a JSON file/,
    );
  });
});
