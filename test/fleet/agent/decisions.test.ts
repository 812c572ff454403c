import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import {
  chooseVersion,
  contactLimitMs,
  slotOf,
  type VersionFacts,
} from '../../../fleet/agent/versions/choose-version.ts';
import {
  emptyInstallation,
  fallBackSlot,
  isBlocked,
  installationSchema,
  isCrashLooping,
  switched,
  withDeath,
  ofThisClock,
  withTrouble,
  type Installation,
} from '../../../fleet/agent/versions/installation.ts';
import { isOutside } from '../../../fleet/agent/versions/update-window.ts';
import { betterGatewayTime, skewAt, type MachineMoment } from '../../../fleet/agent/local/times.ts';
import { UnreachedError } from '../../../fleet/agent/gateway-client.ts';
import { createOutage, repeat } from '../../../fleet/agent/link/loops.ts';
import { backOffMs, createBell } from '../../../fleet/agent/local/waiting.ts';
import type { DesiredAnswer, ModelReference } from '../../../fleet/protocol/index.ts';

const reference = (version: string, digit: string): ModelReference => ({
  version,
  sha256: digit.repeat(64),
  sizeBytes: 1,
  signature: `${'A'.repeat(86)}==`,
  publicKeyId: '0'.repeat(16),
});
const baseline = reference('1.0.0', 'a');
const champion = reference('1.1.0', 'b');
const candidate = reference('1.2.0', 'c');
const onTrial: DesiredAnswer = {
  policy: 'walls',
  seq: 7,
  model: candidate,
  urgency: 'whenIdle',
  trialId: 'trial-1',
  isLeased: true,
  champion,
  baseline,
};
const slot = (each: ModelReference) => slotOf('walls', each);
const facts: VersionFacts = {
  order: onTrial,
  isLeaseAlive: true,
  contactlessMs: 0,
  unfreshMs: 0,
  baseline: slot(baseline),
  current: slot(champion),
  isLeased: false,
  isBlocked: () => false,
};
const moment = (monotonicMs: number, machineBootId = 'boot-1'): MachineMoment => ({ machineBootId, monotonicMs });

describe('what a robot should run', () => {
  const chosen = (changed: Partial<VersionFacts>) => {
    const choice = chooseVersion({ ...facts, ...changed });
    return choice && [choice.slot.version, choice.reason, choice.trialId];
  };
  it('is what was ordered while the lease lives', () => {
    assert.deepEqual(chosen({}), ['1.2.0', 'ordered', 'trial-1']);
  });
  it('is the champion when the lease ends', () => {
    assert.deepEqual(chosen({ isLeaseAlive: false }), ['1.1.0', 'leaseExpired', null]);
  });
  it('is the baseline after 14 days without contact, whatever else holds', () => {
    for (const isLeaseAlive of [true, false])
      assert.deepEqual(chosen({ contactlessMs: contactLimitMs, isLeaseAlive }), ['1.0.0', 'noContact', null]);
    assert.deepEqual(chosen({ contactlessMs: contactLimitMs - 1 }), ['1.2.0', 'ordered', 'trial-1']);
    assert.deepEqual(chosen({ contactlessMs: contactLimitMs, baseline: null }), ['1.2.0', 'ordered', 'trial-1']);
  });
  it('is the champion when the candidate failed here, and what runs when the champion did too', () => {
    assert.deepEqual(chosen({ isBlocked: (version) => version === '1.2.0' }), ['1.1.0', 'ordered', null]);
    assert.equal(chosen({ isBlocked: () => true }), undefined);
  });
  it('is not a candidate that was taken back, even where the champion failed: the baseline, else the champion all the same', () => {
    const onCandidate = { current: slot(candidate), isLeased: true };
    const plain: DesiredAnswer = { ...onTrial, seq: 8, model: champion, trialId: null, isLeased: false };
    for (const changed of [{ order: plain }, { isLeaseAlive: false }, { isBlocked: () => true }]) {
      const blocked = (versions: readonly string[]) => (version: string, trialId: string | null) =>
        versions.includes(version) || (trialId !== null && changed.isBlocked !== undefined);
      const version = (facts: Partial<VersionFacts>) => chosen({ ...onCandidate, ...changed, ...facts })?.[0];
      assert.equal(version({ isBlocked: blocked(['1.1.0']) }), '1.0.0');
      assert.equal(version({ isBlocked: blocked(['1.1.0', '1.0.0']) }), '1.1.0');
      assert.equal(version({ isBlocked: blocked(['1.1.0']), baseline: null }), '1.1.0');
      assert.equal(version({ isBlocked: blocked([]) }), '1.1.0');
    }
  });
  it('is what runs when nothing was ordered', () => {
    assert.equal(chosen({ order: null }), undefined);
  });
  it('is never to stay on a candidate that is not ordered or has no lease, whatever failed here', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(onTrial, { ...onTrial, model: champion, trialId: null, isLeased: false }),
        fc.boolean(),
        fc.func(fc.boolean()),
        (order, hasBaseline, blocked) => {
          const isBlocked: VersionFacts['isBlocked'] = (version, trialId) => blocked(version, trialId);
          const choice = chooseVersion({
            ...facts,
            order,
            isLeaseAlive: false,
            current: slot(candidate),
            isLeased: true,
            baseline: hasBaseline ? slot(baseline) : null,
            isBlocked,
          });
          assert.ok(choice !== undefined && choice.slot.version !== '1.2.0');
        },
      ),
    );
  });
  it('is never a leased candidate without a lease', () => {
    fc.assert(
      fc.property(
        fc.boolean(),
        fc.nat({ max: 2 * contactLimitMs }),
        fc.func(fc.boolean()),
        (hasBaseline, contactlessMs, blocked) => {
          const choice = chooseVersion({
            ...facts,
            isLeaseAlive: false,
            contactlessMs,
            baseline: hasBaseline ? slot(baseline) : null,
            isBlocked: (version, trialId) => blocked(version, trialId),
          });
          assert.ok(choice === undefined || (!choice.isLeased && choice.slot.version !== '1.2.0'));
        },
      ),
    );
  });
});

describe('what a robot goes back to', () => {
  const running = (state: Partial<Installation>): Installation => ({ ...emptyInstallation, ...state });
  const to = (each: ModelReference, isLeased: boolean, isPlainOrder = true) => ({
    slot: slot(each),
    trialId: isLeased ? 'trial-1' : null,
    isLeased,
    orderSeq: 1,
    isPlainOrder,
  });

  it('is the champion, through any number of candidates', () => {
    let state = switched(running({ current: slot(champion), baseline: slot(baseline) }), to(candidate, true));
    assert.deepEqual(state.previous, slot(champion));
    state = switched(state, to(reference('1.3.0', 'd'), true));
    assert.deepEqual(state.previous, slot(champion));
    assert.deepEqual(fallBackSlot(state, moment(0)), slot(champion));
  });
  describe('on a robot that tried candidates', () => {
    const older = reference('1.0.5', 'e');
    const installed = running({ current: slot(champion), previous: slot(older), baseline: slot(baseline) });
    const tried = [to(candidate, true), to(reference('1.3.0', 'd'), true)].reduce(switched, installed);
    it('is the champion before the last, when the champion runs again', () => {
      for (const isPlainOrder of [true, false]) {
        const after = switched(tried, to(champion, false, isPlainOrder));
        assert.deepEqual([after.previous, after.beforePrevious], [slot(older), null]);
      }
    });
    it('is the baseline, when the champion was rolled back meanwhile', () => {
      assert.deepEqual(switched(tried, to(older, false, false)).previous, slot(baseline));
    });
    it('is the champion, when another version runs', () => {
      const after = switched(tried, to(reference('1.4.0', 'f'), false));
      assert.deepEqual([after.previous, after.beforePrevious], [slot(champion), null]);
    });
    it('is the baseline, where the file of an earlier agent does not say', () => {
      const { beforePrevious: _, ...old } = { ...tried };
      const after = switched(installationSchema.parse(old), to(champion, false));
      assert.deepEqual(after.previous, slot(baseline));
    });
  });
  it('is not what a rollback left', () => {
    const before = running({ current: slot(candidate), previous: slot(champion), baseline: slot(baseline) });
    const after = switched(before, to(champion, false, false));
    assert.deepEqual(after.previous, slot(baseline));
  });
  it('is the baseline when what ran before failed too, and nothing after that', () => {
    const state = running({ current: slot(candidate), previous: slot(champion), baseline: slot(baseline) });
    const trouble = { version: '1.1.0', trialId: null, reason: 'crashLoop', isFallBack: true } as const;
    assert.deepEqual(fallBackSlot(withTrouble(state, trouble, moment(0)), moment(1)), slot(baseline));
    assert.equal(fallBackSlot({ ...state, current: slot(baseline), previous: null }, moment(0)), undefined);
  });
  it('believes no span of a clock that began anew in the same boot, a lease neither', () => {
    const trouble = { version: '1.1.0', trialId: null, reason: 'crashLoop', isFallBack: true } as const;
    const life = moment(5_000_000);
    const before = withTrouble(running({ leaseEnds: moment(6_000_000), life }), trouble, moment(5_500_000));
    const crashed = { ...before, crashes: [{ version: '1.1.0', at: moment(5_600_000) }] };
    assert.deepEqual(ofThisClock(crashed, moment(5_600_000)), crashed, 'a clock that went on');
    assert.deepEqual(ofThisClock(crashed, moment(1, 'boot-2')), crashed, 'another boot is another matter');
    const after = ofThisClock(crashed, moment(1_000));
    assert.deepEqual([after.leaseEnds, after.life, after.crashes], [null, null, []]);
    assert.equal(isBlocked(after, '1.1.0', null, moment(600_999)), true, 'the wait begins again');
    const open = { opens: moment(5_000_000), closes: moment(9_000_000) };
    const waits = { seq: 3, forMs: 70_000, at: moment(5_600_000) };
    const windowed = ofThisClock({ ...emptyInstallation, updateWindow: open, windowWait: waits }, moment(1_000));
    assert.equal(isOutside(windowed, moment(6_000_000)), true, 'closed until a gateway says more');
    assert.deepEqual(windowed.windowWait, { ...waits, at: moment(1_000) }, 'what it has waited is not forgotten');
    assert.equal(isBlocked(after, '1.1.0', null, moment(601_000)), false);
  });
  it('waits longer after every trouble, and for good after two from a candidate', () => {
    const trouble = { version: '1.2.0', trialId: 'trial-1', reason: 'crashLoop', isFallBack: true } as const;
    const once = withTrouble(running({}), trouble, moment(0));
    assert.equal(isBlocked(once, '1.2.0', 'trial-1', moment(599_999)), true);
    assert.equal(isBlocked(once, '1.2.0', 'trial-1', moment(600_000)), false);
    assert.equal(isBlocked(once, '1.2.0', 'trial-2', moment(0)), false);
    const twice = withTrouble(once, trouble, moment(600_000));
    assert.equal(isBlocked(twice, '1.2.0', 'trial-1', moment(1e12)), true);
  });
});

describe('the deaths of a robot’s agent', () => {
  const alive = (at: MachineMoment, state: Installation): Installation => ({ ...state, life: at });
  const state = { ...emptyInstallation, current: slot(champion) };

  it('count within five minutes, and not when the machine lost its power', () => {
    let dying = state as Installation;
    for (const at of [0, 100_000, 200_000]) dying = withDeath(alive(moment(at), dying), moment(at + 1));
    assert.equal(isCrashLooping(dying, '1.1.0'), true);
    let slow = state as Installation;
    for (const at of [0, 200_000, 400_000]) slow = withDeath(alive(moment(at), slow), moment(at + 1));
    assert.equal(isCrashLooping(slow, '1.1.0'), false);
    let dark = state as Installation;
    for (const boot of ['1', '2', '3', '4']) dark = withDeath(alive(moment(0, boot), dark), moment(0, `${boot}-next`));
    assert.equal(isCrashLooping(dark, '1.1.0'), false);
  });
  it('are the version’s that was being tried', () => {
    const trying = { ...alive(moment(0), state), trying: slot(candidate) };
    assert.deepEqual(
      withDeath(trying, moment(1)).crashes.map(({ version }) => version),
      ['1.2.0'],
    );
  });
});

describe('the clock of a robot', () => {
  it('keeps the measurement with the shorter way, until it is too old', () => {
    const good = betterGatewayTime(undefined, { sentMs: 0, receivedMs: 10, gatewayClockMs: 1_005 });
    assert.equal(good.offsetMs, 1_000);
    assert.equal(betterGatewayTime(good, { sentMs: 100, receivedMs: 2_100, gatewayClockMs: 2_900 }), good);
    const later = { sentMs: 20_000_000, receivedMs: 20_002_000, gatewayClockMs: 1 };
    assert.notEqual(betterGatewayTime(good, later), good);
  });
  it('sees a jump of the wall clock without asking anybody', () => {
    const time = betterGatewayTime(undefined, { sentMs: 0, receivedMs: 0, gatewayClockMs: 5_000 });
    assert.equal(skewAt(time, 5_100, 100), 0);
    assert.equal(skewAt(time, 5_100 + 3_600_000, 100), 3_600_000);
  });
});

describe('the back-off', () => {
  it('doubles up to its longest, and is never nothing', () => {
    const limits = { firstMs: 1_000, longestMs: 300_000 };
    assert.deepEqual(
      [1, 2, 3, 20, 1_000].map((failures) => backOffMs(failures, limits, () => 0.999_999)),
      [1_000, 2_000, 4_000, 300_000, 300_000],
    );
    assert.equal(
      backOffMs(1, limits, () => 0),
      100,
    );
  });

  it('is over for every loop when the gateway answers one of them', async () => {
    const stop = new AbortController();
    const outage = createOutage();
    const tries: Record<string, number> = {};
    let isAway = true;
    const run = (name: string): Promise<void> =>
      repeat(
        {
          signal: stop.signal,
          random: () => 0.5,
          backOff: { firstMs: 3_600_000, longestMs: 3_600_000 },
          outage,
          log: () => undefined,
        },
        name,
        createBell(),
        async () => {
          tries[name] = (tries[name] ?? 0) + 1;
          if (isAway) throw new UnreachedError('nobody there', {});
          return 3_600_000;
        },
      );
    const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
    const upload = run('upload');
    await turn();
    outage.over();
    await turn();
    assert.deepEqual(tries, { upload: 1 }, 'an upload that fails alone waits its time out');
    const telemetry = run('telemetry');
    await turn();
    isAway = false;
    outage.over();
    await turn();
    assert.deepEqual(tries, { upload: 2, telemetry: 2 });
    stop.abort();
    await Promise.all([upload, telemetry]);
  });
});
