import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import { robotTypeDigest } from '../../../datasets/robot-type-digest.ts';
import { scitosG5Type } from '../../../datasets/built-in-robot-types.ts';
import { championLine, keptVersion, type AliasRecord, type OrderedAhead } from '../../../domain/registry/index.ts';
import {
  moveRobot,
  openDesk,
  openFleetReader,
  quarantineRobot,
  rebodyRobot,
  releaseRobot,
  retireRobot,
  transferRobot,
  type AssignmentRecord,
} from '../../../fleet/desk/index.ts';
import { readSeal, readSheet } from '../../../fleet/desk/seal-store.ts';
import { fleetKeys, logKey } from '../../../fleet/desk/keys.ts';
import { bearer, wirePaths } from '../../../fleet/protocol/index.ts';
import { identityBody, type VersionBodies } from '../../../policies/version-bodies.ts';
import { versionsKeptOn } from '../../../activities/retention/kept-on.ts';
import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import { jsonBytes, readJson } from '../../../store/json-objects.ts';
import { moveAliases } from '../../../store/records/aliases.ts';
import { publishRobotType } from '../../../store/records/robot-types.ts';
import { approveBody } from '../../../store/records/served-bodies.ts';
import { openTestFleet, policy, robotTypeReference, who, type TestFleet } from '../../support/gateway.ts';
import { z } from 'zod';

type Snapshot = Partial<Extract<AssignmentRecord, { kind: 'assign' }>>;

describe('orders of a robot in quarantine', () => {
  let fleet: TestFleet;
  let token: string;
  let nowMs: number;
  let seq: number;
  const clock = (): number => (nowMs += 1_000);
  const ports = () => ({ store: fleet.store, clock });
  const act = (robotId: string) => ({ robotId, who: 'ada', why: 'it squeaks' });

  beforeEach(async () => {
    fleet = await openTestFleet(memoryObjectStore());
    nowMs = Date.now();
    seq = -1;
    // 1.0.0, the baseline, to 1.3.0.
    for (let byte = 1; byte <= 4; byte += 1) await fleet.register(new Uint8Array([byte]));
    token = await fleet.addRobot('r1');
    for (const robotId of ['r2', 'r3']) await fleet.addRobot(robotId);
  });
  afterEach(() => fleet.close());

  const desk = () => openDesk({ store: fleet.store, sealing: { ...fleet.sealing, clock: () => clock() + 60_000 } });
  async function say(record: Snapshot & { readonly championVersion: string; readonly defaultVersion: string }) {
    seq += 1;
    const operationId = `t${seq}#${seq}`;
    const common = { kind: 'assign', trialId: null, urgency: 'whenIdle', overrides: [], operationId, ...who } as const;
    const { kind } = await desk().write({ policy, seq, record: { ...common, atMs: clock(), ...record } });
    assert.equal(kind, 'written');
  }
  /** Robots first, the alias second. */
  async function champion(version: string, more: Snapshot = {}): Promise<void> {
    await say({ defaultVersion: version, championVersion: version, ...more });
    await alias(version, more.operationId);
  }
  const alias = (version: string, operationId = `alias-${seq}-${version}`) =>
    moveAliases({ store: fleet.store, clock }, { policy, operationId, ...who }, () => ({ champion: version }));
  async function trial(candidateVersion: string, championVersion: string, robotIds: readonly string[]): Promise<void> {
    const override = { version: candidateVersion, trialId: 't', urgency: 'whenIdle', robotIds } as const;
    await desk().renewLease({ policy, trialId: 't', atMs: clock(), leaseMs: 3_600_000 });
    await say({ defaultVersion: championVersion, championVersion, overrides: [override] });
  }

  /** Version, its champion, trial and urgency, the same for whoever asks. */
  async function ordered(robotId: string): Promise<string> {
    const seal = (await readSeal(fleet.store, policy, seq))?.seal;
    const signed = (await readSheet(fleet.store, policy, seal?.orders ?? ''))?.of(robotId);
    const read = (await openFleetReader({ store: fleet.store, clock }).readOrders(policy))?.(robotId);
    const said = [signed?.model.version, signed?.champion.version, signed?.trialId, signed?.urgency];
    assert.deepEqual([read?.version, read?.championVersion, read?.trialId, read?.urgency], said);
    assert.equal(signed?.isLeased, signed?.model.version !== signed?.champion.version);
    return `${said[0]}${said[1] === said[0] ? '' : ` over ${said[1]}`}${said[2] === null ? '' : ` in ${said[2]}`} ${said[3]}`;
  }
  const quarantine = (robotId: string) => quarantineRobot(ports(), act(robotId));

  it('stays at promotions, for signed and unsigned agents alike; once it is released it gets what all get, under the same record', async () => {
    await champion('1.1.0');
    await quarantine('r1');
    assert.equal(await ordered('r1'), '1.1.0 whenIdle');
    await champion('1.2.0');
    await champion('1.3.0');
    assert.deepEqual(await Promise.all(['r1', 'r2'].map(ordered)), ['1.1.0 whenIdle', '1.3.0 whenIdle']);
    const gateway = await fleet.startGateway();
    const ask = async (form: string): Promise<unknown> => {
      const headers = { authorization: bearer(token), 'flywheel-orders': form };
      const answer = await fetch(`${gateway.url}${wirePaths.desired('r1', 0)}`, { headers });
      const body = z
        .looseObject({ order: z.unknown().optional(), model: z.unknown().optional() })
        .parse(await answer.json());
      return z.looseObject({ model: z.looseObject({ version: z.string() }) }).parse(body.order ?? body).model.version;
    };
    assert.deepEqual([await ask('signed'), await ask('plain')], ['1.1.0', '1.1.0']);
    await releaseRobot(ports(), act('r1'));
    assert.equal((await desk().refreshOrders(policy))?.kind, 'sealed');
    assert.equal(await ordered('r1'), '1.3.0 whenIdle');
    const seal = (await readSeal(fleet.store, policy, seq))?.seal;
    // A robot refuses a second order under one place unless it counts on.
    assert.equal((await readSheet(fleet.store, policy, seal?.orders ?? ''))?.of('r1')?.fit, 1);
  });

  it('leaves a version that is taken back, as urgently as all, and stays where that led; an older champion it keeps', async () => {
    await champion('1.1.0');
    await quarantine('r1');
    await champion('1.2.0');
    await quarantine('r2');
    // Before the alias follows.
    await say({ defaultVersion: '1.0.0', championVersion: '1.0.0', urgency: 'safeStop' });
    assert.deepEqual(await Promise.all(['r1', 'r2', 'r3'].map(ordered)), [
      '1.1.0 whenIdle',
      '1.0.0 safeStop',
      '1.0.0 safeStop',
    ]);
    await alias('1.0.0');
    await champion('1.3.0');
    assert.deepEqual(await Promise.all(['r1', 'r2', 'r3'].map(ordered)), [
      '1.1.0 whenIdle',
      '1.0.0 whenIdle',
      '1.3.0 whenIdle',
    ]);
    await champion('1.1.0', { urgency: 'safeStop' });
    assert.deepEqual(await Promise.all(['r1', 'r2', 'r3'].map(ordered)), [
      '1.1.0 safeStop',
      '1.0.0 whenIdle',
      '1.1.0 safeStop',
    ]);
  });

  it('keeps a candidate as long as its trial, and after it when that promoted it', async () => {
    await champion('1.1.0');
    await trial('1.2.0', '1.1.0', ['r1', 'r2']);
    await quarantine('r1');
    await quarantine('r3');
    assert.deepEqual(await Promise.all(['r1', 'r3'].map(ordered)), [
      '1.2.0 over 1.1.0 in t whenIdle',
      '1.1.0 whenIdle',
    ]);
    await champion('1.2.0', { operationId: 't#5' });
    await champion('1.3.0');
    assert.deepEqual(await Promise.all(['r1', 'r2', 'r3'].map(ordered)), [
      '1.2.0 whenIdle',
      '1.3.0 whenIdle',
      '1.1.0 whenIdle',
    ]);
  });

  it('comes back from a candidate with a safe stop, also when a later trial promotes that very version', async () => {
    await champion('1.1.0');
    await trial('1.2.0', '1.1.0', ['r1', 'r2']);
    await quarantine('r1');
    await say({ defaultVersion: '1.1.0', championVersion: '1.1.0', urgency: 'safeStop' });
    assert.equal(await ordered('r1'), '1.1.0 safeStop');
    await champion('1.2.0', { operationId: 'later#9' });
    assert.equal(await ordered('r1'), '1.1.0 whenIdle');
  });

  it('is taken back by name in the last stage, and keeps the champion when all others are promoted', async () => {
    await champion('1.1.0');
    await desk().renewLease({ policy, trialId: 't', atMs: clock(), leaseMs: 3_600_000 });
    const last = { defaultVersion: '1.2.0', championVersion: '1.1.0', trialId: 't' };
    await say(last);
    await alias('1.2.0');
    await quarantine('r1');
    assert.equal(await ordered('r1'), '1.2.0 over 1.1.0 in t whenIdle');
    const back = { version: '1.1.0', trialId: 't', urgency: 'safeStop', robotIds: ['r1'] } as const;
    await say({ ...last, overrides: [back] });
    assert.equal(await ordered('r1'), '1.1.0 in t safeStop');
    // What a trial does to a robot that it takes out, in quarantine already or not.
    await quarantine('r1');
    await champion('1.2.0', { operationId: 't#9' });
    await champion('1.3.0');
    assert.deepEqual(await Promise.all(['r1', 'r2'].map(ordered)), ['1.1.0 whenIdle', '1.3.0 whenIdle']);
  });

  it('leaves a version that its body may not run any more, and with a new body keeps what it is ordered then', async () => {
    const type2 = { ...scitosG5Type, version: 2 };
    await publishRobotType(fleet.store, type2);
    const reference2 = { id: type2.id, version: 2, digest: robotTypeDigest(type2) };
    const bodies: VersionBodies = {
      bodies: [robotTypeReference, reference2].map((each) => {
        const standing = { standing: 'proven', heldOutEpisodes: 7 } as const;
        return identityBody(scitosG5Type, each, standing) ?? assert.fail('expected a body');
      }),
    };
    for (const byte of [5, 6]) await fleet.register(new Uint8Array([byte]), bodies);
    for (const version of ['1.3.0', '1.4.0', '1.5.0']) await champion(version);
    await quarantine('r1');
    await champion('1.3.0');
    await champion('1.4.0');
    await quarantine('r2');
    await champion('1.2.0');
    assert.equal(await ordered('r2'), '1.4.0 whenIdle');
    await rebodyRobot(ports(), { ...act('r2'), robotType: { id: type2.id, version: 2 } });
    await desk().refreshOrders(policy);
    assert.equal(await ordered('r2'), '1.4.0 whenIdle');
    await approveBody(ports(), { policy, version: '1.4.0', robotType: reference2, ...who }, 'revoke');
    await desk().refreshOrders(policy);
    // The next of before that has this body was taken back, so there is nothing left for it.
    const seal = (await readSeal(fleet.store, policy, seq))?.seal;
    assert.deepEqual((await readSheet(fleet.store, policy, seal?.orders ?? ''))?.sheet.unserved, ['r2']);
  });

  it('keeps the champion of the policy that it is moved to, and follows none of the one it left', async () => {
    await champion('1.1.0');
    await quarantine('r1');
    const toAliases = { policy: 'picker', operationId: 'first', ...who };
    await moveAliases({ store: fleet.store, clock }, toAliases, () => ({ champion: '7.0.0', baseline: '7.0.0' }));
    const transfer = { ...act('r1'), to: 'picker', robotType: robotTypeReference };
    const { isQuarantined, quarantines = [] } = await transferRobot(
      { ...ports(), orders: fleet.sealing.orders },
      transfer,
    );
    const { atMs: _, ...keeps } = quarantines.at(-1)?.keeps ?? assert.fail('expected it to keep something');
    assert.deepEqual([isQuarantined, keeps], [true, { policy: 'picker', version: '7.0.0', trialId: null }]);
  });

  it('follows all others where its record is of old or it was ordered nothing; quarantined once more it stays', async () => {
    await champion('1.1.0');
    await quarantine('r1');
    const key = logKey(fleetKeys.robotLog('r1'), 1);
    const record = z.looseObject({}).parse(await readJson(fleet.store, key, z.looseObject({})));
    const { quarantines: _, ...old } = record;
    await fleet.store.put(key, jsonBytes(old));
    await champion('1.2.0');
    assert.equal(await ordered('r1'), '1.2.0 whenIdle');
    await quarantine('r1');
    await champion('1.3.0');
    assert.equal(await ordered('r1'), '1.2.0 whenIdle');
  });

  it('is what all get for a robot that is at another site, and stands for one that is retired', async () => {
    await champion('1.1.0');
    await trial('1.2.0', '1.1.0', ['r1', 'r2']);
    await moveRobot(ports(), { ...act('r1'), site: 'yard' });
    await retireRobot(ports(), act('r2'));
    await desk().refreshOrders(policy);
    assert.deepEqual(await Promise.all(['r1', 'r3'].map(ordered)), [
      '1.2.0 over 1.1.0 in t whenIdle',
      '1.1.0 whenIdle',
    ]);
    await champion('1.3.0');
    assert.deepEqual(await Promise.all(['r1', 'r3'].map(ordered)), ['1.3.0 whenIdle', '1.3.0 whenIdle']);
    const { robots } = await openFleetReader({ store: fleet.store, clock }).readFleet(policy);
    assert.deepEqual(
      robots.map(({ robotId, site }) => `${robotId} ${site}`),
      ['r1 yard', 'r3 hall'],
    );
  });

  it('holds the model in the store that it stays on', async () => {
    await champion('1.1.0');
    await quarantine('r1');
    await champion('1.2.0');
    assert.deepEqual([...(await versionsKeptOn(fleet.store, [])).keys()], [`${policy} 1.1.0`]);
    await releaseRobot(ports(), act('r1'));
    assert.deepEqual([...(await versionsKeptOn(fleet.store, [])).keys()], []);
  });
});

describe('the version that a quarantine keeps', () => {
  const versions = ['1.0.0', '1.1.0', '1.2.0', '1.3.0'];
  const moves = fc.array(fc.constantFrom(...versions), { minLength: 1, maxLength: 12 });
  const historyOf = (champions: readonly string[]): readonly AliasRecord[] =>
    champions.map((champion, seq) => {
      const set = seq === 0 ? { champion, baseline: champion } : { champion };
      return { seq, operationId: `t${seq}#1`, set, atMs: seq, who: 'a', why: 'b' };
    });

  it('is never one that was taken back, and changes only when the one before was', () => {
    fc.assert(
      fc.property(moves, fc.nat({ max: 11 }), (champions, at) => {
        const start = Math.min(at, champions.length - 1);
        const keeps = { version: champions[start] ?? '', trialId: null, atMs: start };
        let before: string | undefined = keeps.version;
        for (let end = start + 1; end <= champions.length; end += 1) {
          const history = historyOf(champions.slice(0, end));
          const { standing, withdrawn } = championLine(history);
          const now = keptVersion(history, keeps);
          assert.ok(now !== undefined && !withdrawn.includes(now));
          if (now !== before) assert.ok(before !== undefined && withdrawn.includes(before) && now === standing.at(-1));
          before = now;
        }
      }),
    );
  });

  it('is the candidate only where its own trial promoted it, and undefined for a version that was never champion', () => {
    const history = historyOf(['1.0.0', '1.1.0', '1.2.0']);
    const of = (version: string, trialId: string | null, atMs: number, ordered?: OrderedAhead) =>
      keptVersion(history, { version, trialId, atMs }, ordered);
    assert.deepEqual(
      [of('1.1.0', 't1', 0), of('1.1.0', 't7', 0), of('1.2.0', 't2', 0), of('1.3.0', 't3', 1)],
      ['1.1.0', '1.0.0', '1.2.0', '1.1.0'],
    );
    const ahead = (version: string, operationId: string) => of('1.3.0', 't3', 2, { version, operationId });
    assert.deepEqual(
      [ahead('1.3.0', 't3#8'), ahead('1.3.0', 't4#8'), ahead('1.1.0', 't3#8')],
      ['1.3.0', '1.2.0', '1.1.0'],
    );
    assert.deepEqual(
      [of('1.3.0', null, 2), keptVersion([], { version: '1.0.0', trialId: null, atMs: 0 })],
      [undefined, undefined],
    );
  });
});
