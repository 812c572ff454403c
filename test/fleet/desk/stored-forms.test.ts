import assert from 'node:assert/strict';

import { publishRoots } from '../../../fleet/desk/index.ts';
import { fleetKeys } from '../../../fleet/desk/keys.ts';
import { presenceSchema, readPresences, writePresence, type SeenRobot } from '../../../fleet/desk/presence.ts';
import { jsonBytes, readJson } from '../../../store/json-objects.ts';
import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import { isFailure } from '../../../store/failures.ts';
import { envelopeSchema, type Envelope } from '../../../domain/trust/signed.ts';

const seen: SeenRobot = {
  robotId: 'r1',
  lastSeenMs: 1_000,
  saidMs: null,
  installedVersion: null,
  assignmentSeq: 0,
  deliveredSeq: -1,
  isBusy: null,
  droppedEpisodes: 0,
};
const presence = { gatewayId: 'g1', sinceMs: 0, atMs: 2_000, robots: [seen] };

describe('what a gateway sees, as it is stored', () => {
  it('says -1 for the champion of the registry, and no number below it', () => {
    assert.deepEqual(presenceSchema.parse(presence), presence);
    for (const field of ['deliveredSeq', 'assignmentSeq', 'droppedEpisodes'] as const) {
      const least = field === 'deliveredSeq' ? -1 : 0;
      const of = (value: number): unknown => ({ ...presence, robots: [{ ...seen, [field]: value }] });
      assert.ok(presenceSchema.safeParse(of(least)).success, field);
      assert.ok(!presenceSchema.safeParse(of(least - 1)).success, field);
      assert.ok(!presenceSchema.safeParse(of(0.5)).success, field);
    }
  });

  it('is passed over where it is damaged, and said', async () => {
    const store = memoryObjectStore();
    await writePresence(store, 'walls', presence);
    await store.put(
      fleetKeys.presence('walls', 'g2'),
      jsonBytes({ ...presence, robots: [{ ...seen, deliveredSeq: -2 }] }),
    );
    const damaged: string[] = [];
    const read = await readPresences(store, 'walls', ({ key }) => void damaged.push(key));
    assert.deepEqual([read, damaged], [[presence], [fleetKeys.presence('walls', 'g2')]]);
  });
});

describe('root documents for gateways', () => {
  const root = (version: number, word = 'ours'): { root: { version: number }; envelope: Envelope } => ({
    root: { version },
    envelope: {
      signed: { version, word },
      signatures: [{ keyId: 'a'.repeat(16), value: `${'A'.repeat(86)}==` }],
    },
  });

  it('are written once each, and stay; another one under a number is a conflict that changes nothing', async () => {
    const store = memoryObjectStore();
    await publishRoots(store, [root(1)]);
    await publishRoots(store, [root(1), root(2)]);
    const keys: string[] = [];
    for await (const { key } of store.list(`${fleetKeys.roots}/`)) keys.push(key);
    assert.equal(keys.length, 2);
    const read = await readJson(store, keys[1] ?? '', envelopeSchema);
    assert.deepEqual(read, root(2).envelope);
    await assert.rejects(publishRoots(store, [root(2, 'theirs'), root(3)]), (error) => isFailure(error, 'Conflict'));
    assert.deepEqual(await readJson(store, keys[1] ?? '', envelopeSchema), root(2).envelope);
  });
});
