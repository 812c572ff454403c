import { constants } from 'node:fs';
import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { chromium, type BrowserContext } from 'playwright-core';

const names = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];
const folders = ['/usr/bin', '/usr/local/bin', '/snap/bin', '/opt/google/chrome'];

/** A Chromium of this machine: the one that `FLYWHEEL_CHROMIUM` names, or the first one where systems put them. */
export async function findChromium(environment: NodeJS.ProcessEnv = process.env): Promise<string> {
  const named = environment['FLYWHEEL_CHROMIUM'];
  const places =
    named === undefined ? folders.flatMap((folder) => names.map((name) => path.join(folder, name))) : [named];
  for (const place of places)
    try {
      await access(place, constants.X_OK);
      return place;
    } catch {
      // Perhaps the next one.
    }
  throw new Error(
    named === undefined
      ? `expected Chromium for the browser tests, found none of ${names.join(', ')} in ${folders.join(', ')}: install it (Debian: apt-get install chromium), or set FLYWHEEL_CHROMIUM to its program`
      : `FLYWHEEL_CHROMIUM: expected a program, got ${named}, which is none: correct it, or install Chromium (Debian: apt-get install chromium)`,
  );
}

/** Nothing but the page asks anybody for anything; root has no sandbox. */
const flags = [
  ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export interface OpenBrowser {
  readonly context: BrowserContext;
  close(): Promise<void>;
}

/** A browser with a folder of its own, which goes with it. */
export async function openBrowser(
  viewport: { readonly width: number; readonly height: number } = { width: 1280, height: 900 },
): Promise<OpenBrowser> {
  const executablePath = await findChromium();
  const directory = await mkdtemp(path.join(tmpdir(), 'flywheel-chromium-'));
  const context = await chromium.launchPersistentContext(directory, {
    executablePath,
    headless: true,
    args: flags,
    viewport,
    locale: 'en-GB',
    timezoneId: 'Europe/Berlin',
  });
  return {
    context,
    async close() {
      await context.close();
      await rm(directory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
