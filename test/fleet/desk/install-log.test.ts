import assert from 'node:assert/strict';

import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import type { ObjectStore } from '../../../store/object-store.ts';
import { installLog, installReader, type InstallRecord } from '../../../fleet/desk/install-log.ts';

const policy = 'wall';

const install = (robotId: string, reportNumber: number, version: string): InstallRecord => ({
  robotId,
  gatewayId: 'g1',
  receivedMs: reportNumber,
  report: {
    reportId: `01J${String(reportNumber).padStart(23, '0')}`,
    bootId: '01J00000000000000000000000',
    atMs: 0,
    clockSkewMs: 0,
    outcome: 'installed',
    reason: 'ordered',
    version,
    attempted: null,
    assignmentSeq: 0,
    trialId: null,
    detail: '',
  },
});

describe('the last installs of a fleet', () => {
  it('are followed at one read a robot and look; the logs are listed once, however long they are', async () => {
    const memory = memoryObjectStore();
    let [lists, gets] = [0, 0];
    const store: ObjectStore = {
      ...memory,
      list: (prefix, options) => ((lists += 1), memory.list(prefix, options)),
      get: (key, range) => ((gets += 1), memory.get(key, range)),
    };
    const log = installLog(memory, policy);
    for (let report = 0; report < 50; report += 1) await log.append(install('r1', report, `1.${report}.0`));
    await log.append(install('r2', 0, '1.0.0'));
    const reader = installReader(store, policy);
    const versions = async () =>
      Object.fromEntries(
        [...(await reader.read(['r1', 'r2', 'r3'], () => undefined))].map(([robotId, { report }]) => [
          robotId,
          report.version,
        ]),
      );
    assert.deepEqual(await versions(), { r1: '1.49.0', r2: '1.0.0' });
    await log.append(install('r1', 50, '2.0.0'));
    await log.append(install('r3', 0, '3.0.0'));
    await log.append(install('r3', 1, '3.1.0'));
    gets = 0;
    assert.deepEqual(await versions(), { r1: '2.0.0', r2: '1.0.0', r3: '3.1.0' });
    assert.equal(gets, 3 + 3);
    assert.equal(lists, 1);
  });

  it('are the end of logs that keep 64 reports of a robot, with the same seq for a report that comes again', async () => {
    const store = memoryObjectStore();
    const log = installLog(store, policy);
    const reader = installReader(store, policy);
    await log.append(install('r1', 0, '1.0.0'));
    assert.equal((await reader.read(['r1'], () => undefined)).get('r1')?.report.version, '1.0.0');
    for (let report = 1; report < 300; report += 1)
      assert.equal(await log.append(install('r1', report, `1.${report}.0`)), report);
    const keys: string[] = [];
    for await (const { key } of store.list(`fleet/${policy}/installs/r1/`)) keys.push(key);
    assert.equal(keys.length, 64);
    // Another gateway knows of the same reports.
    assert.equal(await installLog(store, policy).append(install('r1', 299, '1.299.0')), 299);
    assert.equal(await installLog(store, policy).append(install('r1', 300, '1.300.0')), 300);
    // A reader that was overtaken by more than is kept finds the end again.
    for (let look = 0; look < 40; look += 1) await reader.read(['r1'], () => undefined);
    assert.equal((await reader.read(['r1'], () => undefined)).get('r1')?.report.version, '1.300.0');
  });

  it('are found in a log of an earlier version, which is shortened little by little and read at its end only', async () => {
    const memory = memoryObjectStore();
    const record = install('r1', 0, '1.0.0');
    for (let seq = 0; seq < 3_000; seq += 1)
      await memory.put(
        `fleet/${policy}/installs/r1/${String(seq).padStart(20, '0')}.json`,
        Buffer.from(
          JSON.stringify({ ...record, report: { ...record.report, reportId: `01J${String(seq).padStart(23, '0')}` } }),
        ),
      );
    let gets = 0;
    const store: ObjectStore = { ...memory, get: (key, range) => ((gets += 1), memory.get(key, range)) };
    const log = installLog(store, policy);
    assert.equal(await log.append(install('r1', 2_999, '1.0.0')), 2_999);
    assert.ok(gets <= 64, `${gets} reads`);
    for (let report = 0; report < 4; report += 1)
      await installLog(store, policy).append(install('r1', 4_000 + report, '2.0.0'));
    const keys: string[] = [];
    for await (const { key } of memory.list(`fleet/${policy}/installs/r1/`)) keys.push(key);
    assert.ok(keys.length <= 64, `${keys.length} entries`);
  });
});
