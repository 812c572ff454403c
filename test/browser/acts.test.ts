import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';

import type { FastifyInstance } from 'fastify';
import type { Page } from 'playwright-core';
import pino from 'pino';

import { orchestrationQueue } from '../../acts/ask-workflow.ts';
import { steering } from '../../acts/steering.ts';
import { temporalLoopView } from '../../console/loop-view.ts';
import { buildConsole } from '../../console/server.ts';
import { scitosG5Type } from '../../datasets/built-in-robot-types.ts';
import { workflowIds } from '../../domain/contract/workflow-ids.ts';
import { addRobot, openFleet } from '../../fleet/desk/index.ts';
import { addOperator, newOperatorToken, type OperatorRole } from '../../fleet/desk/operators.ts';
import { tokenHash } from '../../fleet/desk/robot-tokens.ts';
import { fileObjectStore } from '../../store/adapters/file-object-store.ts';
import { jsonBytes } from '../../store/json-objects.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { moveAliases } from '../../store/records/aliases.ts';
import { readAuditPage } from '../../store/records/audit-log.ts';
import { publishRobotType } from '../../store/records/robot-types.ts';
import { openTrialSlot } from '../../workers/compose.ts';
import { stubbedInstallation, type StubbedInstallation } from '../cli/stubbed-workers.ts';
import { sharedTemporal } from '../support/temporal.ts';
import { quietLook, silentRobot } from '../workflows/monitor-stubs.ts';
import { goodTrial, holdAt, testTimes } from '../workflows/trial-stubs.ts';
import { openBrowser, type OpenBrowser } from './chromium.ts';
import { signIn, violationsOf } from './pages.ts';

/** Hours that pass in a second: long enough for a person at a keyboard. */
const patientTimes = { ...testTimes, dayMs: 24_000, tickMs: 250 };

const ask = {
  kind: 'ask',
  version: '0.9.0',
  reason: '0.9.0 is the baseline: a person has to agree',
} as const;

/** Every act by keyboard alone: a real browser, console, Temporal server and workflows, with activities that are stubbed. */
describe('acts in a real browser, by keyboard', function () {
  this.timeout(600_000);
  let installation: StubbedInstallation;
  let browser: OpenBrowser;
  let app: FastifyInstance;
  let store: ObjectStore;
  let url: string;
  let policy: string;
  const pages = new Map<string, Page>();

  before(async () => {
    installation = await stubbedInstallation();
    installation.answerWith({ ...holdAt(0), observeFleet: async () => openLook() });
    ({ policy } = installation);
    store = fileObjectStore({ root: process.env['FLYWHEEL_STORE'] ?? '' });
    await publishRobotType(store, scitosG5Type);
    const clock = Date.now;
    const robot = { robotId: 'r1', policy, robotType: { id: scitosG5Type.id, version: scitosG5Type.version } };
    const place = { site: 'hall', stratum: 'hall', tokenHashes: ['0'.repeat(64)], who: 't', why: 't' };
    await addRobot({ store, clock }, { ...robot, ...place });
    for (const set of [{ baseline: '0.9.0', champion: '0.9.0' }, { champion: '0.9.1' }, { champion: '1.0.0' }])
      await moveAliases({ store, clock }, { policy, operationId: set.champion, who: 't', why: 't' }, () => set);
    const { client } = await sharedTemporal();
    const settings = { temporal: { queuePrefix: `${policy}-` } };
    const connect = async () => client;
    let monotonicMs = 0;
    app = await buildConsole({
      store,
      engine: undefined as never,
      facts: undefined as never,
      loop: temporalLoopView(connect, orchestrationQueue(settings)),
      steer: steering({ client: connect, settings }),
      clock,
      monotonicMs: () => (monotonicMs += 2_000),
      log: pino({ level: 'silent' }),
    });
    url = await app.listen({ host: '127.0.0.1', port: 0 });
    browser = await openBrowser();
    for (const [name, role] of [
      ['ada', 'approver'],
      ['bo', 'approver'],
      ['cy', 'operator'],
      ['vi', 'viewer'],
    ] as const satisfies readonly (readonly [string, OperatorRole])[]) {
      const token = newOperatorToken(name, randomBytes);
      await addOperator({ store, clock }, { name, role, tokenHash: tokenHash(token), who: 't', why: 't' });
      const page = await browser.context.newPage();
      await signIn(page, url, token);
      pages.set(name, page);
    }
  });
  after(async () => {
    await browser?.close();
    await app?.close();
    await installation?.stop();
  });

  const openLook = () => quietLook({ openIncidents: 1, incidents: [silentRobot], logEndSeq: 1 });
  const pageOf = (who: string): Page => pages.get(who) ?? assert.fail(who);
  const go = async (who: string, hash: string): Promise<Page> => {
    const page = pageOf(who);
    await page.bringToFront();
    await page.goto('about:blank');
    await page.goto(`${url}/#/${hash}${hash.includes('?') ? '&' : '?'}policy=${policy}`);
    await page.locator('main h1').waitFor();
    return page;
  };

  /** Goes on by Tab until the focus is on the button of this name; nothing is clicked. */
  async function tabTo(page: Page, label: string): Promise<void> {
    await page.getByRole('button', { name: label, exact: true }).first().waitFor({ timeout: 60_000 });
    for (let steps = 0; steps < 200; steps += 1) {
      await page.keyboard.press('Tab');
      const focused = await page.evaluate(() => [document.activeElement?.tagName, document.activeElement?.textContent]);
      if (focused[0] === 'BUTTON' && focused[1] === label) return;
    }
    assert.fail(`200 steps by Tab led to no button ${label}`);
  }

  /** Carries an act out by keyboard alone, and gives what the dialog said. */
  async function act(page: Page, label: string, target?: string): Promise<string> {
    await tabTo(page, label);
    await page.keyboard.press('Enter');
    await page.locator('dialog[open]').waitFor();
    if (target !== undefined) {
      await page.locator('dialog input[type=radio]').first().waitFor();
      while ((await page.evaluate(() => document.activeElement?.tagName)) !== 'INPUT') await page.keyboard.press('Tab');
      // The list is one stop, and arrows go through it.
      const chosen = (): Promise<string | undefined> =>
        page.evaluate(() => document.querySelector<HTMLInputElement>('dialog input:checked')?.value);
      await page.keyboard.press('Space');
      for (let steps = 0; (await chosen()) !== target; steps += 1) {
        assert.ok(steps < 20, `no ${target} in the list`);
        await page.keyboard.press('ArrowDown');
      }
    }
    while ((await page.evaluate(() => document.activeElement?.tagName)) !== 'TEXTAREA')
      await page.keyboard.press('Tab');
    await page.keyboard.type(`by keyboard: ${label}`);
    assert.deepEqual(await violationsOf(page), [], `the dialog of ${label}`);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    const said = page.locator('.act-done, .act-failed');
    await said.waitFor({ timeout: 60_000 });
    const text = (await said.textContent()) ?? '';
    await page.keyboard.press('Escape');
    await page.locator('dialog[open]').waitFor({ state: 'detached' });
    // The dialog gives the focus back to its button first; that it closed is told to the page a moment later.
    const focused = () => page.evaluate(() => document.activeElement?.tagName);
    for (let tries = 0; tries < 50 && (await focused()) !== 'H1'; tries += 1) await page.waitForTimeout(100);
    assert.equal(await focused(), 'H1', 'the focus is lost');
    return text;
  }

  async function offer(who: string): Promise<void> {
    const { client } = await sharedTemporal();
    // One that was just aborted still takes its robots back.
    const before = client.workflow.getHandle(workflowIds.trialPolicy(policy));
    for (let isRunning = true; isRunning;) {
      const found = await before.describe().catch(() => undefined);
      isRunning = found?.status.name === 'RUNNING';
      if (isRunning) await new Promise((resolve) => setTimeout(resolve, 200));
    }
    const slot = await openTrialSlot({ client, taskQueue: `${policy}-orchestration` });
    const request = { abTest: false, times: patientTimes, approvalBefore: [0], approvalHours: 8_000 };
    await slot.offer({
      policy,
      candidateVersion: '1.1.0',
      who,
      why: 'w',
      request,
      operationId: randomBytes(8).toString('hex'),
    });
  }

  it('start a cycle, put a robot into quarantine, and release it by somebody who may', async () => {
    const cy = await go('cy', 'fleet');
    assert.match(await act(cy, 'Start a cycle'), /✓ Done: cycle\//);
    await go('cy', 'robot?id=r1');
    assert.match(await act(cy, 'Quarantine robot'), /it is in quarantine/);
    const bo = await go('bo', 'robot?id=r1');
    assert.match(await act(bo, 'Release robot'), /it is released/);
  });

  it('approve a stage by another than who offered it, pause, resume and abort the trial', async () => {
    await offer('ada');
    const ada = await go('ada', 'trial');
    await ada.getByText('you asked for it; somebody else has to approve it').waitFor({ timeout: 60_000 });
    const bo = await go('bo', 'trial');
    assert.match(await act(bo, 'Approve stage'), /the stage that waited for a person begins/);
    assert.match(await act(bo, 'Pause trial'), /paused/);
    assert.match(await act(bo, 'Resume trial'), /Done/);
    assert.match(await act(bo, 'Abort trial'), /the robots go back/);
  });

  it('reject a stage', async () => {
    await offer('ada');
    assert.match(await act(await go('bo', 'trial'), 'Reject stage'), /Done/);
  });

  it('roll back at once, and see how many robots have confirmed it; or to a version once somebody else agrees', async () => {
    const cy = await go('cy', 'fleet');
    assert.match(await act(cy, 'Roll back now'), /ordered 1\.0\.0/);
    installation.answerWith({ planRollback: async () => ({ seq: 8, openTrialId: null, choice: ask }) });
    const asked = await act(await go('ada', 'trial'), 'Roll back to a version', '0.9.0');
    assert.match(asked, /Asked, and nothing is ordered yet.*the page Trial has “Approve rollback”/s);
    assert.doesNotMatch(asked, /✓/);
    assert.match(await act(await go('bo', 'trial'), 'Reject rollback'), /Done/);
    assert.match(await act(await go('ada', 'trial'), 'Roll back to a version', '0.9.0'), /nothing is ordered yet/);
    // It is seen to run as long as a robot is on its way.
    let isFollowed = false;
    installation.answerWith({
      planRollback: async () => ({ seq: 8, openTrialId: null, choice: ask }),
      readConfirmations: async (input) => ({
        ...(await goodTrial.readConfirmations(input)),
        waiting: isFollowed ? [] : ['r1'],
      }),
    });
    const bo = await go('bo', 'trial');
    assert.match(await act(bo, 'Approve rollback'), /0\.9\.0 is approved by bo/);
    await bo.getByText(/To version/).waitFor();
    isFollowed = true;
  });

  it('undo a rollback by who ordered it, and by nobody else', async () => {
    const fleet = openFleet({ store, clock: Date.now });
    for (const [seq, version, operationId] of [
      [0, '1.0.0', '1.0.0'],
      [1, '0.9.1', 'rollback-wall-0a1b#1'],
    ] as const) {
      const origin = { operationId, who: 'cy', why: 'a mistake', atMs: Date.now() };
      const order = { defaultVersion: version, championVersion: version, trialId: null, overrides: [] };
      const record = { kind: 'assign', urgency: 'whenIdle', ...order, ...origin } as const;
      assert.equal((await fleet.write({ policy, seq, record })).kind, 'written');
    }
    const operationId = 'rollback-wall-0a1b#1';
    const move = { policy, operationId, who: 'cy', why: 'a mistake' };
    await moveAliases({ store, clock: Date.now }, move, () => ({ champion: '0.9.1' }));
    const bo = await go('bo', 'fleet');
    await bo.getByText('only cy, who ordered it, can undo it').waitFor({ timeout: 60_000 });
    const choice = {
      kind: 'assign',
      version: '1.0.0',
      reason: 'undoes the rollback of order 1: back to 1.0.0',
    } as const;
    installation.answerWith({ planRollback: async () => ({ seq: 1, openTrialId: null, choice }) });
    const cy = await go('cy', 'fleet');
    assert.match(
      await act(cy, 'Undo this rollback: back to 1.0.0'),
      /✓ Ordered: ordered 1\.0\.0, assignment 2: undoes the rollback of order 1/,
    );
  });

  it('acknowledge an incident', async () => {
    const { client } = await sharedTemporal();
    const { incidentId, openedAtMs, reason } = silentRobot;
    installation.answerWith({ observeFleet: async () => openLook() });
    const champions = { seq: -1, champion: null, previous: null, baseline: null, promotion: null, past: [] };
    const state = { lookMs: Date.now(), logSeq: 1, scanFromMs: 0, consumed: {}, lives: {}, losses: {}, champions };
    const incident = { kind: 'open', incidentId, openedAtMs, reason, clearTicks: 0, acknowledgedBy: null };
    const rest = { memory: {}, correctedFrames: [], lastCycleStartedMs: null, events: [], result: {} };
    const look = { ...state, ...rest, book: { 'silent r1': incident } };
    await store.put(`monitor/${policy}/looks/${'1'.padStart(20, '0')}.json`, jsonBytes(look));
    await client.workflow.start('fleetMonitor', {
      workflowId: workflowIds.fleetMonitor(policy),
      taskQueue: `${policy}-orchestration`,
      args: [{ policy, tickMs: 500, dayMs: 86_400_000 }],
    });
    assert.match(await act(await go('cy', 'incidents'), 'Acknowledge'), /acknowledged|Done/);
  });

  it('are not for a viewer, who is told why and cannot begin any', async () => {
    for (const hash of ['fleet', 'trial', 'robot?id=r1']) {
      const vi = await go('vi', hash);
      // Who looks is asked beside what there is to see.
      await vi.locator('.acts .why', { hasText: 'needs the role' }).first().waitFor();
      const buttons = vi.locator('.acts button');
      for (let at = 0; at < (await buttons.count()); at += 1) {
        await buttons.nth(at).focus();
        await vi.keyboard.press('Enter');
        assert.equal(await vi.locator('dialog[open]').count(), 0);
        assert.match((await buttons.nth(at).locator('xpath=..').textContent()) ?? '', /needs the role/);
      }
    }
  });

  it('stand in the audit log, once each, by page', async () => {
    const { entries } = await readAuditPage(store, { limit: 500, isWanted: () => true }, () => undefined);
    const done = entries.filter(({ outcome }) => outcome === 'done');
    assert.ok(done.length >= 13, `${done.length}`);
    assert.ok(done.every(({ via, reason }) => via === 'page' && reason.startsWith('by keyboard: ')));
    assert.equal(new Set(done.map(({ actId }) => actId)).size, done.length);
  });

  it('are left by Escape with nothing done', async () => {
    const cy = await go('cy', 'fleet');
    await tabTo(cy, 'Roll back now');
    await cy.keyboard.press('Enter');
    await cy.locator('dialog[open]').waitFor();
    await cy.keyboard.type('no');
    await cy.keyboard.press('Escape');
    await cy.locator('dialog[open]').waitFor({ state: 'detached' });
    assert.equal(await cy.evaluate(() => document.activeElement?.textContent), 'Roll back now');
  });
});
