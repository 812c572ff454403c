import assert from 'node:assert/strict';

import { diskSpaceOf } from '../../../activities/adapters/disk-space.ts';
import { readIncidents } from '../../../activities/incidents/incident-log.ts';
import { notifyIncidents } from '../../../activities/incidents/notify-incidents.ts';
import type { Notification } from '../../../activities/ports/notifier.ts';
import type { LoopSight } from '../../../domain/monitoring/index.ts';
import { moveAliases } from '../../../store/records/aliases.ts';
import { policy } from '../trials/trial-world.ts';
import { openMonitorWorld, type MonitorWorld } from './monitor-world.ts';

const quiet: LoopSight = { schedule: { kind: 'on', periodMs: 7 * 86_400_000 }, ended: [], retries: [], approvals: [] };

describe('a look at the loop', function () {
  this.timeout(60_000);
  let world: MonitorWorld;
  beforeEach(async () => (world = await openMonitorWorld(3)));
  const open = async (changes: Parameters<MonitorWorld['look']>[0] = {}) =>
    (await world.look(changes)).incidents.map(({ cause, subject }) => `${cause} ${subject}`);

  it('opens an incident for a paused schedule and a waiting person, and closes it when that is over', async () => {
    world.loop.sight = quiet;
    assert.deepEqual(await open(), []);
    world.loop.sight = {
      ...quiet,
      schedule: { kind: 'paused', note: 'inventory' },
      approvals: [{ workflowId: 'trial/wall', what: 'stage 1 waits for a person' }],
    };
    await open();
    assert.deepEqual((await open()).toSorted(), ['approvalWaits trial/wall', 'scheduleOff fleet']);
    delete world.loop.sight;
    for (let looks = 0; looks < 8; looks += 1) await open();
    assert.equal((await open()).length, 2, 'what nobody can tell does not close');
    world.loop.sight = quiet;
    for (let looks = 0; looks < 5; looks += 1) await open();
    assert.deepEqual(await open(), []);
  });

  it('opens one at once for a disk that is nearly full, by its folder, and closes it when there is room again', async () => {
    const gib = 1024 ** 3;
    const disk = (folder: string, freeBytes: number) => ({ folder, freeBytes, totalBytes: 100 * gib });
    world.disks = [disk('/store', 50 * gib), disk('/scratch', 5 * gib)];
    assert.deepEqual(await open(), []);
    world.disks = [disk('/store', 50 * gib), disk('/scratch', 4.99 * gib)];
    assert.deepEqual(await open(), ['diskFull /scratch']);
    assert.match((await world.look()).incidents[0]?.reason ?? '', /^5110 of 102400 MiB are free, 5120 are the least/);
    world.disks = [];
    for (let looks = 0; looks < 8; looks += 1) await open();
    assert.deepEqual(await open(), ['diskFull /scratch'], 'what nobody can tell does not close');
    // Of a small disk a twentieth is too little to write down that it is full.
    const small = { folder: '/scratch', freeBytes: 0.2 * gib, totalBytes: gib };
    world.disks = [small];
    assert.deepEqual(await open(), ['diskFull /scratch']);
    world.disks = [{ ...small, freeBytes: 0.3 * gib }];
    for (let looks = 0; looks < 5; looks += 1) await open();
    assert.deepEqual(await open(), []);
    // A folder that is not there any more says nothing; the disks of this machine do.
    const [here, gone] = await Promise.all(['.', '/nowhere/at/all'].map((folder) => diskSpaceOf([folder])()));
    assert.deepEqual([here?.length, gone], [1, []]);
  });

  it('opens one for gateways that tell of nobody', async () => {
    await open();
    world.isGatewayThere = false;
    for (let looks = 0; looks < 10; looks += 1) await open();
    assert.deepEqual(await open(), ['gatewayDead fleet']);
    const [incident] = (await world.look()).incidents;
    assert.match(incident?.reason ?? '', /no gateway reports which of 3 robots are online/);
  });

  it('writes notices of ended runs and promotions into the incident log, and tells them as notices', async () => {
    world.loop.sight = quiet;
    await world.look();
    const run = { workflowId: 'trial/wall/ab', kind: 'abTest', outcome: 'accept', reason: 'proven better' } as const;
    world.loop.sight = { ...quiet, ended: [{ ...run, endedMs: world.nowMs + 1 }] };
    await world.promote('1.1.0');
    await world.look();
    await world.look();
    const events = (await readIncidents(world.store, policy)).flatMap(({ record }) => record.events);
    assert.deepEqual(
      events.map(({ cause, subject, state }) => [cause, subject, state]),
      [
        ['verdict', 'trial/wall/ab', 'noticed'],
        ['promotion', '1.1.0', 'noticed'],
      ],
    );
    const told: Notification[] = [];
    const notifier = { notify: async (notification: Notification) => void told.push(notification) };
    await notifyIncidents({ store: world.store, notifier })({ policy, fromSeq: 0 });
    assert.deepEqual(
      told.map(({ kind, cause }) => [kind, cause]),
      [
        ['notice', 'verdict'],
        ['notice', 'promotion'],
      ],
    );
  });

  it('tells of a rollback once, when it is ordered, in the name of who ordered it, and of its undoing', async () => {
    world.loop.sight = quiet;
    await world.promote('1.1.0');
    await world.look();
    const { store } = world;
    const move = async (operationId: string, champion: string, who: string): Promise<void> => {
      const clock = (): number => world.nowMs;
      await moveAliases({ store, clock }, { policy, operationId, who, why: 'smoke' }, () => ({ champion }));
      await world.look();
    };
    const startedMs = world.nowMs;
    await move('rollback-wall-0a1b#7', '1.0.0', 'ada');
    const run = { workflowId: 'rollback/wall', kind: 'rollback', outcome: 'rolledBack', reason: 'back' } as const;
    const end = { ...run, startedMs, endedMs: world.nowMs + 1, version: '1.0.0', who: 'ada' };
    world.loop.sight = { ...quiet, ended: [end] };
    await world.look();
    await move('undo-7-rollback-wall-0a1c#8', '1.1.0', 'ada');
    // One that ended a trial moved no champion: only its end tells of it.
    const later = {
      ...end,
      startedMs: world.nowMs + 300_000,
      endedMs: world.nowMs + 300_001,
      version: '1.1.0',
      who: 'bo',
    };
    world.loop.sight = { ...quiet, ended: [later] };
    await world.look();
    const events = (await readIncidents(store, policy)).flatMap(({ record }) => record.events);
    assert.deepEqual(
      events.map(({ cause, reason, who }) => [cause, reason, who]),
      [
        ['rollback', '1.0.0 is champion again, in place of 1.1.0: smoke', 'ada'],
        ['promotion', '1.1.0 is champion again, in place of 1.0.0: smoke', 'ada'],
        ['rollback', 'rolledBack: back', 'bo'],
      ],
    );
  });
});
