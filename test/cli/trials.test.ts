import assert from 'node:assert/strict';

import type { Command } from 'commander';

import { registerAuditCommand } from '../../cli/audit.ts';
import { registerRollbackCommands } from '../../cli/rollback.ts';
import { registerTrialCommands } from '../../cli/trials.ts';
import type { RollbackResult, RollbackStatus, TrialStatus } from '../../workflows/trial/messages.ts';
import { sharedTemporal } from '../support/temporal.ts';
import { holdAt, testTimes } from '../workflows/trial-stubs.ts';
import { runCommand, stubbedInstallation, type StubbedInstallation } from './stubbed-workers.ts';

const register = (program: Command): void => {
  registerTrialCommands(program);
  registerRollbackCommands(program);
  registerAuditCommand(program);
};

describe('flywheel trial and rollback', function () {
  this.timeout(120_000);
  let installation: StubbedInstallation;
  let policy: string;
  before(async () => {
    installation = await stubbedInstallation();
    installation.answerWith(holdAt(0));
    ({ policy } = installation);
  });
  after(() => installation.stop());

  const ended = (...args: readonly string[]) => runCommand(register, [...args, '--policy', policy]);
  async function run(...args: readonly string[]): Promise<string> {
    const { out, message } = await ended(...args);
    if (message !== '') throw new Error(message);
    return out;
  }
  const status = async () => JSON.parse(await run('trial', 'status')) as TrialStatus & { run: string };
  async function until<T>(read: () => Promise<T>, isWanted: (value: T) => boolean): Promise<T> {
    for (let attempt = 0; attempt < 1_200; attempt += 1) {
      const value = await read();
      if (isWanted(value)) return value;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return assert.fail('expected it within a minute and more');
  }
  const step = (kind: string) => until(status, (now) => now.step?.kind === kind);

  it('offers a version, steers its trial, and hears refusals in words', async () => {
    const input = JSON.stringify({ abTest: false, times: testTimes });
    await assert.rejects(run('trial', 'offer', '1.1.0', '--input', 'no'), /--input: expected a JSON/);
    await assert.rejects(run('trial', 'offer', 'newest'), /candidateVersion: expected a policy version/);
    await assert.rejects(run('trial', 'offer', '9.9.9'), /version 9\.9\.9 of policy .* is not registered/);
    assert.match(await run('trial', 'offer', '1.1.0', '--input', input), /^1\.1\.0 is planned now/);
    await step('held');
    await assert.rejects(run('trial', 'resume', '--reason', 'r'), /it is not paused/);
    assert.match(await run('trial', 'pause', '--reason', 'lunch'), /the guard goes on/);
    await step('paused');
    await run('trial', 'abort', '--reason', 'enough');
    const { result } = await until(status, (now) => now.stage === 'ended');
    assert.deepEqual([result?.outcome, result?.reason], ['aborted', 'enough']);
    const { entries } = JSON.parse(await run('audit', '--json')) as {
      entries: { act: string; outcome: string; reason: string; answer: string }[];
    };
    assert.deepEqual(
      entries.flatMap(({ act, outcome, reason }) => (outcome === 'asked' ? [] : [`${act} ${outcome} ${reason}`])),
      [
        'trial.offer done flywheel trial offer',
        'trial.resume refused r',
        'trial.pause done lunch',
        'trial.abort done enough',
      ],
    );
  });

  it('says of a trial that was terminated that nothing goes on there', async () => {
    const input = JSON.stringify({ abTest: false, times: testTimes });
    await run('trial', 'offer', '1.1.0', '--input', input);
    await step('held');
    const { client } = await sharedTemporal();
    await client.workflow.getHandle(`trial/${policy}`).terminate('a test');
    const now = JSON.parse(await run('trial', 'status')) as Record<string, unknown>;
    assert.equal(now['run'], 'TERMINATED');
    assert.equal(now['stage'], undefined);
    const { exitCode, message } = await ended('trial', 'pause', '--reason', 'too late');
    assert.equal(exitCode, 2);
    assert.match(message, /expected trial\/.* to be running, it is not/);
  });

  it('takes a fleet back, and tells what was ordered and who followed', async () => {
    const text = await run('rollback', '--reason', 'it smells', '--json');
    const result = JSON.parse(text) as RollbackResult;
    assert.deepEqual([result.outcome, result.offline], ['rolledBack', ['robot-7']]);
    const told = await run('rollback', '--reason', 'again', '--who', 'ada');
    assert.match(told, /^ordered 1\.0\.0, assignment 9: back to the champion before/);
    assert.match(told, /1 confirmed, 1 offline, 0 failed/);
  });

  it('orders at once while another rollback waits for a person, and answers that one by hand', async () => {
    installation.answerWith({
      planRollback: async ({ target }) => ({
        seq: 8,
        openTrialId: null,
        choice:
          target === undefined
            ? { kind: 'assign', version: '1.0.0', reason: 'back to the champion before, 1.0.0' }
            : { kind: 'ask', version: '0.9.0', reason: '0.9.0 is the baseline: a person has to agree' },
      }),
    });
    const rollbackStatus = async () => JSON.parse(await run('rollback', 'status')) as RollbackStatus & { run: string };
    assert.match(
      await run('rollback', '--target', 'baseline', '--reason', 'older', '--who', 'ada'),
      /nothing is ordered yet/,
    );
    assert.equal((await rollbackStatus()).waiting?.who, 'ada');
    assert.match(await run('rollback', '--reason', 'robots crash', '--who', 'bo'), /^ordered 1\.0\.0/);
    const { requests, run: state } = await rollbackStatus();
    assert.equal(state, 'COMPLETED');
    assert.deepEqual(
      requests.map(({ who, target, answer }) => [who, target, answer.kind]),
      [
        ['ada', 'baseline', 'overtaken'],
        ['bo', null, 'ordered'],
      ],
    );
    await run('rollback', '--target', 'baseline', '--reason', 'older');
    assert.match(await run('rollback', 'reject', '--reason', 'no', '--who', 'cy'), /0\.9\.0 is rejected by cy/);
    const { exitCode, message } = await ended('rollback', 'approve', '--reason', 'yes');
    assert.ok(exitCode === 1 || exitCode === 2, message);
    await run('rollback', '--target', 'baseline', '--reason', 'older');
    assert.match(await run('rollback', 'approve', '--reason', 'yes', '--who', 'di'), /0\.9\.0 is approved by di/);
    const last = await until(rollbackStatus, (now) => now.run === 'COMPLETED');
    assert.equal(last.requests.at(-1)?.answer.approvedBy, 'di: yes');
  });

  it('undoes the rollback of an order that is named, and no other target looks like one', async () => {
    const undone = {
      kind: 'assign',
      version: '1.1.0',
      reason: 'undoes the rollback of order 8: back to 1.1.0',
    } as const;
    const asked: unknown[] = [];
    installation.answerWith({
      planRollback: async (input) => {
        asked.push(input);
        return { seq: 8, openTrialId: null, choice: undone };
      },
    });
    const told = await run('rollback', 'undo', '--order', '8', '--reason', 'a mistake', '--who', 'ada');
    assert.match(told, /^ordered 1\.1\.0, assignment 9: undoes the rollback of order 8/);
    assert.deepEqual(asked, [{ policy, target: 'undo:8', who: 'ada' }]);
    const typed = await ended('rollback', '--target', 'undo:8', '--reason', 'r');
    assert.match(typed.message, /`flywheel rollback undo`/);
    const never = await ended('rollback', 'undo', '--reason', 'r');
    assert.deepEqual([never.exitCode, asked.length], [1, 1]);
    assert.match(never.message, /nothing was ever ordered/);
  });

  it('ends with 1 when there is nothing to go back to', async () => {
    installation.answerWith({
      planRollback: async () => ({ seq: 0, openTrialId: null, choice: { kind: 'nothing', reason: 'no previous' } }),
    });
    const { exitCode, message } = await ended('rollback', '--reason', 'it smells');
    assert.deepEqual([exitCode, message], [1, 'nothing was ordered: no previous']);
  });
});
