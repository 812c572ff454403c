import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { candidateOrder, championOrder, fleetKeys, publish } from './fleet-keys.ts';
import { frameAt, recordEpisode, until } from './robot.ts';
import { robotWorld } from './robot-world.ts';

const day = 24 * 3_600_000;

describe('what a robot installs', () => {
  const world = robotWorld();
  const three = async () => {
    const baseline = await publish(world.gateway, world.keys, '1.0.0', { seed: 1 });
    const champion = await publish(world.gateway, world.keys, '1.1.0', { seed: 2 });
    const candidate = await publish(world.gateway, world.keys, '1.2.0', { seed: 3 });
    return { baseline, champion, candidate };
  };

  it('refuses a model whose bytes are not the signed ones, and says so', async () => {
    const champion = await publish(world.gateway, world.keys, '1.0.0', { seed: 1 });
    const bad = await publish(world.gateway, world.keys, '1.1.0', {
      seed: 2,
      servedModel: (model) => Uint8Array.from(model, (byte, index) => (index === 100 ? byte ^ 1 : byte)),
    });
    world.gateway.setOrder(championOrder(1, champion, champion));
    await world.open();
    await world.runs('1.0.0');
    world.gateway.setOrder(championOrder(2, bad, champion));
    await world.told({ outcome: 'refused', reason: 'wrongDigest', attempted: '1.1.0', version: '1.0.0' });
    await world.runs('1.0.0');
  });

  it('refuses a manifest that another key signed', async () => {
    const champion = await publish(world.gateway, fleetKeys(), '1.0.0', { seed: 1 });
    world.gateway.setOrder(championOrder(1, champion, null));
    await world.open();
    await world.told({ outcome: 'refused', reason: 'wrongSignature', attempted: '1.0.0', version: null });
    assert.equal(world.agent?.policy(), undefined);
  });

  it('refuses a manifest that was changed after it was signed', async () => {
    const champion = await publish(world.gateway, world.keys, '1.0.0', { seed: 1 });
    const file = 'walls/1.0.0/manifest.json';
    const text = Buffer.from(world.gateway.files.get(file)!).toString('utf8');
    world.gateway.files.set(file, Buffer.from(text.replace('"codeBuild":"test"', '"codeBuild":"best"')));
    world.gateway.setOrder(championOrder(1, champion, null));
    await world.open();
    await world.told({ outcome: 'refused', reason: 'wrongSignature' });
  });

  it('refuses a manifest that is rightly signed, but of another version', async () => {
    const old = await publish(world.gateway, world.keys, '1.0.0', { seed: 1 });
    world.gateway.files.set('walls/1.1.0/manifest.json', world.gateway.files.get('walls/1.0.0/manifest.json')!);
    world.gateway.files.set('walls/1.1.0/model.onnx', world.gateway.files.get('walls/1.0.0/model.onnx')!);
    world.gateway.setOrder(championOrder(1, { ...old, version: '1.1.0' }, null));
    await world.open();
    await world.told({ outcome: 'refused', reason: 'wrongSignature', attempted: '1.1.0' });
  });

  it('refuses a model that fails its self-test', async () => {
    const champion = await publish(world.gateway, world.keys, '1.0.0', { seed: 1 });
    const wrong = await publish(world.gateway, world.keys, '1.1.0', { seed: 2, hasWrongGolden: true });
    world.gateway.setOrder(championOrder(1, champion, champion));
    await world.open();
    await world.runs('1.0.0');
    world.gateway.setOrder(championOrder(2, wrong, champion));
    await world.told({ outcome: 'refused', reason: 'selfTestFailed', attempted: '1.1.0', version: '1.0.0' });
  });

  it('goes on with a download where it broke off', async () => {
    const champion = await publish(world.gateway, world.keys, '1.0.0', { seed: 1 });
    world.gateway.cutModelAtBytes = 500;
    world.gateway.setOrder(championOrder(1, champion, null));
    await world.open();
    await until('a part', async () =>
      (await readdir(path.join(world.directory, 'models'))).some((name) => name.endsWith('.part')),
    );
    await until(
      'tried again',
      () => world.gateway.requests.filter((request) => request.endsWith('model.onnx')).length > 2,
    );
    world.gateway.cutModelAtBytes = undefined;
    await world.runs('1.0.0');
    assert.ok(champion.sizeBytes > 1_000);
  });

  it('waits for the end of an episode with a switch that has time', async () => {
    const { baseline, champion, candidate } = await three();
    world.gateway.setOrder(championOrder(1, champion, baseline));
    const robot = await world.open();
    await world.runs('1.1.0');
    robot.record(frameAt(0));
    world.gateway.leaseRemainingMs = 60_000;
    world.gateway.setOrder(candidateOrder(2, candidate, champion, baseline));
    await until('fetched', async () =>
      (await readdir(path.join(world.directory, 'models'))).includes(candidate.sha256),
    );
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.equal(robot.policy()?.version, '1.1.0');
    await robot.endEpisode('success');
    await world.runs('1.2.0');
    assert.equal(robot.policy()?.trialId, 'trial-1');
    await world.told({ outcome: 'installed', version: '1.2.0', trialId: 'trial-1', assignmentSeq: 2 });
  });

  it('does not switch a robot that says it is busy', async () => {
    const { baseline, champion } = await three();
    world.gateway.setOrder(championOrder(1, baseline, baseline));
    const robot = await world.open();
    await world.runs('1.0.0');
    robot.busy();
    world.gateway.setOrder(championOrder(2, champion, baseline));
    await new Promise((resolve) => setTimeout(resolve, 400));
    assert.equal(robot.policy()?.version, '1.0.0');
    robot.idle();
    await world.runs('1.1.0');
  });

  it('stops safely in the middle of an episode when it is told to, and leaves the episode out of both arms', async () => {
    const { baseline, champion, candidate } = await three();
    world.gateway.leaseRemainingMs = 60_000;
    world.gateway.setOrder(candidateOrder(1, candidate, champion, baseline));
    let stops = 0;
    const robot = await world.open({
      onSafeStop: async () => {
        stops += 1;
      },
    });
    await world.runs('1.2.0');
    for (let index = 0; index < 12; index++) robot.record(frameAt(index));
    world.gateway.setOrder({ ...championOrder(2, champion, baseline), urgency: 'safeStop' });
    await world.runs('1.1.0');
    assert.equal(stops, 1);
    await until('told', () => [...world.gateway.entries.values()].some(({ kind }) => kind === 'episode'));
    const episode = [...world.gateway.entries.values()].find((entry) => entry.kind === 'episode');
    assert.deepEqual(
      episode?.kind === 'episode' && [episode.outcome, episode.failureReason, episode.policyVersion, episode.trialId],
      ['aborted', 'rollback', '1.2.0', 'trial-1'],
    );
  });

  it('switches a robot that does not come to a stop in time, and leaves out what it still records', async () => {
    const { baseline, champion } = await three();
    world.gateway.setOrder(championOrder(1, champion, baseline));
    const robot = await world.open({ onSafeStop: () => new Promise(() => undefined) });
    await world.runs('1.1.0');
    for (let index = 0; index < 12; index++) robot.record(frameAt(index));
    world.gateway.setOrder({ ...championOrder(2, baseline, baseline), urgency: 'safeStop' });
    await world.runs('1.0.0');
    robot.record(frameAt(20));
    assert.equal(await robot.endEpisode('success'), false);
    await recordEpisode(robot);
    await until(
      'told',
      () => [...world.gateway.entries.values()].filter(({ kind }) => kind === 'episode').length === 2,
    );
  });

  it('takes a candidate with its lease in one step, however often it looks in between', async () => {
    const { baseline, champion, candidate } = await three();
    world.gateway.leaseRemainingMs = 30 * 60_000;
    world.gateway.setOrder(candidateOrder(1, candidate, champion, baseline));
    await world.open({ limits: { tickMs: 1 } });
    await world.runs('1.2.0');
    await world.told({ outcome: 'installed', reason: 'ordered', version: '1.2.0' });
    assert.deepEqual(
      world.gateway.reports.filter(({ reason }) => reason === 'leaseExpired'),
      [],
    );
  });

  it('goes back to the champion by itself when the lease ends without contact', async () => {
    const { baseline, champion, candidate } = await three();
    world.gateway.leaseRemainingMs = 30 * 60_000;
    world.gateway.setOrder(candidateOrder(1, candidate, champion, baseline));
    await world.open();
    await world.runs('1.2.0');
    world.gateway.refuse = () => 503;
    // A long poll that was open still renews the lease.
    await new Promise((resolve) => setTimeout(resolve, 400));
    world.aheadMs = 29 * 60_000;
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(world.agent?.policy()?.version, '1.2.0');
    world.wallAheadMs = day;
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(world.agent?.policy()?.version, '1.2.0', 'the wall clock ends no lease');
    world.aheadMs = 31 * 60_000;
    await world.runs('1.1.0');
    world.gateway.refuse = () => undefined;
    await world.told({ outcome: 'fellBack', reason: 'leaseExpired', attempted: '1.2.0', version: '1.1.0' });
    await world.runs('1.2.0');
  });

  it('goes back to the champion before the last from its disk, when it has tried a candidate of the last one since', async () => {
    const { baseline, champion, candidate } = await three();
    const last = await publish(world.gateway, world.keys, '1.1.5', { seed: 4 });
    world.gateway.setOrder(championOrder(1, champion, baseline));
    await world.open();
    await world.runs('1.1.0');
    world.gateway.setOrder(championOrder(2, last, baseline));
    await world.runs('1.1.5');
    world.gateway.leaseRemainingMs = 30 * 60_000;
    world.gateway.setOrder(candidateOrder(3, candidate, last, baseline));
    await world.runs('1.2.0');
    world.gateway.leaseRemainingMs = undefined;
    world.gateway.setOrder({ ...championOrder(4, last, baseline), urgency: 'safeStop' });
    await world.runs('1.1.5');
    const models = path.join(world.directory, 'models');
    const unneeded = 'f'.repeat(64);
    await mkdir(path.join(models, unneeded));
    await until('rid of what nobody needs', async () => !(await readdir(models)).includes(unneeded));
    for (const file of world.gateway.files.keys()) if (file.startsWith('walls/')) world.gateway.files.delete(file);
    world.gateway.setOrder({ ...championOrder(5, champion, baseline), urgency: 'safeStop' });
    await world.runs('1.1.0');
    assert.equal(world.isTold({ outcome: 'fellBack' }), false, 'it needed nothing in between');
  });

  it('keeps a leased candidate over a restart only while the lease that it knows lives', async () => {
    const { baseline, champion, candidate } = await three();
    world.gateway.leaseRemainingMs = 60_000;
    world.gateway.setOrder(candidateOrder(1, candidate, champion, baseline));
    await world.open();
    await world.runs('1.2.0');
    await world.agent?.close();
    world.gateway.refuse = () => 503;
    await world.open();
    assert.equal(world.agent?.policy()?.version, '1.2.0');
    await world.agent?.close();
    world.aheadMs = 61_000;
    await world.open();
    await world.runs('1.1.0');
  });

  it('goes to the baseline after 14 days without contact, by the monotonic clock alone, restarts included', async () => {
    const { baseline, champion } = await three();
    world.gateway.setOrder(championOrder(1, champion, baseline));
    await world.open();
    await world.runs('1.1.0');
    await until('baseline fetched', async () =>
      (await readFile(path.join(world.directory, 'installed.json'), 'utf8')).includes(
        `"baseline":{"policy":"walls","version":"1.0.0"`,
      ),
    );
    world.gateway.refuse = () => 503;
    world.wallAheadMs = 400 * day;
    await new Promise((resolve) => setTimeout(resolve, 150));
    assert.equal(world.agent?.policy()?.version, '1.1.0', 'a jump of the wall clock means nothing');
    world.aheadMs = 13 * day;
    await new Promise((resolve) => setTimeout(resolve, 150));
    assert.equal(world.agent?.policy()?.version, '1.1.0');
    await world.agent?.close();
    await world.open();
    assert.equal(world.agent?.policy()?.version, '1.1.0');
    world.aheadMs = 14 * day + 60_000;
    await world.runs('1.0.0');
    world.gateway.refuse = () => undefined;
    await world.told({ outcome: 'fellBack', reason: 'noContact', attempted: '1.1.0', version: '1.0.0' });
    await world.runs('1.1.0');
  });

  it('leaves a version under which it dies three times in five minutes; twice from a candidate is a safety event', async () => {
    const { baseline, champion, candidate } = await three();
    world.gateway.leaseRemainingMs = 3_600_000;
    world.gateway.setOrder(championOrder(1, champion, baseline));
    await world.open();
    await world.runs('1.1.0');
    world.gateway.setOrder(candidateOrder(2, candidate, champion, baseline));
    await world.runs('1.2.0');
    const dieThrice = async (): Promise<void> => {
      for (let death = 0; death < 3; death++) {
        await world.agent?.crash();
        await world.open();
      }
    };
    await dieThrice();
    assert.equal(world.agent?.policy()?.version, '1.1.0');
    // It says under which order it fell back: whoever waits for that order hears that it cannot be followed.
    await world.told({
      outcome: 'fellBack',
      reason: 'crashLoop',
      attempted: '1.2.0',
      version: '1.1.0',
      trialId: 'trial-1',
      assignmentSeq: 2,
    });
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.equal(world.agent?.policy()?.version, '1.1.0', 'not tried again at once');
    const safety = () => [...world.gateway.entries.values()].filter(({ kind }) => kind === 'safetyEvent');
    assert.equal(safety().length, 0);
    world.aheadMs += 11 * 60_000;
    await world.runs('1.2.0');
    await dieThrice();
    assert.equal(world.agent?.policy()?.version, '1.1.0');
    await until('safety event', () => safety().length === 1);
    assert.deepEqual(
      safety().map((entry) => [entry.policyVersion, entry.trialId]),
      [['1.2.0', 'trial-1']],
    );
    world.aheadMs += 2 * day;
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal(world.agent?.policy()?.version, '1.1.0', 'never again under this trial');
  });

  it('leaves a candidate that is taken back although the champion failed here: for the baseline, until it may be tried again', async () => {
    const { baseline, champion, candidate } = await three();
    world.gateway.leaseRemainingMs = 3_600_000;
    world.gateway.setOrder(championOrder(1, baseline, baseline));
    await world.open();
    await world.runs('1.0.0');
    world.gateway.setOrder(championOrder(2, champion, baseline));
    await world.runs('1.1.0');
    for (let death = 0; death < 3; death++) {
      await world.agent?.crash();
      await world.open();
    }
    await world.runs('1.0.0');
    world.gateway.setOrder(candidateOrder(3, candidate, champion, baseline));
    await world.runs('1.2.0');
    world.gateway.setOrder(championOrder(4, champion, baseline));
    await world.runs('1.0.0');
    world.aheadMs += 11 * 60_000;
    await world.runs('1.1.0');
  });

  it('does not blame a version for deaths that are far apart', async () => {
    const { baseline, champion } = await three();
    world.gateway.setOrder(championOrder(1, champion, baseline));
    await world.open();
    await world.runs('1.1.0');
    for (let death = 0; death < 4; death++) {
      await world.agent?.crash();
      world.aheadMs += 3 * 60_000;
      await world.open();
    }
    assert.equal(world.agent?.policy()?.version, '1.1.0');
  });

  it('loads what ran before when the disk damaged the installed version, and fetches that anew', async () => {
    const { baseline, champion } = await three();
    world.gateway.setOrder(championOrder(1, baseline, baseline));
    await world.open();
    await world.runs('1.0.0');
    world.gateway.setOrder(championOrder(2, champion, baseline));
    await world.runs('1.1.0');
    await world.agent?.close();
    await writeFile(path.join(world.directory, 'models', champion.sha256, 'model.onnx'), 'damaged');
    world.gateway.refuse = () => 503;
    await world.open();
    assert.equal(world.agent?.policy()?.version, '1.0.0');
    world.gateway.refuse = () => undefined;
    await world.told({ outcome: 'fellBack', reason: 'wrongDigest', attempted: '1.1.0', version: '1.0.0' });
    await world.runs('1.1.0');
  });
});
