import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

import type { Page } from 'playwright-core';

import { policy } from '../activities/facts/fact-world.ts';

const axe = readFileSync(new URL(import.meta.resolve('axe-core/axe.min.js')), 'utf8');

interface Violation {
  readonly id: string;
  readonly help: string;
  readonly nodes: readonly { readonly target: unknown; readonly html: string; readonly failureSummary?: string }[];
}

/** What axe finds wrong with what is on the screen; every rule that it has by itself. */
export async function violationsOf(page: Page): Promise<readonly string[]> {
  // The page's own policy lets no script in that is not its own: this one comes by the debugger.
  await page.evaluate(`${axe}; undefined`);
  const { violations } = await page.evaluate<{ readonly violations: readonly Violation[] }>(
    'axe.run(document, { resultTypes: ["violations"] })',
  );
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.slice(0, 3).map(({ target, html }) => `${id}: ${help}: ${JSON.stringify(target)} ${html.slice(0, 160)}`),
  );
}

/** Signs a page in by the token, where the page keeps it. */
export async function signIn(page: Page, url: string, token: string): Promise<void> {
  await page.addInitScript(
    `if (location.origin === ${JSON.stringify(url)}) sessionStorage.setItem('flywheel.token', ${JSON.stringify(token)})`,
  );
}

export const hashOf = (name: string, query: Readonly<Record<string, string>> = {}): string =>
  `#/${name}?${new URLSearchParams({ policy, ...query }).toString()}`;

/** Opens a page anew, and waits until nothing on it is loading. */
export async function open(page: Page, url: string, hash: string): Promise<void> {
  await page.goto('about:blank');
  await page.goto(`${url}/${hash}`);
  await page.locator('main h1').waitFor();
}

export const settled = (page: Page): Promise<void> =>
  page.locator('.state-loading').first().waitFor({ state: 'detached', timeout: 60_000 });

/** Nothing but tables of figures, which scroll by themselves, is wider than the screen; rows of all others stand below each other. */
export async function assertNoSideways(page: Page, what: string): Promise<void> {
  const [wide, screen] = await page.evaluate<number[]>('[document.documentElement.scrollWidth, innerWidth]');
  assert.ok((wide ?? 0) <= (screen ?? 0), `${what}: ${wide} px wide on a screen of ${screen} px`);
  const sideways = await page.evaluate(() =>
    [...document.querySelectorAll('.scroll:has(> .is-cards)')]
      .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)
      .map((table) => `${table.getAttribute('aria-label')}`),
  );
  assert.deepEqual(sideways, [], `${what}: tables whose rows should stand below each other`);
}

/** Charts that no table says as well: each is in a section that has one. */
export const chartsWithoutTable = (page: Page): Promise<readonly string[]> =>
  page.evaluate(() =>
    [...document.querySelectorAll('.chart[role=img]')]
      .filter((chart) => chart.closest('section')?.querySelector('table') == null)
      .map((chart) => chart.getAttribute('aria-label') ?? 'a chart without a name'),
  );

/** What of a page cannot be read: labels of charts that are cut or cover each other, and tables wider than their place, whose last columns nobody sees. */
export const unreadableOn = (page: Page, areTablesWhole: boolean): Promise<readonly string[]> =>
  page.evaluate((whole) => {
    const found: string[] = [];
    for (const table of document.querySelectorAll('.scroll'))
      if (whole && table.scrollWidth > table.clientWidth)
        found.push(`${table.getAttribute('aria-label')}: ${table.scrollWidth} px in ${table.clientWidth} px`);
    for (const chart of document.querySelectorAll('.chart[role=img]')) {
      const name = chart.getAttribute('aria-label');
      const room = chart.getBoundingClientRect();
      const labels = [...chart.querySelectorAll('text, .axis span, .below span')]
        .filter(({ textContent }) => textContent !== '')
        .map((label) => ({ text: label.textContent, at: label.getBoundingClientRect() }));
      for (const [index, { text, at }] of labels.entries()) {
        // A line of text has more room than its letters.
        if (
          at.left < room.left - 1 ||
          at.right > room.right + 1 ||
          at.top < room.top - 1 ||
          at.bottom > room.bottom + 1
        )
          found.push(`${name}: “${text}” is cut`);
        for (const other of labels.slice(index + 1))
          if (
            at.left < other.at.right - 1 &&
            other.at.left < at.right - 1 &&
            at.top < other.at.bottom - 2 &&
            other.at.top < at.bottom - 2
          )
            found.push(`${name}: “${text}” covers “${other.text}”`);
      }
    }
    return found;
  }, areTablesWhole);
