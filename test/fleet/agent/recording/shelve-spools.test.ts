import assert from 'node:assert/strict';

import type { SpoolContent } from '../../../../fleet/agent/recording/spooled-episodes.ts';
import { spoolShelver } from '../../../../fleet/agent/recording/shelve-spools.ts';

describe('finished spools', () => {
  it('are read once while their clips are not made, and again when the last one is', async () => {
    const reads: string[] = [];
    const pending = new Set(['a', 'c']);
    const sealed: string[] = [];
    const episodesOf = new Map([
      ['000000000000', ['a', 'b']],
      ['000000000001', ['c']],
    ]);
    const contentOf = (number: string): SpoolContent => ({
      episodes: (episodesOf.get(number) ?? []).map((episodeId) => ({
        begin: { episodeId },
        end: { endedAtUs: 0 },
      })) as never,
      open: undefined,
      entries: [],
      countedFiles: [],
      clips: new Map(),
      seal: undefined,
    });
    const shelve = spoolShelver({
      spooler: {
        finished: () => [...episodesOf.keys()].filter((number) => !sealed.includes(number)),
        content: async (number: string) => {
          reads.push(number);
          return contentOf(number);
        },
        seal: async (number: string) => {
          sealed.push(number);
          // Nothing is made of a spool without episodes.
          return { ...contentOf(number), episodes: [], seal: { kind: 'seal' } };
        },
        remove: async () => undefined,
      },
      images: { isPending: (episodeId: string) => pending.has(episodeId), clipsOf: () => [], shelf: {} },
      site: () => 'lab',
      skewMs: () => 0,
      datingOf: () => ({ kind: 'now' }),
      telemetry: { carry: async () => undefined },
      shelf: { add: () => undefined },
      at: () => undefined,
      log: () => undefined,
      segmentsDirectory: '.',
      robotType: {},
    } as unknown as Parameters<typeof spoolShelver>[0]);
    for (let times = 0; times < 5; times += 1) await shelve();
    assert.deepEqual(reads, ['000000000000', '000000000001']);
    pending.delete('c');
    for (let times = 0; times < 3; times += 1) await shelve();
    assert.deepEqual(sealed, ['000000000001']);
    assert.deepEqual(reads, ['000000000000', '000000000001', '000000000001']);
    pending.clear();
    await shelve();
    assert.deepEqual(sealed, ['000000000001', '000000000000']);
  });
});
