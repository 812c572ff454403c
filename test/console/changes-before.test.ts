import assert from 'node:assert/strict';

import { incidentRecordSchema } from '../../activities/incidents/incident-log.ts';
import type { IncidentsAnswer } from '../../console/answers/incidents.ts';
import { writeLogEntry } from '../../store/append-log.ts';
import { setFreeze } from '../../store/records/freezes.ts';
import { hourMs, policy, startMs } from '../activities/facts/fact-world.ts';
import { ask, openConsoleWorld, type ConsoleWorld } from './console-world.ts';

const path = `/api/v1/incidents?policy=${policy}`;

describe('what changed before incidents, of the console', () => {
  let world: ConsoleWorld;
  const read = async (app = world.app): Promise<IncidentsAnswer> =>
    (await ask(app, path, world.token)).body as unknown as IncidentsAnswer;

  before(async () => {
    world = await openConsoleWorld();
    const { store } = world.ports;
    const event = { state: 'opened', reason: 'r' };
    const events = [
      { ...event, incidentId: 'i1', cause: 'fleetBroken', subject: 'fleet', atMs: startMs + hourMs },
      { ...event, incidentId: 'i2', cause: 'silent', subject: 'r1', atMs: startMs + hourMs },
      // Another model sees otherwise: what robots were given before explains drift, too.
      { ...event, incidentId: 'i3', cause: 'drift', subject: 'fleet', atMs: startMs + 9 * 24 * hourMs },
    ];
    await writeLogEntry(store, `incidents/${policy}`, 0, incidentRecordSchema.parse({ lookId: '1', events }));
  });
  after(() => world.close());

  it('is nothing where nothing was done, and is not asked of incidents that it does not explain', async () => {
    const { changesBefore } = await read();
    assert.deepEqual(changesBefore, [
      { incidentId: 'i1', openedAtMs: startMs + hourMs, items: [], total: 0 },
      { incidentId: 'i3', openedAtMs: startMs + 9 * 24 * hourMs, items: [], total: 0 },
    ]);
  });

  it('is what was done in the seven days before each opened, newest first, the last five', async () => {
    const { store } = world.ports;
    const order = {
      kind: 'assign',
      championVersion: '1.0.0',
      trialId: null,
      urgency: 'safeStop',
      overrides: [],
      who: 'ada',
      why: 'smoke',
    };
    for (let seq = 0; seq < 8; seq += 1)
      await writeLogEntry(store, `fleet/${policy}/assignments`, seq, {
        ...order,
        defaultVersion: '1.0.0',
        operationId: `rollback-${policy}-${seq}#${seq}`,
        // The last one is after the first incident.
        atMs: startMs + seq * 10 * 60_000,
      });
    const { changesBefore } = await read();
    const [first, last] = changesBefore ?? [];
    assert.deepEqual([first?.total, first?.items.length, first?.items[0]?.atMs], [7, 5, startMs + hourMs]);
    assert.deepEqual(
      [first?.items[0]?.kind, first?.items[0]?.who, first?.items[0]?.version],
      ['rollback', 'ada', '1.0.0'],
    );
    assert.deepEqual([last?.incidentId, last?.total], ['i3', 0]);
  });

  it('is unknown, and hides no incident, where the log cannot be read', async () => {
    const { store, clock } = world.ports;
    await setFreeze({ store, clock }, { policy, who: 'bo', why: 'w', until: '2026-07-01', mayShorten: false });
    const torn: typeof store.list = (prefix, options) => {
      if (prefix.startsWith('freezes/')) throw new Error('no such host');
      return store.list(prefix, options);
    };
    const answer = await read(await world.on({ store: { ...store, list: torn } }));
    assert.deepEqual([answer.changesBefore, answer.events.length], [null, 3]);
  });
});
