import assert from 'node:assert/strict';
import { createServer, type AddressInfo } from 'node:net';

import type { Page } from 'playwright-core';

import { openIdentityProvider } from '../../console/oidc/provider.ts';
import { Sessions } from '../../console/oidc/sessions.ts';
import type { OidcSettings } from '../../console/oidc/settings.ts';
import { readFreeze } from '../../store/records/freezes.ts';
import { policy } from '../activities/facts/fact-world.ts';
import { openConsoleWorld, type ConsoleWorld } from '../console/console-world.ts';
import { clientId, clientSecret, openTestProvider, type TestProvider } from '../console/identity-provider.ts';
import { openBrowser, type OpenBrowser } from './chromium.ts';
import { fillStore, idleLoop, lookMs } from './filled-world.ts';
import { violationsOf } from './pages.ts';

/** A port that was free a moment ago: the address of the console is known before it listens. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The console is on another site than the provider, as it is in the world: what cookies a browser sends then is the browser's to say. */
describe('signing in by an identity provider in a real browser', function () {
  this.timeout(300_000);
  let browser: OpenBrowser;
  let world: ConsoleWorld;
  let provider: TestProvider;
  let url: string;
  let page: Page;

  before(async () => {
    const port = await freePort();
    url = `http://localhost:${port}`;
    provider = await openTestProvider(`${url}/auth/callback`);
    provider.claims = { preferred_username: 'ada', groups: ['robot-operators'] };
    world = await openConsoleWorld();
    world.facts.nowMs = lookMs;
    await fillStore(world);
    const settings: OidcSettings = {
      issuer: provider.issuer,
      clientId,
      clientSecret,
      publicUrl: url,
      scope: 'openid profile',
      nameClaim: 'preferred_username',
      rolesClaim: 'groups',
      roles: { viewer: [], operator: ['robot-operators'], approver: [], admin: [] },
      sessionMs: 3_600_000,
      sessionSecret: 'a secret for cookies that is long enough',
      label: 'Sign in at the plant',
    };
    let monotonicMs = 0;
    const app = await world.on({
      loop: idleLoop,
      monotonicMs: () => (monotonicMs += 2_000),
      oidc: { settings, provider: openIdentityProvider(settings), sessions: new Sessions(settings, Date.now) },
    });
    await app.listen({ host: '127.0.0.1', port });
    browser = await openBrowser();
    page = await browser.context.newPage();
  });
  after(async () => {
    await browser?.close();
    await world?.close();
    await provider?.close();
  });

  const offered = () => page.getByRole('link', { name: 'Sign in at the plant' });

  it('is offered beside the token, without a violation in light or dark, and leads to the fleet and back by keyboard', async () => {
    await page.goto(url);
    await offered().waitFor();
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      assert.deepEqual(await violationsOf(page), [], colorScheme);
    }
    await offered().focus();
    await page.keyboard.press('Enter');
    await page.getByText('ada, operator').waitFor({ timeout: 30_000 });
    assert.equal(new URL(page.url()).origin, url);
    assert.ok(!page.url().includes('code='), page.url());
  });

  it('keeps nothing where scripts could read it', async () => {
    const kept = await page.evaluate(() => [document.cookie, sessionStorage.length, localStorage.length]);
    assert.deepEqual(kept, ['', 0, 0]);
    const [cookie] = await browser.context.cookies(url);
    assert.deepEqual([cookie?.name, cookie?.httpOnly, cookie?.sameSite], ['flywheel', true, 'Strict']);
  });

  it('lets the page act, and hears of changes', async () => {
    await page.locator('.is-linked').waitFor({ timeout: 30_000 });
    await page.getByRole('button', { name: 'Freeze trials' }).click();
    await page.getByLabel(/^Until/).fill('2026-06-20');
    await page.getByLabel(/^Reason/).fill('an audit');
    await page.getByRole('button', { name: 'Confirm: Freeze trials' }).click();
    await page.locator('.act-done').waitFor({ timeout: 30_000 });
    const freeze = await readFreeze(world.ports.store, policy, lookMs);
    assert.ok(freeze.kind === 'frozen' && freeze.who === 'ada' && freeze.why === 'an audit');
    await page.keyboard.press('Escape');
    await page.getByText('Frozen until').waitFor({ timeout: 30_000 });
    assert.deepEqual(await violationsOf(page), []);
  });

  it('lasts when the page is loaded again, and ends by signing out', async () => {
    await page.reload();
    await page.getByText('ada, operator').waitFor({ timeout: 30_000 });
    await page.getByRole('button', { name: 'Sign out' }).click();
    await offered().waitFor({ timeout: 30_000 });
    assert.deepEqual(await browser.context.cookies(url), []);
    await page.reload();
    await offered().waitFor({ timeout: 30_000 });
    assert.equal(await page.getByText('ada, operator').count(), 0);
  });
});
