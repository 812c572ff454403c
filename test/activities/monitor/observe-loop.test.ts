import assert from 'node:assert/strict';

import { readIncidents } from '../../../activities/incidents/incident-log.ts';
import { notifyIncidents } from '../../../activities/incidents/notify-incidents.ts';
import type { Notification } from '../../../activities/ports/notifier.ts';
import type { LoopSight } from '../../../domain/monitoring/index.ts';
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

  it('opens one for gateways that tell of nobody', async () => {
    await open();
    world.isGatewayThere = false;
    for (let looks = 0; looks < 10; looks += 1) await open();
    assert.deepEqual(await open(), ['gatewayDead fleet']);
    const [incident] = (await world.look()).incidents;
    assert.match(incident?.reason ?? '', /no gateway says which of 3 robots are there/);
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
});
