import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { mlflowTracker } from '../../activities/adapters/mlflow-tracker.ts';
import { mirrorRegistry } from '../../activities/mirror/mirror-registry.ts';
import { waitUntil } from '../../demo/processes.ts';
import { moveAliases } from '../../store/records/aliases.ts';
import { mirroredStore, policy } from '../activities/mirror/mirrored-store.ts';
import { testSigner } from '../support/keys.ts';
import { freePort } from '../support/s3-server.ts';
import { toolForTest } from '../support/tool.ts';

describe('a real MLflow server', () => {
  let directory: string;
  let python: string;
  let url: string;
  let server: ChildProcess | undefined;

  const start = async (): Promise<void> => {
    const port = new URL(url).port;
    server = spawn(
      python,
      ['-m', 'mlflow', 'server', '--host', '127.0.0.1', '--port', port, '--workers', '1']
        .concat(['--backend-store-uri', `sqlite:///${path.join(directory, 'mlflow.db')}`])
        .concat(['--artifacts-destination', path.join(directory, 'artifacts')]),
      {
        cwd: directory,
        env: { PATH: process.env['PATH'], HOME: directory, MLFLOW_SERVER_ENABLE_JOB_EXECUTION: 'false' },
        stdio: 'ignore',
        detached: true,
      },
    );
    const answers = (): Promise<boolean> =>
      fetch(`${url}/health`).then(
        ({ ok }) => ok,
        () => false,
      );
    await waitUntil(answers, 'an answer of the MLflow server', 300_000, 500);
  };
  const stop = async (): Promise<void> => {
    const { pid, exitCode } = server ?? {};
    if (server === undefined || pid === undefined || exitCode !== null) return;
    process.kill(-pid, 'SIGKILL');
    await once(server, 'exit');
  };
  const get = async (call: string): Promise<Record<string, unknown>> => {
    const response = await fetch(`${url}/api/2.0/mlflow/${call}`);
    assert.ok(response.ok, `${call}: ${response.status} ${await response.clone().text()}`);
    return (await response.json()) as Record<string, unknown>;
  };

  before(async function () {
    python = await toolForTest(this, 'python-mlflow');
    directory = await mkdtemp(path.join(tmpdir(), 'flywheel-mlflow-'));
    url = `http://127.0.0.1:${await freePort()}`;
    await start();
  });
  after(async () => {
    await stop();
    await rm(directory, { recursive: true, force: true });
  });

  it('has runs, curves, artifacts, versions and aliases as they are here, once, also after it was down', async () => {
    const store = await mirroredStore(testSigner(path.join(directory, 'keys')));
    const mirror = mirrorRegistry({ store, progress: () => undefined, tracker: mlflowTracker({ url }) });
    const first = await mirror({ policy });
    assert.deepEqual(first, { address: `${url}/`, runs: 2, versions: 2, aliases: 3, refused: [], isBehind: false });

    const experiment = (await get(`experiments/get-by-name?experiment_name=${policy}`))['experiment'];
    const { experiment_id: id } = experiment as { experiment_id: string };
    const search = async () => {
      const response = await fetch(`${url}/api/2.0/mlflow/runs/search`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ experiment_ids: [id] }),
      });
      return ((await response.json()) as { runs: { info: { run_id: string; run_name: string; status: string } }[] })
        .runs;
    };
    const runs = await search();
    assert.deepEqual(runs.map(({ info }) => `${info.run_name} ${info.status}`).toSorted(), [
      '2026-01-05 FINISHED',
      '2026-01-12 FINISHED',
      `${policy} 1.0.0 FINISHED`,
    ]);
    const runId = runs.find(({ info }) => info.run_name === '2026-01-05')?.info.run_id ?? '';
    const history = await get(`metrics/get-history?run_id=${runId}&metric_key=loss/train`);
    assert.deepEqual(
      (history['metrics'] as { value: number; step: number }[]).map(({ value, step }) => [value, step]),
      [
        [0.5, 100],
        [0.25, 200],
      ],
    );
    const { run } = (await get(`runs/get?run_id=${runId}`)) as {
      run: { data: { params: { key: string; value: string }[] }; inputs: { dataset_inputs: unknown[] } };
    };
    assert.ok(run.data.params.some(({ key, value }) => key === 'learningRate' && value === '0.01'));
    assert.equal(run.inputs.dataset_inputs.length, 1);
    const files = (await get(`artifacts/list?run_id=${runId}&path=model`))['files'] as { path: string }[];
    assert.deepEqual(
      files.map((file) => file.path),
      ['model/model.onnx'],
    );

    const alias = async (name: string): Promise<unknown> => {
      const found = await get(`registered-models/alias?name=${policy}&alias=${name}`);
      const { tags } = found['model_version'] as { tags: { key: string; value: string }[] };
      return tags.find(({ key }) => key === 'flywheel.version')?.value;
    };
    assert.deepEqual([await alias('champion'), await alias('baseline')], ['1.1.0', '1.0.0']);

    await stop();
    await moveAliases({ store, clock: () => 9_000 }, { policy, operationId: 'b', who: 'ada', why: 'back' }, () => ({
      champion: '1.0.0',
    }));
    await assert.rejects(mirror({ policy }), /expected an answer of MLflow/);
    await start();
    assert.deepEqual(await mirror({ policy }), { ...first, runs: 0, versions: 0, aliases: 1 });
    assert.equal(await alias('champion'), '1.0.0');
    // Its memory lost, everything is told again and nothing is there twice.
    for await (const { key } of store.list('mirrors/')) await store.delete(key);
    assert.deepEqual(await mirror({ policy }), first);
    assert.equal((await search()).length, 3);
  });
});
