import assert from 'node:assert/strict';

import type { Page } from 'playwright-core';

import { readHandLabels } from '../../activities/mix/hand-labels.ts';
import { scitosG5Type } from '../../datasets/built-in-robot-types.ts';
import { episodeIdOf, policy, startMs } from '../activities/facts/fact-world.ts';
import { storeEpisodes } from '../console/lake-episodes.ts';
import { openBrowser, type OpenBrowser } from './chromium.ts';
import { fillStore, idleLoop, listeningConsole, type ListeningConsole } from './filled-world.ts';
import { assertNoSideways, signIn, unreadableOn, violationsOf } from './pages.ts';

const actions = scitosG5Type.actions.kind === 'discrete' ? scitosG5Type.actions.names : [];

/** A person at the label desk, by keyboard alone. */
describe('labels in a real browser, by keyboard', function () {
  this.timeout(300_000);
  let browser: OpenBrowser;
  let console: ListeningConsole;
  let page: Page;

  before(async () => {
    console = await listeningConsole(
      async (world) => {
        await fillStore(world);
        const { tasks, observations } = scitosG5Type;
        const shape = { robotId: 'r0', task: tasks[0] ?? '', frames: 60, observations: observations.length };
        await storeEpisodes(
          world,
          [1, 2].map((index) => ({
            ...shape,
            episodeId: episodeIdOf(index),
            outcome: 'failure',
            failureReason: 'slipped',
            startedMs: startMs + index * 60_000,
          })),
        );
      },
      { loop: idleLoop },
    );
    browser = await openBrowser();
    page = await browser.context.newPage();
    await signIn(page, console.url, await console.world.add('olga', 'operator'));
  });
  after(async () => {
    await browser?.close();
    await console?.close();
  });

  const focused = () =>
    page.evaluate(() => {
      const at = document.activeElement;
      return {
        tag: at?.tagName ?? '',
        id: at?.id ?? '',
        text: at?.textContent ?? '',
        label: at?.closest('label')?.textContent ?? '',
      };
    });
  async function tabTo(what: string, isIt: (at: Awaited<ReturnType<typeof focused>>) => boolean): Promise<void> {
    for (let steps = 0; steps < 150; steps += 1) {
      await page.keyboard.press('Tab');
      if (isIt(await focused())) return;
    }
    assert.fail(`150 steps by Tab led to no ${what}`);
  }
  const held = async () => (await readHandLabels(console.world.ports.store)).holding;
  const press = async (...keys: readonly string[]): Promise<void> => {
    for (const key of keys) await page.keyboard.press(key);
  };
  /** Until an episode is shown, and the slider of its replay has the focus; nobody has seen it before. */
  async function arrivedAt(index: number): Promise<void> {
    await page.waitForFunction(
      (id) => document.activeElement?.id === 'frame' && document.getElementById('desk')?.textContent?.endsWith(id),
      episodeIdOf(index),
      { timeout: 30_000 },
    );
    await page.waitForTimeout(700);
  }
  const hears = (text: RegExp) => page.locator('.news').filter({ hasText: text }).waitFor({ timeout: 30_000 });

  async function openDesk(): Promise<void> {
    await page.goto('about:blank');
    await page.goto(`${console.url}/#/labels?policy=${policy}&from=2026-06-01&to=2026-06-04`);
    await page.getByText('of 10').first().waitFor({ timeout: 30_000 });
    await tabTo('episode', ({ tag, text }) => tag === 'A' && text === episodeIdOf(2));
    await press('Enter');
    await arrivedAt(2);
  }
  /** Says why, in the field that a key leads to, and leaves it by a key. */
  async function note(text: string): Promise<void> {
    await press('r');
    assert.equal((await focused()).id, 'label-note');
    await page.keyboard.type(text);
    await press('Enter');
    assert.equal((await focused()).id, 'frame');
  }

  async function confirm(): Promise<string> {
    await press('Enter');
    await page.locator('dialog[open]').waitFor();
    while ((await focused()).tag !== 'TEXTAREA') await press('Tab');
    await page.keyboard.type('it was right');
    await press('Tab', 'Enter');
    const said = page.locator('.act-dialog .act-done, .act-dialog .act-failed');
    await said.waitFor({ timeout: 30_000 });
    const text = (await said.textContent()) ?? '';
    await press('Escape');
    return text;
  }

  it('shows the next episode without asking for it when its turn comes', async () => {
    await openDesk();
    await page.waitForTimeout(2_000);
    const asked: string[] = [];
    page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    const shownMs = await page.evaluate(async (next) => {
      const startMs = performance.now();
      const isShown = () =>
        document.getElementById('desk')?.textContent?.endsWith(next) === true &&
        document.querySelector('.desk-curves path') !== null;
      document.getElementById('frame')?.dispatchEvent(new KeyboardEvent('keydown', { key: 'n', bubbles: true }));
      while (!isShown() && performance.now() - startMs < 20_000)
        await new Promise((resolve) => requestAnimationFrame(resolve));
      return performance.now() - startMs;
    }, episodeIdOf(1));
    await arrivedAt(1);
    assert.deepEqual(
      asked.filter((path) => path.endsWith(episodeIdOf(1))),
      [],
    );
    // How long it takes says more of what else the machine does.
    assert.ok(shownMs < 20_000);
    await press('p');
    await arrivedAt(2);
  });

  it('goes from the queue to an episode, marks frames by keys, keeps a label once, and goes on to the next episode', async () => {
    await openDesk();
    // What is typed in a field is typed, and does nothing else.
    await note('seen in the replay, n s 1 ?');
    assert.deepEqual(await held(), []);
    await press('.', '.', 'b', '.', '.', 'e', '2');
    await page.getByText('Because: seen in the replay, n s 1 ?').waitFor();
    // Time stands still at the moment in which the next episode is shown: nobody has seen it yet.
    await page.evaluate('{ const now = performance.now(); performance.now = () => now; }');
    await press('s', 's');
    await hears(/Stored of episode/);
    await arrivedAt(1);
    await press('1', 's');
    await page.waitForTimeout(300);
    assert.match((await page.locator('.news').textContent()) ?? '', /^✓ Stored of episode/);
    await page.evaluate('delete performance.now');
    const labels = await held();
    const [first] = labels;
    assert.ok(first?.kind === 'frames');
    assert.deepEqual(
      [labels.length, first.episodeId, first.start, first.end, first.action, first.who, first.reason],
      [1, episodeIdOf(2), 2, 5, [1], 'olga', 'seen in the replay, n s 1 ?'],
    );
    assert.deepEqual(await violationsOf(page), []);
  });

  it('has what is looked at and what is said of it in one view, also where the screen is small', async () => {
    const boxesOf = () =>
      page.evaluate(() => {
        const at = (selector: string) => document.querySelector(selector)?.getBoundingClientRect();
        const [curves, words] = [at('.desk-curves'), at('.desk-words')];
        const buttons = at('.desk-words .acts');
        const charts = [...document.querySelectorAll('.desk-curves .chart')].map(
          (one) => one.getBoundingClientRect().bottom,
        );
        return {
          top: scrollY,
          curves: [curves?.top ?? 0, Math.max(...charts)],
          words: [words?.top ?? 0, buttons?.bottom ?? 0],
          isBeside: (curves?.right ?? 0) <= (words?.left ?? 0),
        };
      });
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.evaluate('scrollTo(0, 0)');
    const wide = await boxesOf();
    assert.ok(wide.isBeside && wide.top === 0);
    for (const end of [...wide.curves, ...wide.words]) assert.ok(end > 0 && end <= 800, JSON.stringify(wide));
    await page.setViewportSize({ width: 390, height: 844 });
    const narrow = await boxesOf();
    assert.ok((narrow.curves[1] ?? 0) <= (narrow.words[0] ?? 0), JSON.stringify(narrow));
    await assertNoSideways(page, 'the label desk');
    assert.deepEqual(await unreadableOn(page, false), []);
    await page.setViewportSize({ width: 1280, height: 900 });
  });

  it('counts what was labelled at once', async () => {
    await page.getByText('1 without a label in the queue').waitFor({ timeout: 30_000 });
    await page.getByText(/^1 episode without a label.*behind them 1 that have one/).waitFor({ timeout: 30_000 });
  });

  it('labels the next one by two keys with the reason that was given before, and takes it back by one', async () => {
    await press('1', 's');
    await hears(/Stored of episode .*slipped.*No other episode/);
    const [, second] = await held();
    assert.ok(second?.kind === 'failureReason');
    assert.deepEqual(
      [second.episodeId, second.failureReason, second.reason],
      [episodeIdOf(1), 'slipped', 'seen in the replay, n s 1 ?'],
    );
    await press('u', 'u');
    await hears(/Taken back, and episode/);
    assert.equal((await held()).length, 1);
    await press('p');
    await arrivedAt(2);
    await page.getByText(`should have done ${actions[1] ?? ''}`).waitFor({ timeout: 30_000 });
  });

  it('lists its keys by one of them, and can be told to take none', async () => {
    await press('?');
    await page.locator('dialog[open]').getByText('Keys of the label desk').waitFor();
    assert.deepEqual(await violationsOf(page), []);
    await press('s', 'Escape');
    assert.equal((await focused()).id, 'frame');
    const keys = page.getByLabel('Keys', { exact: true });
    await keys.focus();
    await press('Space', 'n', 's', '?');
    assert.equal(await page.locator('dialog[open]').count(), 0);
    assert.match(page.url(), new RegExp(`id=${episodeIdOf(2)}`));
    await press('Space');
    assert.equal((await held()).length, 1);
  });

  it('adds nothing when the page is loaded again and the same is said again; and takes it back', async () => {
    await openDesk();
    await note('seen again');
    await press('.', '.', 'b', '.', '.', 'e', '2', 's');
    await hears(/Nothing added to episode .*says the same already: nothing is added/);
    await arrivedAt(1);
    assert.equal((await held()).length, 1);
    // It is somebody’s label from before: no key takes it back.
    await press('u', 'p');
    await arrivedAt(2);
    assert.equal((await held()).length, 1);
    await tabTo('button', ({ tag, text }) => tag === 'BUTTON' && text === 'Take back');
    assert.match(await confirm(), /is taken back/);
    assert.deepEqual(await held(), []);
    await page.getByText('Nobody has said anything of this episode.').waitFor({ timeout: 30_000 });
  });
});
