import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { scitosG5Type } from '../../../datasets/built-in-robot-types.ts';
import { isolatedPolicyRuntime } from '../../../fleet/agent/adapters/isolated-runtime.ts';
import { onnxPolicyRuntime } from '../../../fleet/agent/adapters/onnx-runtime.ts';
import { SessionLost, type PolicyRuntime } from '../../../fleet/agent/versions/policy-runtime.ts';
import type { Agent, AgentOptions } from '../../../fleet/agent/index.ts';
import type { InstallReport } from '../../../fleet/protocol/index.ts';
import { policySizes } from '../../../policies/policy-io.ts';
import { runPolicy } from '../../../policies/run-policy.ts';
import { tinyPolicy } from '../../../policies/tiny-policy.ts';
import { devoursMemory, fatalObservation, hangsAlways, hangsOnReading, soundObservation } from './bad-policies.ts';
import { startFakeGateway, type FakeGateway } from './fake-gateway.ts';
import { candidateOrder, championOrder, fleetKeys, publish } from './fleet-keys.ts';
import { frameAt, openRobot, robotId, temporaryDirectory, token, until } from './robot.ts';

const sizes = policySizes(scitosG5Type)!;
const decide = (session: Parameters<typeof runPolicy>[0], observation: Float32Array): Promise<Float32Array> =>
  runPolicy(session, sizes, observation, Int32Array.of(0));
/** Processes of this one's that run a model. */
const inferenceProcesses = (): number[] =>
  readdirSync('/proc').flatMap((name) => {
    try {
      if (!/^\d+$/.test(name) || !readFileSync(`/proc/${name}/cmdline`, 'utf8').includes('inference-process'))
        return [];
      const { parent, state } = /\) (?<state>\w) (?<parent>\d+) /.exec(
        readFileSync(`/proc/${name}/stat`, 'utf8'),
      )!.groups!;
      return Number(parent) === process.pid && state !== 'Z' ? [Number(name)] : [];
    } catch {
      return [];
    }
  });

describe('a model in a process of its own', () => {
  const runtime = isolatedPolicyRuntime({ memoryBytes: 400e6 });

  it('decides as it would in this one', async () => {
    const model = tinyPolicy(scitosG5Type, 1);
    const [here, there] = [await onnxPolicyRuntime().open(model), await runtime.open(model)];
    assert.deepEqual(there.inputs, here.inputs);
    assert.deepEqual(there.outputs, here.outputs);
    for (const value of [0.1, 1, 4])
      assert.deepEqual(
        await decide(there, new Float32Array(24).fill(value)),
        await decide(here, new Float32Array(24).fill(value)),
      );
    await Promise.all([here.close(), there.close()]);
    assert.deepEqual(inferenceProcesses(), []);
  });

  it('says why it does not load', async () => {
    await assert.rejects(runtime.open(Buffer.from('no model')), /protobuf|parse/i);
    await until('gone', () => inferenceProcesses().length === 0);
  });

  it('ends in the middle of a run that never ends', async () => {
    const session = await runtime.open(hangsOnReading());
    await decide(session, soundObservation);
    const running = assert.rejects(decide(session, fatalObservation), SessionLost);
    await session.close();
    await running;
    await assert.rejects(decide(session, soundObservation), SessionLost);
    assert.deepEqual(inferenceProcesses(), []);
  });

  it('gets no more memory than it may have, and this process goes on', async () => {
    const session = await runtime.open(devoursMemory());
    await decide(session, soundObservation);
    await assert.rejects(decide(session, fatalObservation));
    await session.close();
  });

  it('ends with its agent, however that ends', async () => {
    const folder = await temporaryDirectory();
    try {
      const script = path.join(folder.directory, 'agent.mts');
      const model = path.join(folder.directory, 'model.onnx');
      await writeFile(model, hangsOnReading());
      const imported = (name: string): string => JSON.stringify(new URL(name, import.meta.url).href);
      await writeFile(
        script,
        `import { isolatedPolicyRuntime } from ${imported('../../../fleet/agent/adapters/isolated-runtime.ts')};
         import { readFileSync, readdirSync, writeSync } from 'node:fs';
         const session = await isolatedPolicyRuntime().open(readFileSync(${JSON.stringify(model)}));
         const data = new Float32Array(24).fill(2000);
         session.run({ observation: { type: 'float32', data, shape: [1, 24] } }).catch(() => undefined);
         for (const task of readdirSync('/proc/self/task'))
           writeSync(1, readFileSync('/proc/self/task/' + task + '/children', 'utf8'));
         writeSync(1, 'running\\n');
         setInterval(() => undefined, 1000);`,
      );
      const agent = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
      let said = '';
      agent.stdout.on('data', (bytes: Buffer) => (said += bytes.toString('utf8')));
      await until('running', () => said.includes('running'), 30_000);
      const children = said
        .split(/\s+/)
        .map(Number)
        .filter((pid) => pid > 0);
      const alive = (): number[] =>
        children.filter((pid) => readdirSync('/proc').includes(String(pid)) && isModel(pid));
      assert.ok(alive().length > 0, 'expected a process that runs the model');
      agent.kill('SIGKILL');
      await once(agent, 'close');
      await until('gone', () => alive().length === 0);
    } finally {
      await folder.remove();
    }
  });
});

const isModel = (pid: number): boolean => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('inference-process');
  } catch {
    return false;
  }
};

/**
 * Has so many sessions of a sound model open before they are asked for, so that a short limit on loading meets the model that hangs alone, on a machine that has no time
 * too.
 */
async function warmRuntime(sound: Uint8Array, sessions: number): Promise<PolicyRuntime> {
  const runtime = isolatedPolicyRuntime({ memoryBytes: 400e6 });
  const warm = await Promise.all(Array.from({ length: sessions }, () => runtime.open(sound)));
  return {
    open: async (model, options) =>
      (Buffer.from(sound).equals(model) ? warm.pop() : undefined) ?? runtime.open(model, options),
  };
}

describe('a robot with a model that fails it', () => {
  const keys = fleetKeys();
  let gateway: FakeGateway;
  let folder: { directory: string; remove: () => Promise<void> };
  let agent: Agent | undefined;
  let stops = 0;

  beforeEach(async () => {
    gateway = await startFakeGateway(robotId, token);
    folder = await temporaryDirectory();
    stops = 0;
  });
  afterEach(async () => {
    await agent?.close();
    agent = undefined;
    await gateway.stop();
    await folder.remove();
    await until('no process left', () => inferenceProcesses().length === 0);
  });

  const open = async (options: Partial<AgentOptions> = {}): Promise<Agent> => {
    agent = await openRobot({
      gatewayUrl: gateway.url,
      directory: folder.directory,
      publicKeyPem: keys.publicKeyPem,
      runtime: isolatedPolicyRuntime({ memoryBytes: 400e6 }),
      onSafeStop: async () => {
        stops += 1;
      },
      ...options,
      limits: { decideTimeoutMs: 1_500, ...options.limits },
    });
    return agent;
  };
  const runs = (version: string): Promise<void> =>
    until(`runs ${version}`, () => agent?.policy()?.version === version, 30_000);
  const told = (wanted: Partial<InstallReport>): Promise<void> =>
    until(`told ${JSON.stringify(wanted)}`, () =>
      gateway.reports.some((report) =>
        Object.entries(wanted).every(([key, value]) => report[key as keyof InstallReport] === value),
      ),
    );

  for (const [what, model] of Object.entries({
    'hangs on one reading': hangsOnReading,
    'devours memory': devoursMemory,
  }))
    it(`is stopped, falls back and says so, and beats on meanwhile: ${what}`, async () => {
      const champion = await publish(gateway, keys, '1.0.0', { seed: 1 });
      const candidate = await publish(gateway, keys, '1.1.0', { seed: 2, model: model() });
      gateway.setOrder(championOrder(1, champion, champion));
      const robot = await open();
      await runs('1.0.0');
      gateway.leaseRemainingMs = 3_600_000;
      gateway.setOrder(candidateOrder(2, candidate, champion, champion));
      await runs('1.1.0');
      const policy = robot.policy()!;
      robot.record(frameAt(0));
      await policy.decide(soundObservation);
      const beats = gateway.heartbeats.length;
      await assert.rejects(policy.decide(fatalObservation));
      // A process that grows too large may be gone before the next beat is due; one that hangs is waited for.
      if (model === hangsOnReading) assert.ok(gateway.heartbeats.length > beats, 'it beats while its model hangs');
      await assert.rejects(policy.decide(soundObservation), 'what failed decides nothing more');
      await runs('1.0.0');
      assert.equal(stops, 1);
      await told({
        outcome: 'fellBack',
        reason: 'deadlineMissed',
        attempted: '1.1.0',
        version: '1.0.0',
        trialId: 'trial-1',
      });
      await until('the episode is told', () => gateway.entries.size > 0 && robot.status().waitingTelemetry === 0);
      const episodes = [...gateway.entries.values()].flatMap((entry) =>
        entry.kind === 'episode' ? [[entry.outcome, entry.failureReason, entry.policyVersion]] : [],
      );
      assert.deepEqual(episodes, [['aborted', 'rollback', '1.1.0']]);
      await until('it beats on', () => gateway.heartbeats.length > beats);
      await robot.policy()?.decide(soundObservation);
    });

  it('obeys a lease that ends while a decision hangs', async () => {
    let aheadMs = 0;
    const champion = await publish(gateway, keys, '1.0.0', { seed: 1 });
    const candidate = await publish(gateway, keys, '1.1.0', { seed: 2, model: hangsOnReading() });
    gateway.leaseRemainingMs = 30 * 60_000;
    gateway.setOrder(candidateOrder(1, candidate, champion, champion));
    const robot = await open({
      monotonic: () => performance.now() + aheadMs,
      limits: { decideTimeoutMs: 3_600_000, longPollMs: 100 },
    });
    await runs('1.1.0');
    gateway.refuse = () => 503;
    const hanging = robot
      .policy()!
      .decide(fatalObservation)
      .catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 400));
    aheadMs = 31 * 60_000;
    await runs('1.0.0');
    await agent?.close();
    agent = undefined;
    await hanging;
  });

  it('refuses a model that hangs in its self-test, and keeps what it has', async () => {
    const champion = await publish(gateway, keys, '1.0.0', { seed: 1 });
    const bad = await publish(gateway, keys, '1.1.0', { seed: 2, model: hangsAlways(), goldenModel: hangsOnReading() });
    gateway.setOrder(championOrder(1, champion, champion));
    const runtime = await warmRuntime(tinyPolicy(scitosG5Type, 1), 1);
    const robot = await open({ runtime, limits: { loadTimeoutMs: 2_000 } });
    await runs('1.0.0');
    gateway.setOrder(championOrder(2, bad, champion));
    await told({ outcome: 'refused', reason: 'deadlineMissed', attempted: '1.1.0', version: '1.0.0' });
    assert.equal(robot.policy()?.version, '1.0.0');
    await until('its process is gone', () => inferenceProcesses().length === 1);
  });

  it('leaves an installed model that hangs when it starts again', async () => {
    const champion = await publish(gateway, keys, '1.0.0', { seed: 1 });
    const bad = await publish(gateway, keys, '1.1.0', { seed: 2, model: hangsAlways(), goldenModel: hangsOnReading() });
    gateway.setOrder(championOrder(1, champion, champion));
    const runtime = await warmRuntime(tinyPolicy(scitosG5Type, 1), 2);
    await open({ runtime });
    await runs('1.0.0');
    await agent?.close();
    const models = path.join(folder.directory, 'models', bad.sha256);
    await mkdir(models);
    for (const name of ['model.onnx', 'golden.json', 'manifest.json'])
      await writeFile(path.join(models, name), gateway.files.get(`walls/1.1.0/${name}`)!);
    const state = path.join(folder.directory, 'installed.json');
    const installed = JSON.parse(readFileSync(state, 'utf8')) as { current: unknown; previous: unknown };
    const current = { policy: 'walls', version: '1.1.0', sha256: bad.sha256 };
    await writeFile(state, JSON.stringify({ ...installed, current, previous: installed.current }));
    gateway.refuse = () => 503;
    await open({ runtime, limits: { loadTimeoutMs: 2_000 } });
    assert.equal(agent?.policy()?.version, '1.0.0');
    gateway.refuse = () => undefined;
    await told({ outcome: 'fellBack', reason: 'deadlineMissed', attempted: '1.1.0', version: '1.0.0' });
  });

  it('falls back from a model that hangs in this very process, where nothing can end it', async () => {
    const champion = await publish(gateway, keys, '1.0.0', { seed: 1 });
    const candidate = await publish(gateway, keys, '1.1.0', { seed: 2 });
    let isHanging = false;
    const inner = onnxPolicyRuntime();
    const robot = await open({
      // The champion's own answers come within it on a busy machine too.
      limits: { decideTimeoutMs: 3_000 },
      runtime: {
        async open(model) {
          const session = await inner.open(model);
          return { ...session, run: (feeds) => (isHanging ? new Promise(() => undefined) : session.run(feeds)) };
        },
      },
    });
    gateway.setOrder(championOrder(1, champion, champion));
    await runs('1.0.0');
    gateway.setOrder(championOrder(2, candidate, champion));
    await runs('1.1.0');
    isHanging = true;
    await assert.rejects(robot.policy()!.decide(soundObservation), /within 3000 ms/);
    isHanging = false;
    await runs('1.0.0');
  });
});
