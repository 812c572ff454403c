import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import { readIncidents } from '../../../activities/incidents/incident-log.ts';
import { readOpenIncidents } from '../../../activities/monitor/monitor-state.ts';
import type { ObjectStore } from '../../../store/object-store.ts';
import { readAliases, readAliasHistory } from '../../../store/records/aliases.ts';
import { laterEngine, laterLake } from '../../activities/retention/no-lake.ts';
import { sweepStore } from '../../../activities/retention/sweep-store.ts';
import { openFleetReader, readRobots, readTelemetry } from '../../../fleet/desk/index.ts';
import { randomStream, type RandomStream } from '../../../policies/random.ts';

export interface Attack {
  readonly seed: number;
  /** Times that an object of each kind is damaged. */
  readonly count: number;
  readonly report: (line: string) => void;
}

/** A store as an installation left it: every object of it. */
export type StoreContent = ReadonlyMap<string, Uint8Array>;

/** A reader that takes longer than this on one damaged object does not end. */
const limitMs = 30_000;
const policy = 'wall-follower';

/** Who reads what of a store, each for itself: one that fails must say which object it failed on. */
const readers: Readonly<Record<string, (store: ObjectStore) => Promise<unknown>>> = {
  aliases: (store) => readAliases({ store })({ policy }),
  'alias history': (store) => readAliasHistory({ store })({ policy }),
  robots: (store) => readRobots(store),
  fleet: (store) => openFleetReader({ store, clock: Date.now }).readFleet(policy),
  orders: (store) => openFleetReader({ store, clock: Date.now }).readOrders(policy),
  incidents: (store) => readIncidents(store, policy),
  'open incidents': (store) => readOpenIncidents(store, policy),
  async telemetry(store) {
    let count = 0;
    for await (const _ of readTelemetry(store, policy, 0, Date.now())) count += 1;
    return count;
  },
  sweep: (store) =>
    sweepStore({
      store,
      clock: Date.now,
      progress: () => undefined,
      scratchDirectory: '/nowhere',
      lake: laterLake,
      engine: laterEngine,
    })({
      policy,
      dayMs: 60_000,
      dryRun: true,
    }),
};

/**
 * Damages one object of each kind at a time, in every way that disks and hands do, and lets every reader read. Throws when a reader
 * does not end, fails without naming the damaged object, or leaves something behind on `Object.prototype`.
 */
export async function attack({ seed, count, report }: Attack, content: StoreContent): Promise<void> {
  const random = randomStream(seed, 'damaged objects');
  const kinds = new Map<string, string[]>();
  for (const key of content.keys()) kinds.set(kindOf(key), [...(kinds.get(kindOf(key)) ?? []), key]);
  const tally = { told: 0, passed: 0 };
  for (const [kind, keys] of kinds) {
    for (let round = 0; round < count; round += 1) {
      const key = keys[Math.floor(random() * keys.length)] ?? '';
      const damage = damages[Math.floor(random() * damages.length)] ?? damages[0];
      const bytes = damage?.do(content.get(key) ?? new Uint8Array(), random);
      const store = await storeOf(new Map([...content, [key, bytes ?? new Uint8Array()]]));
      for (const [name, read] of Object.entries(readers)) {
        const said = `${name} with ${key} ${damage?.name ?? ''} (seed ${seed}, ${kind} ${round})`;
        tally[await ends(said, key, () => read(store))] += 1;
        if (Object.keys(Object.prototype).length > 0) throw new Error(`expected no trace on Object.prototype: ${said}`);
      }
    }
    report(`${kind}: ${count} damages, ${keys.length} objects`);
  }
  report(`${tally.told} readings failed and named the object, ${tally.passed} went on`);
}

async function ends(said: string, key: string, work: () => Promise<unknown>): Promise<'told' | 'passed'> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`expected an end within ${limitMs} ms: ${said}`)), limitMs);
  });
  try {
    await Promise.race([work(), late]);
    return 'passed';
  } catch (error) {
    if (textOf(error).includes(key)) return 'told';
    throw new Error(`expected the name of the object in what was said, got "${textOf(error)}": ${said}`, {
      cause: error,
    });
  } finally {
    clearTimeout(timer);
  }
}

const textOf = (error: unknown): string =>
  error instanceof Error
    ? `${error.message}${error.cause === undefined ? '' : ` ${textOf(error.cause)}`}`
    : String(error);

/** `robots/*`, `fleet/<policy>/assignments/*`: the key without what differs from object to object. */
const kindOf = (key: string): string =>
  key.replaceAll(/[0-9a-f]{16,}|\d[\d.:T-]*|sim-\d+|[^/]*wall-follower-[^/]*/g, '*').replace(/[^/]*\*[^/]*$/, '*');

const damages: readonly {
  readonly name: string;
  readonly do: (bytes: Uint8Array, random: RandomStream) => Uint8Array;
}[] = [
  { name: 'empty', do: () => new Uint8Array() },
  { name: 'cut', do: (bytes, random) => bytes.slice(0, Math.floor(random() * bytes.length)) },
  {
    name: 'with a flipped bit',
    do(bytes, random) {
      const flipped = bytes.slice();
      const index = Math.floor(random() * flipped.length);
      flipped[index] = (flipped[index] ?? 0) ^ (1 << Math.floor(random() * 8));
      return flipped;
    },
  },
  { name: 'of zeros', do: (bytes) => new Uint8Array(bytes.length) },
  { name: 'twice', do: (bytes) => Buffer.concat([bytes, bytes]) },
  { name: 'null', do: () => new TextEncoder().encode('null') },
  { name: 'with a prototype', do: () => new TextEncoder().encode('{"__proto__":{"polluted":true},"constructor":1}') },
  { name: 'nested deeply', do: () => new TextEncoder().encode('['.repeat(20_000)) },
];

async function storeOf(content: StoreContent): Promise<ObjectStore> {
  const store = memoryObjectStore();
  for (const [key, bytes] of content) await store.put(key, bytes);
  return store;
}
