import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { mlflowTracker } from '../../../activities/adapters/mlflow-tracker.ts';
import { mirrorRegistry, type MirrorRegistryResult } from '../../../activities/mirror/mirror-registry.ts';
import type { Signer } from '../../../policies/signer.ts';
import { isFailure } from '../../../store/failures.ts';
import type { ObjectStore } from '../../../store/object-store.ts';
import { moveAliases } from '../../../store/records/aliases.ts';
import { testSigner } from '../../support/keys.ts';
import { FakeMlflow } from './fake-mlflow.ts';
import { digest, mirroredStore, policy } from './mirrored-store.ts';

const sorted = (pairs: ReadonlyMap<string, string>): readonly string[] =>
  [...pairs].map(([name, value]) => `${name}=${value}`).toSorted();

describe('the mirror of runs and versions', () => {
  let directory: string;
  let signer: Signer;
  let store: ObjectStore;
  let mlflow: FakeMlflow;
  let url: string;

  const mirror = (token?: string): Promise<MirrorRegistryResult> =>
    mirrorRegistry({
      store,
      progress: () => undefined,
      tracker: mlflowTracker({ url, timeoutMs: 2_000, ...(token === undefined ? {} : { token }) }),
    })({ policy });
  const told = () => ({
    runs: mlflow.runs.map(({ status, tags, params, metrics, datasets }) => [
      status,
      sorted(tags),
      sorted(params),
      metrics.length,
      datasets.length > 0,
    ]),
    artifacts: [...mlflow.artifacts.keys()].toSorted(),
    versions: mlflow.models.get(policy)?.map(({ version, source, tags }) => [version, source, tags]),
    aliases: sorted(mlflow.aliases),
  });

  before(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'flywheel-mirror-'));
    signer = testSigner(directory);
  });
  after(() => rm(directory, { recursive: true, force: true }));
  beforeEach(async () => {
    store = await mirroredStore(signer);
    mlflow = new FakeMlflow();
    url = await mlflow.open();
  });
  afterEach(() => mlflow.close());

  it('tells parameters, curves, gates, artifacts, digests, versions and aliases, and nothing twice', async () => {
    const first = await mirror();
    assert.deepEqual(first, { address: `${url}/`, runs: 2, versions: 2, aliases: 3, refused: [], isBehind: false });
    const [cycle, held, baseline] = mlflow.runs;
    assert.deepEqual([cycle?.params.get('learningRate'), cycle?.params.get('hidden')], ['0.01', '[32,32]']);
    assert.deepEqual([cycle?.status, cycle?.tags.get('flywheel.outcome')], ['FINISHED', 'promoted']);
    assert.equal(held?.tags.get('flywheel.outcome'), 'gatesHold');
    assert.equal(baseline?.tags.get('mlflow.runName'), undefined);
    const curve = cycle?.metrics
      .filter(({ key }) => key.startsWith('loss/'))
      .map(({ key, value, step }) => [key, value, step]);
    assert.deepEqual(curve, [
      ['loss/train', 0.5, 100],
      ['loss/validation', 0.6, 100],
      ['loss/train', 0.25, 200],
    ]);
    assert.equal(cycle?.metrics.find(({ key }) => key === 'gate/champion.overall/passed')?.value, 1);
    assert.ok(JSON.stringify(cycle?.datasets).includes(`"source":"${digest}"`));
    assert.deepEqual(
      [...mlflow.artifacts].map(([name, bytes]) => [name, bytes.toString()]),
      [
        ['1/run0/artifacts/model/model.onnx', 'model of 2026-01-05'],
        ['1/run2/artifacts/model/model.onnx', 'model of by-hand'],
      ],
    );
    assert.deepEqual(
      mlflow.models.get(policy)?.map(({ source }) => source),
      ['runs:/run2/model', 'runs:/run0/model'],
    );
    assert.deepEqual(
      [...mlflow.aliases],
      [
        [`${policy}@champion`, '2'],
        [`${policy}@baseline`, '1'],
        [`${policy}@anchor`, '1'],
      ],
    );
    assert.ok(!JSON.stringify([told(), mlflow.runs]).includes('secret'), 'no frame leaves');
    const before = JSON.stringify(told());
    assert.deepEqual(await mirror(), { ...first, runs: 0, versions: 0, aliases: 0 });
    assert.equal(JSON.stringify(told()), before);
  });

  it('comes to the same, whichever call gets no answer, before or after it did its work', async () => {
    await mirror();
    const whole = JSON.stringify(told());
    const { calls } = mlflow;
    assert.ok(calls > 20, `${calls} calls`);
    for (const at of ['before', 'after'] as const)
      for (let dies = at === 'before' ? 1 : 3; dies <= calls; dies += 5) {
        await mlflow.close();
        mlflow = new FakeMlflow();
        url = await mlflow.open();
        store = await mirroredStore(signer);
        mlflow.fails = (_, count) => (count === dies ? at : undefined);
        await assert.rejects(mirror(), (error) => isFailure(error, 'TrackerUnavailable'));
        await mirror();
        assert.equal(JSON.stringify(told()), whole, `call ${dies} got no answer ${at}`);
      }
  });

  it('catches up with what happened while it could not be reached', async () => {
    await mlflow.close();
    await assert.rejects(mirror(), (error) => isFailure(error, 'TrackerUnavailable'));
    mlflow = new FakeMlflow();
    url = await mlflow.open();
    assert.equal((await mirror()).versions, 2);
    const ports = { store, clock: () => 9_000 };
    await moveAliases(ports, { policy, operationId: 'b', who: 'ada', why: 'back' }, () => ({ champion: '1.0.0' }));
    assert.equal((await mirror()).aliases, 1);
    assert.equal(mlflow.aliases.get(`${policy}@champion`), '1');
  });

  it('tells the rest where the tracker refuses one thing, or an object is damaged, and says so', async () => {
    await store.put('reports/2026-01-02.json', new TextEncoder().encode('{'));
    mlflow.fails = (call, count) => (call === 'runs/create' && count < 6 ? 400 : undefined);
    const { runs, versions, refused, isBehind } = await mirror();
    assert.deepEqual([runs, versions, isBehind], [1, 2, false]);
    assert.equal(refused.length, 2);
    assert.match(refused.join('\n'), /2026-01-02[^]*got 400 INVALID_PARAMETER_VALUE/);
  });

  it('waits its time where more is refused than one call tells', async () => {
    const report = (await store.get('reports/2026-01-12.json'))!;
    for (let number = 10; number < 40; number += 1)
      await store.put(
        `reports/x-${number}.json`,
        new TextEncoder().encode(new TextDecoder().decode(report).replaceAll('2026-01-12', `x-${number}`)),
      );
    mlflow.fails = (call) => (call === 'runs/create' ? 400 : undefined);
    const { runs, refused, isBehind } = await mirror();
    assert.deepEqual([runs, refused.length, isBehind], [0, 10, false]);
    mlflow.fails = () => undefined;
    assert.deepEqual([(await mirror()).isBehind, (await mirror()).isBehind], [true, false]);
    assert.equal(mlflow.runs.length, 33);
  });

  it('sends the token with every call and tells it nobody', async () => {
    await mirror('t0ken');
    assert.deepEqual([...mlflow.authorizations], ['Bearer t0ken']);
    mlflow.fails = () => 401;
    await moveAliases({ store, clock: () => 9_000 }, { policy, operationId: 'b', who: 'ada', why: 'back' }, () => ({
      champion: '1.0.0',
    }));
    const { refused } = await mirror('t0ken');
    assert.equal(refused.length, 1);
    assert.ok(!JSON.stringify(refused).includes('t0ken'));
  });

  it('is off where no tracker is configured', async () => {
    const { address, isBehind } = await mirrorRegistry({ store, progress: () => undefined })({ policy });
    assert.deepEqual([address, isBehind], [null, false]);
  });
});
