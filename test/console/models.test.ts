import assert from 'node:assert/strict';

import type { ModelAnswer } from '../../console/answers/models.ts';
import { summaryKeyOf } from '../../activities/collection/documents.ts';
import { collectionSummarySchema } from '../../activities/collection/summary.ts';
import { trainingSetFile } from '../../datasets/training-set.ts';
import { modelFile, signedManifestSchema } from '../../policies/model-manifest.ts';
import { jsonBytes } from '../../store/json-objects.ts';
import { moveAliases } from '../../store/records/aliases.ts';
import { bootOf, episode, episodeIdOf, hourMs, policy, startMs } from '../activities/facts/fact-world.ts';
import { ask, openConsoleWorld, type ConsoleWorld } from './console-world.ts';
import { storeEpisodes } from './lake-episodes.ts';

const hostile = '<script>alert(1)</script>';
const digest = 'a'.repeat(64);
const cycleId = 'cycle/wall-1';

function manifestOf(version: string, trained: boolean): Uint8Array {
  const manifest = {
    policy,
    version,
    robotType: { id: 'scitos-g5', version: 1, digest },
    files: { 'model.onnx': { sha256: digest, sizeBytes: 3 } },
    parents: version === '1.0.0' ? [] : ['1.0.0'],
    training: trained
      ? {
          cycleId,
          datasetVersion: { episodes: 4, frames: 5 },
          trainingSetDigest: digest,
          seed: 7,
          hyperparameters: { hidden: [8, 8], note: 'x'.repeat(900) },
        }
      : null,
    codeBuild: hostile,
    registeredAtMs: startMs,
    metrics: { accuracyFraction: 0.9, other: null },
    gates: [{ id: 'latency', outcome: 'pass', value: 1.5, limit: 20 }],
  };
  const signature = { algorithm: 'Ed25519', publicKeyId: 'k', value: 'v' };
  return jsonBytes(signedManifestSchema.parse({ manifest, signature }));
}

const counts = { segments: 1, segmentsRefused: 0, episodesAlreadyStored: 0, episodesRefused: 1, framesStored: 9 };
const summary = (robots: number): Uint8Array =>
  jsonBytes(
    collectionSummarySchema.parse({
      cycleId,
      robotType: 'scitos-g5@1',
      verdict: 'ok',
      reason: 'r',
      rules: [],
      robotsLeftOut: [],
      startedFrom: { episodes: 1, frames: 1 },
      datasetVersion: { episodes: 4, frames: 5 },
      segments: 1,
      sizeBytes: 1,
      segmentsOfOtherTypes: 0,
      segmentsGone: 0,
      segmentsRefused: 0,
      episodesStored: 12,
      framesStored: 9,
      failuresStored: 1,
      episodesAlreadyStored: 0,
      episodesRefused: 0,
      refusedEpisodesFraction: 0,
      refusedSegmentsFraction: 0,
      maxRefusedFraction: 0.1,
      robots: Array.from({ length: robots }, (_, index) => ({
        ...counts,
        robotId: `r${index}`,
        episodesStored: index,
        failuresStored: 0,
      })),
    }),
  );

describe('models of the console', function () {
  this.timeout(60_000);
  let world: ConsoleWorld;
  const models = `/api/v1/models?policy=${policy}`;
  const one = (version: string, more = ''): string => `/api/v1/models/${version}${more}?policy=${policy}`;

  before(async () => {
    world = await openConsoleWorld();
    const { store } = world.ports;
    for (const version of ['1.0.0', '1.9.0', '1.10.0', '2.0.0'])
      await store.put(modelFile(policy, version, 'manifest.json'), manifestOf(version, version === '1.10.0'));
  });
  after(() => world.close());

  it('are listed in the order of their registration, in pages, and only those of the page are read', async () => {
    const { store } = world.ports;
    const read: string[] = [];
    const get: typeof store.get = (key, range) => {
      if (key.startsWith('models/')) read.push(key);
      return store.get(key, range);
    };
    const app = await world.on({ store: { ...store, get } });
    const versionsOf = (body: Record<string, unknown>) =>
      (body['versions'] as { version: string }[]).map(({ version }) => version);
    const newest = await ask(app, `${models}&limit=2`, world.token);
    assert.deepEqual(versionsOf(newest.body), ['1.10.0', '2.0.0']);
    assert.deepEqual([newest.body['total'], newest.body['next'], read.length], [4, '1.10.0', 2]);
    const older = await ask(app, `${models}&limit=2&before=1.10.0`, world.token);
    assert.deepEqual([versionsOf(older.body), older.body['next']], [['1.0.0', '1.9.0'], null]);
    for (const wrong of ['limit=201', 'before=one']) assert.equal((await world.get(`${models}&${wrong}`)).status, 400);
  });

  it('say who was champion when, the last moves of many', async () => {
    const { store, clock } = world.ports;
    for (const [at, champion] of ['1.0.0', '1.9.0'].entries())
      await moveAliases({ store, clock }, { policy, operationId: `${at}`, who: hostile, why: 'w' }, () => ({
        champion,
      }));
    const { body } = await world.get(models);
    const history = body['history'] as { who: string; set: unknown; way: unknown }[];
    assert.deepEqual([history.at(-1)?.set, history[0]?.who], [{ champion: '1.9.0' }, hostile]);
    assert.deepEqual(
      history.map(({ way }) => way),
      ['first', 'withoutTrial'],
    );
    assert.deepEqual([body['aliases'], body['historyTotal']], [{ champion: '1.9.0' }, 2]);
  });

  it('find the report of the cycle and its collection, whose ids are others than that of the training', async () => {
    const { store } = world.ports;
    const trained = (id: string): Uint8Array =>
      new TextEncoder().encode(new TextDecoder().decode(manifestOf('3.0.0', true)).replace(cycleId, id));
    const gates = [
      { id: 'latency', outcome: 'pass', value: 1.5, limit: 20, unit: 'ms', sampleSize: 400, sentence: 's' },
    ];
    const report = {
      cycleId: 'wall-2026-aaaaaaaaaaaa',
      collection: { summaryKey: 'collections/c-9/summary.json' },
      evaluation: { gates },
    };
    await store.put(`reports/${report.cycleId}.json`, jsonBytes(report));
    await store.put('collections/c-9/summary.json', summary(4));
    await store.put(modelFile(policy, '3.0.0', 'manifest.json'), trained(`${report.cycleId}-bbbbbbbbbbbb`));
    const read = async () => (await world.get(one('3.0.0'))).body as unknown as ModelAnswer;
    const found = await read();
    assert.deepEqual([found.training?.cycleId, found.gates[0]?.sampleSize], [report.cycleId, 400]);
    assert.deepEqual(found.collected?.robotsTotal, 4);
    // A report leads nowhere but to a summary of a collection.
    await store.put(
      `reports/${report.cycleId}.json`,
      jsonBytes({ ...report, collection: { summaryKey: 'config/operators/1.json' } }),
    );
    assert.equal((await read()).collected, null);
    await store.delete(modelFile(policy, '3.0.0', 'manifest.json'));
  });

  it('lead from a version to its data and to the robots that brought it', async () => {
    const { store } = world.ports;
    const before = (await world.get(one('1.10.0'))).body as unknown as ModelAnswer;
    assert.deepEqual([before.set, before.collected, before.gates[0]?.sampleSize], [null, null, null]);
    await store.put(summaryKeyOf(cycleId), summary(503));
    await store.put(
      trainingSetFile(digest, 'manifest.json'),
      jsonBytes({
        datasetVersion: { episodes: 4, frames: 5 },
        seed: 7,
        targetFrames: 10,
        newFrames: 6,
        historyFrames: 4,
        effectiveFrames: 9,
        correctionShareBeforeCap: 0,
        correctionShareAfterCap: 0,
        needsLabelFrames: 2,
        failures: { validEpisodes: 3, addedEpisodes: 2, queuedForLabelEpisodes: 1 },
        strata: Array.from({ length: 201 }, (_, at) => ({
          source: 'new',
          task: `t${at}`,
          availableFrames: 5,
          takenFrames: 3,
        })),
      }),
    );
    const gate = { id: 'latency', outcome: 'pass', value: 1.5, limit: 20, unit: 'ms', sampleSize: 400, sentence: 's' };
    await store.put(`reports/${cycleId}.json`, jsonBytes({ evaluation: { gates: [gate] } }));
    const model = (await world.get(one('1.10.0'))).body as unknown as ModelAnswer;
    assert.deepEqual(model.gates, [gate]);
    assert.deepEqual([model.set?.strata.length, model.set?.strataTotal], [200, 201]);
    assert.deepEqual([model.collected?.robots.length, model.collected?.robotsTotal], [500, 503]);
    assert.equal(model.collected?.robots[0]?.robotId, 'r502');
    assert.equal(model.training?.hyperparameters.find(({ name }) => name === 'note')?.value.length, 200);
    await store.put(`reports/${cycleId}.json`, new TextEncoder().encode('{'));
    const damaged = (await world.get(one('1.10.0'))).body as unknown as ModelAnswer;
    assert.deepEqual([damaged.damaged, damaged.gates[0]?.outcome], [[`reports/${cycleId}.json`], 'pass']);
  });

  it('say how many new episodes of which days and robots one learned from, by the lake as it was', async () => {
    const { store } = world.ports;
    const signed = JSON.parse(new TextDecoder().decode(manifestOf('1.11.0', true))) as {
      manifest: { training: { datasetVersion: object; trainingSetDigest: string } };
    };
    const own = 'b'.repeat(64);
    signed.manifest.training.datasetVersion = { episodes: 1, frames: 1 };
    signed.manifest.training.trainingSetDigest = own;
    await store.put(modelFile(policy, '1.11.0', 'manifest.json'), jsonBytes(signed));
    const learnedOf = async (): Promise<ModelAnswer['learned']> =>
      ((await world.get(one('1.11.0'))).body as unknown as ModelAnswer).learned;
    assert.equal(await learnedOf(), null);
    const count = { correctionShareBeforeCap: 0, correctionShareAfterCap: 0, needsLabelFrames: 0 };
    const set = {
      ...count,
      datasetVersion: { episodes: 1, frames: 1 },
      seed: 7,
      targetFrames: 10,
      newFrames: 6,
      historyFrames: 4,
      effectiveFrames: 9,
      failures: { validEpisodes: 0, addedEpisodes: 0, queuedForLabelEpisodes: 0 },
      strata: [],
      recipe: { newSince: { episodes: 0, frames: 0 } },
    };
    await store.put(trainingSetFile(own, 'manifest.json'), jsonBytes(set));
    // The lake is not there: that is not the same as nothing.
    assert.equal(await learnedOf(), null);
    const common = { task: 'follow', frames: 20, observations: 2 };
    await storeEpisodes(world, [
      { ...common, episodeId: episodeIdOf(900), robotId: 'r0', startedMs: startMs },
      { ...common, episodeId: episodeIdOf(901), robotId: 'r1', startedMs: startMs + 24 * hourMs },
      { ...common, episodeId: episodeIdOf(902), robotId: 'r1', startedMs: startMs, robotType: 'another' },
    ]);
    assert.deepEqual(await learnedOf(), {
      episodes: 2,
      frames: 40,
      robots: 2,
      robotIds: ['r0', 'r1'],
      firstDay: '2026-06-01',
      lastDay: '2026-06-02',
    });
  });

  it('do not take a version that is not there, or was not trained here, for one without data', async () => {
    assert.equal((await world.get(one('3.0.0'))).status, 404);
    assert.equal((await world.get(one('..%2F1'))).status, 400);
    const { training, set } = (await world.get(one('2.0.0'))).body as unknown as ModelAnswer;
    assert.deepEqual([training, set], [null, null]);
  });

  it('name the robots that ran a version, from when to when, and how well', async () => {
    const path = `${one('1.9.0', '/robots')}&from=2026-06-01&to=2026-06-04`;
    assert.equal((await world.get(path)).body['state'], 'noFacts');
    for (const [index, robotId] of ['r0', 'r2'].entries()) {
      const entries = Array.from({ length: 4 }, (_, at) =>
        episode(at, startMs + at * 8 * hourMs, {
          episodeId: episodeIdOf(10 * index + at),
          policyVersion: at === 3 ? '2.0.0' : '1.9.0',
          outcome: at === 0 ? 'failure' : 'success',
        }),
      );
      const receivedMs = startMs + 25 * hourMs;
      await world.facts.write([{ robotId, bootId: bootOf(index), receivedMs, clockSkewMs: 0, entries }], receivedMs);
    }
    world.facts.nowMs = startMs + 27 * hourMs;
    await world.facts.compact();
    const { body } = await world.get(path);
    assert.deepEqual(body['robots'], [
      { robotId: 'r0', firstDay: '2026-06-01', lastDay: '2026-06-02', episodes: 3, successes: 2 },
      { robotId: 'r2', firstDay: '2026-06-01', lastDay: '2026-06-02', episodes: 3, successes: 2 },
    ]);
    const { value, n } = body['success'] as { value: number; n: number };
    assert.deepEqual([body['total'], n, value], [2, 6, 4 / 6]);
    assert.equal((await world.get(`${one('1.0.0', '/robots')}&from=2026-06-01&to=2026-06-04`)).body['state'], 'empty');
    assert.equal((await world.get(`${one('1.9.0', '/robots')}&from=2020-06-01&to=2026-06-04`)).status, 400);
  });
});
