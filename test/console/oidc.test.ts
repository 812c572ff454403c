import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import type { FastifyInstance } from 'fastify';

import { personOf } from '../../console/oidc/person.ts';
import { openIdentityProvider } from '../../console/oidc/provider.ts';
import { Sealer } from '../../console/oidc/sealed.ts';
import { Sessions } from '../../console/oidc/sessions.ts';
import { readOidcSettings, type OidcSettings } from '../../console/oidc/settings.ts';
import type { SessionsAnswer } from '../../console/answers/sessions.ts';
import { memoryObjectStore } from '../../store/adapters/memory-object-store.ts';
import { failure } from '../../store/failures.ts';
import {
  beginConsoleSession,
  endConsoleSession,
  endedConsoleSessions,
  forgetConsoleSessions,
  openConsoleSessions,
  seeConsoleSession,
} from '../../store/records/console-sessions.ts';
import { policy } from '../activities/facts/fact-world.ts';
import { openConsoleWorld, type ConsoleWorld } from './console-world.ts';
import { clientId, clientSecret, openTestProvider, type Fault, type TestProvider } from './identity-provider.ts';

const publicUrl = 'http://127.0.0.1:8790';
const roles = { viewer: ['staff'], operator: ['robot-operators'], approver: ['leads'], admin: [] };
const sessionSecret = 'a secret for cookies that is long enough';

describe('signing in by an identity provider', function () {
  this.timeout(60_000);
  let provider: TestProvider;
  let world: ConsoleWorld;
  let app: FastifyInstance;
  let nowMs: number;
  let settings: OidcSettings;

  before(async () => {
    provider = await openTestProvider(`${publicUrl}/auth/callback`);
  });
  after(() => provider.close());

  beforeEach(async () => {
    world = await openConsoleWorld();
    nowMs = Date.UTC(2026, 10, 27);
    settings = {
      issuer: provider.issuer,
      clientId,
      clientSecret,
      publicUrl,
      scope: 'openid profile',
      nameClaim: 'preferred_username',
      rolesClaim: 'groups',
      roles,
      sessionMs: 3_600_000,
      sessionSecret,
      label: 'Sign in at the plant',
    };
    provider.claims = { preferred_username: 'Ada.Lovelace', groups: ['staff', 'robot-operators'] };
    provider.fault = 'none';
    app = await world.on({
      oidc: { settings, provider: openIdentityProvider(settings), sessions: new Sessions(settings, () => nowMs) },
    });
  });
  afterEach(() => world.close());

  const cookiesOf = (answer: { readonly headers: Readonly<Record<string, unknown>> }): readonly string[] =>
    [answer.headers['set-cookie'] ?? []].flat().map(String);
  const pairOf = (cookie: string): string => cookie.split(';')[0] ?? '';

  async function begin(): Promise<{ readonly url: string; readonly cookie: string }> {
    const answer = await app.inject({ method: 'GET', url: '/auth/sign-in' });
    assert.equal(answer.statusCode, 302, answer.payload);
    const [cookie = ''] = cookiesOf(answer);
    assert.match(cookie, /^flywheel-sign-in=[\w-]+; Path=\/; HttpOnly; SameSite=Lax; Max-Age=600$/);
    return { url: String(answer.headers.location), cookie: pairOf(cookie) };
  }
  const back = (url: string, cookie: string) =>
    app.inject({ method: 'GET', url: url.slice(publicUrl.length), headers: { cookie } });
  /** The whole way; gives the cookie of the session. */
  async function signIn(): Promise<string> {
    const { url, cookie } = await begin();
    const answer = await back(await provider.visit(url), cookie);
    assert.equal(answer.statusCode, 302, answer.payload);
    assert.equal(answer.headers.location, `${publicUrl}/`);
    const [session = '', over = ''] = cookiesOf(answer);
    assert.match(session, /^flywheel=[\w-]+; Path=\/; HttpOnly; SameSite=Strict; Max-Age=3600$/);
    assert.match(over, /^flywheel-sign-in=; .*Max-Age=0$/);
    return pairOf(session);
  }
  const me = (cookie: string) => app.inject({ method: 'GET', url: '/api/v1/me', headers: { cookie } });
  const act = (cookie: string, headers: Readonly<Record<string, string>>) =>
    app.inject({
      method: 'POST',
      url: '/api/v1/freeze',
      headers: { cookie, 'content-type': 'application/json', 'idempotency-key': 'key-12345678', ...headers },
      payload: JSON.stringify({ policy, reason: 'holidays', until: '2026-07-01' }),
    });

  it('is offered, and gives a name and the highest role of the claims for as long as a session lasts', async () => {
    const offered = await app.inject({ method: 'GET', url: '/api/v1/sign-in' });
    assert.deepEqual(JSON.parse(offered.payload).oidc, { label: 'Sign in at the plant' });
    const cookie = await signIn();
    const { name, role, csrf } = JSON.parse((await me(cookie)).payload);
    assert.deepEqual([name, role, typeof csrf], ['ada.lovelace', 'operator', 'string']);
    assert.doesNotMatch(cookie, /ada|operator/);
    nowMs += settings.sessionMs;
    assert.equal((await me(cookie)).statusCode, 401);
    assert.deepEqual(provider.refused, []);
  });

  it('lets a page of the console act, and nobody else in its name', async () => {
    const cookie = await signIn();
    const { csrf } = JSON.parse((await me(cookie)).payload);
    const own = { 'sec-fetch-site': 'same-origin', 'flywheel-csrf': csrf };
    for (const headers of [
      {},
      { 'flywheel-csrf': csrf },
      { ...own, 'sec-fetch-site': 'cross-site' },
      { ...own, 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'same-origin' },
      { ...own, 'flywheel-csrf': `${csrf.slice(0, -1)}!` },
      { 'flywheel-csrf': csrf, origin: 'https://evil.example' },
    ]) {
      world.monotonicMs += 60_000;
      const answer = await act(cookie, headers);
      assert.equal(answer.statusCode, 403, JSON.stringify(headers));
    }
    world.monotonicMs += 60_000;
    assert.equal((await act(cookie, own)).statusCode, 200);
    // An older browser says where the page is from.
    assert.equal((await act(cookie, { 'flywheel-csrf': csrf, origin: publicUrl })).statusCode, 200);
    const audit = await app.inject({ method: 'GET', url: '/api/v1/audit', headers: { cookie } });
    const [last] = JSON.parse(audit.payload).items;
    assert.deepEqual([last.who, last.role, last.act, last.outcome], ['ada.lovelace', 'operator', 'freeze.set', 'done']);
    // What the role does not allow, no session allows.
    const lift = await app.inject({
      method: 'POST',
      url: '/api/v1/freeze/lift',
      headers: { cookie, 'content-type': 'application/json', 'idempotency-key': 'key-12345679', ...own },
      payload: JSON.stringify({ policy, reason: 'r' }),
    });
    assert.equal(lift.statusCode, 403);
  });

  it('ends by signing out, which only the page can ask for', async () => {
    const cookie = await signIn();
    const { csrf } = JSON.parse((await me(cookie)).payload);
    const out = (headers: Readonly<Record<string, string>>) =>
      app.inject({ method: 'POST', url: '/auth/sign-out', headers: { cookie, ...headers } });
    assert.equal((await out({})).statusCode, 403);
    const answer = await out({ 'sec-fetch-site': 'same-origin', 'flywheel-csrf': csrf });
    assert.equal(answer.statusCode, 200, answer.payload);
    assert.match(cookiesOf(answer)[0] ?? '', /^flywheel=; .*Max-Age=0$/);
    // A copy of the cookie is worth nothing either.
    world.monotonicMs += 2_001;
    assert.equal((await me(cookie)).statusCode, 401);
  });

  it('shows who is signed in, without anything that lets somebody in, and ends one session by its owner or an admin, in the audit log', async () => {
    const [first, second] = [await signIn(), await signIn()];
    provider.claims = { preferred_username: 'bo', groups: ['leads'] };
    const bo = await signIn();
    const list = async (headers: Readonly<Record<string, string>>) => {
      const { payload } = await app.inject({ method: 'GET', url: '/api/v1/sessions', headers });
      return { payload, ...(JSON.parse(payload) as SessionsAnswer) };
    };
    const end = async (sessionId: string, headers: Readonly<Record<string, string>>, key: string) => {
      world.monotonicMs += 60_000;
      return app.inject({
        method: 'POST',
        url: `/api/v1/sessions/${sessionId}/end`,
        headers: { 'content-type': 'application/json', 'idempotency-key': key, ...headers },
        payload: JSON.stringify({ reason: 'a lost laptop' }),
      });
    };
    const own = async (cookie: string) => ({
      cookie,
      'sec-fetch-site': 'same-origin',
      'flywheel-csrf': String(JSON.parse((await me(cookie)).payload).csrf),
    });
    const mine = await list({ cookie: first });
    assert.deepEqual([mine.hasProvider, mine.items.map(({ name }) => name)], [true, ['ada.lovelace', 'ada.lovelace']]);
    assert.deepEqual(mine.items.filter(({ isThis }) => isThis).length, 1);
    for (const { sinceMs, untilMs } of mine.items) assert.equal(untilMs - sinceMs, settings.sessionMs);
    const secrets = [first, second, bo].map((cookie) => cookie.split('=')[1] ?? '?');
    const admin = { authorization: `Bearer ${await world.add('root', 'admin')}` };
    const all = await list(admin);
    assert.deepEqual(all.items.map(({ name }) => name).toSorted(), ['ada.lovelace', 'ada.lovelace', 'bo']);
    assert.ok(secrets.every((secret) => !all.payload.includes(secret)) && !/csrf/.test(all.payload));
    const bos = all.items.find(({ name }) => name === 'bo')?.sessionId ?? '';
    const other = mine.items.find(({ isThis }) => !isThis)?.sessionId ?? '';
    // What others have is not hers, an approver is no admin, and an id that is none is refused.
    assert.equal((await end(bos, await own(first), 'key-00000001')).statusCode, 404);
    assert.equal((await end(other, await own(bo), 'key-00000002')).statusCode, 404);
    assert.equal((await end('0'.repeat(24), admin, 'key-00000003')).statusCode, 404);
    assert.equal((await end('..%2fseen', admin, 'key-00000004')).statusCode, 400);
    assert.equal((await end(other, { cookie: first }, 'key-00000005')).statusCode, 403);
    assert.equal((await end(other, await own(first), 'key-00000006')).statusCode, 200);
    const isIn = async (cookie: string) => (await me(cookie)).statusCode === 200;
    assert.deepEqual([await isIn(first), await isIn(second), await isIn(bo)], [true, false, true]);
    assert.equal((await end(bos, admin, 'key-00000007')).statusCode, 200);
    // Of the same session, twice: it is over already.
    assert.equal((await end(bos, admin, 'key-00000008')).statusCode, 200);
    assert.deepEqual([await isIn(first), await isIn(bo)], [true, false]);
    assert.deepEqual(
      (await list(admin)).items.map(({ name }) => name),
      ['ada.lovelace'],
    );
    const audit = await app.inject({ method: 'GET', url: '/api/v1/audit', headers: admin });
    const [last] = JSON.parse(audit.payload).items;
    assert.deepEqual(
      [last.who, last.act, last.subject, last.reason],
      ['root', 'session.end', `bo ${bos}`, 'a lost laptop'],
    );
  });

  it('lets nobody in by a cookie while the store does not answer, and notes nobody whom it could not end', async () => {
    const cookie = await signIn();
    const { store } = world.ports;
    const away = failure('StoreUnavailable', 'away');
    const refusing: typeof store.list = (prefix, options) => {
      if (prefix.startsWith('console-sessions/')) throw away;
      return store.list(prefix, options);
    };
    const oidc = { settings, provider: openIdentityProvider(settings), sessions: new Sessions(settings, () => nowMs) };
    const without = await world.on({ oidc, store: { ...store, list: refusing } });
    const answer = await without.inject({ method: 'GET', url: '/api/v1/me', headers: { cookie } });
    assert.equal(answer.statusCode, 503);
    const putIfAbsent: typeof store.putIfAbsent = async () => Promise.reject(away);
    const full = await world.on({ oidc, store: { ...store, putIfAbsent } });
    const { url, cookie: begun } = await begin();
    const back = await full.inject({
      method: 'GET',
      url: (await provider.visit(url)).slice(publicUrl.length),
      headers: { cookie: begun },
    });
    assert.equal(back.statusCode, 503);
    assert.ok(cookiesOf(back).every((one) => !/^flywheel=[^;]/.test(one)));
  });

  it('forgets sessions that are long over, and keeps those of today', async () => {
    const store = memoryObjectStore();
    const session = (sessionId: string) => ({
      sessionId,
      name: 'ada',
      role: 'viewer',
      sinceMs: 0,
      untilMs: Date.now() + 1_000,
    });
    for (const id of ['a', 'b']) await beginConsoleSession(store, session(id.repeat(24)));
    await endConsoleSession(store, { sessionId: 'a'.repeat(24), who: 'ada', why: 'w', atMs: 1 });
    await seeConsoleSession(store, 'b'.repeat(24));
    await store.put(`console-sessions/${'c'.repeat(24)}/began.json`, new TextEncoder().encode('{'));
    const damaged: string[] = [];
    const open = await openConsoleSessions(store, Date.now(), ({ key }) => void damaged.push(key));
    assert.deepEqual([open.map(({ sessionId }) => sessionId[0]), damaged.length], [['b'], 1]);
    assert.ok((open[0]?.seenMs ?? 0) > 0);
    await forgetConsoleSessions(store, Date.now());
    assert.equal((await endedConsoleSessions(store)).size, 1);
    await forgetConsoleSessions(store, Date.now() + 3 * 86_400_000);
    for await (const { key } of store.list('')) assert.fail(`${key} is kept`);
  });

  it('refuses tokens that are not the provider’s for this client and this sign-in', async () => {
    for (const fault of ['nonce', 'audience', 'issuer', 'key', 'expired'] as const satisfies readonly Fault[]) {
      provider.fault = fault;
      world.monotonicMs += 600_000;
      const { url, cookie } = await begin();
      const answer = await back(await provider.visit(url), cookie);
      assert.equal(answer.statusCode, 403, fault);
      assert.match(answer.payload, /was refused/);
      assert.ok(
        cookiesOf(answer).every((one) => !one.startsWith('flywheel=')),
        fault,
      );
    }
  });

  it('refuses an answer to another sign-in, of another browser, twice, late, or with a code that is none', async () => {
    const mine = await begin();
    const other = await begin();
    const answered = await provider.visit(mine.url);
    const code = new URL(answered).searchParams.get('code') ?? '';
    for (const [url, cookie] of [
      [answered, other.cookie],
      [answered, ''],
      [answered, 'flywheel-sign-in=AAAA'],
      [answered.replace(code, 'made-up'), mine.cookie],
      [answered.replace(/state=[^&]*/, 'state=x'), mine.cookie],
      [`${publicUrl}/auth/callback?error=access_denied&error_description=%3Cscript%3E`, mine.cookie],
      [`${publicUrl}/auth/callback`, mine.cookie],
    ] as const) {
      world.monotonicMs += 600_000;
      const answer = await back(url, cookie);
      assert.equal(answer.statusCode, 403, url);
      assert.doesNotMatch(answer.payload, /<script|made-up/);
    }
    const fresh = await begin();
    const once = await provider.visit(fresh.url);
    assert.equal((await back(once, fresh.cookie)).statusCode, 302);
    assert.equal((await back(once, fresh.cookie)).statusCode, 403);
    const late = await begin();
    const lateUrl = await provider.visit(late.url);
    nowMs += 600_001;
    assert.equal((await back(lateUrl, late.cookie)).statusCode, 403);
  });

  it('lets nobody in whose claims give no name or no role, and says why without what they hold', async () => {
    for (const claims of [
      { preferred_username: 'ada' },
      { preferred_username: 'ada', groups: ['<b>strangers</b>'] },
      { preferred_username: '<script>', groups: ['leads'] },
      { groups: ['leads'] },
    ]) {
      provider.claims = claims;
      world.monotonicMs += 600_000;
      const { url, cookie } = await begin();
      const answer = await back(await provider.visit(url), cookie);
      assert.equal(answer.statusCode, 403, JSON.stringify(claims));
      assert.doesNotMatch(answer.payload, /<script|strangers/);
    }
  });

  it('leaves tokens as they were, and takes no cookie that somebody made or changed', async () => {
    const cookie = await signIn();
    for (const made of [
      `${cookie}A`,
      cookie.slice(0, -2),
      `flywheel=${new Sealer('another secret, just as long as it must be', 'session').seal({})}`,
      `flywheel=${new Sealer(sessionSecret, 'sign-in').seal({ name: 'a', role: 'admin', csrf: 'c', untilMs: nowMs + 1 })}`,
      `flywheel=${new Sealer(sessionSecret, 'session').seal({ name: 'a', role: 'root', csrf: 'c', untilMs: nowMs + 1 })}`,
      'flywheel=',
      `flywheel=${'A'.repeat(9_000)}`,
    ])
      assert.equal((await me(made)).statusCode, 401, made.slice(0, 60));
    const byToken = await app.inject({
      method: 'GET',
      url: '/api/v1/me',
      headers: { authorization: `Bearer ${world.token}`, cookie },
    });
    assert.deepEqual([JSON.parse(byToken.payload).name, JSON.parse(byToken.payload).csrf], ['vera', null]);
    // A wrong token is not made good by a cookie.
    const wrong = await app.inject({
      method: 'GET',
      url: '/api/v1/me',
      headers: { authorization: 'Bearer fo.vera.x', cookie },
    });
    assert.equal(wrong.statusCode, 401);
    // Without a provider there is nothing to sign in by, and cookies are nothing.
    assert.equal((await world.get('/api/v1/sign-in', null)).body['oidc'], null);
    assert.equal((await world.app.inject({ method: 'GET', url: '/auth/sign-in' })).statusCode, 401);
    assert.equal((await world.app.inject({ method: 'GET', url: '/api/v1/me', headers: { cookie } })).statusCode, 401);
  });

  it('says that the provider does not answer, and tells nobody a secret', async () => {
    const away = { ...settings, issuer: 'http://127.0.0.1:1' };
    const without = await world.on({
      oidc: { settings: away, provider: openIdentityProvider(away), sessions: new Sessions(away, () => nowMs) },
    });
    const answer = await without.inject({ method: 'GET', url: '/auth/sign-in' });
    assert.equal(answer.statusCode, 503);
    assert.doesNotMatch(answer.payload, new RegExp(`${clientSecret}|${sessionSecret}`));
  });
});

describe('who the claims say somebody is', () => {
  const by = { nameClaim: 'email', rolesClaim: 'roles', roles };
  it('is the highest role of any value; a name is made of letters that fit a line', () => {
    const of = (claims: Readonly<Record<string, unknown>>) => personOf(claims, by);
    assert.deepEqual(of({ email: 'Bo@plant.example', roles: 'leads' }), {
      kind: 'person',
      name: 'bo@plant.example',
      role: 'approver',
    });
    assert.deepEqual(of({ email: 'bo', roles: ['leads', 'staff', 7, null] }).kind, 'person');
    for (const claims of [
      {},
      { email: 'bo' },
      { email: 'bo', roles: ['LEADS'] },
      { email: 'bo', roles: { leads: true } },
      { email: 'bo\nadmin', roles: 'leads' },
      { email: '', roles: 'leads' },
      { email: 'x'.repeat(64), roles: 'leads' },
      { email: ['bo'], roles: 'leads' },
    ])
      assert.equal(of(claims).kind, 'nobody', JSON.stringify(claims));
    assert.equal(personOf({}, { ...by, nameClaim: 'constructor', rolesClaim: 'constructor' }).kind, 'nobody');
  });
});

describe('the settings of an identity provider', () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'flywheel-oidc-'));
  });
  after(() => rm(directory, { recursive: true, force: true }));

  it('come from a file that only its owner reads, and errors tell no secret', async () => {
    const file = path.join(directory, 'oidc.json');
    const good = {
      issuer: 'https://id.example',
      clientId: 'c',
      publicUrl: 'https://console.example/',
      roles: {},
      sessionSecret,
    };
    const write = async (more: object): Promise<void> => {
      await writeFile(file, JSON.stringify({ ...good, ...more }), { mode: 0o600 });
    };
    await write({});
    const { publicUrl: url, sessionMs, roles: mapped } = readOidcSettings(file);
    assert.deepEqual([url, sessionMs, mapped.admin], ['https://console.example', 3_600_000, []]);
    for (const [more, why] of [
      [{ issuer: 'http://id.example' }, /issuer/],
      [{ publicUrl: 'http://console.example' }, /publicUrl/],
      [{ publicUrl: 'https://a:b@console.example' }, /publicUrl/],
      [{ sessionSecret: 'short' }, /at least 32/],
      [{ roles: { root: ['x'] } }, /roles/],
      [{ sessionMinutes: 100_000 }, /sessionMinutes/],
    ] as const) {
      await write(more);
      assert.throws(
        () => readOidcSettings(file),
        (error: Error) =>
          why.test(error.message) && !error.message.includes(sessionSecret) && !/short/.test(error.message),
      );
    }
    await write({});
    await chmod(file, 0o644);
    assert.throws(() => readOidcSettings(file), /only its owner can read/);
    assert.throws(() => readOidcSettings(path.join(directory, 'none.json')), /JSON file that can be read/);
  });
});
