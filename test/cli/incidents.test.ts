import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Worker } from '@temporalio/worker';
import { Command } from 'commander';

import { fileObjectStore } from '../../store/adapters/file-object-store.ts';
import { publishRobotType } from '../../store/records/robot-types.ts';
import { moveAliases, readAliases } from '../../store/records/aliases.ts';
import { createPolicyDocument } from '../../activities/registry/policy-document.ts';
import { registerIncidentCommands } from '../../cli/incidents.ts';
import { ensureMonitor } from '../../cli/monitor.ts';
import { weeklyScheduleId } from '../../activities/schedule-id.ts';
import { ensureWeeklySchedule } from '../../cli/schedule.ts';
import { scitosG5Type } from '../../datasets/built-in-robot-types.ts';
import { addRobot, openFleet } from '../../fleet/desk/index.ts';
import { installLog } from '../../fleet/desk/install-log.ts';
import { writePresence } from '../../fleet/desk/presence.ts';
import { queues, readSettings } from '../../workers/config.ts';
import { initKeys } from '../../activities/adapters/key-changes.ts';
import { openPorts } from '../../workers/ports.ts';
import { workerOptions } from '../../workers/run-workers.ts';
import type { MonitorStatus } from '../../workflows/monitor/messages.ts';
import { sharedTemporal } from '../support/temporal.ts';

const minuteMs = 60_000;

/** A monitor on real activities and a real server, with a store of its own and somebody who listens. */
describe('flywheel incidents', function () {
  this.timeout(120_000);
  const policy = `wall-${randomUUID().slice(0, 8)}`;
  const queuePrefix = `${policy}-`;
  const set: Record<string, string | undefined> = {};
  const told: string[] = [];
  let directory: string;
  let hook: Server;
  let stop: () => Promise<void>;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'flywheel-incidents-'));
    hook = createServer((request, response) => {
      told.push(String(request.headers['idempotency-key']));
      response.writeHead(204).end();
    });
    await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve));
    const { address, client, connection, bundle } = await sharedTemporal();
    const environment = {
      FLYWHEEL_STORE: join(directory, 'store'),
      FLYWHEEL_KEYS: join(directory, 'keys'),
      FLYWHEEL_SCRATCH: join(directory, 'scratch'),
      FLYWHEEL_TEMPORAL_ADDRESS: address,
      FLYWHEEL_QUEUE_PREFIX: queuePrefix,
      FLYWHEEL_WEBHOOK_URL: `http://127.0.0.1:${(hook.address() as AddressInfo).port}/`,
      FLYWHEEL_WEBHOOK_SECRET: 'a secret of twenty characters',
    };
    for (const [name, value] of Object.entries(environment)) {
      set[name] = process.env[name];
      process.env[name] = value;
    }
    initKeys(environment.FLYWHEEL_KEYS, { nowMs: Date.now() });
    const ports = await openPorts(readSettings(environment), 'test', client);
    const workers = await Promise.all(
      queues.map((queue) =>
        Worker.create({
          ...workerOptions(queue, ports, bundle),
          connection,
          taskQueue: `${queuePrefix}${queue}`,
        }),
      ),
    );
    const running = Promise.all(workers.map((worker) => worker.run()));
    stop = async () => {
      for (const worker of workers) worker.shutdown();
      await running;
    };
  });
  after(async () => {
    const { client } = await sharedTemporal();
    await client.workflow
      .getHandle(`monitor/${policy}`)
      .terminate()
      .catch(() => undefined);
    await client.schedule
      .getHandle(weeklyScheduleId(policy))
      .delete()
      .catch(() => undefined);
    await stop();
    await new Promise((resolve) => hook.close(resolve));
    for (const [name, value] of Object.entries(set))
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    await rm(directory, { recursive: true, force: true });
  });

  const store = () => fileObjectStore({ root: join(directory, 'store') });
  /** Two robots; the gateway has been there for an hour, and heard `r1` just now. */
  const see = async (heard: readonly string[]) =>
    writePresence(store(), policy, {
      gatewayId: 'gateway-1',
      sinceMs: Date.now() - 60 * minuteMs,
      atMs: Date.now(),
      robots: ['r1', 'r2'].map((robotId) => ({
        robotId,
        installedVersion: '1.0.0',
        assignmentSeq: null,
        deliveredSeq: null,
        isBusy: false,
        droppedEpisodes: 0,
        lastSeenMs: heard.includes(robotId) ? Date.now() : Date.now() - 10 * minuteMs,
        saidMs: heard.includes(robotId) ? Date.now() : Date.now() - 10 * minuteMs,
      })),
    });

  it('lists what a monitor opened, acknowledges it, and shows its end', async () => {
    const { client } = await sharedTemporal();
    const clock = Date.now;
    const robotType = { id: scitosG5Type.id, version: scitosG5Type.version };
    await publishRobotType(store(), scitosG5Type);
    await createPolicyDocument(store(), { policy, robotType });
    for (const robotId of ['r1', 'r2'])
      await addRobot(
        { store: store(), clock },
        {
          robotId,
          policy,
          robotType,
          site: 'hall',
          stratum: 'hall',
          tokenHashes: ['0'.repeat(64)],
          who: 't',
          why: 't',
        },
      );
    await see(['r1']);
    await ensureWeeklySchedule(client, { policy, taskQueue: `${queuePrefix}orchestration` });
    await ensureMonitor(client, `${queuePrefix}orchestration`, {
      policy,
      profile: 'real',
      tickMs: 200,
      limits: { closeAfterTicks: 2 },
    });

    const open = await until(async () => {
      const { incidents } = (await run('list', '--policy', policy)) as { incidents: { incidentId: string }[] };
      const silent = incidents.filter((incident) => incident.incidentId.startsWith('silent.'));
      return silent.length > 0 ? silent : undefined;
    });
    const [{ incidentId } = assert.fail('none is open')] = open;
    assert.match(incidentId, /^silent\.r2\.\d+$/);
    await until(async () => (told.length > 0 ? told : undefined));
    const { answer } = (await run('acknowledge', incidentId, '--policy', policy, '--reason', 'on my way')) as {
      answer: string;
    };
    assert.match(answer, /is acknowledged by/);
    await assert.rejects(
      run('acknowledge', 'silent.r9.1', '--policy', policy, '--reason', 'x'),
      /there is no open incident silent\.r9\.1; open are silent\.r2/,
    );
    await see(['r1', 'r2']);
    await until(async () => (told.length >= 3 ? told : undefined));
    const { events } = (await run('list', '--policy', policy, '--history')) as {
      events: { incidentId: string; state: string; reason: string; who?: string }[];
    };
    assert.deepEqual(
      events.map(({ state }) => state),
      ['opened', 'acknowledged', 'closed'],
    );
    assert.equal(events[1]?.reason, 'on my way');
    assert.deepEqual(
      told,
      ['opened', 'acknowledged', 'closed'].map((state) => `${incidentId}/${state}`),
    );
    const status = await statusOf(policy);
    assert.equal(status.trouble, null);
    assert.match(status.drift ?? '', /^not judged: 0 and 0 robots with samples/);
  });

  it('takes a promotion back that crashes robots: once, to the champion before, at once', async () => {
    const { client } = await sharedTemporal();
    const fleet = `${policy}-crashing`;
    const ports = { store: store(), clock: Date.now };
    const robotIds = Array.from({ length: 6 }, (_, index) => `c${index}`);
    const origin = { who: 't', why: 't' };
    for (const robotId of robotIds)
      await addRobot(ports, {
        robotId,
        policy: fleet,
        robotType: { id: 'scitos-g5', version: 1 },
        site: 'hall',
        stratum: 'hall',
        tokenHashes: ['0'.repeat(64)],
        ...origin,
      });
    const versions = ['1.0.0', '1.0.5', '1.1.0'];
    for (const [index, version] of versions.entries()) {
      const previous = versions[index - 1];
      await moveAliases(ports, { policy: fleet, operationId: `to-${version}`, ...origin }, () => ({
        champion: version,
        ...(previous === undefined ? { baseline: version } : { previous }),
      }));
    }
    await openFleet(ports).write({
      policy: fleet,
      seq: 0,
      record: {
        kind: 'assign',
        defaultVersion: '1.1.0',
        championVersion: '1.1.0',
        trialId: null,
        urgency: 'whenIdle',
        overrides: [],
        operationId: 'to-1.1.0',
        atMs: Date.now(),
        ...origin,
      },
    });
    const installs = installLog(store(), fleet);
    for (const [index, robotId] of robotIds.slice(0, 3).entries())
      await installs.append({
        robotId,
        gatewayId: 'gateway-1',
        receivedMs: Date.now(),
        report: {
          reportId: `01J0000000000000000000000${index}`,
          bootId: '01J00000000000000000000000',
          atMs: Date.now(),
          clockSkewMs: 0,
          outcome: 'fellBack',
          reason: 'crashLoop',
          version: '1.0.5',
          attempted: '1.1.0',
          assignmentSeq: 0,
          trialId: null,
          detail: '',
        },
      });
    await ensureMonitor(client, `${queuePrefix}orchestration`, { policy: fleet, profile: 'real', tickMs: 200 });
    try {
      const reader = openFleet(ports);
      const { current } = await until(async () => {
        const state = await reader.readAssignments(fleet);
        return state.seq > 0 ? state : undefined;
      });
      assert.deepEqual([current?.record.defaultVersion, current?.record.urgency], ['1.0.5', 'safeStop']);
      await until(async () => ((await readAliases(ports)({ policy: fleet })).champion === '1.0.5' ? true : undefined));
      const looks = async () => (await statusOf(fleet)).looks;
      const before = await looks();
      await until(async () => ((await looks()) > before + 3 ? true : undefined));
      const { rolledBack, trouble } = await statusOf(fleet);
      assert.deepEqual([rolledBack, trouble], ['to-1.1.0', null]);
      assert.equal((await reader.readAssignments(fleet)).seq, 1);
    } finally {
      for (const id of [`monitor/${fleet}`, `rollback/${fleet}`])
        await client.workflow
          .getHandle(id)
          .terminate()
          .catch(() => undefined);
    }
  });

  it('sees cycles of a policy and starts one at a time', async () => {
    const { client } = await sharedTemporal();
    const { loop } = await openPorts(readSettings(process.env), 'test', client);
    const before = await until(async () => loop.cycles(policy));
    assert.deepEqual(before, { running: 0, lastStartedMs: null });
    const request = { collectionTurnWaitMs: 50 };
    const first = await loop.startCycle({ policy, cause: 'drift: range_3', request });
    assert.deepEqual(first, { kind: 'started', workflowId: `cycle/${policy}-triggered` });
    const again = await loop.startCycle({ policy, cause: 'drift: range_3', request });
    const handle = client.workflow.getHandle(first.workflowId);
    assert.equal(again.workflowId, first.workflowId);
    const seen = await until(async () => {
      const cycles = await loop.cycles(policy);
      return cycles?.lastStartedMs === null ? undefined : cycles;
    });
    assert.ok(seen.lastStartedMs! > Date.now() - minuteMs);
    await handle.result().catch(() => undefined);
    await until(async () => ((await loop.cycles(policy))?.running === 0 ? true : undefined));
  });
});

async function statusOf(policy: string): Promise<MonitorStatus> {
  const { client } = await sharedTemporal();
  return client.workflow.getHandle(`monitor/${policy}`).query<MonitorStatus>('status');
}

async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (let attempt = 0; attempt < 1_200; attempt += 1) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('expected it within two minutes');
}

/** Runs the command in this process, and gives what it printed as JSON. */
async function run(...words: readonly string[]): Promise<unknown> {
  const program = new Command().exitOverride();
  registerIncidentCommands(program);
  const said: string[] = [];
  const write = process.stdout.write.bind(process.stdout);
  process.stdout.write = (text) => said.push(String(text)) > 0;
  try {
    await program.parseAsync(['incidents', ...words, '--json'], { from: 'user' });
  } finally {
    process.stdout.write = write;
  }
  return JSON.parse(said.join(''));
}
