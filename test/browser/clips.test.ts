import assert from 'node:assert/strict';

import type { Page } from 'playwright-core';

import { episodeIdOf, policy, startMs } from '../activities/facts/fact-world.ts';
import { camera, publishSeeingType, storeClip } from '../console/clip-episodes.ts';
import { storeEpisodes } from '../console/lake-episodes.ts';
import { toolForTest } from '../support/tool.ts';
import { openBrowser, type OpenBrowser } from './chromium.ts';
import { fillStore, idleLoop, listeningConsole, type ListeningConsole } from './filled-world.ts';
import { bandedJpegClip, bands, coded } from './banded-clips.ts';
import { settled, signIn, violationsOf } from './pages.ts';

const frames = 60;
const episodeId = episodeIdOf(2);
const cameras = ['jpeg', 'coded', 'modern', 'late', 'refused', 'torn'] as const;

/** Its table is sound, its images are not. */
async function tornClip(): Promise<Uint8Array> {
  const clip = await bandedJpegClip(4);
  const imagesAt = Buffer.from(clip).indexOf('mdat', 0, 'latin1') + 4;
  return clip.map((byte, at) => (at < imagesAt ? byte : 0));
}

/** The clips of an episode beside its frames, in step with the slider. */
describe('clips of cameras in a real browser', function () {
  this.timeout(300_000);
  let browser: OpenBrowser;
  let console: ListeningConsole;
  let page: Page;

  before(async function () {
    const ffmpeg = await toolForTest(this, 'ffmpeg');
    const jpeg = await bandedJpegClip(frames);
    const clips = {
      jpeg,
      coded: await coded(ffmpeg, jpeg, 'h264'),
      modern: await coded(ffmpeg, jpeg, 'av1'),
      late: await bandedJpegClip(frames - 10),
      refused: await bandedJpegClip(3),
      torn: await tornClip(),
    };
    console = await listeningConsole(
      async (world) => {
        await fillStore(world);
        const shape = await publishSeeingType(world, [...cameras.map((name) => camera(name)), camera('cabin', false)]);
        const named = await Promise.all(
          cameras.map(async (name) => {
            const verdict = name === 'refused' ? ('refused' as const) : ('accepted' as const);
            const violations = [{ rule: 'media.black', value: '3.1', expected: 'at least 8' }];
            const of = { robotId: 'r0', episodeId, camera: name, bytes: clips[name] };
            const isJudged = name !== 'torn';
            const sha256 = await storeClip(world, isJudged ? { ...of, verdict, violations } : of);
            return { camera: name, sha256, startedMs: name === 'late' ? 1_000 : 0 };
          }),
        );
        const common = { ...shape, robotId: 'r0', outcome: 'failure', frames };
        await storeEpisodes(world, [{ ...common, episodeId, startedMs: startMs + 60_000, clips: named }]);
      },
      { loop: idleLoop },
    );
    browser = await openBrowser();
    page = await browser.context.newPage();
    await signIn(page, console.url, await console.world.add('olga', 'operator'));
    await page.goto(
      `${console.url}/#/labels?policy=${policy}&from=2026-06-01&to=2026-06-04&id=${episodeId}&day=2026-06-01`,
    );
    await page.locator('.replay').waitFor({ timeout: 30_000 });
    await settled(page);
  });
  after(async () => {
    await browser?.close();
    await console?.close();
  });

  const figure = (name: string) => page.locator('.clips figure', { hasText: `Camera ${name}` });
  const canvas = (name: string) => page.locator(`.clips canvas[aria-label^="Camera ${name}:"]`);
  /** Waits until a camera says that it shows an image, and reads which one it is from the pixels. */
  async function assertShows(name: string, index: number): Promise<void> {
    await page.locator(`.clips canvas[aria-label^="Camera ${name}:"][data-image="${index}"]`).waitFor();
    const seen = await canvas(name).evaluate((element, count) => {
      const { width, height } = element as HTMLCanvasElement;
      const context = (element as HTMLCanvasElement).getContext('2d');
      return Array.from({ length: count }, (_, band) => {
        const [red = 0] = context?.getImageData(((band + 0.5) * width) / count, height / 2, 1, 1).data ?? [];
        return red > 127 ? 2 ** band : 0;
      }).reduce((sum, bit) => sum + bit, 0);
    }, bands);
    assert.equal(seen, index, name);
  }

  it('follow the slider by its keys, frame by frame, there and back, whichever way they are coded', async () => {
    const slider = page.locator('.replay input[type=range]');
    await slider.focus();
    for (const name of ['jpeg', 'coded', 'modern']) await assertShows(name, 0);
    for (let step = 0; step < 23; step += 1) await page.keyboard.press('ArrowRight');
    for (const name of ['jpeg', 'coded', 'modern']) await assertShows(name, 23);
    await page.keyboard.press('End');
    for (const name of ['jpeg', 'coded', 'modern']) await assertShows(name, frames - 1);
    for (let step = 0; step < 21; step += 1) await page.keyboard.press('ArrowLeft');
    for (const name of ['jpeg', 'coded', 'modern']) await assertShows(name, frames - 22);
    assert.match((await canvas('coded').getAttribute('aria-label')) ?? '', /image 39 of 60, 0 s before this frame/);
  });

  it('show the image that was there at a frame by the clip’s own times, and none before its first', async () => {
    await page.locator('.replay input[type=range]').focus();
    await page.keyboard.press('Home');
    await page.locator('.clips canvas[aria-label*="no image yet"]').waitFor();
    assert.match((await canvas('late').getAttribute('aria-label')) ?? '', /no image yet; the first comes 1 s later/);
    for (let step = 0; step < 12; step += 1) await page.keyboard.press('ArrowRight');
    await assertShows('late', 2);
    await page.keyboard.press('Home');
    await page.keyboard.press(' ');
    await page.locator(`.clips canvas[aria-label^="Camera jpeg:"][data-image="${frames - 1}"]`).waitFor();
    await assertShows('late', frames - 11);
  });

  it('that cannot be shown say why in a sentence, and no player stands there', async () => {
    assert.match(
      (await figure('refused').textContent()) ?? '',
      /refused and is in quarantine \(media\.black: 3\.1, expected at least 8\)/,
    );
    assert.match((await figure('cabin').textContent()) ?? '', /may not leave the robot/);
    await figure('torn').getByText('The clip cannot be shown').waitFor();
    assert.match((await figure('torn').textContent()) ?? '', /cannot be decoded/);
    assert.equal(await page.locator('.clips canvas').count(), 4);
    assert.deepEqual(await violationsOf(page), []);
  });

  it('are asked of the console alone, with the token in the header, and a console that is away is said', async () => {
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await page.route('**/clips/**', (route) => route.abort('connectionrefused'));
    await page.reload();
    await page.locator('.replay').waitFor({ timeout: 30_000 });
    await page.getByText('Camera jpeg: loading').waitFor();
    await page.unroute('**/clips/**');
    await assertShows('jpeg', 0);
    assert.ok(asked.every((url) => url.startsWith(console.url)));
    assert.ok(asked.some((url) => /clips\/jpeg\?robot=r0/.test(url)));
    assert.ok(asked.every((url) => !url.includes('fo.olga')));
  });
});
