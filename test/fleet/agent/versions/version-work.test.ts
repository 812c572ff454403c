import assert from 'node:assert/strict';

import { createWork, type WorkPorts } from '../../../../fleet/agent/versions/version-work.ts';
import type { Slot } from '../../../../fleet/agent/versions/installation.ts';

const slot = (version: string): Slot => ({ version, sha256: version.charAt(0).repeat(64) }) as Slot;

/** Work that ends when it is told to, and says so. */
function world() {
  const log: string[] = [];
  const work = createWork({
    untilDone: (_name: string, _signal: AbortSignal, step: () => Promise<void>) => step().catch(() => undefined),
    onChange: () => log.push('change'),
  } as unknown as WorkPorts);
  const begin = (version: string, name: string): void =>
    work.begin(slot(version), name, (signal) => {
      log.push(`${name} ${version} begins`);
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          log.push(`${name} ${version} ends`);
          reject(new Error('ended'));
        });
      });
    });
  return { log, work, begin };
}

describe('work on versions', () => {
  it('is one piece at a time: another one ends it first, the same goes on', () => {
    const { log, begin } = world();
    begin('1.0.0', 'fetch');
    begin('1.0.0', 'fetch');
    assert.deepEqual(log, ['fetch 1.0.0 begins']);
    begin('1.0.0', 'load');
    begin('2.0.0', 'load');
    assert.deepEqual(log.slice(1), ['fetch 1.0.0 ends', 'load 1.0.0 begins', 'load 1.0.0 ends', 'load 2.0.0 begins']);
  });

  it('goes on for the version that is wanted, ends for any other, and is nobody’s news when it was overtaken', async () => {
    const { log, work, begin } = world();
    begin('1.0.0', 'fetch');
    work.keepOnlyFor(slot('1.0.0'));
    assert.deepEqual(log, ['fetch 1.0.0 begins']);
    work.keepOnlyFor(slot('2.0.0'));
    assert.deepEqual(log, ['fetch 1.0.0 begins', 'fetch 1.0.0 ends']);
    await work.ended();
    assert.ok(!log.includes('change'));
  });

  it('that is done is told', async () => {
    const { log, work } = world();
    work.begin(slot('1.0.0'), 'fetch', async () => undefined);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(log, ['change']);
  });
});
