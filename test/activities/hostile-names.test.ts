import assert from 'node:assert/strict';

import { memoryObjectStore } from '../../store/adapters/memory-object-store.ts';
import { CellStore } from '../../activities/trials/cell-store.ts';
import { readHistory } from '../../activities/trials/telemetry-history.ts';
import { takeTelemetry } from '../../activities/monitor/take-telemetry.ts';
import type { MonitorState } from '../../activities/monitor/monitor-state.ts';
import type { TelemetryBatch, TelemetryLog } from '../../fleet/desk/index.ts';
import { dictionary } from '../../domain/dictionary.ts';
import {
  afterCollection,
  defaultMonitorLimits,
  judgeFailures,
  noDataTrouble,
  type FleetMemory,
} from '../../domain/monitoring/index.ts';
import { judgeTasks } from '../../domain/experiment/index.ts';
import { addReport, blocksOf, fleetClock, fleetProfiles, unpackCells, type Cells } from '../../domain/trial/index.ts';

const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', 'follow'];
const hourMs = 3_600_000;
const startMs = Date.UTC(2026, 5, 1);

/** Every name is a robot, a boot, a task and a reason. */
const batch = (name: string, nowMs: number): TelemetryBatch => ({
  robotId: name,
  bootId: name,
  receivedMs: nowMs,
  clockSkewMs: 0,
  entries: Array.from({ length: 200 }, (_, seq) => ({
    kind: 'episode',
    seq,
    atMs: nowMs - (seq % 4) * hourMs,
    policyVersion: '1.0.0',
    trialId: null,
    episodeId: `episode-${seq}`,
    durationMs: 1_000,
    task: names[seq % names.length] ?? '',
    outcome: seq % 2 === 0 ? 'success' : 'failure',
    failureReason: names[seq % names.length] ?? '',
    intervened: false,
    correctedFrames: 0,
    latencyP50Ms: 3,
  })),
});

const logOf = (batches: readonly TelemetryBatch[]): TelemetryLog => ({
  async *keys() {
    yield 'telemetry/wall/2026-06-01/00/object';
  },
  read: async () => batches,
});

describe('names that every object has', () => {
  const before = Object.getOwnPropertyNames(Object.prototype).join();
  afterEach(() => assert.equal(Object.getOwnPropertyNames(Object.prototype).join(), before));

  it('are tasks and robots like any other in the cells of a trial, and in the nets of single tasks', async () => {
    const told = (): Cells => {
      const cells: Cells = dictionary();
      for (const robotId of names)
        for (const task of names)
          for (const isSuccess of [true, false])
            addReport(
              cells,
              { robotId, version: '1.0.0', block: 0 },
              { kind: 'episode', task, isSuccess, intervened: false, latencyMs: 2 },
            );
      return cells;
    };
    const store = memoryObjectStore();
    const key = await new CellStore(store).putPart('t', told());
    const read = await new CellStore(store).part(key);
    assert.deepEqual(unpackCells(read), told());
    for (const robotId of names) {
      const cell = read[robotId]?.['1.0.0']?.[0];
      assert.equal(cell?.episodes, 2 * names.length);
      assert.deepEqual(
        cell.perTask
          ?.entries()
          .map(([task]) => task)
          .toSorted(),
        names.toSorted(),
      );
    }
    const robots = names.map((robotId, index) => ({
      robotId,
      arm: index % 2 === 0 ? ('candidate' as const) : ('control' as const),
      baseline: { successes: 80, episodes: 100, days: 7 },
      blocks: (read[robotId]?.['1.0.0'] ?? []).flatMap((cell) => blocksOf(cell)),
    }));
    const parameters = { mu: 0.5, phi: 1, dayVariance: 1e-5, betweenRobotVariance: 1e-4, preDays: 7 };
    const { perTask } = judgeTasks({ parameters, robots, mode: 'guard', daysTreated: 1 });
    assert.deepEqual(
      perTask.map(({ task, episodes }) => [task, episodes.candidate]),
      names.toSorted().map((task) => [task, 6]),
    );
  });

  it('are reasons like any other in what the monitor remembers: the shares stay numbers', async () => {
    const state = {
      scanFromMs: startMs,
      consumed: dictionary(),
      lives: dictionary(),
      memory: dictionary(),
      book: dictionary(),
      lifeOverlaps: [],
      losses: dictionary(),
      champions: { champion: '1.0.0' },
      correctedFrames: [],
    } as unknown as MonitorState;
    const clock = fleetClock(fleetProfiles.real);
    const nowMs = startMs + 100 * hourMs;
    const batches = [30, 5].flatMap((hours) => names.map((name) => batch(name, nowMs - hours * hourMs)));
    for (const [index, one] of batches.entries())
      await takeTelemetry(
        logOf([{ ...one, bootId: `boot-${index}` }]),
        'wall',
        { ...state, consumed: {} },
        { nowMs, clock },
        () => undefined,
      );
    await takeTelemetry(logOf(batches), 'wall', state, { nowMs, clock }, () => undefined);
    const memory = JSON.parse(JSON.stringify(state.memory)) as FleetMemory;
    for (const one of [state.memory, memory]) {
      const { failureFraction, isKnown } = judgeFailures(
        one,
        Math.floor(clock.fleetMs(nowMs) / hourMs),
        defaultMonitorLimits,
      );
      assert.equal(isKnown, true);
      for (const share of Object.values(failureFraction)) assert.equal(share, 0.5);
    }
  });

  it('are robots, versions and tasks like any other in the hourly sums', async () => {
    const store = memoryObjectStore();
    const of = {
      policy: 'wall',
      startMs,
      endMs: startMs + hourMs,
      times: fleetProfiles.real,
      nowMs: startMs + 3 * hourMs,
    };
    const telemetry = logOf(names.map((name) => batch(name, startMs + 1_000)));
    const first = await readHistory({ store, telemetry }, of);
    const kept = await readHistory({ store, telemetry: logOf([]) }, of);
    assert.deepEqual(kept, first);
    assert.deepEqual(first.tasks.toSorted(), names.toSorted());
    assert.deepEqual(first.history.map(({ robotId }) => robotId).toSorted(), names.toSorted());
  });

  it('are robots like any other in what a collection leaves standing', () => {
    const robots = names.map((robotId) => ({
      robotId,
      acceptedEpisodes: 0,
      refusedEpisodes: 3,
      refusedSegments: 0,
      isLeftOut: true,
    }));
    const news = { cycleId: 'c', isOwn: true, verdict: 'ok', reason: '', robots } as const;
    const { leftOut } = afterCollection(noDataTrouble, news, () => true);
    assert.deepEqual(Object.keys(leftOut).toSorted(), names.toSorted());
  });
});
