import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { initKeys } from '../../activities/adapters/key-changes.ts';
import type { ErasureCertificate } from '../../activities/erasure/certify-erasure.ts';
import { firstMessage, startProcess, type Started } from '../../demo/processes.ts';
import { workflowIds } from '../../domain/contract/workflow-ids.ts';
import { fileObjectStore } from '../../store/adapters/file-object-store.ts';
import { lakeRows, request } from '../activities/erasure/erasure-world.ts';
import { fill } from '../activities/erasure/filled-world.ts';
import { CollectionWorld, portsOf } from '../activities/collection/collection-fixture.ts';
import { sharedTemporal } from '../support/temporal.ts';

const main = fileURLToPath(new URL('../../workers/main.ts', import.meta.url));
const dieAtChange = String(new URL('../support/children/die-at-change.ts', import.meta.url));
/** Of the changes of files that a data worker makes below the store: what it finds is written down, and files of the lake are being rewritten. */
const diesAt = [4, 11, 20];

describe('data workers that are killed while they erase, one after the other', function () {
  this.timeout(600_000);
  let directory: string;
  let world: CollectionWorld;
  const running: Started[] = [];

  before(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'flywheel-erasure-death-'));
    world = await fill(fileObjectStore({ root: path.join(directory, 'store') }));
  });
  after(async () => {
    await Promise.all(running.map((worker) => worker.stop()));
    await world.close();
    await rm(directory, { recursive: true, force: true });
  });

  it('are followed by one that ends it: everything of the robot is gone, nothing of others', async () => {
    const { client, address } = await sharedTemporal();
    const prefix = `${path.basename(directory)}-`;
    const environment = {
      FLYWHEEL_STORE: path.join(directory, 'store'),
      FLYWHEEL_KEYS: path.join(directory, 'keys'),
      FLYWHEEL_SCRATCH: path.join(directory, 'scratch'),
      FLYWHEEL_QUEUE_PREFIX: prefix,
      FLYWHEEL_TEMPORAL_ADDRESS: address,
      FLYWHEEL_LOG_LEVEL: 'warn',
      TZ: 'UTC',
    };
    const start = async (queues: string, death = 0): Promise<Started> => {
      const worker = startProcess({
        name: `${queues} worker`,
        command: process.execPath,
        args: [...(death > 0 ? ['--import', dieAtChange] : []), main, '--queues', queues],
        logFile: path.join(directory, `${queues}.log`),
        environment: { ...environment, TEST_DIE_ROOT: environment.FLYWHEEL_STORE, TEST_DIE_AT: String(death) },
        channel: true,
      });
      running.push(worker);
      await firstMessage(worker);
      return worker;
    };
    initKeys(environment.FLYWHEEL_KEYS, { nowMs: Date.now() });
    const before = await lakeRows(world);
    const own = before.episodes.filter((row) => row.includes('"r1"'));
    const ids = own.map((row) => (JSON.parse(row) as { episode_id: string }).episode_id);
    const others = (rows: readonly string[]): string[] =>
      rows.filter((row) => !ids.some((id) => row.includes(id))).toSorted();
    assert.ok(own.length > 0 && others(before.episodes).length > 0);
    assert.ok(others(before.frames).length < before.frames.length);
    await request(world.ports, 'e1', { kind: 'robot', robotId: 'r1' }, { recordedBeforeMs: Date.now() });
    await start('orchestration,fleet');
    let worker = await start('data', diesAt[0]);
    const handle = await client.workflow.start('eraseData', {
      taskQueue: `${prefix}orchestration`,
      workflowId: workflowIds.eraseData('e1'),
      args: [{ erasureId: 'e1', settleMs: 100 }],
    });
    for (const next of [...diesAt.slice(1), 0]) {
      assert.match(await worker.ended, /SIGKILL/);
      worker = await start('data', next);
    }
    const certificate = (await handle.result()) as ErasureCertificate;
    assert.equal(certificate.erased.episodes, own.length);
    assert.ok(certificate.distinctEpisodes > own.length, 'those of segments that wait too');
    const fresh = new CollectionWorld(
      directory,
      portsOf(fileObjectStore({ root: environment.FLYWHEEL_STORE }), world.ports.engine, environment.FLYWHEEL_SCRATCH),
    );
    const left = await lakeRows(fresh);
    assert.deepEqual(left.episodes.toSorted(), others(before.episodes));
    assert.deepEqual(left.frames.toSorted(), others(before.frames));
    for (const folder of ['landing', 'quarantine', 'removed']) {
      const keys = await world.keys(`${folder}/`);
      assert.deepEqual(
        keys.filter((key) => key.includes('/r1/')),
        [],
      );
    }
  });
});
