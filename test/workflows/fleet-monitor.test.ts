import assert from 'node:assert/strict';

import type { WorkflowHandle } from '@temporalio/client';

import type { ObserveFleetInput, ObserveFleetResult } from '../../activities/monitor/observe-fleet.ts';
import type { MonitorStatus } from '../../workflows/monitor/messages.ts';
import { sharedTemporal } from '../support/temporal.ts';
import { failureOf, withWorker } from './harness.ts';
import { quietLook, silentRobot } from './monitor-stubs.ts';
import { until } from './scenario.ts';
import { stubs, type Stubs } from './stubs.ts';

/** A fleet hour in a millisecond, a look every 20. */
const quick = { dayMs: 24, tickMs: 20, drift: false };
const openLook = (changes: Partial<ObserveFleetResult> = {}) =>
  quietLook({ openIncidents: 1, incidents: [silentRobot], logEndSeq: 1, ...changes });

interface Watched extends Stubs {
  readonly handle: WorkflowHandle;
  readonly status: () => Promise<MonitorStatus>;
  readonly looks: () => ObserveFleetInput[];
}

/** Runs `work` while a monitor watches a fleet of its own, and ends it. */
async function watching(
  changes: Parameters<typeof stubs>[0],
  work: (watched: Watched) => Promise<void>,
  input: Record<string, unknown> = {},
): Promise<void> {
  const stubbed = stubs(changes);
  await withWorker(stubbed.activities, async ({ start, suffix }) => {
    const policy = `fleet-${suffix}`;
    const handle = await start('fleetMonitor', { ...quick, policy, ...input }, `monitor/${policy}`);
    // Follows the runs of the monitor, not the first one only.
    const { client } = await sharedTemporal();
    const latest = client.workflow.getHandle(handle.workflowId);
    try {
      await work({
        ...stubbed,
        handle: latest,
        status: () => latest.query<MonitorStatus>('status'),
        looks: () => inputsOf(stubbed, 'observeFleet') as ObserveFleetInput[],
      });
    } finally {
      await latest.terminate();
    }
  });
}

const inputsOf = ({ calls }: Stubs, name: string): unknown[] =>
  calls.filter((call) => call.name === name).map((call) => call.input);

describe('fleetMonitor', function () {
  this.timeout(60_000);

  it('looks again and again with what it remembers, and tells what it saw', async () => {
    await watching({}, async ({ status, looks }) => {
      await until(() => looks().length >= 3);
      const [first, second] = looks();
      assert.deepEqual([first?.dayMs, first?.rolledBack, first?.automaticRollback], [24, null, true]);
      assert.ok(second!.nowMs > first!.nowMs);
      const { look, limits, trouble } = await status();
      assert.deepEqual([look?.robots, limits.openAfterTicks, trouble], [30, 2, null]);
    });
  });

  it('tells of an incident once, from the record on that is new', async () => {
    let look = quietLook();
    await watching({ observeFleet: async () => look }, async (watched) => {
      await until(() => watched.looks().length >= 2);
      assert.deepEqual(inputsOf(watched, 'notifyIncidents'), []);
      look = openLook({ changes: { opened: 1, closed: 0, acknowledged: 0 } });
      await until(() => inputsOf(watched, 'notifyIncidents').length > 0);
      look = openLook();
      const before = watched.looks().length;
      await until(() => watched.looks().length >= before + 2);
      const told = inputsOf(watched, 'notifyIncidents') as { fromSeq: number }[];
      assert.deepEqual(
        told.map(({ fromSeq }) => fromSeq),
        [0],
      );
    });
  });

  it('does not tell again what an earlier monitor has told, but what its own first look opened', async () => {
    const look = openLook({ logEndSeq: 41 });
    await watching({ observeFleet: async () => look }, async (watched) => {
      await until(() => watched.looks().length >= 3);
      assert.deepEqual(inputsOf(watched, 'notifyIncidents'), []);
    });
    const opened = openLook({ logEndSeq: 41, changes: { opened: 1, closed: 0, acknowledged: 0 } });
    await watching({ observeFleet: async () => opened }, async (watched) => {
      await until(() => inputsOf(watched, 'notifyIncidents').length > 0);
      assert.deepEqual((inputsOf(watched, 'notifyIncidents')[0] as { fromSeq: number }).fromSeq, 40);
    });
  });

  it('goes on looking while nobody takes what it tells', async () => {
    const look = openLook({ changes: { opened: 1, closed: 0, acknowledged: 0 } });
    const busy = async () => Promise.reject(new Error('busy'));
    await watching({ observeFleet: async () => look, notifyIncidents: busy }, async ({ looks }) => {
      await until(() => looks().length >= 3);
    });
  });

  it('passes an acknowledgement on with a look at once, and refuses others in words', async () => {
    await watching(
      { observeFleet: async () => openLook() },
      async ({ handle, looks }) => {
        await until(() => looks().length >= 1);
        await new Promise((resolve) => setTimeout(resolve, 200));
        const acknowledge = (word: unknown) => handle.executeUpdate('acknowledge', { args: [word] });
        const refusals: readonly [unknown, RegExp][] = [
          [{ incidentId: silentRobot.incidentId }, /expected \{"reason": "why"\}/],
          [{ incidentId: 'robot-1', reason: 'why' }, /incidentId: expected an id like/],
          [
            { incidentId: 'silent.robot-9.5', reason: 'why', who: 'ada' },
            /no open incident silent\.robot-9\.5; open are silent\.robot-1\.1000/,
          ],
          [{ incidentId: silentRobot.incidentId, reason: 'why', who: 7 }, /who: expected the name of the person/],
          [{ incidentId: silentRobot.incidentId, reason: 'why' }, /who: expected the name of the person/],
        ];
        for (const [word, expected] of refusals) {
          const { type, message } = await failureOf(acknowledge(word));
          assert.equal(type, 'InvalidInput');
          assert.match(message, expected);
        }
        const startedMs = Date.now();
        const answer = await acknowledge({ incidentId: silentRobot.incidentId, reason: 'on my way', who: 'ada' });
        assert.equal(answer, 'silent.robot-1.1000 is acknowledged by ada');
        await until(() => looks().some(({ acknowledgements }) => acknowledgements.length > 0));
        assert.ok(Date.now() - startedMs < 20_000, 'did not wait for the next look');
        assert.deepEqual(looks().at(-1)?.acknowledgements, [
          { incidentId: silentRobot.incidentId, reason: 'on my way', who: 'ada' },
        ]);
      },
      { tickMs: 60_000 },
    );
  });

  it('takes new limits from the next look on, which comes at once, and refuses wrong ones in words', async () => {
    await watching(
      {},
      async ({ handle, looks, status }) => {
        await until(() => looks().length >= 1);
        const set = (limits: unknown) => handle.executeUpdate('setLimits', { args: [limits] });
        assert.match((await failureOf(set({ silent: 1 }))).message, /silent: expected one of silentAfterMs/);
        assert.match(
          (await failureOf(set({ closeAfterTicks: 0 }))).message,
          /closeAfterTicks: expected a whole number/,
        );
        assert.equal(
          await set({ closeAfterTicks: 9, silentAfterMs: 60_000 }),
          'closeAfterTicks, silentAfterMs changed; the others stay',
        );
        await until(() => looks().at(-1)?.limits?.['closeAfterTicks'] === 9);
        const { limits } = await status();
        assert.deepEqual([limits.closeAfterTicks, limits.silentAfterMs, limits.openAfterTicks], [9, 60_000, 2]);
      },
      { tickMs: 60_000 },
    );
  });

  it('starts a cycle with its cause once, not again within the distance', async () => {
    const look = quietLook({ trigger: { drift: null, errorRate: null, correctedFrames: 600_000, runningCycles: 0 } });
    await watching(
      { observeFleet: async () => look },
      async (watched) => {
        await until(() => watched.looks().length >= 3);
        const [started, ...more] = inputsOf(watched, 'triggerCycle') as { cause: string; request: unknown }[];
        assert.deepEqual(more, []);
        assert.match(started?.cause ?? '', /^corrections: 600000 corrected frames/);
        assert.deepEqual(started?.request, { training: { seed: 3 } });
        const { lastTrigger } = await watched.status();
        assert.match(lastTrigger?.workflowId ?? '', /^cycle\/fleet-.*-triggered$/);
      },
      { dayMs: 86_400_000, cycle: { training: { seed: 3 } } },
    );
  });

  it('starts none while one runs or when it is not to', async () => {
    const trigger = { drift: 'range_3', errorRate: null, correctedFrames: 0, runningCycles: 1 };
    await watching({ observeFleet: async () => quietLook({ trigger }) }, async (watched) => {
      await until(() => watched.looks().length >= 3);
      assert.deepEqual(inputsOf(watched, 'triggerCycle'), []);
    });
    await watching(
      { observeFleet: async () => quietLook({ trigger: { ...trigger, runningCycles: 0 } }) },
      async (watched) => {
        await until(() => watched.looks().length >= 3);
        assert.deepEqual(inputsOf(watched, 'triggerCycle'), []);
      },
      { triggers: false },
    );
  });

  it('takes a promotion back once, and learns nothing meanwhile', async () => {
    const rollback = { kind: 'start', reason: 'crash loops on 3 of 30 robots', promotion: 'trial-7' } as const;
    const trigger = { drift: 'range_3', errorRate: null, correctedFrames: 0, runningCycles: 0 };
    await watching({ observeFleet: async () => quietLook({ rollback, trigger }) }, async (watched) => {
      await until(() => watched.looks().length >= 3);
      assert.equal(inputsOf(watched, 'startRollback').length, 1);
      assert.deepEqual(inputsOf(watched, 'triggerCycle'), []);
      assert.equal(watched.looks().at(-1)?.rolledBack, 'trial-7');
    });
  });

  it('looks for drift in its own time and gives what it found to one look', async () => {
    await watching(
      {
        observeDrift: async () => ({
          isJudged: true,
          alarm: true,
          reason: 'range_3 PSI 0.4',
          robots: {
            reference: 5,
            current: 5,
          },
          driftKey: 'monitor/x/drift/1.json',
        }),
      },
      async (watched) => {
        await until(() => watched.looks().some(({ drift }) => drift !== null));
        const before = watched.looks().length;
        await until(() => watched.looks().length >= before + 2);
        const found = watched.looks().filter(({ drift }) => drift !== null);
        assert.deepEqual(
          found.map(({ drift }) => drift),
          [{ alarm: true, reason: 'range_3 PSI 0.4' }],
        );
        assert.equal((await watched.status()).drift, 'drifted: range_3 PSI 0.4');
      },
      { drift: true, dayMs: 86_400_000 },
    );
  });

  it('says why a look failed and looks again', async () => {
    let isBroken = true;
    const { ApplicationFailure } = await import('@temporalio/common');
    const observeFleet = async (): Promise<ObserveFleetResult> => {
      if (isBroken) throw ApplicationFailure.nonRetryable('expected a JSON document, got other bytes', 'CorruptData');
      return quietLook();
    };
    await watching({ observeFleet }, async ({ looks, status }) => {
      await until(() => looks().length >= 2);
      assert.match((await status()).trouble ?? '', /got other bytes/);
      isBroken = false;
      const before = looks().length;
      await until(() => looks().length >= before + 2);
      assert.equal((await status()).trouble, null);
    });
  });

  it('goes on as new with what it remembers, in a small state', async () => {
    const rollback = { kind: 'start', reason: 'crash loops', promotion: 'trial-7' } as const;
    await watching({ observeFleet: async () => quietLook({ rollback }) }, async (watched) => {
      const { handle, looks, status } = watched;
      await until(() => looks().length >= 1);
      await handle.executeUpdate('setLimits', { args: [{ closeAfterTicks: 9 }] });
      const { runId } = await handle.describe();
      let now = runId;
      while (now === runId) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        now = (await handle.describe()).runId;
      }
      const before = looks().length;
      await until(() => looks().length >= before + 2);
      assert.equal(inputsOf(watched, 'startRollback').length, 1);
      assert.equal(inputsOf(watched, 'refreshFleetBaseline').length > 0, true);
      const { limits, rolledBack, looks: count } = await status();
      assert.deepEqual([limits.closeAfterTicks, rolledBack], [9, 'trial-7']);
      assert.ok(count > 3);
      const { events = [] } = await handle.fetchHistory();
      const payloads = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
      const bytes = payloads.reduce((sum, { data }) => sum + (data?.length ?? 0), 0);
      assert.ok(payloads.length === 2 && bytes <= 8_192, `${bytes} bytes`);
    });
  });

  it('starts with {} from the UI, and refuses wrong input and other ids at once', async () => {
    await withWorker(stubs().activities, async ({ start, suffix }) => {
      const { client } = await sharedTemporal();
      const plain = await start('fleetMonitor', {}, 'monitor/wall-follower');
      await plain.query('status');
      assert.equal((await plain.describe()).status.name, 'RUNNING');
      await client.workflow.getHandle('monitor/wall-follower').terminate();
      const wrong: readonly [unknown, string, RegExp][] = [
        [{ limits: { silentAfterMs: 'soon' } }, `monitor/x-${suffix}`, /limits: silentAfterMs: expected a number/],
        [{ tick: 5 }, `monitor/x-${suffix}`, /tick/],
        [{ cycle: { training: { seed: -1 } } }, `monitor/x-${suffix}`, /cycle\.training\.seed/],
        ['look', `monitor/x-${suffix}`, /fleetMonitor: input/],
        [{ policy: 'wall' }, `monitor/other-${suffix}`, /expected workflow id "monitor\/wall"/],
      ];
      for (const [input, id, expected] of wrong) {
        const { type, message } = await failureOf((await start('fleetMonitor', input, id)).result());
        assert.equal(type, 'InvalidInput', JSON.stringify(input));
        assert.match(message, expected);
      }
    });
  });
});
