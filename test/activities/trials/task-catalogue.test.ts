import assert from 'node:assert/strict';

import { createPolicyDocument } from '../../../activities/registry/policy-document.ts';
import type { PlannedTrial } from '../../../activities/trials/plan-trial.ts';
import { CellStore } from '../../../activities/trials/cell-store.ts';
import { planReader } from '../../../activities/trials/stored-plan.ts';
import { scitosG5Type } from '../../../datasets/built-in-robot-types.ts';
import type { TaskChange } from '../../../datasets/task-catalogue.ts';
import { modelFile } from '../../../policies/model-manifest.ts';
import { tasksFile } from '../../../policies/version-tasks.ts';
import { jsonBytes } from '../../../store/json-objects.ts';
import { publishRobotType } from '../../../store/records/robot-types.ts';
import { changeTasks } from '../../../store/records/task-log.ts';
import { hourMs, openTrialWorld, policy, startMs, type TrialWorld } from './trial-world.ts';

const dayMs = 24 * hourMs;
const own = scitosG5Type.tasks[0] ?? '';

describe('a trial and the task catalogue', function () {
  this.timeout(60_000);
  let world: TrialWorld;

  beforeEach(async () => {
    world = await openTrialWorld(24);
    const { store } = world;
    await publishRobotType(store, scitosG5Type);
    await createPolicyDocument(store, { policy, robotType: { id: 'scitos-g5', version: 1 } });
    for (const robotId of world.robotIds)
      await world.live(robotId, '1.0.0', { fromMs: startMs - 3 * dayMs, toMs: startMs, episodes: 300, success: 0.85 });
  });
  afterEach(() => world.close());

  const change = (...changes: readonly TaskChange[]) =>
    changeTasks(
      { store: world.store, clock: () => 1 },
      { policy, robotType: scitosG5Type, changes, who: 'ada', why: 'a test' },
    );
  const add = (id: string): TaskChange => ({ kind: 'add', id, instruction: `do ${id}` });
  const knows = (version: string, tasks: readonly string[]) =>
    world.store.put(modelFile(policy, version, tasksFile), jsonBytes({ catalogueSeq: 0, tasks }));
  const plan = async () => {
    const planned = await world.call('planTrial', { policy, kind: 'rollout', trialId: 'r', nowMs: world.nowMs });
    if (planned.kind !== 'planned') throw new Error(JSON.stringify(planned));
    return { planned, document: await planReader(world.store)(planned.plan) };
  };

  it('compares the active tasks that both versions know, and lists the others apart', async () => {
    await change(add('dock'), add('park'), add('turn'));
    await change({ kind: 'retire', id: 'park' });
    await knows('1.1.0', [own, 'dock', 'park']);
    assert.deepEqual((await plan()).document.catalogue, [own]);
    const { document, planned } = await plan();
    assert.deepEqual(document.leftOut, ['dock', 'park', 'turn']);
    assert.match(planned.remarks, /knows 1 tasks more \(dock\): to be as good at the others is enough/);
  });

  it('compares a task as soon as the champion knows it as well', async () => {
    await change(add('dock'), add('park'));
    await knows('1.0.0', [own, 'dock']);
    await knows('1.1.0', [own, 'dock', 'park']);
    const { document } = await plan();
    assert.deepEqual([document.catalogue, document.leftOut], [[own, 'dock'].toSorted(), ['park']]);
  });

  it('asks a candidate that knows more to be as good at the rest, and any other one to be better', async () => {
    const equivalent = async (trialId: string) => {
      const planned = await world.call('planTrial', { policy, kind: 'abTest', trialId, nowMs: world.nowMs });
      if (planned.kind !== 'planned') throw new Error(JSON.stringify(planned));
      return (await planReader(world.store)(planned.plan)).abTest?.allowEquivalent;
    };
    assert.equal(await equivalent('one'), false);
    await change(add('dock'));
    assert.equal(await equivalent('two'), false);
    await knows('1.1.0', [own, 'dock']);
    assert.equal(await equivalent('three'), true);
    await knows('1.0.0', [own, 'dock']);
    assert.equal(await equivalent('four'), false);
  });

  it('must prove a task that was seen when nobody compared it, once both know it', async () => {
    await change(add('dock'));
    await knows('1.1.0', [own, 'dock']);
    const [robotId = ''] = world.robotIds;
    const earlier = startMs - 5 * hourMs;
    await world.report(
      robotId,
      [{ seq: 20_000, kind: 'episode', task: 'dock', policyVersion: '1.1.0', atMs: earlier }],
      earlier,
    );
    const seen = async (trialId: string) => {
      const planned = await world.call('planTrial', { policy, kind: 'rollout', trialId, nowMs: world.nowMs });
      if (planned.kind !== 'planned') throw new Error(JSON.stringify(planned));
      return (await planReader(world.store)(planned.plan)).tasks.includes('dock');
    };
    assert.equal(await seen('one'), false);
    await knows('1.0.0', [own, 'dock']);
    assert.equal(await seen('two'), true);
  });

  it('says nothing of tasks to leave out where there is no catalogue: plans are as before', async () => {
    const { document } = await plan();
    assert.deepEqual(document.catalogue, scitosG5Type.tasks);
    assert.equal('leftOut' in document, false);
  });

  it('counts no outcome of a task that is left out', async () => {
    await change(add('dock'));
    await knows('1.1.0', [own, 'dock']);
    const { planned } = await plan();
    const [robotId = ''] = world.robotIds;
    const nowMs = world.nowMs + 2 * hourMs;
    const outcome = (seq: number, task: string) =>
      ({ seq: 10_000 + seq, kind: 'episode', task, policyVersion: '1.0.0', atMs: startMs + hourMs }) as const;
    await world.report(
      robotId,
      [outcome(0, own), outcome(1, 'dock'), outcome(2, 'dock'), outcome(3, own)],
      startMs + hourMs,
    );
    assert.equal(await episodesOf(planned, robotId, nowMs), 2);
  });

  /** Episodes of a robot in all cells. */
  async function episodesOf({ plan: reference }: PlannedTrial, robotId: string, nowMs: number): Promise<number> {
    world.nowMs = nowMs;
    const asked = { plan: reference, originMs: startMs, generation: -1, nowMs };
    const { generation } = await world.call('collectCells', asked);
    const cells = new CellStore(world.store);
    const cellsOf = await cells.all(await cells.manifest(reference.trialId, generation));
    return cellsOf(robotId, '1.0.0').reduce((sum, cell) => sum + cell.episodes, 0);
  }
});
