import assert from 'node:assert/strict';

import { tableFromIPC } from 'apache-arrow';

import { exportHeldoutSet } from '../../../activities/mix/export-heldout-set.ts';
import { listNeedsLabel } from '../../../activities/mix/list-needs-label.ts';
import { mixExperience } from '../../../activities/mix/mix-experience.ts';
import { readHeldoutSet, readTrainingSet } from '../../../activities/mix/read-sets.ts';
import { remakeTrainingSet } from '../../../activities/mix/remake-set.ts';
import { robotTypeDigest } from '../../../datasets/robot-type-digest.ts';
import type { TaskChange } from '../../../datasets/task-catalogue.ts';
import { heldoutSetFile, trainingSetFile } from '../../../datasets/training-set.ts';
import { readTaughtType, type RobotTypeReference } from '../../../store/records/robot-types.ts';
import { changeTasks } from '../../../store/records/task-log.ts';
import { manifestOf, numbered, openMixFixture, robotType, rowsOf, store, type MixFixture } from './mix-fixture.ts';

const policy = 'p';
const plain: RobotTypeReference = { id: robotType.id, version: 1 };
const at = (seq: number): RobotTypeReference => ({ ...plain, catalogue: { policy, seq } });

describe('sets of a task catalogue', () => {
  let fixture: MixFixture;
  beforeEach(async () => {
    fixture = await openMixFixture();
    await fixture.lake.currentVersion();
    // The robot type has follow and dock; park comes, then follow goes.
    await change({ kind: 'add', id: 'park', instruction: 'park at the wall' });
    await change({ kind: 'retire', id: 'follow' });
    await store(fixture, 0, [
      ...numbered(0, 6),
      ...numbered(20, 6, { task: 'dock' }),
      ...numbered(40, 6, { task: 'park' }),
      ...numbered(60, 2, { task: 'park', split: 'validation' }),
      ...numbered(70, 2, { split: 'validation' }),
      ...numbered(80, 3, { task: 'park', split: 'heldout' }),
      ...numbered(90, 3, { split: 'heldout' }),
      { number: 99, task: 'follow', outcome: 'failure' },
      { number: 98, task: 'park', outcome: 'failure' },
      { number: 97, task: 'unheard-of' },
    ]);
  });
  afterEach(() => fixture.close());

  const change = (...changes: readonly TaskChange[]) =>
    changeTasks({ store: fixture.store, clock: () => 1 }, { policy, robotType, changes, who: 'ada', why: 'a test' });
  const mix = async (reference: RobotTypeReference) => {
    const { digest } = await mixExperience(fixture.ports)({
      cycleId: 'cycle/1',
      robotType: reference,
      datasetVersion: await fixture.lake.currentVersion(),
      newSince: { episodes: 0, frames: 0 },
      seed: 1,
      targetFrames: 1000,
    });
    const files = [trainingSetFile(digest, 'train.arrow'), trainingSetFile(digest, 'validation.arrow')] as const;
    const [train, validation] = [await rowsOf(fixture.store, files[0]), await rowsOf(fixture.store, files[1])];
    const taught = (rows: typeof train) =>
      [...new Set(rows.map(({ task }) => task))].toSorted((a, b) => (a < b ? -1 : 1));
    return { digest, files, train: taught(train), validation: taught(validation), rows: train.length };
  };
  const heldoutTasks = async (reference: RobotTypeReference) => {
    const datasetVersion = await fixture.lake.currentVersion();
    const { digest } = await exportHeldoutSet(fixture.ports)({ robotType: reference, datasetVersion });
    const table = tableFromIPC(await fixture.store.get(heldoutSetFile(digest, 'heldout.arrow')));
    return {
      digest,
      tasks: [...new Set(table.toArray().map((row) => Number(row.task)))].toSorted((a, b) => (a < b ? -1 : 1)),
    };
  };

  it('have new tasks under their index, retired ones not at all, and pin the record', async () => {
    const [before, then, now] = [await mix(plain), await mix(at(0)), await mix(at(1))];
    assert.deepEqual([before.train, before.validation], [[0, 1], [0]]);
    assert.deepEqual(
      [then.train, then.validation],
      [
        [0, 1, 2],
        [0, 2],
      ],
    );
    assert.deepEqual([now.train, now.validation], [[1, 2], [2]]);
    const manifest = await manifestOf(fixture.store, now.digest);
    assert.deepEqual(manifest.tasks, ['follow', 'dock', 'park']);
    assert.deepEqual(manifest.catalogue, { policy, seq: 1 });
    assert.equal(manifest.robotTypeDigest, robotTypeDigest(robotType));
    assert.deepEqual(
      [...new Set(manifest.strata.map(({ task }) => task))].toSorted((a, b) => (a < b ? -1 : 1)),
      ['dock', 'park'],
    );
    assert.equal('catalogue' in (await manifestOf(fixture.store, before.digest)), false);
  });

  it('are held out, listed for labels and measured in the same way', async () => {
    assert.deepEqual((await heldoutTasks(plain)).tasks, [0]);
    assert.deepEqual((await heldoutTasks(at(0))).tasks, [0, 2]);
    assert.deepEqual((await heldoutTasks(at(1))).tasks, [2]);
    const datasetVersion = await fixture.lake.currentVersion();
    const { episodes } = await listNeedsLabel(fixture.ports)({ robotType: at(1), datasetVersion, limit: 10 });
    assert.deepEqual(
      episodes.map(({ task }) => task),
      ['park'],
    );
  });

  it('are the same for one record, whatever is said later, and fit no other record', async () => {
    const first = await mix(at(0));
    await change({ kind: 'add', id: 'turn', instruction: 'turn round' });
    assert.equal((await mix(at(0))).digest, first.digest);
    const { store: objects } = fixture;
    await readTrainingSet(objects, first.digest, await readTaughtType(objects, at(0)));
    for (const other of [plain, at(1), at(2)])
      await assert.rejects(readTrainingSet(objects, first.digest, await readTaughtType(objects, other)), {
        type: 'InvalidInput',
        message: /of the catalogue, got one of record 0/,
      });
    const { digest } = await heldoutTasks(at(1));
    await readHeldoutSet(objects, digest, await readTaughtType(objects, at(1)));
    await assert.rejects(readHeldoutSet(objects, digest, robotType), { type: 'InvalidInput' });
  });

  it('are made again by the record that they name, after the sweep', async () => {
    const { digest, files } = await mix(at(0));
    const bytes = await fixture.store.get(files[0]);
    for (const file of files) await fixture.store.delete(file);
    await remakeTrainingSet(fixture.ports, digest, await readTaughtType(fixture.store, at(0)));
    assert.deepEqual(await fixture.store.get(files[0]), bytes);
  });
});
