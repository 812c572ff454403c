import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';

import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { FastifyInstance } from 'fastify';
import pino from 'pino';

import { orchestrationQueue } from '../../acts/ask-workflow.ts';
import { steering, type Steering } from '../../acts/steering.ts';
import type { ConsolePorts } from '../../console/context.ts';
import { temporalLoopView } from '../../console/loop-view.ts';
import { buildConsole } from '../../console/server.ts';
import { workflowIds } from '../../domain/contract/workflow-ids.ts';
import { addOperator, newOperatorToken, type OperatorRole } from '../../fleet/desk/operators.ts';
import { tokenHash } from '../../fleet/desk/robot-tokens.ts';
import { fileObjectStore } from '../../store/adapters/file-object-store.ts';
import { verifyAudit } from '../../store/records/audit-chain.ts';
import { readAuditPage } from '../../store/records/audit-log.ts';
import { openTrialSlot } from '../../workers/compose.ts';
import type { RollbackStatus, TrialStatus } from '../../workflows/trial/messages.ts';
import { stubbedInstallation, type StubbedInstallation } from '../cli/stubbed-workers.ts';
import { sharedTemporal } from '../support/temporal.ts';
import { holdAt, testTimes } from '../workflows/trial-stubs.ts';
import { ask, send, type Answer } from './console-world.ts';

/** The console's acts on workflows that run, with activities that are stubbed. */
describe('acts by the console on running workflows', function () {
  this.timeout(120_000);
  let installation: StubbedInstallation;
  let app: FastifyInstance;
  let ports: Pick<ConsolePorts, 'store' | 'loop'>;
  const tokens: Record<string, string> = {};
  let policy: string;
  let steer: Steering;
  let monotonicMs = 0;

  before(async () => {
    installation = await stubbedInstallation();
    installation.answerWith(holdAt(0));
    ({ policy } = installation);
    const { client } = await sharedTemporal();
    const store = fileObjectStore({ root: process.env['FLYWHEEL_STORE'] ?? '' });
    const connect = async () => client;
    const settings = { temporal: { queuePrefix: `${policy}-` } };
    steer = steering({ client: connect, settings });
    const unused = undefined as never;
    ports = { store, loop: temporalLoopView(connect, orchestrationQueue(settings)) };
    app = await buildConsole({
      ...ports,
      engine: unused,
      facts: unused,
      steer,
      clock: Date.now,
      // No limit of rates: time flies.
      monotonicMs: () => (monotonicMs += 2_000),
      log: pino({ level: 'silent' }),
    });
    for (const [name, role] of [
      ['ada', 'approver'],
      ['bo', 'approver'],
      ['cy', 'operator'],
    ] as const satisfies readonly (readonly [string, OperatorRole])[]) {
      const token = newOperatorToken(name, randomBytes);
      tokens[name] = token;
      const operator = { name, role, tokenHash: tokenHash(token), who: 't', why: 't' };
      await addOperator({ store, clock: Date.now }, operator);
    }
  });
  after(async () => {
    await app.close();
    await installation.stop();
  });

  const post = (who: string, url: string, body: object, key: string = randomUUID()): Promise<Answer> =>
    send(app, `/api/v1/${url}`, { policy, reason: `${who} says so`, ...body }, tokens[who] ?? '', key);
  const said = ({ status, body }: Answer): string =>
    `${status} ${(body['answer'] as string | undefined) ?? (body['error'] as { message: string }).message}`;
  const trial = async () => (await ports.loop.trial(policy))?.status as TrialStatus | undefined;
  const rollback = async () => (await ports.loop.rollback(policy))?.status as RollbackStatus | undefined;
  async function until(isSo: () => Promise<boolean>): Promise<void> {
    for (let attempt = 0; !(await isSo()); attempt += 1) {
      assert.ok(attempt < 1_200, `expected it within a minute, got ${JSON.stringify(await ports.loop.trial(policy))}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  async function offer(who: string, cause: string): Promise<void> {
    const { client } = await sharedTemporal();
    const slot = await openTrialSlot({ client, taskQueue: `${policy}-orchestration` });
    const request = { abTest: false, times: testTimes, approvalBefore: [0], approvalHours: 8_000 };
    await slot.offer({ policy, candidateVersion: '1.1.0', who, why: cause, request, operationId: randomUUID() });
    await until(async () => (await trial())?.step?.kind === 'awaitingApproval');
  }
  const abort = async (): Promise<void> => {
    await post('cy', 'trial/abort', {});
    await until(async () => (await ports.loop.trial(policy))?.run === 'COMPLETED');
  };
  const meant = { candidateVersion: '1.1.0' };

  it('let a stage begin by somebody else than who offered the candidate, once, however many approve at once', async () => {
    await offer('ada', 'looks good');
    assert.match(said(await post('ada', 'trial/approve', meant)), /^409 ada asked for it .*somebody else/);
    assert.match(
      said(await post('bo', 'trial/approve', { candidateVersion: '1.2.0' })),
      /^409 the trial is of 1\.1\.0 now/,
    );
    for (const act of ['approve', 'reject'])
      assert.match(
        said(await post('bo', `trial/${act}`, { ...meant, waitsFor: 'x' })),
        /^409 another stage waits by now/,
      );
    assert.equal((await post('cy', 'trial/approve', meant)).status, 403);
    // What the workflow itself says, asked past the console.
    const { client } = await sharedTemporal();
    const slot = client.workflow.getHandle(workflowIds.trialPolicy(policy));
    for (const who of ['ada', ' Ada'])
      await assert.rejects(
        slot.executeUpdate('approve', { args: [{ reason: 'r', who, isNotOwn: true }] }),
        (error: Error) => /asked for it/.test((error.cause as Error).message),
      );
    const key = randomUUID();
    const seen = { ...meant, waitsFor: (await trial())?.step?.reason };
    const both = await Promise.all([post('bo', 'trial/approve', seen, key), post('bo', 'trial/approve', seen, key)]);
    assert.deepEqual(both.map(said), Array(2).fill('200 the stage that waited for a person begins'));
    await until(async () => (await trial())?.step?.kind !== 'awaitingApproval');
    assert.match(said(await post('bo', 'trial/approve', meant)), /^409 no stage waits for approval/);
    assert.match(said(await post('bo', 'trial/approve', seen, key)), /^200 the stage/);
    await abort();
  });

  it('are not approved by who started the cycle that offered the candidate', async () => {
    await offer('cycle c-1', 'console: cycle start by bo');
    assert.match(said(await post('bo', 'trial/approve', meant)), /^409 bo asked for it/);
    assert.match(said(await post('ada', 'trial/approve', meant)), /^200/);
    await abort();
  });

  it('pause and resume, and hear in words what means nothing now', async () => {
    await offer('cy', 'a test');
    await post('bo', 'trial/approve', meant);
    await until(async () => (await trial())?.step?.kind === 'held');
    assert.match(said(await post('cy', 'trial/resume', {})), /^409 it is not paused/);
    assert.match(said(await post('cy', 'trial/pause', meant)), /^200 paused/);
    await until(async () => (await trial())?.step?.kind === 'paused');
    assert.match(
      said(await post('bo', 'trial/reject', meant)),
      /^409 no stage waits for approval; `abort` ends the trial/,
    );
    assert.match(said(await post('cy', 'trial/pause', {})), /^409 it is paused already/);
    assert.match(said(await post('bo', 'trial/abort', meant)), /^200 ends; the robots go back/);
    await until(async () => (await ports.loop.trial(policy))?.run === 'COMPLETED');
    assert.match(said(await post('cy', 'trial/pause', {})), /^409 expected trial\/.* to be running, it is not/);
  });

  it('order a rollback at once, or to a target once somebody else approves it', async () => {
    const urgent = await post('cy', 'rollback', {});
    assert.match(said(urgent), /^200 ordered 1\.0\.0, assignment 9/);
    assert.equal(urgent.body['needsApproval'], undefined);
    await until(async () => (await ports.loop.rollback(policy))?.run === 'COMPLETED');
    // Nobody heard the first answer, and the log lacks it: the same request takes nobody back a second time.
    const { requestId: first, who, reason } = (await rollback())?.requests[0] ?? assert.fail('no request');
    const again = { who, reason, actId: first };
    assert.deepEqual(await steer.orderRollback(policy, again), (await rollback())?.requests[0]?.answer);
    assert.equal((await ports.loop.rollback(policy))?.run, 'COMPLETED');
    installation.answerWith({
      planRollback: async () => ({
        seq: 8,
        openTrialId: null,
        choice: { kind: 'ask', version: '0.9.0', reason: '0.9.0 is the baseline: a person has to agree' },
      }),
    });
    const key = randomUUID();
    const asks = [1, 2].map(() => post('ada', 'rollback', { target: 'baseline' }, key));
    for (const answer of await Promise.all(asks)) {
      assert.match(said(answer), /^200 nothing is ordered yet: 0\.9\.0 waits/);
      assert.equal(answer.body['needsApproval'], true);
    }
    const requestId = (await rollback())?.waiting?.requestId ?? '';
    assert.equal((await rollback())?.requests.length, 1);
    assert.match(said(await post('bo', 'rollback/approve', { requestId: 'another' })), /^409 another request waits/);
    assert.match(said(await post('ada', 'rollback/approve', { requestId })), /^409 ada asked for it/);
    const { client } = await sharedTemporal();
    const handle = client.workflow.getHandle(workflowIds.rollbackPolicy(policy));
    // What the workflow itself says, asked past the console.
    await assert.rejects(
      handle.executeUpdate('approve', { args: [{ reason: 'r', who: 'Ada ', isNotOwn: true }] }),
      (error: Error) => /asked for it/.test((error.cause as Error).message),
    );
    assert.match(said(await post('bo', 'rollback/approve', { requestId })), /^200 0\.9\.0 is approved by bo/);
    await until(async () => (await ports.loop.rollback(policy))?.run === 'COMPLETED');
    assert.equal((await rollback())?.requests.at(-1)?.answer.approvedBy, 'bo: bo says so');
  });

  it('undo a rollback once, however often it is asked for, in the name of who does', async () => {
    const asked: unknown[] = [];
    let ordered = 0;
    installation.answerWith({
      planRollback: async (input) => {
        asked.push(input);
        const choice =
          ordered === 0
            ? ({ kind: 'assign', version: '1.1.0', reason: 'undoes the rollback of order 8: back to 1.1.0' } as const)
            : ({ kind: 'nothing', reason: 'the rollback of order 8 is undone already, by order 9 of cy' } as const);
        return { seq: 8, openTrialId: null, choice };
      },
      endExposure: async ({ seq }) => {
        ordered += 1;
        return { kind: 'written', seq };
      },
    });
    assert.equal((await post('cy', 'rollback', { target: 'undo:8' })).status, 400);
    const key = randomUUID();
    const both = await Promise.all([1, 2].map(() => post('cy', 'rollback/undo', { order: 8 }, key)));
    for (const answer of both)
      assert.match(said(answer), /^200 ordered 1\.1\.0, assignment 9: undoes the rollback of order 8/);
    assert.match(said(await post('cy', 'rollback/undo', { order: 8 }, key)), /^200 ordered 1\.1\.0/);
    assert.match(said(await post('cy', 'rollback/undo', { order: 8 })), /^409 .*undone already, by order 9 of cy/);
    assert.equal(ordered, 1);
    assert.deepEqual(asked[0], { policy, target: 'undo:8', who: 'cy' });
    await until(async () => (await ports.loop.rollback(policy))?.run === 'COMPLETED');
    installation.answerWith(holdAt(0));
  });

  it('start a cycle once under a key, in the name of who did', async () => {
    const key = randomUUID();
    const [one, two] = await Promise.all([post('cy', 'cycles', {}, key), post('cy', 'cycles', {}, key)]);
    assert.match(said(one), new RegExp(`^200 cycle/${policy}-20`));
    assert.equal(said(one), said(two));
    const workflowId = String(one.body['answer']);
    await until(async () => (await ports.loop.cycle(workflowId))?.run !== 'RUNNING');
    assert.equal(said(await post('cy', 'cycles', {}, key)), said(one));
    const { status } = (await ports.loop.cycle(workflowId)) ?? {};
    assert.equal((status as { cause: string }).cause, 'console: cycle start by cy');
  });

  it('show how far the training of a running cycle is, as its activity said with a heartbeat', async () => {
    const training = Promise.withResolvers<never>();
    training.promise.catch(() => undefined);
    installation.answerWith({
      ...holdAt(0),
      trainModel: async () => {
        Context.current().heartbeat({ step: 40, maxSteps: 400, fromStep: 10 });
        return training.promise;
      },
    });
    const workflowId = String((await post('cy', 'cycles', {})).body['answer']);
    try {
      const now = async () => (await ports.loop.runningCycle(policy, 'scitos-g5'))?.training?.steps?.[0];
      await until(async () => (await now())?.step === 40);
      const { name, attempt, plannedSteps, fromStep, startedMs = null, beatMs = null } = (await now()) ?? {};
      assert.deepEqual([name, attempt, plannedSteps, fromStep], ['trainModel', 1, 400, 10]);
      assert.ok(startedMs !== null && beatMs !== null && startedMs <= beatMs && Date.now() - startedMs < 60_000);
      const { body } = await ask(app, `/api/v1/cycle/now?policy=${policy}`, tokens['cy'] ?? '');
      assert.match(JSON.stringify(body), /"step":40,"plannedSteps":400/);
    } finally {
      training.reject(ApplicationFailure.nonRetryable('it has trained enough', 'TrainingImpossible'));
      installation.answerWith(holdAt(0));
    }
    await until(async () => (await ports.loop.cycle(workflowId))?.run !== 'RUNNING');
  });

  it('are shown with the step that a running cycle is at; one for which no worker answers is not shown as none', async () => {
    const { client } = await sharedTemporal();
    const idle = `${policy}-idle`;
    const robotType = `${policy}-type`;
    assert.equal(await ports.loop.runningCycle(idle, robotType), null);
    const workflowId = workflowIds.cycleTurn(idle);
    const run = await client.workflow.start('weeklyCycle', { workflowId, taskQueue: `${policy}-nobody` });
    const running = await ports.loop.runningCycle(idle, robotType);
    assert.deepEqual(
      [running?.cycle.workflowId, running?.cycle.run, running?.cycle.status, running?.collection, running?.training],
      [workflowId, 'RUNNING', null, null, null],
    );
    await run.terminate();
    assert.equal(await ports.loop.runningCycle(idle, robotType), null);
  });

  it('stand in the audit log, each with an end, and the chain holds', async () => {
    const { entries } = await readAuditPage(ports.store, { limit: 500, isWanted: () => true }, () => undefined);
    const byAct = Map.groupBy(entries, ({ actId }) => actId);
    for (const [actId, outcomes] of byAct) assert.equal(outcomes.length, 2, `${actId} ${JSON.stringify(outcomes)}`);
    assert.ok(byAct.size > 15);
    const { broken } = await verifyAudit(ports.store);
    assert.equal(broken, null);
  });
});
