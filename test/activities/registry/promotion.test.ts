import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { testSigner } from '../../support/keys.ts';
import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import type { ObjectStore } from '../../../store/object-store.ts';
import { moveAliases, readAliases, readAliasHistory } from '../../../store/records/aliases.ts';
import { promoteWithoutTrial } from '../../../activities/registry/promote-without-trial.ts';
import { registerModel } from '../../../activities/registry/register-model.ts';
import type { Signer } from '../../../policies/signer.ts';
import { championDesk, openDesk, openFleetReader, type AssignmentRecord } from '../../../fleet/desk/index.ts';

const policy = 'wall-follower';
const bytes = new TextEncoder().encode('a model');

describe('a promotion without a trial', () => {
  let directory: string;
  let store: ObjectStore;
  let signer: Signer;
  let nowMs = 1_000;

  const ports = (over: ObjectStore = store) => ({
    store: over,
    signer,
    clock: () => (nowMs += 1),
    codeBuild: 'test',
    desk: championDesk({ store: over }),
  });
  const request = {
    policy,
    who: 'cycle',
    why: 'test',
    bootstrap: true,
    gates: 'pass',
    candidateVersion: '1.1.0',
    assignmentSeq: 0,
    operationId: 'cycle-2',
  } as const;
  const assignments = () => openFleetReader({ store, clock: () => nowMs }).readAssignments(policy);
  const assign = (seq: number, more: Partial<Extract<AssignmentRecord, { kind: 'assign' }>> = {}) =>
    openDesk({ store }).write({
      policy,
      seq,
      record: {
        kind: 'assign',
        defaultVersion: '1.0.0',
        championVersion: '1.0.0',
        trialId: null,
        urgency: 'whenIdle',
        overrides: [],
        operationId: `other-${seq}`,
        who: 'ada',
        why: 'test',
        atMs: 0,
        ...more,
      },
    });

  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'flywheel-promotion-'));
    signer = testSigner(directory);
    store = memoryObjectStore();
    await store.put('model.onnx', bytes);
    for (const operationId of ['cycle-1', 'cycle-2'])
      await registerModel(ports())({
        operationId,
        policy,
        change: 'minor',
        robotType: { id: 'scitos-g5', version: 1, digest: 'e'.repeat(64) },
        sources: { 'model.onnx': 'model.onnx' },
        modelSha256: createHash('sha256').update(bytes).digest('hex'),
        parents: [],
        training: null,
        metrics: {},
        gates: [],
      });
    await moveAliases(ports(), { policy, operationId: 'baseline', who: 'ada', why: 'first' }, () => ({
      champion: '1.0.0',
      baseline: '1.0.0',
    }));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  it('orders the robots onto the first successor of the baseline and moves the alias, once; nobody else gets through', async () => {
    const first = await promoteWithoutTrial(ports())(request);
    const again = await promoteWithoutTrial(ports())(request);
    const other = await promoteWithoutTrial(ports())({ ...request, operationId: 'cycle-3', assignmentSeq: 1 });
    assert.deepEqual([first.kind, again.kind, other.kind], ['promote', 'promote', 'notOffered']);
    assert.deepEqual(await readAliases(ports())({ policy }), {
      champion: '1.1.0',
      previous: '1.0.0',
      baseline: '1.0.0',
      anchor: '1.1.0',
    });
    const { seq, current } = await assignments();
    assert.equal(seq, 0);
    assert.deepEqual(
      [current?.record.defaultVersion, current?.record.championVersion, current?.record.trialId],
      ['1.1.0', '1.1.0', null],
    );
    assert.equal(current?.record.operationId, 'cycle-2');
  });

  it('that dies between order and alias is finished by the next attempt, whatever its clock says', async () => {
    const dying: ObjectStore = {
      ...store,
      putIfAbsent: async (key, body) => {
        if (key.startsWith('registry/')) throw new Error('died');
        return store.putIfAbsent(key, body);
      },
    };
    await assert.rejects(promoteWithoutTrial(ports(dying))(request), /died/);
    assert.equal((await assignments()).current?.record.championVersion, '1.1.0');
    assert.equal((await readAliases(ports())({ policy })).champion, '1.0.0');
    assert.equal((await promoteWithoutTrial(ports())(request)).kind, 'promote');
    assert.equal((await readAliases(ports())({ policy })).champion, '1.1.0');
    assert.equal((await assignments()).seq, 0);
  });

  it('that died for good between order and alias is caught up on before anything else is decided', async () => {
    await assign(0, { defaultVersion: '1.1.0', championVersion: '1.1.0', operationId: 'cycle-dead' });
    const later = await promoteWithoutTrial(ports())({ ...request, operationId: 'cycle-3', assignmentSeq: 1 });
    assert.equal(later.kind, 'notOffered');
    assert.match(later.reason, /the champion is 1\.1\.0, not the baseline/);
    assert.equal((await readAliases(ports())({ policy })).champion, '1.1.0');
    assert.equal((await readAliasHistory(ports())({ policy })).at(-1)?.operationId, 'cycle-dead');
  });

  it('changes nothing when others gave orders since the cycle began', async () => {
    await assign(0);
    const late = await promoteWithoutTrial(ports())(request);
    assert.equal(late.kind, 'notOffered');
    assert.match(late.reason, /expected to give order 0 to the fleet, others were given meanwhile/);
    assert.equal((await readAliases(ports())({ policy })).champion, '1.0.0');
    assert.equal((await assignments()).seq, 0);
  });

  it('waits for the end of a trial that robots are on', async () => {
    await assign(0, {
      overrides: [{ version: '1.1.0', trialId: 't1', urgency: 'whenIdle', robotIds: ['r1'] }],
    });
    const refused = await promoteWithoutTrial(ports())({ ...request, assignmentSeq: 1 });
    assert.match(refused.reason, /robots are on trial t1/);
    assert.equal((await assignments()).seq, 0);
  });

  it('needs "bootstrap": true', async () => {
    const refused = await promoteWithoutTrial(ports())({ ...request, bootstrap: false });
    assert.match(refused.reason, /without "bootstrap": true/);
    assert.equal((await assignments()).seq, -1);
  });
});
