import assert from 'node:assert/strict';

import type { DesiredAnswer } from '../../../../fleet/protocol/index.ts';
import type { InstallationFile } from '../../../../fleet/agent/versions/installation-file.ts';
import { emptyInstallation, type Installation, type Slot } from '../../../../fleet/agent/versions/installation.ts';
import type { VersionKeeperPorts } from '../../../../fleet/agent/versions/keeper-state.ts';
import type { LoadedPolicy } from '../../../../fleet/agent/versions/policy-runtime.ts';
import { createVersionKeeper } from '../../../../fleet/agent/versions/version-keeper.ts';
import { until } from '../robot.ts';

const slotOf = (version: string): Slot => ({ policy: 'walls', version, sha256: version.charAt(2).repeat(64) });
const order = (seq: number, version: string, champion: string): DesiredAnswer =>
  ({
    policy: 'walls',
    seq,
    model: slotOf(version),
    champion: slotOf(champion),
    baseline: null,
    urgency: 'whenIdle',
    trialId: null,
    isLeased: false,
  }) as unknown as DesiredAnswer;

/** A keeper on a disk that the test holds up or fills, with models that load at once and fail when the test says so. */
function world() {
  let state: Installation = { ...emptyInstallation, policy: 'walls' };
  let disk = async (): Promise<void> => undefined;
  const failed = new Set<LoadedPolicy>();
  const loaded: LoadedPolicy[] = [];
  const file: InstallationFile = {
    state: () => state,
    remember: (change) => void (state = change(state)),
    change(change) {
      state = change(state);
      return disk();
    },
  };
  const load = (slot: Slot): LoadedPolicy => {
    const policy = {
      ...slot,
      knows: () => true,
      hasFailed: () => failed.has(policy),
      decide: () => Promise.reject(new Error('not asked')),
      close: async () => undefined,
    } as LoadedPolicy;
    loaded.push(policy);
    return policy;
  };
  const stop = { isIdle: true, stopSafely: async (): Promise<void> => undefined };
  const ports = {
    file,
    now: () => ({ machineBootId: 'boot', monotonicMs: performance.now() }),
    contactlessMs: () => 0,
    unfreshMs: () => 0,
    isIdle: () => stop.isIdle,
    stopSafely: () => stop.stopSafely(),
    beforeSwitch: async () => undefined,
    untilDone: (_name: string, _signal: AbortSignal, step: () => Promise<void>) => step().catch(() => undefined),
    onChange: () => undefined,
    log: () => undefined,
    at: () => undefined,
    report: async () => undefined,
    safetyEvent: async () => undefined,
    models: {
      has: async () => true,
      fetch: async () => undefined,
      load: async (slot: Slot) => load(slot),
      discard: async () => undefined,
      keepOnly: async () => undefined,
    },
  } as unknown as VersionKeeperPorts;
  const keeper = createVersionKeeper(ports);
  const runs = (version: string): Promise<void> =>
    until(`runs ${version}`, async () => {
      await keeper.reconcile();
      return keeper.active()?.version === version;
    });
  return {
    keeper,
    loaded,
    failed,
    runs,
    stop,
    state: () => state,
    setDisk: (next: () => Promise<void>) => (disk = next),
  };
}

describe('a version that has failed', () => {
  const started = async (): Promise<ReturnType<typeof world>> => {
    const made = world();
    await made.keeper.start();
    await made.keeper.order(order(1, '1.0.0', '1.0.0'));
    await made.runs('1.0.0');
    await made.keeper.order(order(2, '1.1.0', '1.1.0'));
    await made.runs('1.1.0');
    return made;
  };

  it('never acts again while a slow disk still writes that it is left', async () => {
    const { keeper, loaded, runs, setDisk } = await started();
    const loadsBefore = loaded.length;
    const writes: (() => void)[] = [];
    setDisk(() => new Promise((resolve) => writes.push(resolve)));
    const leaving = keeper.failed(slotOf('1.1.0'), 'no answer within 1000 ms');
    for (let turn = 0; turn < 20; turn++) {
      await Promise.race([keeper.reconcile(), new Promise((resolve) => setTimeout(resolve, 2))]);
      assert.notEqual(keeper.active()?.version, '1.1.0');
    }
    setDisk(async () => undefined);
    for (const written of writes) written();
    await leaving;
    await runs('1.0.0');
    assert.deepEqual(loaded.slice(loadsBefore), [], 'the way back is loaded already, and what failed is not tried');
  });

  it('is left though the disk takes nothing any more', async () => {
    const { keeper, runs, setDisk, state } = await started();
    setDisk(() => Promise.reject(new Error('ENOSPC: no space left on device')));
    await keeper.failed(slotOf('1.1.0'), 'no answer within 1000 ms').catch(() => undefined);
    await runs('1.0.0');
    assert.equal(state().current?.version, '1.0.0');
  });

  it('is loaded anew when it is ordered again, also if it failed while another one acted', async () => {
    const { keeper, loaded, failed, runs } = await started();
    failed.add(loaded[0]!);
    await keeper.failed(slotOf('1.0.0'), 'an answer that was still awaited never came');
    assert.equal(keeper.active()?.version, '1.1.0');
    await keeper.order(order(3, '1.0.0', '1.0.0'));
    await runs('1.0.0');
    assert.equal(keeper.active()?.hasFailed(), false);
  });

  it('does not come back as what a safe stop had stopped', async () => {
    const { keeper, loaded, failed, runs, stop } = await started();
    await keeper.order({ ...order(3, '1.2.0', '1.2.0'), urgency: 'safeStop' });
    stop.isIdle = false;
    stop.stopSafely = async () => {
      failed.add(loaded.find(({ version }) => version === '1.1.0')!);
      await keeper.failed(slotOf('1.1.0'), 'no answer within 1000 ms');
    };
    await keeper.reconcile();
    for (let turn = 0; turn < 5; turn++) {
      await keeper.reconcile();
      assert.notEqual(keeper.active()?.hasFailed(), true);
    }
    stop.isIdle = true;
    await runs('1.2.0');
  });
});
