import assert from 'node:assert/strict';

import { confirmOrders } from '../../../fleet/desk/confirmations.ts';
import { viewFleet } from '../../../fleet/desk/fleet-view.ts';
import type { InstallRecord } from '../../../fleet/desk/install-log.ts';
import type { Presence, SeenRobot } from '../../../fleet/desk/presence.ts';
import type { RobotRecord } from '../../../fleet/desk/index.ts';

const nowMs = 10_000_000;

const robot = (robotId: string): RobotRecord => ({
  robotId,
  policy: 'wall',
  robotType: { id: 'scitos-g5', version: 1 },
  site: 'hall',
  stratum: 'hall',
  tokenHashes: ['0'.repeat(64)],
  isQuarantined: false,
  atMs: 0,
  who: 'tester',
  why: 'test',
});

const seen = (robotId: string, more: Partial<SeenRobot> = {}): SeenRobot => ({
  robotId,
  lastSeenMs: nowMs - 1_000,
  saidMs: nowMs - 2_000,
  installedVersion: '1.0.0',
  assignmentSeq: 3,
  deliveredSeq: 3,
  isBusy: false,
  droppedEpisodes: 0,
  ...more,
});

const presence = (robots: readonly SeenRobot[], more: Partial<Presence> = {}): Presence => ({
  gatewayId: 'g1',
  sinceMs: 0,
  atMs: nowMs - 5_000,
  robots: [...robots],
  ...more,
});

const install = (
  robotId: string,
  report: Partial<InstallRecord['report']> = {},
  receivedMs = nowMs,
): InstallRecord => ({
  robotId,
  gatewayId: 'g1',
  receivedMs,
  report: {
    reportId: '01J00000000000000000000000',
    bootId: '01J00000000000000000000000',
    atMs: 0,
    clockSkewMs: 0,
    outcome: 'installed',
    reason: 'ordered',
    version: '1.1.0',
    attempted: null,
    assignmentSeq: 4,
    trialId: null,
    detail: '',
    ...report,
  },
});

const view = (robotIds: readonly string[], presences: readonly Presence[], installs: readonly InstallRecord[] = []) =>
  viewFleet({
    robots: robotIds.map(robot),
    presences,
    installs: new Map(installs.map((record) => [record.robotId, record])),
    nowMs,
  });

describe('the view of a fleet', () => {
  it('knows nothing without a fresh presence of any gateway, instead of calling robots silent', () => {
    const stale = presence([seen('r1', { lastSeenMs: nowMs - 50_000 })], { atMs: nowMs - 46_000 });
    const { presence: known, robots } = view(['r1', 'r2'], [stale]);
    assert.equal(known, 'unknown');
    assert.deepEqual(
      robots.map(({ contact }) => contact),
      ['unknown', 'unknown'],
    );
  });

  it('calls a robot silent only when a gateway was there all the time', () => {
    const missing = [seen('r1', { lastSeenMs: nowMs - 400_000 })];
    assert.equal(view(['r1'], [presence(missing)]).robots[0]?.contact, 'silent');
    assert.equal(view(['r1'], [presence(missing, { sinceMs: nowMs - 60_000 })]).robots[0]?.contact, 'unknown');
    assert.equal(view(['r9'], [presence([])]).robots[0]?.contact, 'silent');
  });

  it('calls no robot silent in its first minutes, and shows none whose tokens were revoked', () => {
    const seenBy = (record: Partial<RobotRecord>) =>
      viewFleet({
        robots: [{ ...robot('r1'), ...record }],
        presences: [presence([])],
        installs: new Map(),
        nowMs,
      }).robots.map(({ contact }) => contact);
    assert.deepEqual(seenBy({ atMs: nowMs - 899_000 }), ['unknown']);
    assert.deepEqual(seenBy({ atMs: nowMs - 901_000 }), ['silent']);
    assert.deepEqual(seenBy({ isRevoked: true }), []);
    assert.deepEqual(seenBy({ isRevoked: false, atMs: 0 }), ['silent']);
  });

  it('takes the last that any gateway saw of a robot', () => {
    const gone = presence([seen('r1', { lastSeenMs: nowMs - 90_000, deliveredSeq: 7, saidMs: 1 })], {
      gatewayId: 'g0',
      atMs: nowMs - 90_000,
    });
    const [robot] = view(['r1'], [gone, presence([seen('r1')])]).robots;
    assert.deepEqual([robot?.contact, robot?.lastSeenMs, robot?.heldSeq], ['online', nowMs - 1_000, 7]);
  });

  it('believes the newer of heartbeat and install report', () => {
    const online = [presence([seen('r1')])];
    assert.equal(view(['r1'], online, [install('r1')]).robots[0]?.version, '1.1.0');
    assert.equal(view(['r1'], online, [install('r1', {}, nowMs - 3_000)]).robots[0]?.version, '1.0.0');
  });
});

describe('confirmations', () => {
  const order = { seq: 4, of: () => ({ version: '1.1.0' }) };

  it('put every robot in one list', () => {
    const fleet = view(
      ['done', 'gone', 'refusing', 'slow'],
      [presence([seen('done'), seen('refusing'), seen('slow')])],
      [
        install('done'),
        install('refusing', { outcome: 'refused', reason: 'wrongSignature', version: '1.0.0', attempted: '1.1.0' }),
      ],
    );
    assert.deepEqual(confirmOrders(fleet, order), {
      seq: 4,
      confirmed: ['done'],
      windowed: [],
      waiting: ['slow'],
      failed: [{ robotId: 'refusing', reason: 'wrongSignature' }],
      offline: ['gone'],
    });
  });

  it('name who waits for the update windows of its site, and nobody whose order cannot wait', () => {
    const closed = (versions: Readonly<Record<string, string>>, installs: readonly InstallRecord[] = []) =>
      viewFleet({
        robots: Object.keys(versions).map(robot),
        presences: [presence(Object.entries(versions).map(([id, installedVersion]) => seen(id, { installedVersion })))],
        installs: new Map(installs.map((record) => [record.robotId, record])),
        nowMs,
        closedUntil: () => nowMs + 60_000,
      });
    const waits = (...[fleet, asked]: [ReturnType<typeof closed>, { version: string; urgency?: 'safeStop' }]) => {
      const { windowed, waiting } = confirmOrders(fleet, {
        seq: 4,
        of: () => ({ championVersion: '1.0.0', urgency: 'whenIdle' as const, ...asked }),
      });
      return { windowed: windowed.map(({ robotId }) => robotId), waiting };
    };
    const old = closed({ r1: '1.0.0' });
    assert.deepEqual(waits(old, { version: '1.1.0' }), { windowed: ['r1'], waiting: [] });
    assert.deepEqual(waits(old, { version: '1.1.0', urgency: 'safeStop' }), { windowed: [], waiting: ['r1'] });
    const onTrial = install('r1', { version: '1.2.0', trialId: 't1', assignmentSeq: 3 });
    assert.deepEqual(waits(closed({ r1: '1.2.0' }, [onTrial]), { version: '1.0.0' }), {
      windowed: [],
      waiting: ['r1'],
    });
    const after = install('r1', { version: '1.2.0', trialId: null, assignmentSeq: 3 });
    assert.deepEqual(waits(closed({ r1: '1.2.0' }, [after]), { version: '1.0.0' }).windowed, ['r1']);
  });

  it('wait for a robot that runs the right version but does not hold the order yet', () => {
    const fleet = view(['r1'], [presence([seen('r1', { installedVersion: '1.1.0' })])]);
    assert.deepEqual(confirmOrders(fleet, order).waiting, ['r1']);
    const holding = view(['r1'], [presence([seen('r1', { installedVersion: '1.1.0', deliveredSeq: 4 })])]);
    assert.deepEqual(confirmOrders(holding, order).confirmed, ['r1']);
  });
});
