import assert from 'node:assert/strict';

import { recordApproval } from '../../../activities/trials/record-approval.ts';
import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import { failure } from '../../../store/failures.ts';
import { verifyAudit } from '../../../store/records/audit-chain.ts';
import { readAuditPage } from '../../../store/records/audit-log.ts';

const approval = {
  trialId: 'wall-rollout-1',
  stage: 2,
  answer: 'approved',
  reason: 'fine',
  who: 'ada',
  atMs: 7,
} as const;

describe('recordApproval', () => {
  it('keeps who answered for a stage with the trial and in the audit log, once, whatever comes after', async () => {
    const store = memoryObjectStore();
    const record = recordApproval({ store });
    const { key } = await record(approval);
    await record(approval);
    await record({ ...approval, answer: 'rejected', who: 'eve' });
    assert.match(new TextDecoder().decode(await store.get(key)), /"who": "ada"/);
    const { entries } = await readAuditPage(store, { limit: 10, isWanted: () => true }, () => undefined);
    assert.deepEqual(
      entries.map(({ via, who, act, subject, reason, outcome }) => [via, who, act, subject, reason, outcome]),
      [['temporal', 'ada', 'trial.approve', 'wall-rollout-1, stage 3 of 4', 'fine', 'done']],
    );
    assert.equal((await verifyAudit(store)).broken, null);
  });

  it('takes what a person sent past every check as bounded text', async () => {
    const store = memoryObjectStore();
    await recordApproval({ store })({ ...approval, reason: `\u001b[2J${'x'.repeat(5_000)}`, who: '' });
    const { entries } = await readAuditPage(store, { limit: 10, isWanted: () => true }, () => undefined);
    assert.deepEqual([entries[0]?.who, entries[0]?.reason.length], ['nobody', 500]);
  });

  it('is finished by the next attempt when the store stops answering between the two', async () => {
    const store = memoryObjectStore();
    let isDown = true;
    const failing = {
      ...store,
      putIfAbsent: async (...args: Parameters<typeof store.putIfAbsent>) => {
        if (isDown && args[0].startsWith('audit/')) throw failure('StoreUnavailable', 'down');
        return store.putIfAbsent(...args);
      },
    };
    const record = recordApproval({ store: failing });
    await assert.rejects(record(approval), { type: 'StoreUnavailable' });
    isDown = false;
    await record(approval);
    assert.equal((await verifyAudit(store)).verifiedSeq, 1);
  });
});
