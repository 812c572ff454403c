import assert from 'node:assert/strict';

import { h, render } from 'preact';

import type { Reading } from '../../dashboard/reading.ts';
import { useReading, type Session } from '../../dashboard/use-reading.ts';
import { smallPlace } from './small-dom.ts';

describe('what a page showed', () => {
  const { fetch } = globalThis;
  let asked = 0;
  let status = 200;
  before(() => {
    globalThis.fetch = async () => Response.json({ asked: (asked += 1) }, { status });
  });
  after(() => {
    globalThis.fetch = fetch;
  });
  const sessionOf = (): Session => ({
    token: 'token',
    onRefused: () => undefined,
    onTopic: () => () => undefined,
    tell: () => undefined,
  });

  /** The readings that a page drew with, from when it was opened until it was read, or closed after a while. */
  async function visit(session: Session, isKept: boolean): Promise<readonly Reading<{ readonly asked: number }>[]> {
    const drawn: Reading<{ readonly asked: number }>[] = [];
    const Page = (): null => {
      drawn.push(useReading<{ readonly asked: number }>(session, '/api/v1/trial', 'wall', 'fleet', { isKept }));
      return null;
    };
    const { place } = smallPlace();
    render(h(Page, null), place);
    const before = asked;
    const isRead = (): boolean => asked > before && drawn.length > 1;
    for (let waited = 0; waited < 100; waited += 1) {
      if (isRead()) break;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    render(null, place);
    return drawn;
  }

  it('is there when its viewer comes back, until it is read again, and only where it is kept', async () => {
    const session = sessionOf();
    assert.equal((await visit(session, true))[0]?.data, null);
    const again = await visit(session, true);
    assert.deepEqual([again[0]?.data?.asked, again.at(-1)?.data?.asked], [1, 2]);
    // Nothing is acted on by what was so when its viewer left.
    assert.deepEqual([again[0]?.isFromBefore, again.at(-1)?.isFromBefore], [true, undefined]);
    assert.equal((await visit(session, false))[0]?.data, null);
    // Who signs in after that is another viewer.
    assert.equal((await visit(sessionOf(), true))[0]?.data, null);
  });

  it('is gone when it is not the viewer’s any more', async () => {
    const session = sessionOf();
    await visit(session, true);
    status = 403;
    const body = { error: { type: 'forbidden', message: 'not for you' } };
    globalThis.fetch = async () => Response.json({ asked: (asked += 1), ...body }, { status });
    assert.equal((await visit(session, true)).at(-1)?.problem?.kind, 'refused');
    assert.equal((await visit(session, true))[0]?.data, null);
  });
});
