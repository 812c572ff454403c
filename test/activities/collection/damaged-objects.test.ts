import assert from 'node:assert/strict';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { fileObjectStore } from '../../../store/adapters/file-object-store.ts';
import { quarantined } from '../../../activities/collection/quarantine.ts';
import { troubleKeyOf } from '../../../activities/collection/trouble.ts';
import { jsonBytes } from '../../../store/json-objects.ts';
import { planCollection } from '../../../activities/collection/plan-collection.ts';
import { CollectionWorld, nowMs, oneRobot } from './collection-fixture.ts';

const storeAt = (root: string) => fileObjectStore({ root, nowMs: () => nowMs });
const robotType = { id: 'scitos-g5', version: 1 };

/** What the key is one of: ids, digests, days and versions left out. */
const kindOf = (key: string): string =>
  key
    .replaceAll(/[0-9a-f]{64}/g, '*')
    .replaceAll(/part-[0-9a-f-]+/g, 'part')
    .replaceAll(/\d{4}-\d\d-\d\d/g, 'day')
    .replaceAll(/\d{6,}/g, '#')
    .replaceAll(/\bc[12]\b/g, 'c');

describe('one damaged object of each kind that a collection meets', function () {
  this.timeout(240_000);
  let directory: string;
  let whole: string;
  const keys: string[] = [];

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'flywheel-damaged-'));
    whole = join(directory, 'whole');
    const world = await CollectionWorld.open(storeAt(whole));
    const { robotId, episodes } = oneRobot(21, 4);
    const [first = [], second = [], third = [], fourth = []] = episodes;
    await world.land(robotId, first);
    await world.land(
      robotId,
      second.map((row) => ({ ...row, task: 'dance' })),
    );
    await world.collect('c1');
    // The second collection is planned; one of its segments is known already, one has a pause that a person accepted.
    await world.land(robotId, first, { agentVersion: 'again' });
    await world.land(robotId, third);
    const pause = fourth.map((row, at) => ({
      ...row,
      duration_ms: row.duration_ms + 9000,
      timestamp: row.timestamp + (at > 10 ? 9e6 : 0),
    }));
    const paused = await world.land(robotId, pause);
    const sha256 = paused.slice(-72, -8);
    const release = {
      rules: ['frames.gap'],
      quarantineKey: '',
      landingKey: paused,
      reason: 't',
      who: 't',
      releasedMs: 0,
    };
    const { store } = world.ports;
    await store.put(`releases/${sha256}.json`, jsonBytes({ sha256, ...release }));
    const trouble = { robotType: 'scitos-g5@1', cycleId: 'c2', step: 'planning', attempts: 3, reason: 'no reason' };
    await store.put(troubleKeyOf('scitos-g5@1'), jsonBytes(trouble));
    await planCollection(world.ports)({ cycleId: 'c2', robotType });
    const seen = new Set<string>();
    for (const key of await world.keys('')) {
      if (key.startsWith('landing/') || seen.has(kindOf(key))) continue;
      seen.add(kindOf(key));
      keys.push(key);
    }
    await world.close();
  });
  after(() => rm(directory, { recursive: true, force: true }));

  /** What became of the second collection with this object damaged. */
  async function collectWithout(key: string): Promise<{ stored?: number; error?: string }> {
    const root = join(directory, 'damaged');
    await rm(root, { recursive: true, force: true });
    await cp(whole, root, { recursive: true });
    await rm(join(root, key));
    await writeFile(join(root, key), '{"half": PAR1 broken');
    let world: CollectionWorld | undefined;
    try {
      world = await CollectionWorld.open(storeAt(root));
      return { stored: (await world.collect('c2')).result.episodesStored };
    } catch (error) {
      return { error: error instanceof Error ? error.message : String(error) };
    } finally {
      await world?.close();
    }
  }

  it('does not stop it, or is named by what stops it', async () => {
    const kinds = keys.map(kindOf);
    for (const prefix of ['collections/', 'config/', 'lake/episodes/', 'lake/frames/', 'quarantine/', 'releases/']) {
      assert.ok(
        kinds.some((kind) => kind.startsWith(prefix)),
        prefix,
      );
    }
    for (const key of keys) {
      const { stored, error } = await collectWithout(key);
      if (error === undefined) assert.equal(stored, 2, key);
      else assert.ok(error.includes(key), `${key}: ${error}`);
    }
  });

  it('of quarantine hides no other', async () => {
    const root = join(directory, 'quarantined');
    await cp(whole, root, { recursive: true });
    const store = storeAt(root);
    await store.put(`quarantine/c0/${'a'.repeat(64)}.json`, new TextEncoder().encode('{"half":'));
    const found: string[] = [];
    const damaged: string[] = [];
    for await (const record of quarantined(store, undefined, (key) => damaged.push(key))) found.push(record.cycleId);
    assert.deepEqual(found, ['c1']);
    assert.deepEqual(damaged, [`quarantine/c0/${'a'.repeat(64)}.json`]);
  });
});
