import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';

import { ApplicationFailure } from '@temporalio/activity';
import { Worker } from '@temporalio/worker';

import type { CycleResult, CycleStatus } from '../../workflows/cycle/messages.ts';
import { workflowIds } from '../../domain/contract/workflow-ids.ts';
import { temporalCycles } from '../../activities/adapters/temporal-cycles.ts';
import { sharedTemporal } from '../support/temporal.ts';
import { failureOf, withWorker } from './harness.ts';
import { until } from './scenario.ts';
import { heldByAgreement, untilCancelled, withVerdict } from './scenarios.ts';
import { stubs, type ActivityName } from './stubs.ts';

const expected: readonly ActivityName[] = [
  'readPolicy',
  'readPolicy',
  'readDatasetVersion',
  'planCollection',
  'ingestBatch',
  'ingestBatch',
  'concludeCollection',
  'readPolicy',
  'readDatasetVersion',
  'mixExperience',
  'exportHeldoutSet',
  'planTraining',
  'trainModel',
  'evaluateCandidate',
  'registerCandidate',
  'offerCandidate',
  'writeReport',
];

const run = (
  changes: Parameters<typeof stubs>[0],
  input?: unknown,
): Promise<{ result: CycleResult; names: string[] }> => {
  const { activities, calls } = stubs(changes);
  return withWorker(activities, async ({ start }) => {
    const handle = await start('weeklyCycle', input);
    const result = (await handle.result()) as CycleResult;
    return { result, names: calls.map((call) => call.name) };
  });
};

describe('weeklyCycle', function () {
  this.timeout(120_000);

  it('collects, trains, judges, registers, offers and reports, in this order, started with no input at all', async () => {
    const { result, names } = await run({});
    assert.deepEqual(names, expected);
    assert.equal(result.outcome, 'offered');
    assert.equal(result.candidateVersion, '1.1.0');
    assert.match(result.reportKey, /^reports\//);
  });

  it('pins the task catalogue at its start and hands it to all that it does', async () => {
    const robotType = { id: 'scitos-g5', version: 1, catalogue: { policy: 'wall-follower', seq: 4 } };
    const aliases = { champion: '1.0.0', baseline: '1.0.0', anchor: '1.0.0' };
    const { activities, calls } = stubs({
      readPolicy: async () => ({ robotType, aliases, assignmentSeq: 0, tasksSeq: 4 }),
    });
    await withWorker(activities, async ({ start }) => (await start('weeklyCycle', {})).result());
    const inputs = (name: ActivityName) => calls.filter((call) => call.name === name).map(({ input }) => input);
    assert.deepEqual(inputs('readPolicy').at(-1), { policy: 'wall-follower', tasksSeq: 4 });
    for (const name of [
      'mixExperience',
      'exportHeldoutSet',
      'trainModel',
      'evaluateCandidate',
      'registerCandidate',
    ] as const)
      assert.deepEqual((inputs(name)[0] as { robotType: unknown }).robotType, robotType, name);
  });

  it('hands chosen tasks to what checks them before anything is collected, and to the mix', async () => {
    const { activities, calls } = stubs({});
    const input = { training: { tasks: ['park'] } };
    await withWorker(activities, async ({ start }) => (await start('weeklyCycle', input)).result());
    const asked = calls.flatMap(({ name, input: given }) =>
      ['readPolicy', 'mixExperience'].includes(name) ? [(given as { learnedTasks?: unknown }).learnedTasks] : [],
    );
    // The cycle, its collection, which learns nothing, its training, and the mix.
    assert.deepEqual(asked, [['park'], undefined, ['park'], ['park']]);
  });

  it('ends as notOffered with the reason when the slot does not take the candidate', async () => {
    const reason = 'policy wall-follower has no robot to try 1.1.0 on';
    const { result } = await run({ offerCandidate: async () => ({ kind: 'notOffered', reason }) }, {});
    assert.deepEqual([result.outcome, result.reason], ['notOffered', reason]);
  });

  it('promotes without a trial only when it is asked to, and offers what may not be', async () => {
    const asked = await run({}, { bootstrap: true });
    assert.equal(asked.result.outcome, 'promoted');
    assert.ok(!asked.names.includes('offerCandidate'));
    const refused = await run(
      { promoteWithoutTrial: async () => ({ kind: 'notOffered', reason: 'a promotion needs a trial' }) },
      { bootstrap: true },
    );
    assert.equal(refused.result.outcome, 'offered');
    assert.deepEqual(refused.names.slice(-3), ['promoteWithoutTrial', 'offerCandidate', 'writeReport']);
  });

  it('registers nothing when a gate holds, and names the gate', async () => {
    const { result, names } = await run(heldByAgreement);
    assert.equal(result.outcome, 'gatesHold');
    assert.match(result.reason, /agreement/);
    assert.ok(!names.includes('registerCandidate') && !names.includes('offerCandidate'));
    assert.equal(names.at(-1), 'writeReport');
  });

  for (const verdict of ['badData', 'nothingNew'] as const)
    it(`trains nothing after ${verdict} and still reports`, async () => {
      const { result, names } = await run(withVerdict(verdict));
      assert.equal(result.outcome, verdict);
      assert.ok(!names.includes('mixExperience'));
      assert.equal(names.at(-1), 'writeReport');
    });

  it('passes every setting on: full JSON reaches the activities', async () => {
    const { activities, calls } = stubs();
    await withWorker(activities, async ({ start }) => {
      const handle = await start('weeklyCycle', {
        policy: 'picker',
        training: { seed: 7, targetFrames: 5_000, hyperparameters: { learningRate: 0.01 } },
        trial: { profile: 'compressed', candidateFraction: 0.5 },
        cause: 'asked by a test',
      });
      await handle.result();
    });
    const inputOf = (name: ActivityName): Record<string, unknown> =>
      calls.find((call) => call.name === name)?.input as Record<string, unknown>;
    assert.equal(inputOf('readPolicy')['policy'], 'picker');
    assert.deepEqual([inputOf('mixExperience')['seed'], inputOf('mixExperience')['targetFrames']], [7, 5_000]);
    assert.deepEqual(inputOf('mixExperience')['newSince'], { episodes: 3, frames: 4 });
    assert.deepEqual(inputOf('planTraining')['hyperparameters'], { learningRate: 0.01 });
    const { request, why } = inputOf('offerCandidate');
    const { profile, candidateFraction } = request as Record<string, unknown>;
    assert.deepEqual([profile, candidateFraction, why], ['compressed', 0.5, 'asked by a test']);
  });

  const wrong: readonly (readonly [unknown, RegExp])[] = [
    [{ policy: 3 }, /policy: .*expected string/],
    [{ training: { sed: 1 } }, /training: .*"sed"/],
    ['wall-follower', /expected object/],
    [{ training: { trainer: { kind: 'torch' } } }, /training\.trainer\.kind/],
  ];
  for (const [input, expected] of wrong)
    it(`fails at once on ${JSON.stringify(input)}, naming field and expectation`, async () => {
      const { activities, calls } = stubs();
      await withWorker(activities, async ({ start }) => {
        const failure = await failureOf((await start('weeklyCycle', input)).result());
        assert.equal(failure.type, 'InvalidInput');
        assert.match(failure.message, expected);
      });
      assert.deepEqual(calls, []);
    });

  it('stops what runs when it is aborted, keeps the champion and reports', async () => {
    let stopped = false;
    const { activities, calls } = stubs({
      trainModel: async () => {
        try {
          return await untilCancelled();
        } finally {
          stopped = true;
        }
      },
    });
    await withWorker(activities, async ({ start }) => {
      const handle = await start('weeklyCycle', {});
      await until(() => calls.some((call) => call.name === 'trainModel'));
      await assert.rejects(handle.executeUpdate('abort', { args: [{ reason: '' }] }));
      await handle.executeUpdate('abort', { args: [{ reason: 'wrong robots' }] });
      const result = (await handle.result()) as CycleResult;
      assert.deepEqual([result.outcome, result.reason], ['aborted', 'wrong robots']);
      const status = await handle.query<CycleStatus>('status');
      assert.equal(status.stage, 'ended');
    });
    assert.ok(stopped);
    assert.equal(calls.at(-1)?.name, 'writeReport');
    assert.ok(!calls.some((call) => call.name === 'registerCandidate'));
  });

  it('waits for its turn while another cycle collects from robots of the same type', async () => {
    const gate = new EventEmitter();
    const released = once(gate, 'release');
    const { activities, calls } = stubs({
      planCollection: async (input) => {
        await released;
        return stubs().activities.planCollection(input);
      },
    });
    await withWorker(activities, async ({ start, suffix }) => {
      const first = await start('weeklyCycle', { collectionTurnWaitMs: 50 }, `cycle/first-${suffix}`);
      await until(() => calls.some((call) => call.name === 'planCollection'));
      const second = await start('weeklyCycle', { collectionTurnWaitMs: 50 }, `cycle/second-${suffix}`);
      await new Promise((resolve) => setTimeout(resolve, 300));
      assert.equal(calls.filter((call) => call.name === 'planCollection').length, 1);
      gate.emit('release');
      const results = (await Promise.all([first.result(), second.result()])) as CycleResult[];
      assert.deepEqual(
        results.map((result) => result.outcome),
        ['offered', 'offered'],
      );
    });
  });

  it('keeps what a collection writes apart from the collection before, though both have one workflow id', async () => {
    const { activities, calls } = stubs();
    await withWorker(activities, async ({ start, suffix }) => {
      for (const name of ['first', 'second'])
        await (await start('weeklyCycle', {}, `cycle/${name}-${suffix}`)).result();
    });
    const ids = calls
      .filter((call) => call.name === 'planCollection')
      .map((call) => (call.input as { cycleId: string }).cycleId);
    assert.equal(new Set(ids).size, 2);
  });

  describe('with one failing step', () => {
    const steps = [...new Set(expected)];
    it('tries it again and ends the same, whichever it is', async () => {
      const failed = new Set<string>();
      const good = stubs().activities as unknown as Readonly<Record<string, (input: never) => unknown>>;
      const once = (step: ActivityName) => async (input: never) => {
        if (failed.has(step)) return good[step]?.(input);
        failed.add(step);
        throw ApplicationFailure.create({
          type: 'StoreUnavailable',
          message: `${step} is away`,
          nextRetryDelay: '10ms',
        });
      };
      const { result } = await run(Object.fromEntries(steps.map((step) => [step, once(step)])));
      assert.equal(result.outcome, 'offered', result.reason);
      assert.deepEqual([...failed], steps);
    });

    for (const step of steps.filter((name) => name !== 'writeReport'))
      it(`reports and fails with the reason when ${step} cannot succeed`, async () => {
        const { activities, calls } = stubs({
          [step]: async () => {
            throw ApplicationFailure.nonRetryable(`${step} is impossible`, 'CorruptData');
          },
        });
        await withWorker(activities, async ({ start }) => {
          const failure = await failureOf((await start('weeklyCycle', {})).result());
          assert.equal(failure.message, `${step} is impossible`);
        });
        const [name, status] = [calls.at(-1)?.name, calls.at(-1)?.input as CycleStatus];
        assert.deepEqual([name, status.outcome, status.reason], ['writeReport', 'failed', `${step} is impossible`]);
      });
  });
});

describe('one cycle a policy at a time', function () {
  this.timeout(120_000);

  it('refuses a second one at once, and says which runs', async () => {
    const { activities, calls } = stubs({ trainModel: untilCancelled });
    await withWorker(activities, async ({ start, suffix }) => {
      const first = await start('weeklyCycle', { policy: 'turns' }, `cycle/turns-${suffix}`);
      await until(() => calls.some((call) => call.name === 'trainModel'));
      const { activities: others, calls: otherCalls } = stubs({
        readCycleTurn: async () => ({ holder: `cycle/turns-${suffix}` }),
      });
      await withWorker({ ...others, trainModel: untilCancelled }, async (second) => {
        const failure = await failureOf(
          (await second.start('weeklyCycle', { policy: 'turns' }, `cycle/turns-${suffix}-2`)).result(),
        );
        assert.equal(failure.type, 'Conflict');
        assert.match(failure.message, new RegExp(`a cycle of turns runs already: cycle/turns-${suffix};`));
        await first.executeUpdate('abort', { args: [{ reason: 'seen enough' }] });
        assert.equal(((await first.result()) as CycleResult).outcome, 'aborted');
      });
      assert.deepEqual(
        otherCalls.map(({ name }) => name),
        ['readCycleTurn', 'writeReport'],
      );
      const { activities: later } = stubs();
      await withWorker(later, async (third) => {
        const result = await (await third.start('weeklyCycle', { policy: 'turns' })).result();
        assert.equal((result as CycleResult).outcome, 'offered');
      });
    });
  });

  it('is told by the server who has the turn', async () => {
    const { client } = await sharedTemporal();
    const desk = temporalCycles({ client, taskQueue: 'nobody' });
    const policy = `turn-${randomUUID().slice(0, 8)}`;
    assert.equal(await desk.turnHolder(policy), null);
    const { activities, calls } = stubs({ trainModel: untilCancelled });
    await withWorker(activities, async ({ start }) => {
      const cycle = await start('weeklyCycle', { policy });
      await until(() => calls.some((call) => call.name === 'trainModel'));
      assert.equal(await desk.turnHolder(policy), cycle.workflowId);
      await cycle.executeUpdate('abort', { args: [{ reason: 'seen enough' }] });
      await cycle.result();
    });
    assert.equal(await desk.turnHolder(policy), null);
  });

  it('gives its turn back although no worker is left to hear of its end', async () => {
    const { client, connection, bundle } = await sharedTemporal();
    const taskQueue = `test-${randomUUID()}`;
    const policy = `turn-${taskQueue.slice(-8)}`;
    const turn = client.workflow.getHandle(workflowIds.cycleTurn(policy));
    const { activities, calls } = stubs({ trainModel: untilCancelled });
    const worker = await Worker.create({ connection, taskQueue, workflowBundle: bundle, activities });
    const cycle = await worker.runUntil(async () => {
      const started = await client.workflow.start('weeklyCycle', {
        taskQueue,
        workflowId: `cycle/${policy}`,
        args: [{ policy }],
      });
      await until(() => calls.some((call) => call.name === 'trainModel'));
      return started;
    });
    assert.equal((await turn.describe()).status.name, 'RUNNING');
    await cycle.terminate('no worker will come back');
    await assert.rejects(turn.result(), /by parent close policy/);
  });

  it('names as its cause who started it', async () => {
    const { activities, calls } = stubs();
    await withWorker(activities, async ({ start }) => void (await (await start('weeklyCycle', {})).result()));
    const report = calls.find(({ name }) => name === 'writeReport')?.input as CycleStatus | undefined;
    assert.equal(report?.cause, 'started by hand');
  });
});
