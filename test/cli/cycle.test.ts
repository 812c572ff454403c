import assert from 'node:assert/strict';

import { ScheduleOverlapPolicy, WorkflowNotFoundError, type Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';

import { registerCycleCommands } from '../../cli/cycle.ts';
import { fileObjectStore } from '../../store/adapters/file-object-store.ts';
import { jsonBytes } from '../../store/json-objects.ts';
import { registerScheduleCommand } from '../../cli/schedule-command.ts';
import { waitUntil } from '../../demo/processes.ts';
import { sharedTemporal } from '../support/temporal.ts';
import { heldByAgreement, untilCancelled, withVerdict } from '../workflows/scenarios.ts';
import { runCommand, stubbedInstallation, type StubbedInstallation } from './stubbed-workers.ts';

const weekMs = 7 * 86_400_000;

async function hasStarted(client: Client, workflowId: string): Promise<boolean> {
  try {
    await client.workflow.getHandle(workflowId).describe();
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

describe('flywheel cycle', function () {
  this.timeout(120_000);
  let installation: StubbedInstallation;
  before(async () => (installation = await stubbedInstallation()));
  after(() => installation.stop());
  afterEach(() => installation.answerWith({}));
  const run = (...args: readonly string[]) => runCommand(registerCycleCommands, ['cycle', ...args]);
  const followed = () => run('start', '--follow', '--policy', installation.policy);

  const brokenStore = async () => {
    throw ApplicationFailure.nonRetryable('frames table: a commit file is cut off', 'CorruptData');
  };
  const notOffered = async () => ({ kind: 'notOffered' as const, reason: 'there is no robot to try it on' });
  for (const [name, changes, exitCode, outcome] of [
    ['offered', {}, 0, /^offered: /m],
    ['notOffered', { offerCandidate: notOffered }, 0, /^notOffered: there is no robot/m],
    ['badData', withVerdict('badData'), 1, /^badData: /m],
    ['nothingNew', withVerdict('nothingNew'), 1, /^nothingNew: /m],
    ['gatesHold', heldByAgreement, 1, /^gatesHold: held by agreement; the champion stays/m],
    ['failed', { mixExperience: brokenStore }, 1, /^failed: frames table: a commit file is cut off/m],
  ] as const)
    it(`start --follow ends with ${exitCode} when the cycle ends as ${name}, and names reason and report`, async () => {
      installation.answerWith(changes);
      const { out, exitCode: got, message } = await followed();
      assert.equal(got, exitCode, message);
      assert.match(out, outcome);
      assert.match(out, /^report reports\/.*\.html$/m);
      if (exitCode !== 0) assert.match(message, new RegExp(`the cycle ended as ${name}: .* \\(report reports/`));
    });

  it('list shows how cycles ended, by their reports, and the one that runs', async () => {
    const { policy } = installation;
    const store = fileObjectStore({ root: process.env['FLYWHEEL_STORE'] ?? '' });
    for (const [cycleId, outcome, ofPolicy] of [
      ['c-1', 'gatesHold', policy],
      ['c-2', 'promoted', 'another'],
      ['c-3', 'offered', policy],
    ] as const) {
      const facts = { reason: `why ${cycleId}`, cause: 'a test', writtenAtMs: 0, championVersion: null };
      const report = { cycleId, policy: ofPolicy, outcome, candidateVersion: null, ...facts };
      await store.put(`reports/${cycleId}.json`, jsonBytes(report));
    }
    await store.put('reports/c-4.json', new TextEncoder().encode('{"cycleId"'));
    const list = (...more: readonly string[]) => run('list', '--policy', policy, ...more);
    const { out, exitCode } = await list();
    assert.equal(exitCode, 0);
    assert.match(out, /c-1 .*gatesHold .*why c-1.*\n.*c-3 .*offered .*why c-3/);
    assert.doesNotMatch(out, /another|c-2/);
    assert.match(out, /no cycle runs now/);
    const ids = async (...more: readonly string[]) =>
      (JSON.parse((await list('--json', ...more)).out) as { ended: { cycleId: string }[] }).ended.map(
        ({ cycleId }) => cycleId,
      );
    assert.deepEqual(await ids('--limit', '1'), ['c-3']);
    installation.answerWith({ trainModel: untilCancelled });
    const workflowId = (await run('start', '--policy', policy)).out.trim();
    await waitUntil(
      async () => (await list()).out.includes(`${workflowId} runs now`),
      'the turn of a cycle',
      60_000,
      100,
    );
    const { client } = await sharedTemporal();
    await client.workflow.getHandle(workflowId).terminate('a test');
    process.env['FLYWHEEL_TEMPORAL_ADDRESS'] = '127.0.0.1:1';
    const blind = await list();
    process.env['FLYWHEEL_TEMPORAL_ADDRESS'] = (await sharedTemporal()).address;
    assert.equal(blind.exitCode, 0);
    assert.match(blind.out, /it is unknown whether a cycle runs now: expected a Temporal server/);
  });

  it('status says what a run says, how the run stands, and what it tries again', async () => {
    installation.answerWith({ trainModel: untilCancelled });
    const { out } = await run('start', '--policy', installation.policy);
    const workflowId = out.trim();
    const { client } = await sharedTemporal();
    await client.workflow.getHandle(workflowId).terminate('a test');
    const status = JSON.parse((await run('status', workflowId)).out) as Record<string, unknown>;
    assert.equal(status['run'], 'TERMINATED');
    assert.equal(status['stage'], undefined);
    assert.equal(typeof status['lastStatus'], 'object');
    const none = await run('status', 'cycle/none');
    assert.equal(none.exitCode, 2);
    assert.match(none.message, /there is no workflow cycle\/none/);
  });
});

describe('flywheel schedule', function () {
  this.timeout(120_000);
  let installation: StubbedInstallation;
  before(async () => (installation = await stubbedInstallation()));
  after(async () => {
    const { client } = await sharedTemporal();
    await client.schedule.getHandle(`weekly-sync-${installation.policy}`).delete();
    await installation.stop();
  });
  const run = (...args: readonly string[]) =>
    runCommand(registerScheduleCommand, ['schedule', '--policy', installation.policy, ...args]);

  it('is made once, shows what would change, and changes only what was agreed to', async () => {
    const input = JSON.stringify({ bootstrap: true });
    assert.match((await run('--input', input)).out, /created$/m);
    assert.match((await run()).out, /is unchanged$/m);
    const other = JSON.stringify({ bootstrap: true, training: { seed: 7 } });
    const asked = await run('--input', other);
    assert.equal(asked.exitCode, 1);
    assert.match(asked.out, /input\.training: nothing → \{"seed":7\}/);
    assert.doesNotMatch(asked.out, /bootstrap|when/);
    const { client } = await sharedTemporal();
    const handle = client.schedule.getHandle(`weekly-sync-${installation.policy}`);
    const argsOf = async () => ((await handle.describe()).action.args ?? [])[0];
    assert.deepEqual(await argsOf(), { policy: installation.policy, bootstrap: true });
    assert.equal((await run('--input', other, '--yes')).exitCode, 0);
    assert.deepEqual(await argsOf(), { policy: installation.policy, bootstrap: true, training: { seed: 7 } });
    await handle.update((before) => ({ ...before, spec: { calendars: [{ dayOfWeek: 'TUESDAY', hour: 5 }] } }));
    await handle.pause('for a test');
    // The server carries it out after it has answered.
    await waitUntil(async () => (await handle.describe()).state.paused, 'a schedule that is paused', 60_000, 100);
    const moved = await run();
    assert.match(moved.out, /when: TUESDAY 05:00:00 UTC → SUNDAY 02:00:00 UTC/);
    assert.equal((await run('--yes')).exitCode, 0);
    assert.match((await run()).out, /is unchanged, and paused$/m);
  });

  it('is due on Sundays at 02:00 UTC, fires a cycle on each of them, and never a second one beside it', async () => {
    await run('--yes');
    const { client } = await sharedTemporal();
    const handle = client.schedule.getHandle(`weekly-sync-${installation.policy}`);
    const before = await handle.describe();
    const { policies, info, spec } = before;
    assert.deepEqual(
      [policies.overlap, policies.catchupWindow, policies.pauseOnFailure],
      [ScheduleOverlapPolicy.SKIP, 86_400_000, false],
    );
    assert.equal(spec.timezone, 'UTC');
    const due = info.nextActionTimes;
    assert.equal(due.length, 10);
    assert.ok(due[0] !== undefined && due[0].getTime() - Date.now() <= weekMs);
    for (const [index, at] of due.entries()) {
      assert.match(`${at.getUTCDay()} ${at.toISOString()}`, /^0 .*T02:00:00.000Z$/);
      assert.equal(at.getTime() - due[0].getTime(), index * weekMs);
    }

    // Weeks that were: the server's own calendar starts what was due in them.
    const [first] = due;
    const sundays = [3, 2].map((weeks) => new Date(first.getTime() - weeks * weekMs));
    const idOf = (at: Date): string => `cycle/${installation.policy}-${at.toISOString().slice(0, 19)}Z`;
    const dayMs = 86_400_000;
    const [start, end] = [new Date(sundays[0]!.getTime() - dayMs), new Date(sundays[1]!.getTime() + 3 * dayMs)];
    await handle.backfill({ start, end, overlap: ScheduleOverlapPolicy.BUFFER_ALL });
    for (const sunday of sundays) {
      await waitUntil(() => hasStarted(client, idOf(sunday)), `the cycle of ${sunday.toISOString()}`, 60_000, 100);
      await client.workflow.getHandle(idOf(sunday)).result();
    }

    installation.answerWith({ trainModel: untilCancelled });
    const [running, missed] = [1, 0].map((weeks) => new Date(first.getTime() - (weeks + 4) * weekMs));
    await handle.backfill({
      start: new Date(running!.getTime() - dayMs),
      end: new Date(missed!.getTime() + dayMs),
      overlap: ScheduleOverlapPolicy.SKIP,
    });
    const skipped = async (): Promise<boolean> => {
      const { numActionsSkippedOverlap } = (await handle.describe()).info;
      return numActionsSkippedOverlap > info.numActionsSkippedOverlap;
    };
    await waitUntil(skipped, 'the cycle that was left out', 60_000, 100);
    assert.equal(await hasStarted(client, idOf(missed!)), false);
    await client.workflow.getHandle(idOf(running!)).terminate('the test is over');
  });
});
