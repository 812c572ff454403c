import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Worker } from '@temporalio/worker';

import { testSigner } from '../support/keys.ts';
import { onnxProbe } from '../../activities/adapters/onnx-probe-process.ts';
import { registerBaseline } from '../../activities/registry/register-baseline.ts';
import { addRobot, championDesk } from '../../fleet/desk/index.ts';
import { readSettings } from '../../workers/config.ts';
import { openPorts } from '../../workers/ports.ts';
import { workerOptions } from '../../workers/run-workers.ts';
import type { TrialStatus } from '../../workflows/trial/messages.ts';
import { numbered, openMixFixture, store as storeEpisodes, type MixFixture } from '../activities/mix/mix-fixture.ts';
import { foreignModel } from '../activities/submissions/foreign-models.ts';
import { sharedTemporal } from '../support/temporal.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** From a file on disk to the trial slot on a real server. */
describe('flywheel models submit', function () {
  this.timeout(120_000);
  const policy = `picker-${randomUUID().slice(0, 8)}`;
  let fixture: MixFixture;
  let environment: Record<string, string>;
  let stop: () => Promise<void>;

  before(async () => {
    fixture = await openMixFixture();
    const { address, client, connection, bundle } = await sharedTemporal();
    environment = {
      FLYWHEEL_STORE: join(fixture.directory, 'store'),
      FLYWHEEL_KEYS: join(fixture.directory, 'keys'),
      FLYWHEEL_SCRATCH: join(fixture.directory, 'scratch'),
      FLYWHEEL_TEMPORAL_ADDRESS: address,
      FLYWHEEL_QUEUE_PREFIX: `${policy}-`,
    };
    const signer = testSigner(environment['FLYWHEEL_KEYS'] ?? '');
    const ports = await openPorts(readSettings(environment), 'test', client);
    const workers = await Promise.all(
      (['orchestration', 'fleet'] as const).map((queue) =>
        Worker.create({ ...workerOptions(queue, ports, bundle), connection, taskQueue: `${policy}-${queue}` }),
      ),
    );
    const running = Promise.all(workers.map((worker) => worker.run()));
    stop = async () => {
      for (const worker of workers) worker.shutdown();
      await running;
    };
    await storeEpisodes(fixture, 1, [
      ...numbered(1, 40, { split: 'heldout' }),
      ...numbered(41, 40, { split: 'heldout', task: 'dock', robot: 'r2' }),
    ]);
    const robotType = { id: 'test-robot', version: 1 };
    const { store } = fixture;
    await registerBaseline({
      store,
      clock: Date.now,
      codeBuild: 'test',
      progress: () => undefined,
      probe: onnxProbe(),
      signer,
      desk: championDesk({ store }),
    })({ policy, robotType, model: foreignModel([4, 0, 0]), who: 'a', why: 'b' });
    await addRobot(
      { store, clock: Date.now },
      {
        robotId: 'r1',
        policy,
        robotType,
        site: 'hall',
        stratum: 'hall',
        tokenHashes: ['0'.repeat(64)],
        who: 't',
        why: 't',
      },
    );
  });
  after(async () => {
    const { client } = await sharedTemporal();
    await client.workflow
      .getHandle(`trial/${policy}`)
      .terminate()
      .catch(() => undefined);
    await stop();
    await fixture.close();
  });

  const submit = (file: string, ...more: string[]) =>
    new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
      const words = ['cli/main.ts', 'models', 'submit', file, '--policy', policy, ...more];
      const env = { ...process.env, ...environment };
      const child = execFile(process.execPath, words, { cwd: root, env }, (_, stdout, stderr) =>
        resolve({ code: child.exitCode ?? -1, stdout, stderr }),
      );
    });
  const fileOf = async (name: string, model: Uint8Array) => {
    const file = join(fixture.directory, `${name}.onnx`);
    await writeFile(file, model);
    return file;
  };

  it('brings a good model into a trial, and a bad one nowhere', async () => {
    const { client } = await sharedTemporal();
    const bad = await submit(await fileOf('bad', foreignModel([0, 0, 4])), '--json');
    assert.equal(bad.code, 1, bad.stderr);
    const held = JSON.parse(bad.stdout) as { version: string | null; verdict: { passed: string } };
    assert.deepEqual([held.verdict.passed, held.version], ['hold', null]);

    const good = await submit(await fileOf('good', foreignModel([0, 4, 0])), '--reason', 'better grip');
    assert.equal(good.code, 0, good.stderr);
    assert.match(good.stdout, /registered as 2\.0\.0; offered: 2\.0\.0 is planned now/);
    const status = await client.workflow.getHandle(`trial/${policy}`).query<TrialStatus>('status');
    assert.equal(status.policy, policy);
    const input = await submit(await fileOf('good', foreignModel([0, 4, 0])), '--input', 'soon');
    assert.equal(input.code, 2);
    assert.match(input.stderr, /--input: expected a JSON object, got soon/);
  });
});
