import assert from 'node:assert/strict';

import { scitosG5Type } from '../../datasets/built-in-robot-types.ts';
import { episodeIdOf, startMs } from '../activities/facts/fact-world.ts';
import { storeEpisodes } from '../console/lake-episodes.ts';
import { openBrowser, type OpenBrowser } from './chromium.ts';
import { fillStore, listeningConsole, lookMs, runningLoop, type ListeningConsole } from './filled-world.ts';
import { hashOf, open, settled, signIn } from './pages.ts';

const hourMs = 3_600_000;

describe('the chain of why, in a real browser', function () {
  this.timeout(300_000);
  let browser: OpenBrowser;
  let console: ListeningConsole;

  before(async () => {
    console = await listeningConsole(
      async (world) => {
        await fillStore(world);
        const common = {
          task: scitosG5Type.tasks[0] ?? '',
          frames: 300,
          observations: scitosG5Type.observations.length,
        };
        await storeEpisodes(
          world,
          // Those of the first robot, as they were told.
          Array.from({ length: 40 }, (_, at) => ({
            ...common,
            episodeId: episodeIdOf(at + 1),
            robotId: 'r0',
            startedMs: startMs + at * 0.6 * hourMs,
            outcome: at % 7 === 0 ? 'failure' : 'success',
          })),
        );
      },
      { loop: runningLoop },
    );
    browser = await openBrowser();
  });
  after(async () => {
    await browser?.close();
    await console?.close();
  });

  it('leads from a stage to its curve, to the robots that carry it, to their episodes, to the frames: three clicks', async () => {
    const page = await browser.context.newPage();
    await page.clock.install({ time: lookMs });
    await signIn(page, console.url, console.world.token);
    await open(page, console.url, hashOf('trial'));
    await settled(page);
    let clicks = 0;
    const click = async (name: string | RegExp, section: string): Promise<void> => {
      clicks += 1;
      await page
        .locator('section', { has: page.getByRole('heading', { name: section }) })
        .getByRole('link', { name })
        .first()
        .click();
      await settled(page);
    };
    await click(/^Stage 1 of 3$/, 'Now');
    await page.getByRole('heading', { name: 'Course of trial-1, stage 1' }).waitFor();
    await page.locator('.course .chart[aria-label^="Effect over 12 verdicts"]').waitFor();
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'course');
    await click(/^r0$/, 'Robots that carry it');
    await page.getByRole('heading', { name: 'Episodes under trial-1' }).waitFor();
    await click(/2026/, 'Episodes under trial-1');
    await page.getByRole('heading', { name: 'What it sensed' }).waitFor();
    await page.locator('.chart[role=img]').first().waitFor();
    assert.match((await page.textContent('main')) ?? '', /Frames300/);
    assert.equal(clicks, 3);
    await page.close();
  });
});
