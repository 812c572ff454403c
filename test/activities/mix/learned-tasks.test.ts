import assert from 'node:assert/strict';

import { taskTraffic } from '../../../activities/evaluation/task-traffic.ts';
import { learnedTasks } from '../../../activities/mix/learned-tasks.ts';
import { mixExperience, type MixExperienceInput } from '../../../activities/mix/mix-experience.ts';
import { readTrainingSet } from '../../../activities/mix/read-sets.ts';
import { remakeTrainingSet } from '../../../activities/mix/remake-set.ts';
import { trainingSetFile } from '../../../datasets/training-set.ts';
import { changeTasks } from '../../../store/records/task-log.ts';
import { readTaughtType } from '../../../store/records/robot-types.ts';
import { manifestOf, numbered, openMixFixture, robotType, rowsOf, store, type MixFixture } from './mix-fixture.ts';

const policy = 'p';

describe('a training set for chosen tasks', () => {
  let fixture: MixFixture;
  beforeEach(async () => {
    fixture = await openMixFixture();
    // History of both tasks, then what is new: of dock a failure and a little more, of follow much and a failure.
    await store(fixture, 0, [...numbered(0, 30), ...numbered(100, 30, { task: 'dock' })]);
    since = await fixture.lake.currentVersion();
    await store(fixture, 1, [
      ...numbered(200, 40),
      { number: 250, outcome: 'failure', experts: 10 },
      ...numbered(300, 4, { task: 'dock' }),
      { number: 350, task: 'dock', outcome: 'failure', experts: 10 },
      ...numbered(400, 4, { split: 'validation' }),
      ...numbered(500, 4, { task: 'dock', split: 'validation' }),
    ]);
  });
  afterEach(() => fixture.close());

  let since: MixExperienceInput['newSince'];
  const mix = async (more: Partial<MixExperienceInput> = {}) => {
    const { digest } = await mixExperience(fixture.ports)({
      cycleId: 'cycle/1',
      robotType: { id: robotType.id, version: 1 },
      datasetVersion: await fixture.lake.currentVersion(),
      newSince: since,
      seed: 1,
      targetFrames: 400,
      ...more,
    });
    const rows = await rowsOf(fixture.store, trainingSetFile(digest, 'train.arrow'));
    return { digest, rows, manifest: await manifestOf(fixture.store, digest) };
  };

  it('holds what is new of these alone, and of the others what is known', async () => {
    const { rows, manifest } = await mix({ learnedTasks: ['dock'] });
    const isFresh = ({ episode }: { episode: number }) => episode >= 200;
    assert.deepEqual([...new Set(rows.filter(isFresh).map(({ task }) => task))], [1]);
    assert.equal(rows.filter(isFresh).length, 50);
    // 120 of 400 are for what is learned: 50 new, 70 of its history before anything is shared.
    const ofDock = rows.filter(({ task }) => task === 1).length;
    assert.ok(ofDock >= 120 + 100 && ofDock < rows.length - 100, `${ofDock} of ${rows.length}`);
    const validation = await rowsOf(fixture.store, trainingSetFile((await mix()).digest, 'validation.arrow'));
    assert.deepEqual(
      [...new Set(validation.map(({ task }) => task))].toSorted((a, b) => a - b),
      [0, 1],
    );
    assert.deepEqual(manifest.recipe?.learnedTasks, ['dock']);
    assert.deepEqual(manifest.failures, { validEpisodes: 1, addedEpisodes: 1, queuedForLabelEpisodes: 0 });
  });

  it('says what of the others is left out, which counts as the robots’ work all the same', async () => {
    const { digest, manifest } = await mix({ learnedTasks: ['dock'] });
    const left = manifest.strata.find(({ source, task }) => source === 'new' && task === 'follow');
    assert.deepEqual(left, { source: 'new', task: 'follow', availableFrames: 410, takenFrames: 0 });
    const stored = await readTrainingSet(fixture.store, digest, robotType);
    const whole = await readTrainingSet(fixture.store, (await mix()).digest, robotType);
    assert.deepEqual(taskTraffic(stored.strata, robotType.tasks), taskTraffic(whole.strata, robotType.tasks));
  });

  it('is an ordinary one where all are chosen, and is made again as it was', async () => {
    const [all, plain] = [await mix({ learnedTasks: ['dock', 'follow'] }), await mix()];
    assert.equal(all.digest, plain.digest);
    assert.equal('learnedTasks' in (plain.manifest.recipe ?? {}), false);
    const { digest } = await mix({ learnedTasks: ['dock'] });
    assert.notEqual(digest, plain.digest);
    const files = (['train.arrow', 'validation.arrow'] as const).map((file) => trainingSetFile(digest, file));
    const bytes = await Promise.all(files.map((file) => fixture.store.get(file)));
    for (const file of files) await fixture.store.delete(file);
    await remakeTrainingSet(fixture.ports, digest, robotType);
    assert.deepEqual(await Promise.all(files.map((file) => fixture.store.get(file))), bytes);
  });

  it('is refused for tasks that the catalogue does not have, or has no longer, each by name', async () => {
    const changes = [
      { kind: 'add', id: 'park', instruction: 'park at the wall' },
      { kind: 'retire', id: 'follow' },
    ] as const;
    await changeTasks({ store: fixture.store, clock: () => 1 }, { policy, robotType, changes, who: 'ada', why: 'a' });
    const reference = { id: robotType.id, version: 1, catalogue: { policy, seq: 0 } };
    await assert.rejects(mix({ robotType: reference, learnedTasks: ['follow', 'park', 'fly'] }), {
      type: 'InvalidInput',
      message: /training\.tasks: expected active tasks of the policy \(dock, park\), got follow \(retired\), fly;/,
    });
    await assert.rejects(mix({ learnedTasks: ['park'] }), {
      type: 'InvalidInput',
      message: /\(follow, dock\), got park/,
    });
    await assert.rejects(mix({ learnedTasks: ['dock', 'dock'] }), { type: 'InvalidInput', message: /each task once/ });
    await assert.rejects(mix({ learnedTasks: [] }), { type: 'InvalidInput' });
    const type = await readTaughtType(fixture.store, reference);
    assert.deepEqual(learnedTasks(type, ['park']), ['park']);
    assert.equal(learnedTasks(type, ['park', 'dock']), undefined);
  });
});
