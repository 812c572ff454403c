import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

import type { Agent, AgentOptions } from '../../../fleet/agent/index.ts';
import type { InstallReport } from '../../../fleet/protocol/index.ts';
import { startFakeGateway, type FakeGateway } from './fake-gateway.ts';
import { candidateOrder, championOrder, fleetKeys, publish } from './fleet-keys.ts';
import { frameAt, openRobot, recordEpisode, robotId, temporaryDirectory, token, until } from './robot.ts';

const day = 24 * 3_600_000;

describe('what a robot installs', () => {
  const keys = fleetKeys();
  let gateway: FakeGateway;
  let folder: { directory: string; remove: () => Promise<void> };
  let agent: Agent | undefined;
  /** Added to the robot's clocks. */
  let aheadMs = 0;
  let wallAheadMs = 0;

  beforeEach(async () => {
    gateway = await startFakeGateway(robotId, token);
    folder = await temporaryDirectory();
    aheadMs = 0;
    wallAheadMs = 0;
  });
  afterEach(async () => {
    await agent?.close();
    agent = undefined;
    await gateway.stop();
    await folder.remove();
  });

  const open = async (options: Partial<AgentOptions> = {}): Promise<Agent> => {
    agent = await openRobot({
      gatewayUrl: gateway.url,
      directory: folder.directory,
      publicKeyPem: keys.publicKeyPem,
      monotonic: () => performance.now() + aheadMs,
      clock: () => Date.now() + wallAheadMs,
      ...options,
    });
    return agent;
  };
  const runs = (version: string): Promise<void> => until(`runs ${version}`, () => agent?.policy()?.version === version);
  const told = async (wanted: Partial<InstallReport>): Promise<void> =>
    until(`told ${JSON.stringify(wanted)}`, () =>
      gateway.reports.some((report) =>
        Object.entries(wanted).every(([key, value]) => report[key as keyof InstallReport] === value),
      ),
    );
  const three = async () => {
    const baseline = await publish(gateway, keys, '1.0.0', { seed: 1 });
    const champion = await publish(gateway, keys, '1.1.0', { seed: 2 });
    const candidate = await publish(gateway, keys, '1.2.0', { seed: 3 });
    return { baseline, champion, candidate };
  };

  it('refuses a model whose bytes are not the signed ones, and says so', async () => {
    const champion = await publish(gateway, keys, '1.0.0', { seed: 1 });
    const bad = await publish(gateway, keys, '1.1.0', {
      seed: 2,
      servedModel: (model) => Uint8Array.from(model, (byte, index) => (index === 100 ? byte ^ 1 : byte)),
    });
    gateway.setOrder(championOrder(1, champion, champion));
    await open();
    await runs('1.0.0');
    gateway.setOrder(championOrder(2, bad, champion));
    await told({ outcome: 'refused', reason: 'wrongDigest', attempted: '1.1.0', version: '1.0.0' });
    await runs('1.0.0');
  });

  it('refuses a manifest that another key signed', async () => {
    const champion = await publish(gateway, fleetKeys(), '1.0.0', { seed: 1 });
    gateway.setOrder(championOrder(1, champion, null));
    await open();
    await told({ outcome: 'refused', reason: 'wrongSignature', attempted: '1.0.0', version: null });
    assert.equal(agent?.policy(), undefined);
  });

  it('refuses a manifest that was changed after it was signed', async () => {
    const champion = await publish(gateway, keys, '1.0.0', { seed: 1 });
    const file = 'walls/1.0.0/manifest.json';
    const text = Buffer.from(gateway.files.get(file)!).toString('utf8');
    gateway.files.set(file, Buffer.from(text.replace('"codeBuild":"test"', '"codeBuild":"best"')));
    gateway.setOrder(championOrder(1, champion, null));
    await open();
    await told({ outcome: 'refused', reason: 'wrongSignature' });
  });

  it('refuses a manifest that is rightly signed, but of another version', async () => {
    const old = await publish(gateway, keys, '1.0.0', { seed: 1 });
    gateway.files.set('walls/1.1.0/manifest.json', gateway.files.get('walls/1.0.0/manifest.json')!);
    gateway.files.set('walls/1.1.0/model.onnx', gateway.files.get('walls/1.0.0/model.onnx')!);
    gateway.setOrder(championOrder(1, { ...old, version: '1.1.0' }, null));
    await open();
    await told({ outcome: 'refused', reason: 'wrongSignature', attempted: '1.1.0' });
  });

  it('refuses a model that fails its self-test', async () => {
    const champion = await publish(gateway, keys, '1.0.0', { seed: 1 });
    const wrong = await publish(gateway, keys, '1.1.0', { seed: 2, hasWrongGolden: true });
    gateway.setOrder(championOrder(1, champion, champion));
    await open();
    await runs('1.0.0');
    gateway.setOrder(championOrder(2, wrong, champion));
    await told({ outcome: 'refused', reason: 'selfTestFailed', attempted: '1.1.0', version: '1.0.0' });
  });

  it('goes on with a download where it broke off', async () => {
    const champion = await publish(gateway, keys, '1.0.0', { seed: 1 });
    gateway.cutModelAtBytes = 500;
    gateway.setOrder(championOrder(1, champion, null));
    await open();
    await until('a part', async () =>
      (await readdir(path.join(folder.directory, 'models'))).some((name) => name.endsWith('.part')),
    );
    await until('tried again', () => gateway.requests.filter((request) => request.endsWith('model.onnx')).length > 2);
    gateway.cutModelAtBytes = undefined;
    await runs('1.0.0');
    assert.ok(champion.sizeBytes > 1_000);
  });

  it('waits for the end of an episode with a switch that has time', async () => {
    const { baseline, champion, candidate } = await three();
    gateway.setOrder(championOrder(1, champion, baseline));
    const robot = await open();
    await runs('1.1.0');
    robot.record(frameAt(0));
    gateway.leaseRemainingMs = 60_000;
    gateway.setOrder(candidateOrder(2, candidate, champion, baseline));
    await until('fetched', async () =>
      (await readdir(path.join(folder.directory, 'models'))).includes(candidate.sha256),
    );
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.equal(robot.policy()?.version, '1.1.0');
    await robot.endEpisode('success');
    await runs('1.2.0');
    assert.equal(robot.policy()?.trialId, 'trial-1');
    await told({ outcome: 'installed', version: '1.2.0', trialId: 'trial-1', assignmentSeq: 2 });
  });

  it('does not switch a robot that says it is busy', async () => {
    const { baseline, champion } = await three();
    gateway.setOrder(championOrder(1, baseline, baseline));
    const robot = await open();
    await runs('1.0.0');
    robot.busy();
    gateway.setOrder(championOrder(2, champion, baseline));
    await new Promise((resolve) => setTimeout(resolve, 400));
    assert.equal(robot.policy()?.version, '1.0.0');
    robot.idle();
    await runs('1.1.0');
  });

  it('stops safely in the middle of an episode when it is told to, and leaves the episode out of both arms', async () => {
    const { baseline, champion, candidate } = await three();
    gateway.leaseRemainingMs = 60_000;
    gateway.setOrder(candidateOrder(1, candidate, champion, baseline));
    let stops = 0;
    const robot = await open({
      onSafeStop: async () => {
        stops += 1;
      },
    });
    await runs('1.2.0');
    for (let index = 0; index < 12; index++) robot.record(frameAt(index));
    gateway.setOrder({ ...championOrder(2, champion, baseline), urgency: 'safeStop' });
    await runs('1.1.0');
    assert.equal(stops, 1);
    await until('told', () => [...gateway.entries.values()].some(({ kind }) => kind === 'episode'));
    const episode = [...gateway.entries.values()].find((entry) => entry.kind === 'episode');
    assert.deepEqual(
      episode?.kind === 'episode' && [episode.outcome, episode.failureReason, episode.policyVersion, episode.trialId],
      ['aborted', 'rollback', '1.2.0', 'trial-1'],
    );
  });

  it('switches a robot that does not come to a stop in time, and leaves out what it still records', async () => {
    const { baseline, champion } = await three();
    gateway.setOrder(championOrder(1, champion, baseline));
    const robot = await open({ onSafeStop: () => new Promise(() => undefined) });
    await runs('1.1.0');
    for (let index = 0; index < 12; index++) robot.record(frameAt(index));
    gateway.setOrder({ ...championOrder(2, baseline, baseline), urgency: 'safeStop' });
    await runs('1.0.0');
    robot.record(frameAt(20));
    assert.equal(await robot.endEpisode('success'), false);
    await recordEpisode(robot);
    await until('told', () => [...gateway.entries.values()].filter(({ kind }) => kind === 'episode').length === 2);
  });

  it('takes a candidate with its lease in one step, however often it looks in between', async () => {
    const { baseline, champion, candidate } = await three();
    gateway.leaseRemainingMs = 30 * 60_000;
    gateway.setOrder(candidateOrder(1, candidate, champion, baseline));
    await open({ limits: { tickMs: 1 } });
    await runs('1.2.0');
    await told({ outcome: 'installed', reason: 'ordered', version: '1.2.0' });
    assert.deepEqual(
      gateway.reports.filter(({ reason }) => reason === 'leaseExpired'),
      [],
    );
  });

  it('goes back to the champion by itself when the lease ends without contact', async () => {
    const { baseline, champion, candidate } = await three();
    gateway.leaseRemainingMs = 30 * 60_000;
    gateway.setOrder(candidateOrder(1, candidate, champion, baseline));
    await open();
    await runs('1.2.0');
    gateway.refuse = () => 503;
    // A long poll that was open still renews the lease.
    await new Promise((resolve) => setTimeout(resolve, 400));
    aheadMs = 29 * 60_000;
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(agent?.policy()?.version, '1.2.0');
    wallAheadMs = day;
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(agent?.policy()?.version, '1.2.0', 'the wall clock ends no lease');
    aheadMs = 31 * 60_000;
    await runs('1.1.0');
    gateway.refuse = () => undefined;
    await told({ outcome: 'fellBack', reason: 'leaseExpired', attempted: '1.2.0', version: '1.1.0' });
    await runs('1.2.0');
  });

  it('keeps a leased candidate over a restart only while the lease that it knows lives', async () => {
    const { baseline, champion, candidate } = await three();
    gateway.leaseRemainingMs = 60_000;
    gateway.setOrder(candidateOrder(1, candidate, champion, baseline));
    await open();
    await runs('1.2.0');
    await agent?.close();
    gateway.refuse = () => 503;
    await open();
    assert.equal(agent?.policy()?.version, '1.2.0');
    await agent?.close();
    aheadMs = 61_000;
    await open();
    await runs('1.1.0');
  });

  it('goes to the baseline after 14 days without contact, by the monotonic clock alone, restarts included', async () => {
    const { baseline, champion } = await three();
    gateway.setOrder(championOrder(1, champion, baseline));
    await open();
    await runs('1.1.0');
    await until('baseline fetched', async () =>
      (await readFile(path.join(folder.directory, 'installed.json'), 'utf8')).includes(
        `"baseline":{"policy":"walls","version":"1.0.0"`,
      ),
    );
    gateway.refuse = () => 503;
    wallAheadMs = 400 * day;
    await new Promise((resolve) => setTimeout(resolve, 150));
    assert.equal(agent?.policy()?.version, '1.1.0', 'a jump of the wall clock means nothing');
    aheadMs = 13 * day;
    await new Promise((resolve) => setTimeout(resolve, 150));
    assert.equal(agent?.policy()?.version, '1.1.0');
    await agent?.close();
    await open();
    assert.equal(agent?.policy()?.version, '1.1.0');
    aheadMs = 14 * day + 60_000;
    await runs('1.0.0');
    gateway.refuse = () => undefined;
    await told({ outcome: 'fellBack', reason: 'noContact', attempted: '1.1.0', version: '1.0.0' });
    await runs('1.1.0');
  });

  it('leaves a version under which it dies three times in five minutes; twice from a candidate is a safety event', async () => {
    const { baseline, champion, candidate } = await three();
    gateway.leaseRemainingMs = 3_600_000;
    gateway.setOrder(championOrder(1, champion, baseline));
    await open();
    await runs('1.1.0');
    gateway.setOrder(candidateOrder(2, candidate, champion, baseline));
    await runs('1.2.0');
    const dieThrice = async (): Promise<void> => {
      for (let death = 0; death < 3; death++) {
        await agent?.crash();
        await open();
      }
    };
    await dieThrice();
    assert.equal(agent?.policy()?.version, '1.1.0');
    // It says under which order it fell back: whoever waits for that order hears that it cannot be followed.
    await told({
      outcome: 'fellBack',
      reason: 'crashLoop',
      attempted: '1.2.0',
      version: '1.1.0',
      trialId: 'trial-1',
      assignmentSeq: 2,
    });
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.equal(agent?.policy()?.version, '1.1.0', 'not tried again at once');
    const safety = () => [...gateway.entries.values()].filter(({ kind }) => kind === 'safetyEvent');
    assert.equal(safety().length, 0);
    aheadMs += 11 * 60_000;
    await runs('1.2.0');
    await dieThrice();
    assert.equal(agent?.policy()?.version, '1.1.0');
    await until('safety event', () => safety().length === 1);
    assert.deepEqual(
      safety().map((entry) => [entry.policyVersion, entry.trialId]),
      [['1.2.0', 'trial-1']],
    );
    aheadMs += 2 * day;
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal(agent?.policy()?.version, '1.1.0', 'never again under this trial');
  });

  it('leaves a candidate that is taken back although the champion failed here: for the baseline, until it may be tried again', async () => {
    const { baseline, champion, candidate } = await three();
    gateway.leaseRemainingMs = 3_600_000;
    gateway.setOrder(championOrder(1, baseline, baseline));
    await open();
    await runs('1.0.0');
    gateway.setOrder(championOrder(2, champion, baseline));
    await runs('1.1.0');
    for (let death = 0; death < 3; death++) {
      await agent?.crash();
      await open();
    }
    await runs('1.0.0');
    gateway.setOrder(candidateOrder(3, candidate, champion, baseline));
    await runs('1.2.0');
    gateway.setOrder(championOrder(4, champion, baseline));
    await runs('1.0.0');
    aheadMs += 11 * 60_000;
    await runs('1.1.0');
  });

  it('does not blame a version for deaths that are far apart', async () => {
    const { baseline, champion } = await three();
    gateway.setOrder(championOrder(1, champion, baseline));
    await open();
    await runs('1.1.0');
    for (let death = 0; death < 4; death++) {
      await agent?.crash();
      aheadMs += 3 * 60_000;
      await open();
    }
    assert.equal(agent?.policy()?.version, '1.1.0');
  });

  it('loads what ran before when the disk damaged the installed version, and fetches that anew', async () => {
    const { baseline, champion } = await three();
    gateway.setOrder(championOrder(1, baseline, baseline));
    await open();
    await runs('1.0.0');
    gateway.setOrder(championOrder(2, champion, baseline));
    await runs('1.1.0');
    await agent?.close();
    await writeFile(path.join(folder.directory, 'models', champion.sha256, 'model.onnx'), 'damaged');
    gateway.refuse = () => 503;
    await open();
    assert.equal(agent?.policy()?.version, '1.0.0');
    gateway.refuse = () => undefined;
    await told({ outcome: 'fellBack', reason: 'wrongDigest', attempted: '1.1.0', version: '1.0.0' });
    await runs('1.1.0');
  });
});
