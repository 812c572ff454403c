import assert from 'node:assert/strict';

import { mailOf } from '../../../activities/incidents/tell-by-mail.ts';
import { appendIncidents } from '../../../activities/incidents/incident-log.ts';
import { notifyIncidents } from '../../../activities/incidents/notify-incidents.ts';
import { placeOfEvent, whereToLook } from '../../../activities/incidents/where-to-look.ts';
import { pageUrl } from '../../../activities/page-url.ts';
import type { Notification } from '../../../activities/ports/notifier.ts';
import { severalSites } from '../../../domain/monitoring/group-findings.ts';
import { incidentCauses, noticeCauses } from '../../../domain/monitoring/causes.ts';
import type { IncidentEvent } from '../../../domain/monitoring/index.ts';
import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';

const event = (more: Partial<IncidentEvent> = {}): IncidentEvent => ({
  incidentId: 'silent.r1.1',
  cause: 'silent',
  subject: 'r1',
  state: 'opened',
  atMs: 1_000,
  reason: 'no report for 6 min',
  ...more,
});
const consoleUrl = 'https://console.example/x';

describe('where an incident is looked at', () => {
  it('is the robot, the fleet of its site, the trial, the cycle, or nowhere', () => {
    assert.deepEqual(whereToLook(event()), { page: 'robot', query: { id: 'r1' } });
    assert.deepEqual(whereToLook(event({ subject: 'site hall 2' })), { page: 'fleet', query: { site: 'hall 2' } });
    assert.deepEqual(whereToLook(event({ subject: severalSites })), { page: 'fleet', query: {} });
    assert.equal(whereToLook(event({ subject: '../etc' })), undefined);
    // Its subject is a workflow, and a report has a name of its own: the page shows the last one.
    assert.deepEqual(whereToLook({ cause: 'cycleEnd', subject: 'cycle/wall-1' }), { page: 'cycle', query: {} });
    assert.deepEqual(whereToLook({ cause: 'promotion', subject: '1.2.3' })?.query, { version: '1.2.3' });
    assert.deepEqual(whereToLook({ cause: 'promotion', subject: 'x' })?.query, {});
    assert.equal(whereToLook({ cause: 'diskFull', subject: 'fleet' }), undefined);
    // Of one reason the episodes from the day before, which it was judged by; reasons that were counted together are all failures.
    const openedAtMs = Date.UTC(2026, 10, 27, 7);
    assert.deepEqual(whereToLook({ cause: 'failureReason', subject: 'slipped & fell', openedAtMs }), {
      page: 'episodes',
      query: { reason: 'slipped & fell', from: '2026-11-26', to: '2026-12-24' },
    });
    assert.deepEqual(whereToLook({ cause: 'failureReason', subject: 'other' })?.query, { outcome: 'failure' });
    for (const cause of [...incidentCauses, ...noticeCauses]) whereToLook({ cause, subject: 'fleet' });
    // An incident has a page of its own, which leads on; a notice is of something else.
    assert.deepEqual(placeOfEvent(event()), { page: 'incidents', query: { id: 'silent.r1.1' } });
    assert.equal(placeOfEvent(event({ cause: 'trialEnd', state: 'noticed' })).page, 'trial');
    assert.equal(placeOfEvent(event({ cause: 'diskFull', state: 'noticed' })).page, 'incidents');
  });

  it('is told by mail and webhook where it is known where the console is, and nothing can add to the address', async () => {
    const evil = 'x"\r\n&policy=other#';
    const { text } = mailOf('wall', [event({ incidentId: evil })], consoleUrl);
    assert.match(
      text,
      /^\s+https:\/\/console\.example\/x\/#\/incidents\?policy=wall&id=x%22%0D%0A%26policy%3Dother%23$/m,
    );
    assert.doesNotMatch(mailOf('wall', [event()]).text, /https?:/);
    assert.equal(pageUrl('javascript:alert(1)', 'cycle', {}), undefined);
    const told: Notification[] = [];
    const store = memoryObjectStore();
    await appendIncidents(store, 'wall', 0, { lookId: 'a', events: [event()] });
    const ports = { store, notifier: { notify: async (one: Notification) => void told.push(one) } };
    await notifyIncidents(ports)({ policy: 'wall', fromSeq: 0 });
    await notifyIncidents({ ...ports, consoleUrl })({ policy: 'wall', fromSeq: 0 });
    assert.deepEqual(
      told.map(({ url }) => url),
      [undefined, `${consoleUrl}/#/incidents?policy=wall&id=silent.r1.1`],
    );
  });
});
