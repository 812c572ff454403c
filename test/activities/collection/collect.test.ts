import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { landSegment } from '../../../datasets/landing.ts';
import type { RegisteredRobot } from '../../../activities/collection/waiting.ts';
import { fileObjectStore } from '../../../store/adapters/file-object-store.ts';
import { planCollection } from '../../../activities/collection/plan-collection.ts';
import { publishRobotType, readRobotType } from '../../../store/records/robot-types.ts';
import { scitosG5RecordingType, scitosG5Type, ur3CobotopsType } from '../../../datasets/built-in-robot-types.ts';
import { correctedUs, maxStartBeforeRegistrationMs, recordedOn } from '../../../datasets/clock.ts';
import { importUr3Cobotops } from '../../../datasets/importers/ur3-cobotops.ts';
import { importWallFollowing } from '../../../datasets/importers/wall-following.ts';
import { sharedDataset } from '../../support/shared-data.ts';
import { CollectionWorld, footerOf, generatedEpisodes, nowMs, oneRobot } from './collection-fixture.ts';

describe('collecting what robots landed', () => {
  let world: CollectionWorld;
  beforeEach(async () => {
    world = await CollectionWorld.open();
  });
  afterEach(() => world.close());

  it('stores every frame and episode by the corrected clock, with its day', async () => {
    const episodes = generatedEpisodes(1, 3, 4);
    const skews = new Map([...episodes.keys()].map((robotId, index) => [robotId, index * 45_000_000 - 45_000_000]));
    for (const [robotId, own] of episodes) {
      await world.land(robotId, own.flat(), { ...footerOf(robotId), clockSkewMs: skews.get(robotId)! });
    }
    const { result, summary } = await world.collect('c1');
    assert.deepEqual(
      [result.verdict, result.episodesStored, result.framesStored, result.quarantinedEpisodes],
      ['ok', 12, 300, 0],
    );
    assert.equal(summary.robots.length, 3);
    const stored = await world.rows('episodes', '*');
    for (const row of stored) {
      const robotId = row['robot_id'] as string;
      const own = episodes.get(robotId)!.find(([first]) => first!.episode_id === row['episode_id'])![0]!;
      const startedAtUs = correctedUs(own.started_at, skews.get(robotId)!);
      const day = recordedOn(startedAtUs)!;
      const expected = {
        started_at: BigInt(startedAtUs),
        recorded_on: day,
        received_at: BigInt(nowMs) * 1000n,
        outcome: own.outcome,
        failure_reason: own.failure_reason,
        frame_count: 25,
        media: null,
      };
      for (const [name, value] of Object.entries(expected)) assert.deepEqual(row[name], value, name);
    }
    const frames = await world.rows('frames', '*');
    assert.equal(frames.length, 300);
    const recorded = new Map(
      [...episodes.values()].flat(2).map((frame) => [`${frame.episode_id}/${frame.frame_index}`, frame]),
    );
    for (const row of frames) {
      const frame = recorded.get(`${row['episode_id'] as string}/${row['frame_index'] as number}`)!;
      assert.deepEqual(row['observation'], [...Float32Array.from(frame.observation)]);
      assert.deepEqual(row['action'], Array.from(frame.action));
      assert.deepEqual(row['expert_action'], frame.expert_action === null ? null : Array.from(frame.expert_action));
      assert.equal(row['timestamp'], BigInt(correctedUs(frame.timestamp, skews.get(frame.robot_id)!)));
    }
    assert.deepEqual(await world.keys('landing/'), []);
    assert.deepEqual(await world.leftInScratch(), []);
  });

  it('stores media with proper types', async () => {
    const {
      robotId,
      episodes: [episode],
    } = oneRobot(2, 1);
    const startedAt = episode![0]!.started_at;
    const media = [{ sha256: 'd'.repeat(64), kind: 'video', startedAt, durationMs: 1500, key: 'media/a.mp4' }];
    await world.land(
      robotId,
      episode!.map((row) => ({ ...row, media })),
      { clockSkewMs: 1000 },
    );
    await world.collect('c1');
    const [row] = await world.rows('episodes', 'media');
    const expected = { ...media[0]!, startedAt: BigInt(startedAt - 1_000_000) };
    assert.deepEqual(row!['media'], [expected]);
  });

  it('takes the wall-following recording in whole', async function () {
    this.timeout(60_000);
    await publishRobotType(world.ports.store, scitosG5RecordingType);
    const path = sharedDataset('wall-following');
    const { store, scratchDirectory } = world.ports;
    await importWallFollowing({ path, store, scratchDirectory, progress: () => {}, isRegistered: async () => false });
    const { result } = await world.collect('c1', { type: scitosG5RecordingType });
    assert.deepEqual([result.verdict, result.episodesStored, result.framesStored], ['ok', 124, 5456]);
    const splits = await world.rows('episodes', 'split');
    const count = (split: string) => splits.filter((row) => row['split'] === split).length;
    assert.deepEqual([count('train'), count('validation'), count('heldout')], [84, 9, 31]);
  });

  it('refuses two cycles of the UR3 recording for their long pauses, and stores the others', async function () {
    this.timeout(60_000);
    await publishRobotType(world.ports.store, ur3CobotopsType);
    const path = sharedDataset('ur3-cobotops');
    const { store, scratchDirectory } = world.ports;
    await importUr3Cobotops({ path, store, scratchDirectory, progress: () => {}, isRegistered: async () => false });
    const { result, summary } = await world.collect('c1', { type: ur3CobotopsType });
    assert.deepEqual([result.episodesStored, result.framesStored, result.quarantinedEpisodes], [247, 7252, 2]);
    assert.deepEqual(
      summary.rules
        .filter(({ episodes, segments }) => episodes + segments > 0)
        .map(({ id, episodes }) => [id, episodes]),
      [['frames.gap', 2]],
    );
  });

  it('counts what comes again with the same content, and refuses other content under a stored id', async () => {
    const { robotId, episodes } = oneRobot(3, 3);
    await world.land(robotId, episodes.flat());
    await world.collect('c1');
    const before = await world.rows('frames', '*');
    const changed = episodes[1]!.map((row, index) =>
      index === 7 ? { ...row, observation: Array.from(row.observation, () => 1.5) } : row,
    );
    await world.land(robotId, [...episodes[0]!, ...changed]);
    const { result, summary } = await world.collect('c2');
    assert.deepEqual(
      [result.verdict, result.episodesStored, result.alreadyStored, result.quarantinedEpisodes],
      ['badData', 0, 1, 1],
    );
    assert.equal(summary.rules.find(({ id }) => id === 'episode.conflicting-duplicate')?.episodes, 1);
    assert.deepEqual(await world.rows('frames', '*'), before);
    const [record] = await world.documents('quarantine/c2/');
    assert.deepEqual([record!['scope'], record!['rules']], ['episode', ['episode.conflicting-duplicate']]);
  });

  it('keeps the first of two equal episodes of a batch, and the first of two that differ', async () => {
    const { robotId, episodes } = oneRobot(4, 2);
    const other = episodes[1]!.map((row) => ({ ...row, site: 'elsewhere' }));
    await world.land(robotId, episodes.flat());
    await world.land(robotId, episodes[0]!);
    await world.land(robotId, other);
    const { result } = await world.collect('c1');
    assert.deepEqual([result.episodesStored, result.alreadyStored, result.quarantinedEpisodes], [2, 1, 1]);
    assert.equal((await world.rows('frames', 'episode_id')).length, 50);
  });

  it('gives the same lake whether a week comes in one batch or in many', async () => {
    const episodes = generatedEpisodes(5, 4, 3);
    const other = await CollectionWorld.open();
    for (const [robotId, own] of episodes) {
      for (const episode of own) for (const each of [world, other]) await each.land(robotId, episode);
    }
    const one = await world.collect('c1');
    const many = await other.collect('c1', { batchSizeBytes: 10_000 });
    assert.equal(one.batches.length, 1);
    assert.ok(many.batches.length >= 6);
    assert.deepEqual(await other.rows('frames', '*'), await world.rows('frames', '*'));
    // So few robots are split by episode while there is little data, batch by batch.
    const columns = '* EXCLUDE (split)';
    assert.deepEqual(await other.rows('episodes', columns), await world.rows('episodes', columns));
    assert.deepEqual({ ...many.summary, datasetVersion: one.summary.datasetVersion }, one.summary);
    await other.close();
  });

  it('reads segments from before a nullable column was added beside newer ones', async () => {
    const episodes = [...generatedEpisodes(6, 2, 2).values()].flat();
    const [old, ...others] = episodes;
    await world.land(old![0]!.robot_id, old!);
    const [key] = await world.keys('landing/');
    const local = await world.ports.store.localPath(key!);
    const metadata = Object.fromEntries(metadataOf(old![0]!.robot_id));
    const shorter = await world.writeBySql(
      'old.parquet',
      `SELECT * EXCLUDE (media, latency_p50_ms) FROM '${local}'`,
      metadata,
    );
    await world.ports.store.delete(key!);
    await world.landFile(old![0]!.robot_id, shorter);
    for (const episode of others) await world.land(episode[0]!.robot_id, episode);
    const { result } = await world.collect('c1');
    assert.deepEqual([result.episodesStored, result.quarantinedEpisodes], [4, 0]);
    const stored = await world.rows('episodes', 'episode_id, latency_p50_ms');
    const latency = new Map(stored.map((row) => [row['episode_id'], row['latency_p50_ms']]));
    assert.equal(latency.get(old![0]!.episode_id), null);
    assert.equal(latency.get(others[0]![0]!.episode_id), others[0]![0]!.latency_p50_ms);
  });

  it('leaves segments of other robot types in landing, and counts them', async () => {
    const { robotId, episodes } = oneRobot(7, 3);
    await publishRobotType(world.ports.store, { ...scitosG5Type, id: 'other-robot' });
    await world.land(robotId, episodes[0]!);
    const foreign = await world.land(robotId, episodes[1]!, { robotType: 'other-robot@1' });
    const newer = await world.land(robotId, episodes[2]!, { robotType: 'scitos-g5@2' });
    const { result, summary } = await world.collect('c1');
    assert.deepEqual([result.episodesStored, summary.segmentsOfOtherTypes], [1, 2]);
    assert.deepEqual(summary.waiting, [
      { reason: 'otherType', name: 'other-robot@1', segments: 1 },
      { reason: 'otherType', name: 'scitos-g5@2', segments: 1 },
    ]);
    assert.deepEqual(await world.keys('landing/'), [foreign, newer].toSorted());
  });

  it('refuses a segment of a robot type that nobody published: no collection would ever take it', async () => {
    const { robotId, episodes } = oneRobot(7, 2);
    await world.land(robotId, episodes[0]!);
    await world.land(robotId, episodes[1]!, { robotType: 'no-such-robot@1' });
    const { result } = await world.collect('c1');
    assert.deepEqual([result.episodesStored, result.quarantinedSegments], [1, 1]);
    const [record] = await world.documents('quarantine/c1/');
    assert.deepEqual(record!['rules'], ['segment.robot-type']);
  });

  it('takes in registered robots and recordings only; what others sent waits until they are welcome', async () => {
    const byRobot = [...generatedEpisodes(12, 4, 1)];
    const [welcome, quarantined, revoked, stranger] = byRobot.map(([robotId]) => robotId);
    for (const [robotId, own] of byRobot) await world.land(robotId, own.flat());
    const [recorded] = [...generatedEpisodes(13, 5, 1)].slice(-1);
    const { store, scratchDirectory } = world.ports;
    const rows = recorded![1].flat();
    await landSegment(
      { store, scratchDirectory },
      { robotId: recorded![0], type: scitosG5Type, agentVersion: 'import', rows },
    );
    const standings = new Map<string, RegisteredRobot>([
      [welcome!, { standing: 'welcome' }],
      [quarantined!, { standing: 'quarantined' }],
      [revoked!, { standing: 'revoked' }],
    ]);
    const ports = { ...world.ports, robotStandings: async () => standings };
    const { result, summary } = await world.collect('c1', { ports });
    assert.equal(result.episodesStored, 2);
    assert.deepEqual(
      summary.waiting.map(({ reason, name }) => [reason, name]),
      [
        ['quarantined', quarantined],
        ['revoked', revoked],
        ['unregistered', stranger],
      ],
    );
    assert.deepEqual(summary.robots.map((robot) => robot.robotId).toSorted(), [welcome, recorded![0]]);
    standings.set(quarantined!, { standing: 'welcome' });
    assert.equal((await world.collect('c2', { ports })).result.episodesStored, 1);
  });

  it('refuses what a robot claims to have recorded long before it was registered, but not of recordings without a registration', async () => {
    const { robotId, episodes } = oneRobot(21, 4);
    const { store, scratchDirectory } = world.ports;
    for (const episode of episodes) await world.land(robotId, episode);
    const ordered = episodes.map(([first]) => first!).toSorted((a, b) => a.started_at - b.started_at);
    // Exactly on the edge for the third of four.
    const registeredMs = Math.floor(ordered[2]!.started_at / 1000) + maxStartBeforeRegistrationMs;
    const standings = new Map<string, RegisteredRobot>([[robotId, { standing: 'welcome', registeredMs }]]);
    const ports = { ...world.ports, robotStandings: async () => standings };
    const { result } = await world.collect('c1', { ports });
    assert.deepEqual([result.episodesStored, result.quarantinedEpisodes], [2, 2]);
    const records = await world.documents('quarantine/c1/');
    assert.deepEqual(
      records.map((record) => record['rules']),
      [['episode.robot-life'], ['episode.robot-life']],
    );
    const kept = (await world.rows('episodes', 'episode_id')).map((row) => row['episode_id']);
    assert.deepEqual(
      kept,
      ordered
        .slice(2)
        .map(({ episode_id }) => episode_id)
        .toSorted(),
    );

    const longAgoUs = 60 * 86_400_000_000;
    const landImported = async (seed: number) => {
      const rows = oneRobot(seed, 1)
        .episodes.flat()
        .map((row) => ({
          ...row,
          robot_id: 'imported',
          started_at: row.started_at - longAgoUs,
          timestamp: row.timestamp - longAgoUs,
        }));
      const input = { robotId: 'imported', type: scitosG5Type, agentVersion: 'import' };
      await landSegment({ store, scratchDirectory }, { ...input, rows });
    };
    await landImported(22);
    assert.equal((await world.collect('c2', { ports })).result.episodesStored, 1);
    // What was received before somebody registered under the id of a recording is the recording's; from then on it is a robot like any other.
    standings.set('imported', { standing: 'welcome', registeredMs: nowMs + 1 });
    await landImported(24);
    assert.equal((await world.collect('c2-and-before', { ports })).result.episodesStored, 1);
    standings.set('imported', { standing: 'welcome', registeredMs: nowMs });
    await landImported(23);
    assert.deepEqual(
      (({ result }) => [result.episodesStored, result.quarantinedEpisodes])(await world.collect('c3', { ports })),
      [0, 1],
    );
  });

  it('plans once: what lands later waits for the next collection', async () => {
    const { robotId, episodes } = oneRobot(8, 2);
    const robotType = { id: scitosG5Type.id, version: scitosG5Type.version };
    await world.land(robotId, episodes[0]!);
    const plan = await planCollection(world.ports)({ cycleId: 'c1', robotType });
    await world.land(robotId, episodes[1]!);
    assert.deepEqual(await planCollection(world.ports)({ cycleId: 'c1', robotType }), plan);
    assert.equal((await world.collect('c1')).result.episodesStored, 1);
    assert.equal((await world.collect('c2')).result.episodesStored, 1);
    const third = await world.collect('c3');
    assert.deepEqual([third.result.verdict, third.batches.length], ['nothingNew', 0]);
  });

  it('leaves out a robot of which everything was refused, and learns from the others', async () => {
    const byRobot = generatedEpisodes(9, 3, 2);
    const [broken, ...sound] = [...byRobot];
    const dead = broken![1]
      .flat()
      .map((row) => ({ ...row, observation: Array.from(row.observation, (v, i) => (i === 4 ? 1.25 : v)) }));
    await world.land(broken![0], dead);
    for (const [robotId, own] of sound) await world.land(robotId, own.flat());
    const { result } = await world.collect('c1');
    assert.deepEqual(
      [result.verdict, result.robotsLeftOut, result.episodesStored, result.quarantinedEpisodes],
      ['ok', [broken![0]], 4, 2],
    );
    // Nothing else was in the segment, so it is kept as it came.
    const [record] = await world.documents('quarantine/c1/');
    assert.deepEqual([record!['scope'], record!['rules']], ['segment', ['frames.dead-sensor']]);
  });

  it('works on a store of files as well', async () => {
    await world.close();
    const probe = await CollectionWorld.open();
    const root = join(probe.directory, 'store');
    await mkdir(root);
    world = await CollectionWorld.open(fileObjectStore({ root, nowMs: () => nowMs }));
    for (const [robotId, own] of generatedEpisodes(10, 2, 2)) await world.land(robotId, own.flat());
    const { result } = await world.collect('c1');
    assert.deepEqual([result.verdict, result.episodesStored], ['ok', 4]);
    assert.deepEqual(await world.keys('landing/'), []);
    await probe.close();
  });
});

describe('robot type documents', () => {
  it('are published once: other content needs a new version', async () => {
    const world = await CollectionWorld.open();
    await publishRobotType(world.ports.store, scitosG5Type);
    await assert.rejects(publishRobotType(world.ports.store, { ...scitosG5Type, rateHz: 10 }), { type: 'Conflict' });
    assert.deepEqual(await readRobotType(world.ports.store, 'scitos-g5', 1), scitosG5Type);
    await assert.rejects(readRobotType(world.ports.store, 'nobody', 1), { type: 'NotFound' });
    await world.close();
  });
});

const metadataOf = (robotId: string): readonly (readonly [string, string])[] =>
  Object.entries({ schemaVersion: '1', ...footerOf(robotId) }).map(([name, value]) => [
    `flywheel.${name}`,
    String(value),
  ]);
