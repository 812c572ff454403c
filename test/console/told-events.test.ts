import assert from 'node:assert/strict';

import { incidentRecordSchema } from '../../activities/incidents/incident-log.ts';
import type { IncidentsAnswer } from '../../console/answers/incidents.ts';
import type { EndedTrialsAnswer } from '../../console/answers/trials.ts';
import { writeLogEntry } from '../../store/append-log.ts';
import { jsonBytes } from '../../store/json-objects.ts';
import { hourMs, policy, startMs } from '../activities/facts/fact-world.ts';
import { openConsoleWorld, type ConsoleWorld } from './console-world.ts';

describe('notices of trials, of the console', () => {
  let world: ConsoleWorld;
  before(async () => {
    world = await openConsoleWorld();
    const { store } = world.ports;
    const end = { policy, candidateVersion: '1.1.0', outcome: 'rolledBack', atMs: startMs };
    await store.put(
      'trials/t1/end.json',
      jsonBytes({ ...end, trialId: 't1', reason: 'stage 0 was not proven in time' }),
    );
    await store.put('trials/t0/end.json', jsonBytes({ ...end, trialId: 't0', reason: 'old', atMs: startMs - hourMs }));
    const notice = { state: 'noticed', subject: 'rollout/wall', reason: 'rolledBack: stage 0 was not proven in time' };
    const events = [
      { ...notice, incidentId: 'n1', cause: 'trialEnd', atMs: startMs + 5_000 },
      { ...notice, incidentId: 'n2', cause: 'trialEnd', atMs: startMs + 3 * hourMs },
      { ...notice, incidentId: 'n3', cause: 'cycleEnd', atMs: startMs, reason: 'offered: stage 1 is mine' },
    ];
    await writeLogEntry(store, `incidents/${policy}`, 0, incidentRecordSchema.parse({ lookId: '1', events }));
  });
  after(() => world.close());

  it('say the sentence of the trial that they tell of, and lead to it; others stay as they were said', async () => {
    const { events } = (await world.get(`/api/v1/incidents?policy=${policy}`)).body as unknown as IncidentsAnswer;
    const { items } = (await world.get(`/api/v1/trials?policy=${policy}`)).body as unknown as EndedTrialsAnswer;
    const sentence = items.find(({ trialId }) => trialId === 't1')?.sentence;
    assert.match(sentence ?? '', /^1\.1\.0 was not promoted: stage 1 of 4 was not proven in time/);
    assert.deepEqual(
      events.map(({ reason, see }) => [reason, see]),
      [
        [sentence, { page: 'trial', query: { id: 't1' } }],
        // That trial is not known any more.
        ['rolledBack: stage 1 of 4 was not proven in time', { page: 'trial', query: {} }],
        ['offered: stage 1 is mine', { page: 'cycle', query: {} }],
      ],
    );
  });
});
