import assert from 'node:assert/strict';

import { readLastRollback } from '../../../activities/trials/read-undo.ts';
import { undoTarget } from '../../../domain/trial/index.ts';
import { openFleetReader } from '../../../fleet/desk/index.ts';
import { writeLogEntry } from '../../../store/append-log.ts';
import { jsonBytes } from '../../../store/json-objects.ts';
import { readAliases, readAliasHistory } from '../../../store/records/aliases.ts';
import { setFreeze } from '../../../store/records/freezes.ts';
import { openTrialWorld, policy, type TrialWorld } from './trial-world.ts';

const minute = 60_000;

/** The desk, the alias log and what speaks against a version are real; the workflow's steps are called one by one. */
describe('undoing a rollback, by the logs', function () {
  this.timeout(60_000);
  let world: TrialWorld;
  const write = async (seq: number, operationId: string, version: string, who = 'ada', more: object = {}) => {
    const origin = { operationId, who, why: 'smoke', atMs: world.nowMs };
    const order = { policy, version, seq, isForced: true, urgency: 'safeStop', ...origin, ...more } as const;
    assert.deepEqual(await world.call('endExposure', order), { kind: 'written', seq });
    await world.call('repairAliases', { policy, who, why: 'smoke' });
    world.nowMs += minute;
  };
  const plan = (order: number, who = 'ada') => world.call('planRollback', { policy, target: undoTarget(order), who });
  const refusal = async (order = 2, who = 'ada'): Promise<string> => {
    const { choice } = await plan(order, who);
    return choice.kind === 'nothing' ? choice.reason : assert.fail(JSON.stringify(choice));
  };

  beforeEach(async () => {
    world = await openTrialWorld(2, { versions: 3 });
    await write(0, 'wall-rollout-a#0', '1.1.0', 'cycle a');
    await write(1, 'wall-rollout-b#1', '1.2.0', 'cycle b');
    await write(2, 'rollback-wall-0a1b#2', '1.1.0');
  });
  afterEach(() => world.close());

  it('restores version and aliases as they were, once, and a rollback after it goes back again', async () => {
    const { choice, seq, openTrialId } = await plan(2);
    assert.deepEqual([choice.kind, seq, openTrialId], ['assign', 2, null]);
    assert.match(choice.reason, /undoes the rollback of order 2: back to 1\.2\.0/);
    await write(3, 'undo-2-rollback-wall-0a1b#3', '1.2.0');
    const { champion, previous } = await readAliases(world)({ policy });
    assert.deepEqual([champion, previous], ['1.2.0', '1.1.0']);
    assert.match(await refusal(), /undone already, by order 3 of ada/);
    assert.match(await refusal(3), /undid a rollback itself/);
    const again = await world.call('planRollback', { policy });
    assert.deepEqual([again.choice.kind, again.choice.kind === 'assign' && again.choice.version], ['assign', '1.1.0']);
  });

  it('is refused to others, after its time, and once anything else was ordered', async () => {
    assert.match(await refusal(2, 'bo'), /only who ordered it/);
    assert.equal((await world.call('planRollback', { policy, target: undoTarget(2) })).choice.kind, 'nothing');
    world.nowMs += 30 * minute;
    assert.match(await refusal(), /can be undone for 30 min/);
    world.nowMs -= 30 * minute;
    await write(3, 'wall-rollout-c#3', '1.0.0', 'cycle c');
    assert.match(await refusal(), /order 3 came after it/);
  });

  it('is refused while anything speaks against the version, or cannot be read', async () => {
    const { store } = world;
    const clock = (): number => world.nowMs;
    const end = { policy, trialId: 't1', candidateVersion: '1.2.0', outcome: 'harmful', reason: 'harm', atMs: 1 };
    await store.put('trials/t1/end.json', jsonBytes(end));
    assert.match(await refusal(), /trial t1 ended against 1\.2\.0: harm; it needs an approval/);
    await store.put('trials/t1/end.json', new TextEncoder().encode('{'));
    assert.match(await refusal(), /cannot be read: trials\/t1\/end\.json/);
    await store.delete('trials/t1/end.json');
    const event = { incidentId: 'i', cause: 'errorRate', subject: 'fleet', reason: 'r', atMs: world.nowMs } as const;
    await writeLogEntry(store, `incidents/${policy}`, 0, { lookId: 'l', events: [{ ...event, state: 'opened' }] });
    assert.match(await refusal(), /an alarm may be about 1\.2\.0: more episodes fail than before; it/);
    await store.delete(`incidents/${policy}/${'0'.repeat(20)}.json`);
    assert.equal((await plan(2)).choice.kind, 'assign');
    const freeze = { policy, who: 'bo', why: 'fair', until: '2026-07-01', mayShorten: false };
    await setFreeze({ store, clock }, freeze);
    assert.match(await refusal(), /trials were frozen/);
  });

  it('does not take up a trial that the rollback ended, nor what the monitor took back', async () => {
    await write(3, 'rollback-wall-0a1c#3', '1.0.0', 'ada', { trialId: 'wall-rollout-z' });
    assert.match(await refusal(3), /it ended a trial/);
    await write(4, 'wall-rollout-c#4', '1.2.0', 'cycle c');
    await write(5, 'rollback-wall-0a1d#5', '1.1.0', 'fleetMonitor');
    assert.match(await refusal(5, 'fleetMonitor'), /the monitor ordered it/);
  });

  it('is offered as long as it can be asked for, with why not where it cannot be done', async () => {
    const { store } = world;
    const ports = { store, clock: () => world.nowMs };
    const last = async (more: object = {}) => {
      const log = await openFleetReader(ports).readAssignments(policy);
      const history = await readAliasHistory(ports)({ policy });
      return readLastRollback({ ...ports, ...more }, { policy, log, history });
    };
    const offered = await last();
    assert.deepEqual(
      [offered?.order, offered?.who, (offered?.untilMs ?? 0) - world.nowMs, offered?.decision.kind],
      [2, 'ada', 29 * minute, 'undo'],
    );
    assert.equal(await last({ undoWithinMs: 0 }), undefined);
    const freeze = { policy, who: 'bo', why: 'fair', until: '2026-07-01', mayShorten: false };
    await setFreeze(ports, freeze);
    assert.equal((await last())?.decision.kind, 'no');
    world.nowMs += 29 * minute + 1;
    assert.equal(await last(), undefined);
    await write(3, 'undo-2-rollback-wall-0a1b#3', '1.2.0');
    assert.equal(await last(), undefined);
  });
});
