import assert from 'node:assert/strict';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { z } from 'zod';

import { duckDbEngine } from '../../activities/adapters/duckdb-engine.ts';
import { openFileKeys } from '../../activities/adapters/file-signer.ts';
import { collectionSummarySchema, type CollectionSummary } from '../../activities/collection/summary.ts';
import { concludeCollection } from '../../activities/collection/conclude-collection.ts';
import { ingestBatch } from '../../activities/collection/ingest-batch.ts';
import { planCollection } from '../../activities/collection/plan-collection.ts';
import { quarantined } from '../../activities/collection/quarantine.ts';
import { registeredStandings } from '../../activities/collection/waiting.ts';
import { readIncidents } from '../../activities/incidents/incident-log.ts';
import { openLake } from '../../activities/lake/lake.ts';
import { readExclusions } from '../../activities/mix/exclusions.ts';
import { readPolicyDocument } from '../../activities/registry/policy-document.ts';
import { readRobotPage } from '../../activities/robot-page.ts';
import { scitosG5Type } from '../../datasets/built-in-robot-types.ts';
import { openFleet, openFleetReader, readRobots, readTelemetry, releaseRobot } from '../../fleet/desk/index.ts';
import { quarantineOf } from '../../fleet/desk/robots.ts';
import { readWindowsOfSites } from '../../fleet/desk/windows.ts';
import { fileObjectStore } from '../../store/adapters/file-object-store.ts';
import { requireJson } from '../../store/json-objects.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { readAliases, readAliasHistory } from '../../store/records/aliases.ts';
import { readManifest } from '../../store/records/manifests.ts';
import { readRobotType } from '../../store/records/robot-types.ts';
import { writeGeneratedWeek } from '../support/generated-week/generator.ts';

const folder = fileURLToPath(new URL('../fixtures/stores/', import.meta.url));
const expectedSchema = z.strictObject({
  policy: z.string(),
  cycleId: z.string(),
  champion: z.string(),
  candidate: z.string(),
  version: z.strictObject({ episodes: z.int(), frames: z.int() }),
  episodes: z.int(),
  frames: z.int(),
  assignments: z.int(),
  outcome: z.string(),
  excluded: z.string(),
});

const receivedAt = new Date('2026-11-01T00:00:00Z');
const releases = readdirSync(folder).filter((name) => name.startsWith('v'));

describe('the stores of earlier versions', () => {
  it('are named where docs/upgrading.md says how a layout is frozen, and nothing is named there that is not frozen', () => {
    const text = readFileSync(fileURLToPath(new URL('../../docs/upgrading.md', import.meta.url)), 'utf8');
    const line = /^Frozen so far: (.*)$/m.exec(text)?.[1] ?? assert.fail('expected a line "Frozen so far: …"');
    const named = [...line.matchAll(/test\/fixtures\/stores\/(v[\d.]*\d)`/g)].map(([, name]) => name);
    assert.deepEqual(new Set(named), new Set(releases));
    assert.ok(releases.includes('v0.1'));
  });
});

for (const release of releases)
  describe(`a store that ${release} left behind`, function () {
    this.timeout(60_000);
    const expected = expectedSchema.parse(
      JSON.parse(readFileSync(path.join(folder, release, 'expected.json'), 'utf8')),
    );
    const { policy, version } = expected;
    let directory: string;
    let store: ObjectStore;

    before(() => {
      directory = mkdtempSync(path.join(tmpdir(), 'flywheel-old-'));
      cpSync(path.join(folder, release), directory, { recursive: true });
      // Git keeps no modes; keys are their owner's.
      for (const name of readdirSync(path.join(directory, 'keys')))
        if (name.endsWith('.pem')) chmodSync(path.join(directory, 'keys', name), 0o600);
      // Nor when a file was written: what waits was received before its robots were registered.
      const landing = path.join(directory, 'store', 'landing');
      for (const name of readdirSync(landing, { recursive: true, encoding: 'utf8' }))
        utimesSync(path.join(landing, name), receivedAt, receivedAt);
      store = fileObjectStore({ root: path.join(directory, 'store') });
    });
    after(() => rmSync(directory, { recursive: true, force: true }));

    const clock = (): number => Date.now();
    const scratchDirectory = (): string => path.join(directory, 'scratch');
    const engine = () => duckDbEngine({ temporaryDirectory: directory, threads: 1 });
    const lake = () => openLake({ store, engine: engine(), clock, stagingDirectory: directory });

    async function rowsOf(table: 'episodes' | 'frames', at: number): Promise<number> {
      const session = await engine().open();
      try {
        const [row] = await session.rows(`SELECT count(*) AS n FROM ${await lake().scan(table, at)}`);
        return Number(row?.['n']);
      } finally {
        await session.close();
      }
    }

    it('opens: lake, by every version of it', async () => {
      assert.deepEqual(await lake().currentVersion(), version);
      assert.equal(await rowsOf('episodes', version.episodes), expected.episodes);
      assert.equal(await rowsOf('frames', version.frames), expected.frames);
      assert.equal(await rowsOf('episodes', 0), 0);
      assert.equal(
        (await readExclusions(store)).holding.find(({ episodeId }) => episodeId === expected.excluded)?.standing,
        'excluded',
      );
    });

    it('opens: registry, with every signature', async () => {
      const { signer } = openFileKeys(path.join(directory, 'keys'));
      const { robotType } = await readPolicyDocument(store, policy);
      assert.deepEqual(await readRobotType(store, robotType.id, robotType.version), scitosG5Type);
      assert.equal((await readAliases({ store })({ policy })).champion, expected.champion);
      assert.equal((await readAliasHistory({ store })({ policy })).at(-1)?.set.champion, expected.champion);
      for (const one of ['1.0.0', expected.candidate])
        assert.equal((await readManifest({ store, signer }, policy, one)).version, one);
    });

    it('opens: robots, orders, trials, windows, telemetry, incidents', async () => {
      const robots = await readRobots(store);
      assert.deepEqual([...robots.keys()], ['robot-001', 'robot-002', 'robot-003']);
      const quarantine = quarantineOf(robots.get('robot-002') ?? assert.fail());
      assert.deepEqual([quarantine?.why, quarantine?.untilMs], ['it hit a door', null]);
      const standings = await registeredStandings(store);
      assert.deepEqual(
        [...standings.values()].map(({ standing }) => standing),
        ['welcome', 'quarantined', 'revoked'],
      );
      const fleet = openFleet({ store, clock });
      assert.deepEqual(
        (await fleet.readFleet(policy)).robots.map(({ robotId }) => robotId),
        ['robot-001', 'robot-002'],
      );
      const { seq, closedTrialIds } = await fleet.readAssignments(policy);
      assert.deepEqual([seq, [...closedTrialIds]], [expected.assignments - 1, ['trial-1']]);
      assert.equal(
        (await openFleetReader({ store, clock }).readOrders(policy))?.('robot-001')?.version,
        expected.champion,
      );
      const end = z.looseObject({ outcome: z.string() });
      assert.equal((await requireJson(store, 'trials/trial-1/end.json', end, 'of the fixture')).outcome, 'rejected');
      assert.equal((await readWindowsOfSites(store, () => assert.fail())).get('hall')?.windows.zone, 'Europe/Berlin');
      const told: string[] = [];
      for await (const { entry } of readTelemetry(store, policy, 0, clock())) told.push(entry.kind);
      assert.deepEqual(told, ['episode']);
      assert.equal((await readIncidents(store, policy))[0]?.record.events[0]?.incidentId, 'silent.robot-001.1');
      const { acts, incidents, damaged } = await readRobotPage({ store, clock, fleet }, 'robot-001');
      assert.deepEqual([acts.length, incidents.length, damaged], [1, 1, []]);
    });

    it('opens: reports, collections and what was refused', async () => {
      const report = z.looseObject({ outcome: z.string(), policy: z.string() });
      const { outcome } = await requireJson(store, `reports/${expected.cycleId}.json`, report, 'of the fixture');
      assert.equal(outcome, expected.outcome);
      const summaries: CollectionSummary[] = [];
      for await (const { key } of store.list('collections/'))
        if (key.endsWith('/summary.json'))
          summaries.push(await requireJson(store, key, collectionSummarySchema, 'it was just listed'));
      assert.deepEqual(
        summaries.map(({ episodesStored }) => episodesStored),
        [expected.episodes],
      );
      const refused: string[] = [];
      for await (const { rules } of quarantined(store)) refused.push(...rules);
      assert.ok(refused.length > 0);
    });

    it('goes on: what waited is released, new recordings join the old ones, and the old versions stay', async () => {
      await releaseRobot({ store, clock }, { robotId: 'robot-002', who: 'ada', why: 'the door was it' });
      mkdirSync(scratchDirectory(), { recursive: true });
      const week = { seed: 2, week: 1, robots: 5, episodesPerRobotDay: 1, framesPerEpisode: 24 };
      const { episodes } = await writeGeneratedWeek({ store, scratchDirectory: scratchDirectory() }, week);
      const ports = {
        store,
        engine: engine(),
        lake: lake(),
        scratchDirectory: scratchDirectory(),
        progress: () => undefined,
      };
      const of = { cycleId: 'after-the-upgrade', robotType: { id: scitosG5Type.id, version: scitosG5Type.version } };
      const startedFrom = await ports.lake.currentVersion();
      const { manifestKey, batches } = await planCollection({
        ...ports,
        robotStandings: () => registeredStandings(store),
      })(of);
      for (let batch = 0; batch < batches; batch += 1) await ingestBatch(ports)({ ...of, manifestKey, batch });
      const { episodesStored } = await concludeCollection(ports)({ ...of, manifestKey, startedFrom });
      // Seven of a robot that was in quarantine when the store was left. Of five robots of the new recordings three are registered: no recording
      // speaks for them, and they say to have recorded before that.
      assert.equal(episodes, 35);
      assert.equal(episodesStored, 2 * 7 + 7);
      const now = await ports.lake.currentVersion();
      assert.equal(await rowsOf('episodes', now.episodes), expected.episodes + episodesStored);
      assert.equal(await rowsOf('episodes', version.episodes), expected.episodes);
    });
  });

it('there is a store of version 0.1', () => assert.ok(releases.includes('v0.1')));
