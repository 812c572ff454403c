import assert from 'node:assert/strict';

import { memoryObjectStore } from '../../../activities/adapters/memory-object-store.ts';
import type { ObjectStore } from '../../../activities/ports.ts';
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
        [...(await reader.read(['r1', 'r2', 'r3']))].map(([robotId, { report }]) => [robotId, report.version]),
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
});
