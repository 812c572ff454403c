import assert from 'node:assert/strict';

import type { Page } from 'playwright-core';

import { readHandLabels } from '../../activities/mix/hand-labels.ts';
import { scitosG5Type } from '../../datasets/built-in-robot-types.ts';
import { episodeIdOf, policy, startMs } from '../activities/facts/fact-world.ts';
import { storeEpisodes } from '../console/lake-episodes.ts';
import { openBrowser, type OpenBrowser } from './chromium.ts';
import { fillStore, idleLoop, listeningConsole, type ListeningConsole } from './filled-world.ts';
import { settled, signIn, violationsOf } from './pages.ts';

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
      return { tag: at?.tagName ?? '', type: at?.getAttribute('type') ?? '', text: at?.textContent ?? '' };
    });
  async function tabTo(what: string, isIt: (at: Awaited<ReturnType<typeof focused>>) => boolean): Promise<void> {
    for (let steps = 0; steps < 150; steps += 1) {
      await page.keyboard.press('Tab');
      if (isIt(await focused())) return;
    }
    assert.fail(`150 steps by Tab led to no ${what}`);
  }
  const held = async () => (await readHandLabels(console.world.ports.store)).holding;

  async function confirm(): Promise<string> {
    await page.keyboard.press('Enter');
    await page.locator('dialog[open]').waitFor();
    while ((await focused()).tag !== 'TEXTAREA') await page.keyboard.press('Tab');
    await page.keyboard.type('seen in the replay');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    const said = page.locator('.act-done, .act-failed');
    await said.waitFor({ timeout: 30_000 });
    const text = (await said.textContent()) ?? '';
    await page.keyboard.press('Escape');
    return text;
  }

  /** From the queue to three marked frames with an action. */
  async function label(): Promise<string> {
    await tabTo('episode', ({ tag, text }) => tag === 'A' && text === episodeIdOf(2));
    await page.keyboard.press('Enter');
    await page.locator('.replay').waitFor({ timeout: 30_000 });
    await settled(page);
    await tabTo('slider', ({ type }) => type === 'range');
    for (const key of ['ArrowRight', 'ArrowRight', '[', 'ArrowRight', 'ArrowRight', ']'])
      await page.keyboard.press(key);
    await tabTo('action', ({ tag, text }) => tag === 'SELECT' && text.startsWith('choose'));
    await page.keyboard.type((actions[1] ?? '').slice(0, 12));
    await tabTo('button', ({ tag, text }) => tag === 'BUTTON' && text === 'Label these frames');
    return confirm();
  }

  it('goes from the queue to an episode, marks frames in the replay, and keeps a label once', async () => {
    await page.goto(`${console.url}/#/labels?policy=${policy}&from=2026-06-01&to=2026-06-04`);
    await page.getByText('of 10').first().waitFor({ timeout: 30_000 });
    assert.match(await label(), /holds from the next training set on/);
    const [first] = await held();
    assert.ok(first?.kind === 'frames');
    assert.deepEqual(
      [first.episodeId, first.start, first.end, first.action, first.who],
      [episodeIdOf(2), 2, 5, [1], 'olga'],
    );
    await page.getByText(`should have done ${actions[1] ?? ''}`).waitFor({ timeout: 30_000 });
    assert.deepEqual(await violationsOf(page), []);
  });

  it('adds nothing when the page is loaded again and the same is said again; and takes it back', async () => {
    await page.goto('about:blank');
    await page.goto(`${console.url}/#/labels?policy=${policy}&from=2026-06-01&to=2026-06-04`);
    await page.getByText('of 10').first().waitFor({ timeout: 30_000 });
    assert.match(await label(), /says the same already: nothing is added/);
    assert.equal((await held()).length, 1);
    await tabTo('button', ({ tag, text }) => tag === 'BUTTON' && text === 'Take back');
    assert.match(await confirm(), /is taken back/);
    assert.deepEqual(await held(), []);
    await page.getByText('Nobody has said anything of this episode.').waitFor({ timeout: 30_000 });
  });
});
