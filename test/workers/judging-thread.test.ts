import assert from 'node:assert/strict';
import path from 'node:path';

import { judgingActivities } from '../../activities/judging.ts';
import type { CyclesPort } from '../../activities/ports/cycles.ts';
import { readConfirmations } from '../../activities/trials/read-confirmations.ts';
import { readTrialState } from '../../activities/trials/read-fleet-state.ts';
import { openFleet, openTelemetryLog } from '../../fleet/desk/index.ts';
import { failure, isFailure } from '../../store/failures.ts';
import { judgingThread, type JudgingThread, type JudgingThreadOptions } from '../../workers/judging/judging-thread.ts';
import { writeFlood } from '../support/flood.ts';
import { openTestFleet, policy, type TestFleet } from '../support/gateway.ts';

const lookAt = (nowMs: number) => ({
  policy,
  nowMs,
  dayMs: 86_400_000,
  limits: {},
  automaticRollback: false,
  rolledBack: null,
  drift: null,
  acknowledgements: [],
});
const nobody: Pick<CyclesPort, 'cycles' | 'sight'> = { cycles: async () => undefined, sight: async () => undefined };

describe('the thread that judges', function () {
  this.timeout(300_000);
  let fleet: TestFleet;
  let threads: JudgingThread[];
  let warnings: string[];

  beforeEach(async () => {
    fleet = await openTestFleet();
    await fleet.register(new TextEncoder().encode('model'));
    for (const robotId of ['r1', 'r2']) await fleet.addRobot(robotId);
    await fleet.assign(0);
    [threads, warnings] = [[], []];
  });
  afterEach(async () => {
    for (const thread of threads) await thread.close();
    await fleet.close();
  });

  function open(options: Partial<JudgingThreadOptions> = {}): JudgingThread {
    const { directory } = fleet;
    const thread = judgingThread({
      settings: {
        store: { kind: 'file', directory: path.join(directory, 'store') },
        keysDirectory: path.join(directory, 'keys'),
        scratchDirectory: path.join(directory, 'scratch'),
      },
      home: { fleet: { refreshOrders: async () => undefined }, loop: nobody },
      warn: (sentence) => warnings.push(sentence),
      ...options,
    });
    threads.push(thread);
    return thread;
  }

  const flood = (entries: number): Promise<void> =>
    writeFlood(fleet.store, policy, { robotId: 'r1', entries, receivedMs: Date.now() });

  it('looks as the process itself does, and asks it for what it has not', async () => {
    await flood(1_000);
    const nowMs = Date.now();
    const asked: unknown[] = [];
    const cycles = async (of: string) => {
      asked.push(of);
      return { running: 3, lastStartedMs: 7 };
    };
    const loop = { ...nobody, cycles };
    const fleetPort = openFleet({ store: fleet.store, clock: Date.now });
    const refreshOrders = async () => ({ kind: 'unsealed' as const, why: 'no key today' });
    const there = await open({ home: { fleet: { refreshOrders }, loop } }).activities.observeFleet(lookAt(nowMs));
    assert.deepEqual(asked, [policy]);
    const states: string[] = [];
    for await (const { key } of fleet.store.list('monitor/')) states.push(key);
    for (const key of states) await fleet.store.delete(key);
    const here = await judgingActivities({
      store: fleet.store,
      clock: Date.now,
      signer: fleet.sealing.signer,
      telemetry: openTelemetryLog(fleet.store),
      fleet: { ...fleetPort, refreshOrders },
      loop: { ...loop, turnHolder: never, startCycle: never, startRollback: never },
    }).observeFleet(lookAt(nowMs));
    assert.deepEqual(there, here);
  });

  it('fails with the failures of the catalogue, its own and those of the process', async () => {
    const { activities } = open({
      home: {
        loop: nobody,
        fleet: {
          async refreshOrders() {
            throw failure('StoreUnavailable', 'expected a disk', {
              cause: new Error('it melted'),
              retryAfterMs: 5_000,
            });
          },
        },
      },
    });
    await assert.rejects(activities.planTrial({ policy } as never), (error) => {
      assert.ok(isFailure(error, 'InvalidInput'));
      assert.equal(error.nonRetryable, true);
      return true;
    });
    await assert.rejects(activities.observeFleet(lookAt(Date.now())), (error) => {
      assert.ok(isFailure(error, 'StoreUnavailable'));
      assert.equal(error.nextRetryDelay, 5_000);
      assert.equal(error.cause?.message, 'it melted');
      return true;
    });
  });

  it('leaves the process free while it reads 60,000 entries of one robot: a rollback does not wait', async () => {
    await flood(60_000);
    const begun = Promise.withResolvers<void>();
    async function refreshOrders(): Promise<undefined> {
      begun.resolve();
      return undefined;
    }
    const { activities } = open({ home: { fleet: { refreshOrders }, loop: nobody } });
    const ports = { store: fleet.store, fleet: openFleet({ store: fleet.store, clock: Date.now }) };
    let isLooking = true;
    const look = activities.observeFleet(lookAt(Date.now())).finally(() => (isLooking = false));
    await begun.promise;
    // What a rollback asks again and again.
    for (let round = 0; round < 20; round += 1) {
      await readTrialState(ports)({ policy, trialId: 'trial-1' });
      assert.equal((await readConfirmations(ports)({ policy, seq: 0 })).seq, 0);
    }
    assert.equal(isLooking, true, 'expected twenty steps of a rollback to end before the look');
    const since = performance.eventLoopUtilization();
    await look;
    const { utilization } = performance.eventLoopUtilization(since);
    assert.ok(utilization < 0.5, `expected an idle process while the thread looks, got ${utilization}`);
  });

  it('dies alone when it is out of memory or stuck; the next call is answered', async () => {
    await flood(100_000);
    for (const [options, why] of [
      [{ heapMiB: 32 }, /memory/],
      [{ silenceLimitMs: 200 }, /one step for more than 0\.2 s/],
    ] as const) {
      const { activities } = open(options);
      await assert.rejects(activities.observeFleet(lookAt(Date.now())), (error) => {
        assert.ok(isFailure(error, 'JudgingFailed'), String(error));
        assert.equal(error.nonRetryable, false);
        assert.match(error.message, why);
        return true;
      });
      assert.match(warnings.at(-1) ?? '', why);
      await assert.rejects(
        untilAnswered(() => activities.judgeTick({} as never)),
        (error) => isFailure(error, 'InvalidInput'),
      );
    }
  });
});

/** As Temporal does: on a machine without time 0.2 s can pass in one step. */
async function untilAnswered<T>(ask: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1)
    try {
      return await ask();
    } catch (error) {
      if (!isFailure(error, 'JudgingFailed') || attempt >= 50) throw error;
    }
}

const never = (): never => assert.fail('expected a look to start nothing');
