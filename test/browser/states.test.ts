import assert from 'node:assert/strict';

import type { Page, Route } from 'playwright-core';

import { addHandLabel } from '../../activities/mix/hand-labels.ts';
import { pageNames, type PageName } from '../../dashboard/route.ts';
import { scitosG5Type } from '../../datasets/built-in-robot-types.ts';
import { episodeIdOf, hourMs, startMs } from '../activities/facts/fact-world.ts';
import { camera, publishSeeingType, storeClip } from '../console/clip-episodes.ts';
import type { ConsoleWorld } from '../console/console-world.ts';
import { storeEpisodes } from '../console/lake-episodes.ts';
import { openBrowser, type OpenBrowser } from './chromium.ts';
import {
  cycleId,
  fillStore,
  fleetBroken,
  idleLoop,
  listeningConsole,
  lookMs,
  runningLoop,
  trialId,
  type ListeningConsole,
} from './filled-world.ts';
import { bandedJpegClip } from './banded-clips.ts';
import {
  assertNoSideways,
  chartsWithoutTable,
  hashOf,
  open,
  settled,
  signIn,
  unreadableOn,
  violationsOf,
} from './pages.ts';

const episodeId = episodeIdOf(3);
const failedId = episodeIdOf(4);

/** What a page is asked to show besides its policy. */
const queries: Partial<Record<PageName, Readonly<Record<string, string>>>> = {
  robot: { id: 'r0', from: '2026-06-01', to: '2026-06-04' },
  episode: { id: episodeId, day: '2026-06-02' },
  trial: { id: trialId },
  cycle: { id: cycleId },
  models: { version: '1.1.0' },
  incidents: { id: fleetBroken.incidentId },
  data: { from: '2026-06-01', to: '2026-06-04' },
  labels: { from: '2026-06-01', to: '2026-06-04', id: failedId, day: '2026-06-02' },
  tasks: { until: '2026-06-03' },
  metrics: { by: 'robot', sort: '-success', from: '2026-06-01', to: '2026-06-03' },
};
const isData = ({ pathname }: URL): boolean =>
  pathname.startsWith('/api/v1/') && !/\/(me|policies|events)$/.test(pathname);

const refuse = (route: Route): Promise<void> =>
  route.fulfill({
    status: 403,
    json: { error: { type: 'forbidden', message: 'expected the role approver, got viewer' } },
  });

/** How a page comes to look so, and by what it is known. */
interface State {
  readonly of: 'filled' | 'empty';
  readonly sees: string;
  readonly intercept?: (route: Route) => Promise<void>;
}
const states: Readonly<Record<string, State>> = {
  shown: { of: 'filled', sees: '.is-fresh' },
  empty: { of: 'empty', sees: '.state-empty, .state-noData, .state-refused' },
  loading: { of: 'filled', sees: '.state-loading', intercept: () => new Promise(() => undefined) },
  'no permission': { of: 'filled', sees: '.state-forbidden', intercept: refuse },
  'cannot be read': {
    of: 'filled',
    sees: '.state-refused',
    intercept: (route) =>
      route.fulfill({
        status: 503,
        json: { error: { type: 'storeUnavailable', message: 'the store does not answer' } },
      }),
  },
  'server gone': { of: 'filled', sees: '.state-gone', intercept: (route) => route.abort('connectionrefused') },
};

async function fillWithFrames(world: ConsoleWorld): Promise<void> {
  await fillStore(world);
  const { tasks, observations } = scitosG5Type;
  const shape = { task: tasks[0] ?? '', frames: 300, observations: observations.length };
  const at = { robotId: 'r0', startedMs: startMs + 2.5 * hourMs };
  const seeing = await publishSeeingType(world, [camera('front'), camera('rear'), camera('cabin', false)]);
  const front = { robotId: 'r0', episodeId: failedId, camera: 'front' };
  const bytes = await bandedJpegClip(9);
  const sha256 = await storeClip(world, { ...front, bytes, verdict: 'accepted' });
  const clips = [{ camera: 'front', sha256, startedMs: 0 }];
  await storeEpisodes(world, [
    { ...shape, ...at, episodeId },
    { ...shape, ...seeing, ...at, episodeId: failedId, outcome: 'failure', clips },
  ]);
  const said = { who: 'ada', reason: 'seen in the replay', episodeId: failedId };
  await addHandLabel(world.ports, { ...said, labelId: 'l1', kind: 'frames', start: 20, end: 60, action: [1] });
  await addHandLabel(world.ports, { ...said, labelId: 'l2', kind: 'failureReason', failureReason: 'slipped' });
}

describe('pages in a real browser', function () {
  this.timeout(900_000);
  let browser: OpenBrowser;
  let filled: ListeningConsole;
  let empty: ListeningConsole;
  const on = { filled: () => filled, empty: () => empty };

  before(async () => {
    browser = await openBrowser();
    filled = await listeningConsole(fillWithFrames, { loop: runningLoop });
    empty = await listeningConsole(async () => undefined, { loop: idleLoop });
  });
  after(async () => {
    await browser?.close();
    await filled?.close();
    await empty?.close();
  });

  async function tabOf({ url, world }: ListeningConsole): Promise<Page> {
    const page = await browser.context.newPage();
    await page.clock.install({ time: lookMs });
    await signIn(page, url, world.token);
    return page;
  }

  /** Looks at the page in both themes; says whatever is wrong. */
  async function wrongsOf(page: Page): Promise<readonly string[]> {
    const found: string[] = [];
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      found.push(...(await violationsOf(page)).map((violation) => `${colorScheme}: ${violation}`));
    }
    return found;
  }

  for (const name of pageNames)
    it(`${name}: no violation in any state, light or dark; charts are tables too; nothing sideways on a phone`, async () => {
      const wrong: string[] = [];
      for (const [state, { of, sees, intercept }] of Object.entries(states)) {
        const console = on[of]();
        const page = await tabOf(console);
        try {
          const errors: string[] = [];
          page.on('pageerror', (error) => errors.push(error.message));
          if (intercept !== undefined) await page.route(isData, intercept);
          await open(page, console.url, hashOf(name, queries[name]));
          await page.locator(sees).first().waitFor();
          if (state !== 'loading') await settled(page);
          wrong.push(...(await wrongsOf(page)).map((text) => `${state}, ${text}`));
          if (state === 'shown') {
            for (const chart of await chartsWithoutTable(page)) wrong.push(`no table says the chart ${chart}`);
            wrong.push(...(await unreadableOn(page, true)));
            wrong.push(...(await stale(page)));
          }
          wrong.push(...errors.map((error) => `${state}: ${error}`));
        } finally {
          await page.close();
        }
      }
      assert.deepEqual(wrong, []);
    });

  /** A page that was read, whose server then goes: it stays to be seen with its age. On a phone. */
  async function stale(page: Page): Promise<readonly string[]> {
    await page.route(isData, (route) => route.abort('connectionrefused'));
    await page.clock.fastForward(130_000);
    await page.locator('.stale').first().waitFor();
    const wrong = [...(await wrongsOf(page))];
    await page.setViewportSize({ width: 360, height: 740 });
    await assertNoSideways(page, page.url());
    wrong.push(...(await unreadableOn(page, false)));
    await page.setViewportSize({ width: 1280, height: 900 });
    return wrong.map((text) => `stale, ${text}`);
  }

  it('the page that asks for a token has no violation, and says why it lets nobody in', async () => {
    const page = await browser.context.newPage();
    await page.goto(filled.url);
    await page.keyboard.type('fo.nobody.wrong');
    await page.keyboard.press('Enter');
    await page.locator('.state-forbidden').waitFor();
    assert.deepEqual(await wrongsOf(page), []);
    await page.setViewportSize({ width: 360, height: 740 });
    await assertNoSideways(page, 'login');
    await page.close();
  });
});
