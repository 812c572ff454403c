import assert from 'node:assert/strict';

import type { CollectionSummary } from '../../../activities/collection/summary.ts';
import { jsonBytes } from '../../../store/json-objects.ts';
import { createPolicyDocument } from '../../../activities/registry/policy-document.ts';
import { writeReport } from '../../../activities/report/write-report.ts';
import { CollectionWorld, oneRobot } from '../collection/collection-fixture.ts';
import { policy } from '../trials/trial-world.ts';
import { keysOf, openMonitorWorld, type MonitorWorld } from './monitor-world.ts';

const noCounts = {
  segmentsRefused: 0,
  episodesStored: 0,
  episodesAlreadyStored: 0,
  episodesRefused: 0,
  framesStored: 0,
  failuresStored: 0,
};
const noTotals = { ...noCounts, sizeBytes: 0, segmentsOfOtherTypes: 0, segmentsGone: 0, waiting: [] };

/** A collection with so many episodes stored and refused of each robot. */
function summaryOf(
  cycleId: string,
  verdict: CollectionSummary['verdict'],
  robots: Readonly<Record<string, readonly [stored: number, refused: number]>>,
): CollectionSummary {
  const entries = Object.entries(robots);
  return {
    cycleId,
    robotType: 'scitos-g5@1',
    verdict,
    reason: verdict === 'badData' ? '34.0 % of 100 episodes were refused (limit 20.0 %)' : 'as it should be',
    startedFrom: { episodes: 0, frames: 0 },
    datasetVersion: { episodes: 1, frames: 1 },
    ...noTotals,
    segments: entries.length,
    refusedEpisodesFraction: 0,
    refusedSegmentsFraction: 0,
    maxRefusedFraction: 0.2,
    rules: [],
    robots: entries.map(([robotId, [episodesStored, episodesRefused]]) => ({
      robotId,
      ...noCounts,
      segments: 1,
      episodesStored,
      episodesRefused,
    })),
    robotsLeftOut: entries.filter(([, [stored, refused]]) => stored === 0 && refused > 0).map(([robotId]) => robotId),
    losses: null,
    clips: null,
  };
}

describe('observeFleet, of the data that cycles collected', function () {
  this.timeout(60_000);
  let world: MonitorWorld;
  let cycles: number;

  beforeEach(async () => {
    world = await openMonitorWorld(6);
    cycles = 0;
  });
  afterEach(() => world.close());

  const report = (summaryKey: string | undefined, of = policy) => {
    cycles += 1;
    return writeReport({ store: world.store, clock: () => world.nowMs, codeBuild: 'test' })({
      cycleId: `${of}-${String(cycles).padStart(3, '0')}`,
      policy: of,
      cause: 'weekly schedule',
      ...(summaryKey === undefined ? {} : { collection: { summaryKey } }),
    });
  };

  /** A cycle of the policy ends after its collection. */
  async function ended(
    verdict: CollectionSummary['verdict'],
    robots: Parameters<typeof summaryOf>[2],
    of = policy,
  ): Promise<void> {
    const summaryKey = `collections/c${cycles}/summary.json`;
    await world.store.put(summaryKey, jsonBytes(summaryOf(`c${cycles}`, verdict, robots)));
    await report(summaryKey, of);
  }

  const open = async () => (await world.look()).incidents.map(({ cause, subject }) => `${cause} ${subject}`).toSorted();
  /** The log without the times in its ids. */
  const log = async () => (await world.log()).map((line) => line.replace(/\.\d+$/, ''));

  it('opens an incident at once for a cycle that ended as bad data, and names the reason', async () => {
    await ended('badData', { 'robot-000': [66, 34] });
    const { incidents, changes } = await world.look();
    assert.equal(changes.opened, 1);
    assert.deepEqual(
      incidents.map(({ cause, subject, reason }) => [cause, subject, reason]),
      [['badData', 'fleet', '34.0 % of 100 episodes were refused (limit 20.0 %): cycle wall-001']],
    );
  });

  it('opens one for a robot of which everything was refused, and leaves the others in peace', async () => {
    await ended('ok', { 'robot-000': [0, 9], 'robot-001': [8, 1] });
    assert.deepEqual(await open(), ['leftOut robot-000']);
  });

  it('closes both when a later collection is good for them, and opens neither twice before', async () => {
    await ended('badData', { 'robot-000': [0, 9], 'robot-001': [6, 4] });
    const opened = ['badData fleet', 'leftOut robot-000'];
    for (let look = 0; look < 8; look += 1) assert.deepEqual(await open(), opened);
    await ended('badData', { 'robot-000': [0, 5], 'robot-001': [6, 4] });
    assert.deepEqual(await open(), opened);
    await report(undefined);
    await ended('nothingNew', {});
    assert.deepEqual(await open(), opened);
    await ended('ok', { 'robot-001': [9, 0] });
    assert.deepEqual(await open(), ['leftOut robot-000']);
    await ended('ok', { 'robot-000': [9, 0] });
    assert.deepEqual(await open(), []);
    assert.deepEqual(await log(), [
      'opened badData.fleet',
      'opened leftOut.robot-000',
      'closed badData.fleet',
      'closed leftOut.robot-000',
    ]);
  });

  it('takes reports in their order when several came between two looks', async () => {
    await ended('badData', { 'robot-000': [0, 9] });
    await ended('ok', { 'robot-000': [9, 0] });
    assert.deepEqual(await open(), []);
    assert.deepEqual(await log(), []);
  });

  it('knows of the robots in what another policy’s cycle collected, not of its verdict', async () => {
    await ended('badData', { 'robot-000': [0, 9], 'crane-1': [0, 9] }, 'crane');
    assert.deepEqual(await open(), ['leftOut robot-000']);
    await ended('ok', { 'robot-000': [9, 0] }, 'crane');
    assert.deepEqual(await open(), []);
  });

  it('reads each report once, and of a long past only the newest', async () => {
    for (let cycle = 0; cycle < 130; cycle += 1) await ended('ok', { 'robot-000': [1, 0] });
    const read = () => world.reads.filter((key) => key.startsWith('reports/')).length;
    world.reads.length = 0;
    await world.look();
    assert.equal(read(), 100);
    await world.look();
    assert.equal(read(), 100);
    await ended('ok', { 'robot-000': [1, 0] });
    // Whoever writes one reads the one before.
    const written = read();
    await world.look();
    await world.look();
    assert.equal(read(), written + 1);
  });

  it('passes over reports without a collection, and those of an earlier build that do not name its summary', async () => {
    await report(undefined);
    const old = { cycleId: 'wall-0', policy, collection: { verdict: 'badData', robotsLeftOut: ['robot-000'] } };
    await world.store.put('reports/wall-0.json', jsonBytes(old));
    assert.deepEqual(await open(), []);
  });

  it('finds the robot whose sensor is dead in a real collection, until it is mended', async () => {
    const collection = await CollectionWorld.open(world.store);
    try {
      const robots = ['robot-000', 'robot-001'].map((robotId, index) => {
        const [first = [], second = []] = oneRobot(9 + index, 2).episodes;
        return { robotId, weeks: [first, second].map((rows) => rows.map((row) => ({ ...row, robot_id: robotId }))) };
      });
      for (const week of [0, 1]) {
        for (const { robotId, weeks } of robots) {
          const rows = weeks[week] ?? [];
          const dead = rows.map((row) => ({
            ...row,
            observation: Float32Array.from(row.observation, (value, sensor) => (sensor === 4 ? 1.25 : value)),
          }));
          await collection.land(robotId, week === 0 && robotId === 'robot-000' ? dead : rows);
        }
        const { result } = await collection.collect(`c${week}`);
        assert.deepEqual([result.verdict, result.robotsLeftOut], ['ok', week === 0 ? ['robot-000'] : []]);
        await report(result.summaryKey);
        assert.deepEqual(await open(), week === 0 ? ['leftOut robot-000'] : []);
      }
      assert.deepEqual(await log(), ['opened leftOut.robot-000', 'closed leftOut.robot-000']);
      assert.equal((await keysOf(world, 'quarantine/')).length > 0, true);
    } finally {
      await collection.close();
    }
  });

  it('says when a collection does not get on, and stops saying so', async () => {
    await createPolicyDocument(world.store, { policy, robotType: { id: 'scitos-g5', version: 1 } });
    const trouble = {
      robotType: 'scitos-g5@1',
      cycleId: 'c7',
      step: 'batch 2',
      attempts: 3,
      reason: 'no [key=landing/x]',
    };
    await world.store.put('collection-trouble/scitos-g5@1.json', jsonBytes(trouble));
    await world.look();
    assert.deepEqual(await open(), ['collectionStuck fleet']);
    await world.store.put('collection-trouble/scitos-g5@1.json', new TextEncoder().encode('{'));
    await world.look();
    assert.deepEqual(await open(), ['collectionStuck fleet']);
    await world.store.delete('collection-trouble/scitos-g5@1.json');
    await world.look();
    assert.deepEqual(await open(), []);
  });
});
