import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';

import * as fc from 'fast-check';

import type { RobotLife } from '../../../domain/trial/index.ts';
import {
  consumedByHour,
  openHourMs,
  openTelemetryLog,
  TelemetryCursor,
  type TelemetryBatch,
} from '../../../fleet/desk/index.ts';
import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';

const policy = 'wall';
const [minuteMs, hourMs] = [60_000, 3_600_000];
const startMs = Date.UTC(2026, 10, 22, 6);
const never = (): never => assert.fail('nothing is damaged here');

const boots = ['01J00000000000000000000000', '01J00000000000000000000001'];
const batchOf = (robotId: string, bootId: string, receivedMs: number, seqs: readonly number[]) => ({
  robotId,
  bootId,
  receivedMs,
  clockSkewMs: 0,
  entries: seqs.map((seq) => ({
    kind: 'safetyEvent',
    seq,
    atMs: receivedMs,
    policyVersion: null,
    trialId: null,
    event: 'bump',
  })),
});
type Batch = ReturnType<typeof batchOf>;
const entryNames = ({ robotId, bootId }: Pick<TelemetryBatch, 'robotId' | 'bootId'>, seqs: readonly number[]) =>
  seqs.map((seq) => `${robotId} ${bootId} ${seq}`);

/** A reader that keeps its position as the monitor or the cells of a trial keep theirs, and begins anew from it each time. */
class Reader {
  readonly taken: string[] = [];
  #position = { scanFromMs: startMs, consumed: [] as readonly string[] };
  #lives: readonly (readonly [string, RobotLife])[] = [];
  readonly #isCutting: boolean;

  constructor(isCutting: boolean) {
    this.#isCutting = isCutting;
  }

  get position() {
    return this.#position;
  }

  /** `isLost`: it dies before what it took was kept, so it did not take it. */
  async look(
    log: ReturnType<typeof openTelemetryLog>,
    at: { readonly nowMs: number; readonly most: number; readonly isLost?: boolean },
  ): Promise<boolean> {
    const cursor = new TelemetryCursor(this.#position, structuredClone(this.#lives));
    const { keys, isBehind } = await cursor.next(log, policy, at.nowMs, at.most);
    const found: string[] = [];
    for (const key of keys)
      for (const batch of await log.read(key, never))
        found.push(
          ...entryNames(
            batch,
            cursor.take(batch).map(({ seq }) => seq),
          ),
        );
    cursor.advance(keys, at.nowMs, isBehind);
    if (at.isLost === true) return true;
    const { scanFromMs, consumed } = cursor.position;
    const cut = consumedByHour(consumed).flatMap(([hour, digests]) =>
      digests.map((digest) => `${hour.replace('T', '/')}/${digest}`),
    );
    this.#position = { scanFromMs, consumed: this.#isCutting ? cut : consumed };
    this.#lives = JSON.parse(JSON.stringify([...cursor.lives.entries()])) as readonly (readonly [string, RobotLife])[];
    this.taken.push(...found);
    return isBehind;
  }
}

const keyAt = (writtenMs: number, content: string): string => {
  const text = new Date(writtenMs).toISOString();
  const digest = createHash('sha256').update(content).digest('hex');
  return `telemetry/${policy}/${text.slice(0, 10)}/${text.slice(11, 13)}/${digest}`;
};
const linesOf = (batches: readonly Batch[]): string => batches.map((line) => `${JSON.stringify(line)}\n`).join('');

describe('the cursor through telemetry', () => {
  const batches = fc.record({
    robotId: fc.constantFrom('r1', 'r2'),
    bootId: fc.constantFrom(...boots),
    // A batch tells its entries in their order.
    seqs: fc
      .uniqueArray(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 6 })
      .map((seqs) => seqs.toSorted((a, b) => a - b)),
  });
  /** Minutes pass; then a gateway writes an object whose clock is off by up to 4 minutes, or somebody looks. */
  const steps = fc.oneof(
    fc.record({
      kind: fc.constant('write' as const),
      passMinutes: fc.integer({ min: 0, max: 6 }),
      offMinutes: fc.integer({ min: -4, max: 4 }),
      batches: fc.array(batches, { minLength: 1, maxLength: 3 }),
    }),
    fc.record({
      kind: fc.constant('look' as const),
      passMinutes: fc.oneof(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 90 })),
      most: fc.oneof(fc.constant(100), fc.integer({ min: 1, max: 4 })),
      isLost: fc.constantFrom(false, false, false, true),
    }),
  );

  for (const isCutting of [false, true])
    it(`takes each entry exactly once, in any order, sent again, late, by gateways whose clocks differ${isCutting ? ', kept with short digests' : ''}`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(steps, { minLength: 10, maxLength: 40 }), async (happened) => {
          const store = memoryObjectStore();
          const read = openTelemetryLog(store);
          const reader = new Reader(isCutting);
          const sent = new Set<string>();
          let nowMs = startMs + 50 * minuteMs;
          for (const step of happened) {
            nowMs += step.passMinutes * minuteMs;
            if (step.kind === 'look') await reader.look(read, { ...step, nowMs });
            else {
              const writtenMs = nowMs + step.offMinutes * minuteMs;
              const lines = step.batches.map((one) => batchOf(one.robotId, one.bootId, writtenMs, one.seqs));
              const text = linesOf(lines);
              await store.putIfAbsent(keyAt(writtenMs, text), new TextEncoder().encode(text));
              for (const one of step.batches) for (const name of entryNames(one, one.seqs)) sent.add(name);
            }
          }
          nowMs += hourMs;
          while (await reader.look(read, { nowMs, most: 3 }));
          assert.deepEqual(reader.taken.toSorted(), [...sent].toSorted());
          assert.equal(await reader.look(read, { nowMs, most: 1 }), false);
          assert.equal(reader.taken.length, sent.size);
        }),
        { numRuns: 150 },
      );
    });

  it('keeps no object of an hour that is over, and every hour open for five minutes after its end', async () => {
    assert.equal(openHourMs(startMs + hourMs + 5 * minuteMs - 1), startMs);
    assert.equal(openHourMs(startMs + hourMs + 5 * minuteMs), startMs + hourMs);
    const store = memoryObjectStore();
    const reader = new Reader(false);
    for (const minutes of [1, 30, 61]) {
      const text = linesOf([batchOf('r1', boots[0] ?? '', startMs + minutes * minuteMs, [minutes])]);
      await store.put(keyAt(startMs + minutes * minuteMs, text), new TextEncoder().encode(text));
    }
    await reader.look(openTelemetryLog(store), { nowMs: startMs + 62 * minuteMs, most: 10 });
    assert.deepEqual([reader.position.scanFromMs, reader.position.consumed.length], [startMs, 3]);
    await reader.look(openTelemetryLog(store), { nowMs: startMs + 65 * minuteMs, most: 10 });
    assert.deepEqual([reader.position.scanFromMs, reader.position.consumed.length], [startMs + hourMs, 1]);
  });

  it('leaves its place where it is while objects are left', async () => {
    const store = memoryObjectStore();
    const reader = new Reader(false);
    for (const seq of [0, 1, 2]) {
      const text = linesOf([batchOf('r1', boots[0] ?? '', startMs, [seq])]);
      await store.put(keyAt(startMs, text), new TextEncoder().encode(text));
    }
    assert.equal(await reader.look(openTelemetryLog(store), { nowMs: startMs + 9 * hourMs, most: 2 }), true);
    assert.equal(reader.position.scanFromMs, startMs);
    assert.equal(await reader.look(openTelemetryLog(store), { nowMs: startMs + 9 * hourMs, most: 2 }), false);
    assert.deepEqual([reader.position.scanFromMs, reader.position.consumed.length], [startMs + 8 * hourMs, 0]);
    assert.equal(reader.taken.length, 3);
  });
});
