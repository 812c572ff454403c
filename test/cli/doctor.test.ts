import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { initKeys } from '../../activities/adapters/key-changes.ts';
import { createPolicyDocument } from '../../activities/registry/policy-document.ts';
import { weeklyScheduleId } from '../../activities/schedule-id.ts';
import { registerDoctorCommand } from '../../cli/doctor.ts';
import { examine, type Check, type Found } from '../../cli/doctor/finding.ts';
import { gatewayCheck, presenceCheck, robotClocksCheck } from '../../cli/doctor/fleet.ts';
import { keysCheck } from '../../cli/doctor/keys.ts';
import { diskChecks, isBefore, nodeCheck, settingsCheck } from '../../cli/doctor/machine.ts';
import { storeClockCheck } from '../../cli/doctor/store.ts';
import { testedServers } from '../../cli/doctor/temporal.ts';
import { ensureWeeklySchedule } from '../../cli/schedule.ts';
import { waitUntil } from '../../demo/processes.ts';
import { workflowIds } from '../../domain/contract/workflow-ids.ts';
import { publishRoots } from '../../fleet/desk/index.ts';
import { openFileKeys } from '../../activities/adapters/file-signer.ts';
import { telemetryHour } from '../../fleet/desk/keys.ts';
import { writePresence } from '../../fleet/desk/presence.ts';
import { addRobot } from '../../fleet/desk/robots.ts';
import { fileObjectStore } from '../../store/adapters/file-object-store.ts';
import { memoryObjectStore } from '../../store/adapters/memory-object-store.ts';
import { jsonBytes } from '../../store/json-objects.ts';
import { telemetry } from '../support/gateway.ts';
import { sharedTemporal } from '../support/temporal.ts';
import { runCommand, stubbedInstallation, type StubbedInstallation } from './stubbed-workers.ts';

const gib = 2 ** 30;
const dayMs = 24 * 3_600_000;
const nowMs = Date.UTC(2026, 10, 27);
const robotType = { id: 'test', version: 1 };
const statesOf = async (check: Check): Promise<readonly Found['state'][]> =>
  (await examine(check)).map(({ state }) => state);

describe('flywheel doctor looks at', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'flywheel-doctor-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  it('settings: a misspelt one is a problem with what was meant, one that cannot be read as well', async () => {
    const [misspelt, fine] = await examine(settingsCheck({ FLYWHEEL_STOER: 'x' }, undefined, undefined));
    assert.equal(misspelt?.state, 'problem');
    assert.match(misspelt.found, /did you mean FLYWHEEL_STORE\?/);
    assert.match(misspelt.mend ?? '', /unset FLYWHEEL_STOER/);
    assert.equal(fine?.state, 'ok');
    assert.deepEqual(await statesOf(settingsCheck({}, undefined, 'FLYWHEEL_THREADS: expected a number')), ['problem']);
  });

  it('Node.js by numbers, not by letters', async () => {
    for (const [version, state] of [
      ['22.9.0', 'problem'],
      ['20.19.0', 'problem'],
      ['22.18.0', 'ok'],
      ['24.21.0', 'ok'],
      ['23.1.0', 'warning'],
      ['26.0.0', 'warning'],
    ] as const)
      assert.deepEqual(await statesOf(nodeCheck(version)), [state], version);
    assert.equal(isBefore('1.9.9', '1.31.0'), true);
    assert.equal(isBefore('1.31.0', '1.31.0'), false);
  });

  it('disks: less than 1 GiB is a problem, less than 5 GiB a warning', async () => {
    const settings = {
      store: { kind: 'file', directory: path.join(directory, 'not', 'there') },
      scratchDirectory: directory,
    } as const;
    for (const [free, state] of [
      [gib - 1, 'problem'],
      [gib, 'warning'],
      [5 * gib - 1, 'warning'],
      [5 * gib, 'ok'],
    ] as const) {
      const found = await Promise.all(diskChecks(settings, () => free).map(statesOf));
      assert.deepEqual(found.flat(), [state, state]);
    }
    assert.equal(diskChecks({ ...settings, store: { kind: 's3', bucket: 'b', region: 'r' } }).length, 1);
  });

  it('keys: missing, expired, soon to expire, of another machine, and a root that gateways cannot find', async () => {
    const keys = path.join(directory, 'keys');
    const store = memoryObjectStore();
    const states = (atMs: number) => statesOf(keysCheck(keys, async () => store, atMs));
    assert.deepEqual(await states(nowMs), ['problem']);
    initKeys(keys, { nowMs });
    assert.deepEqual(await states(nowMs), ['ok', 'ok', 'ok', 'problem']);
    await publishRoots(store, openFileKeys(keys).roots());
    assert.deepEqual(await states(nowMs), ['ok', 'ok', 'ok']);
    // An order key lives for a year, a release key for two.
    assert.deepEqual(await states(nowMs + 340 * dayMs), ['ok', 'ok', 'warning']);
    assert.deepEqual(await states(nowMs + 366 * dayMs), ['ok', 'ok', 'problem']);
    assert.deepEqual(await states(nowMs + 731 * dayMs), ['ok', 'problem', 'problem']);
    for (const name of await readdir(keys)) if (name.startsWith('order-')) await rm(path.join(keys, name));
    assert.deepEqual(await states(nowMs), ['ok', 'ok', 'warning']);
    await writeFile(path.join(keys, 'roots', '1.json'), '{"signed":{}}');
    assert.deepEqual(await states(nowMs), ['problem']);
  });

  it('clocks: an object, a gateway or a robot of the future, and a robot of yesterday', async () => {
    let writtenMs = nowMs;
    const store = memoryObjectStore(() => writtenMs);
    const open = async () => store;
    await store.put('config/a.json', jsonBytes({}));
    assert.deepEqual(await statesOf(storeClockCheck(open, nowMs)), ['ok']);
    for (const [aheadMs, state] of [
      [2 * 60_000, 'warning'],
      [20 * 60_000, 'problem'],
    ] as const) {
      writtenMs = nowMs + aheadMs;
      await store.put('config/b.json', jsonBytes({}));
      assert.deepEqual(await statesOf(storeClockCheck(open, nowMs)), [state]);
    }
    const hour = `telemetry/wall/${telemetryHour(nowMs - 60_000)}`;
    const heard = async (robotId: string, skewMs: number, more = {}) =>
      store.put(
        `${hour}/${nowMs - 60_000}-${robotId}.ndjson`,
        Buffer.from(
          `${JSON.stringify({ ...telemetry([1], { clockSkewMs: skewMs, ...more }), robotId, receivedMs: nowMs - 60_000 })}\n`,
        ),
      );
    await heard('r1', dayMs);
    assert.deepEqual(await statesOf(robotClocksCheck(open, ['wall'], nowMs)), ['ok']);
    await heard('r2', -dayMs - 1);
    await heard('r3', 0, { isTimeUnknown: true });
    const [off, unset] = await examine(robotClocksCheck(open, ['wall'], nowMs));
    assert.match(off?.found ?? '', /^r2 -24\.0 h off: what they record is refused/);
    assert.match(unset?.found ?? '', /^r3 say that they do not know the time/);
  });

  it('gateways by what they write into the store', async () => {
    const store = memoryObjectStore();
    const look = () => examine(presenceCheck(async () => store, ['wall'], nowMs));
    assert.equal((await look())[0]?.state, 'ok');
    await addRobot(
      { store, clock: () => nowMs },
      {
        robotId: 'r1',
        policy: 'wall',
        robotType,
        site: 'hall',
        stratum: 'hall',
        tokenHashes: ['b'.repeat(64)],
        who: 'a',
        why: 'b',
      },
    );
    const wrote = (atMs: number) =>
      writePresence(store, 'wall', { gatewayId: 'gateway-1', sinceMs: nowMs - 60_000, atMs, robots: [] });
    assert.equal((await look())[0]?.state, 'problem');
    await wrote(nowMs - 1_000);
    assert.match((await look())[0]?.found ?? '', /^gateway-1 in contact with the store; 1 robots/);
    await wrote(nowMs - 60_000);
    assert.equal((await look())[0]?.state, 'problem');
    await wrote(nowMs + 3_600_000);
    assert.match((await look())[1]?.found ?? '', /the clock of gateway gateway-1 is 3600 s ahead/);
  });

  async function served(listener: RequestListener, work: (url: string) => Promise<void>): Promise<void> {
    const server = createServer(listener).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }

  it('a gateway that serves, is full, lives in another time, or is none', async () => {
    const answering =
      (status: number, body: string, date = new Date()): RequestListener =>
      (_, response) =>
        response.writeHead(status, { date: date.toUTCString() }).end(body);
    await served(answering(200, '{"status":"ok"}'), async (url) =>
      assert.deepEqual(await statesOf(gatewayCheck(url)), ['ok', 'ok']),
    );
    await served(answering(503, '{"status":"store-full"}'), async (url) =>
      assert.match((await examine(gatewayCheck(url)))[0]?.found ?? '', /answers 503 store-full/),
    );
    await served(answering(200, '{"status":"ok"}', new Date(Date.now() - 2 * 3_600_000)), async (url) => {
      const [, clock] = await examine(gatewayCheck(url));
      assert.equal(clock?.state, 'problem');
      assert.match(clock.found, /its clock is 7\d{3} s behind this machine/);
    });
    await served(answering(200, `<html>${'x'.repeat(100_000)}`), async (url) =>
      assert.match((await examine(gatewayCheck(url)))[0]?.found ?? '', /something that no gateway says/),
    );
    const [gone] = await examine(gatewayCheck('http://127.0.0.1:1'));
    assert.match(gone?.found ?? '', /^http:\/\/127\.0\.0\.1:1 does not answer/);
  });

  it('each thing within a limit of its own, whatever the others do', async () => {
    const hangs: Check = {
      name: 'a',
      expected: 'an end',
      mend: 'wait',
      limitMs: 20,
      look: () => new Promise(() => undefined),
    };
    const throws: Check = {
      ...hangs,
      name: 'b',
      look() {
        throw new Error('no');
      },
    };
    assert.deepEqual(await examine(hangs), [
      { check: 'a', state: 'problem', found: 'no answer within 0.02 s', expected: 'an end', mend: 'wait' },
    ]);
    assert.deepEqual(await examine(throws), [
      { check: 'b', state: 'problem', found: 'no', expected: 'an end', mend: 'wait' },
    ]);
  });
});

describe('flywheel doctor', function () {
  this.timeout(120_000);
  let installation: StubbedInstallation;
  before(async () => {
    installation = await stubbedInstallation();
    process.env['FLYWHEEL_KEYS'] = path.join(path.dirname(process.env['FLYWHEEL_STORE'] ?? ''), 'keys');
  });
  after(async () => {
    const { client } = await sharedTemporal();
    await client.schedule
      .getHandle(weeklyScheduleId(installation.policy))
      .delete()
      .catch(() => undefined);
    await installation.stop();
  });

  interface Answer {
    readonly exitCode: number;
    readonly out: string;
    readonly stateOf: (check: string) => string | undefined;
    readonly checks: readonly (Found & { readonly check: string })[];
  }
  async function doctor(): Promise<Answer> {
    const { out, exitCode } = await runCommand(registerDoctorCommand, ['doctor', '--json']);
    const { checks } = JSON.parse(out) as Pick<Answer, 'checks'>;
    return { exitCode, out, checks, stateOf: (name) => checks.find(({ check }) => check === name)?.state };
  }

  it('is content with an installation that has everything, and says what is missing as it goes away', async () => {
    const { policy } = installation;
    const { client } = await sharedTemporal();
    const storeFolder = process.env['FLYWHEEL_STORE'] ?? '';
    const keys = process.env['FLYWHEEL_KEYS'] ?? '';
    const taskQueue = 'nobody';
    initKeys(keys, { nowMs: Date.now() });
    await publishRoots(fileObjectStore({ root: storeFolder }), openFileKeys(keys).roots());

    const served = ['orchestration', 'fleet', 'data', 'training'].map((queue) => `workers of ${policy}-${queue}`);
    // The server hears of a worker with its first poll.
    await waitUntil(
      async () => {
        const { stateOf } = await doctor();
        return served.every((name) => stateOf(name) === 'ok');
      },
      'workers that poll',
      30_000,
    );
    const bare = await doctor();
    assert.equal(bare.exitCode, 1, bare.out);
    for (const id of [`monitor/${policy}`, `retention/${policy}`, `facts/${policy}`, `schedule weekly-sync-${policy}`])
      assert.equal(bare.stateOf(id), 'problem', id);
    assert.equal(bare.stateOf(`trial/${policy}`), 'ok');
    assert.match(
      bare.checks.find(({ check }) => check === `monitor/${policy}`)?.mend ?? '',
      /flywheel monitor --policy/,
    );

    for (const type of ['fleetMonitor', 'keepStore', 'keepFacts'] as const)
      await client.workflow.start(type, {
        workflowId: workflowIds[type](policy),
        taskQueue,
        args: [{ policy }],
        workflowExecutionTimeout: '3 minutes',
      });
    await ensureWeeklySchedule(client, { policy, taskQueue });
    const before = await listed(storeFolder);
    const whole = await doctor();
    assert.deepEqual(
      whole.checks.filter(({ state }) => state === 'problem'),
      [],
    );
    assert.equal(whole.exitCode, 0, whole.out);
    assert.deepEqual(await listed(storeFolder), before, 'it wrote something');

    const schedule = client.schedule.getHandle(weeklyScheduleId(policy));
    await schedule.pause('forgotten');
    assert.equal((await doctor()).stateOf(`schedule weekly-sync-${policy}`), 'warning');
    const until = new Date(Date.now() + dayMs).toISOString().replace(/:\d\d\.\d+Z/, 'Z');
    await schedule.pause(`lab: new floor, until ${until}`);
    assert.equal((await doctor()).stateOf(`schedule weekly-sync-${policy}`), 'ok');
    for (const type of ['fleetMonitor', 'keepStore', 'keepFacts'] as const)
      await client.workflow.getHandle(workflowIds[type](policy)).terminate('the test ends');
    const ended = await doctor();
    assert.equal(ended.stateOf(`monitor/${policy}`), 'problem');
    assert.match(ended.out, /its last run is TERMINATED/);
  });

  it('goes on without a server, without a store and with neither', async () => {
    const environment = { ...process.env };
    process.env['FLYWHEEL_TEMPORAL_ADDRESS'] = '127.0.0.1:1';
    const noServer = await doctor();
    assert.equal(noServer.exitCode, 1);
    assert.equal(noServer.stateOf('store'), 'ok');
    assert.equal(noServer.stateOf('Temporal server'), 'problem');
    process.env['FLYWHEEL_STORE'] = path.join(directoryOf(environment), 'nowhere');
    const nothing = await doctor();
    assert.equal(nothing.exitCode, 3);
    process.env['FLYWHEEL_TEMPORAL_ADDRESS'] = environment['FLYWHEEL_TEMPORAL_ADDRESS'];
    const noStore = await doctor();
    assert.equal(noStore.exitCode, 1);
    assert.equal(noStore.stateOf('Temporal server'), 'ok');
    assert.equal(noStore.stateOf('workflows and schedules'), 'warning');
    process.env['FLYWHEEL_THREADS'] = 'many';
    const unread = await doctor();
    assert.equal(unread.exitCode, 3);
    assert.equal(unread.stateOf('settings'), 'problem');
    delete process.env['FLYWHEEL_THREADS'];
    Object.assign(process.env, environment);
  });

  it('prints nothing that a terminal obeys, and a folder that it may not write is a problem', async () => {
    const store = fileObjectStore({ root: process.env['FLYWHEEL_STORE'] ?? '' });
    const { client } = await sharedTemporal();
    const evil = 'evil\u001b[2J\u202e';
    await createPolicyDocument(store, { policy: 'hostile', robotType: { id: 'scitos-g5', version: 1 } });
    await client.schedule.create({
      scheduleId: weeklyScheduleId('hostile'),
      spec: { intervals: [{ every: '7 days' }] },
      action: { type: 'startWorkflow', workflowType: 'weeklyCycle', taskQueue: 'nobody' },
      state: { paused: true, note: evil },
    });
    try {
      await store.put('config/policies/bad.json', Buffer.from(evil));
      const { out } = await runCommand(registerDoctorCommand, ['doctor']);
      assert.match(out, /paused: evil/);
      assert.match(out, /config\/policies\/bad\.json is damaged/);
      assert.doesNotMatch(out.replaceAll('\n', ''), /[\p{Cc}\p{Cf}]/u);
    } finally {
      await client.schedule.getHandle(weeklyScheduleId('hostile')).delete();
    }
    if (process.getuid?.() === 0) return;
    const folder = path.join(process.env['FLYWHEEL_STORE'] ?? '', 'config');
    await chmod(folder, 0o500);
    const { out } = await runCommand(registerDoctorCommand, ['doctor', '--json']);
    await chmod(folder, 0o700);
    assert.match(out, /not writable by this user/);
  });

  it('knows the server that the tests run on as tested', async () => {
    const { client } = await sharedTemporal();
    const { serverVersion } = await client.workflowService.getSystemInfo({});
    assert.equal(isBefore(serverVersion, testedServers.from), false);
    assert.equal(isBefore(serverVersion, testedServers.before), true);
  });
});

const directoryOf = (environment: NodeJS.ProcessEnv): string => path.dirname(environment['FLYWHEEL_STORE'] ?? '');

const listed = async (folder: string): Promise<readonly string[]> =>
  (await readdir(folder, { recursive: true })).toSorted();
