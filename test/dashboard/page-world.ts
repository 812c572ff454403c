import assert from 'node:assert/strict';

import type { ComponentChild, VNode } from 'preact';
import { renderToString } from 'preact-render-to-string';

import { unread, type Problem, type Reading } from '../../dashboard/reading.ts';

export const nowMs = Date.UTC(2026, 10, 27, 7, 0);
export const hostile = '"><img src=x onerror=alert(1)><script>alert(2)</script>';
/** What a node is in a page, without what its tables have for narrow screens, which a test of its own looks at. */
export const html = (node: ComponentChild): string =>
  renderToString(node as VNode)
    .replaceAll(/ role="(?:table|rowgroup|row|columnheader|rowheader|cell)"/gu, '')
    .replaceAll(/ data-head="[^"]*"| class="(?:is-even )?is-cards"/gu, '');
export const got = <T>(data: T): Reading<T> => ({ data, readMs: nowMs, problem: null });
const failed = (problem: Problem): Reading<never> => ({ ...unread, problem });
const notNow: Problem = { kind: 'refused', type: 'storeUnavailable', message: 'the object store does not answer' };
const notMine: Problem = { kind: 'refused', type: 'forbidden', message: 'expected the role viewer' };
/** The states that a text of HTML shows. */
export const statesOf = (text: string): readonly string[] =>
  [...text.matchAll(/state-(\w+)/g)].map(([, name = '']) => name);

/** A page says differently why it shows nothing, shows nothing then, and says how old what it shows is. */
export function assertLooks<T>(data: T, page: (reading: Reading<T>) => ComponentChild, shown: RegExp): void {
  const nothing = {
    loading: unread,
    forbidden: failed(notMine),
    refused: failed(notNow),
    gone: failed({ kind: 'gone', message: 'Failed to fetch' }),
  };
  for (const [state, reading] of Object.entries(nothing)) {
    const text = html(page(reading));
    assert.deepEqual(statesOf(text), [state]);
    assert.doesNotMatch(text, shown, state);
    assert.doesNotMatch(text, /class="stale"/, state);
  }
  const stale = html(page({ data, readMs: nowMs - 600_000, problem: notNow }));
  assert.match(stale, /class="stale".*10 min old/s);
  assert.match(stale, shown);
  assert.match(html(page(got(data))), shown);
}

/** Whatever robots, files and people wrote stands there as text, everywhere it should: `times` or more. */
export function assertHarmless(text: string, times: number): void {
  assert.doesNotMatch(text, /<img|<script|="">/);
  assert.ok(text.split('&quot;>&lt;img').length > times, text);
  assert.doesNotMatch(text, /style="|javascript:|http:\/\//);
}
