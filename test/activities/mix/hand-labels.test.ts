import assert from 'node:assert/strict';

import { addHandLabel, labelledByHand, readHandLabels, removeHandLabel } from '../../../activities/mix/hand-labels.ts';
import { actionOf, labelEpisode, type LabelWord } from '../../../activities/mix/label-episode.ts';
import { listNeedsLabel } from '../../../activities/mix/list-needs-label.ts';
import { mixExperience } from '../../../activities/mix/mix-experience.ts';
import { remakeTrainingSet } from '../../../activities/mix/remake-set.ts';
import { trainingSetFile } from '../../../datasets/training-set.ts';
import { memoryObjectStore } from '../../../store/adapters/memory-object-store.ts';
import { manifestOf, numbered, openMixFixture, robotType, rowsOf, store, type MixFixture } from './mix-fixture.ts';

const idOf = (number: number): string => `E${String(number).padStart(6, '0')}`;
const turn = 2;
const stop = 0;

describe('labels by hand', function () {
  this.timeout(60_000);
  let fixture: MixFixture;
  beforeEach(async () => {
    fixture = await openMixFixture();
    await store(fixture, 0, [
      ...numbered(1, 20, { frames: 10 }),
      ...numbered(21, 2, { frames: 2, split: 'heldout' }),
      ...numbered(31, 2, { frames: 4, outcome: 'failure' }),
    ]);
  });
  afterEach(() => fixture.close());

  const label = (number: number, said: LabelWord['said'], labelId?: string) =>
    labelEpisode(
      { ...fixture.ports, clock: () => 5 },
      { labelId, episodeId: idOf(number), said, who: 'ada', reason: 'seen in the clip' },
    );
  const frames = (start: number, end: number, action = 'turn') => ({ kind: 'frames', start, end, action }) as const;
  const input = async () => ({
    cycleId: 'c1',
    robotType,
    datasetVersion: await fixture.lake.currentVersion(),
    newSince: { episodes: 0, frames: 0 },
    seed: 1,
    targetFrames: 1_000,
  });
  async function mixed() {
    const asked = await input();
    const { digest } = await mixExperience(fixture.ports)(asked);
    const rows = await rowsOf(fixture.store, trainingSetFile(digest, 'train.arrow'));
    const { failures, ...manifest } = await manifestOf(fixture.store, digest);
    const { totalEpisodes } = await listNeedsLabel(fixture.ports)({ ...asked, limit: 9 });
    const ofFailures = rows.filter(({ episode }) => episode > 30);
    return { digest, failures, manifest, totalEpisodes, ofFailures };
  }

  it('bring failures into the next set as corrections under the cap; the figure of failures added falls where nobody labels', async () => {
    const before = await mixed();
    assert.deepEqual(before.failures, { validEpisodes: 2, addedEpisodes: 0, queuedForLabelEpisodes: 2 });
    assert.deepEqual([before.ofFailures, before.totalEpisodes], [[], 2]);
    assert.equal('labelsSeq' in before.manifest, false);
    const { labelId } = await label(31, frames(1, 4));
    await label(32, frames(0, 2), 'partly');
    const after = await mixed();
    assert.deepEqual(after.failures, { validEpisodes: 2, addedEpisodes: 2, queuedForLabelEpisodes: 0 });
    assert.deepEqual(
      after.ofFailures
        .map(({ episode, frame, label: action }) => [episode, frame, action])
        .toSorted(([a = 0, b = 0], [c = 0, d = 0]) => a - c || b - d),
      [
        [31, 1, turn],
        [31, 2, turn],
        [31, 3, turn],
        [32, 0, turn],
        [32, 1, turn],
      ],
    );
    assert.ok(after.ofFailures.every(({ weight }) => weight > 1));
    const { correctionShareBeforeCap: share, correctionShareAfterCap: capped, labelsSeq } = after.manifest;
    assert.ok(share > 0 && capped <= 0.3 + 1e-9, `${share} ${capped}`);
    assert.equal(labelsSeq, 1);
    // A frame without a label still waits in each of them.
    assert.equal(after.totalEpisodes, 2);
    for (const id of [labelId, 'partly'])
      await removeHandLabel({ store: fixture.store, clock: () => 6 }, { labelId: id, who: 'bo', reason: 'wrong' });
    const back = await mixed();
    assert.deepEqual([back.failures.addedEpisodes, back.ofFailures], [0, []]);
  });

  it('override what the robot did, the later one where they overlap; a set is made again as it was, whatever was said since', async () => {
    await label(1, frames(0, 3));
    await label(1, frames(2, 3, 'stop'));
    const asked = await input();
    const { digest } = await mixExperience(fixture.ports)(asked);
    const file = trainingSetFile(digest, 'train.arrow');
    const of = (rows: Awaited<ReturnType<typeof rowsOf>>) =>
      rows.filter(({ episode, frame }) => episode === 1 && frame < 4).toSorted((a, b) => a.frame - b.frame);
    const rows = of(await rowsOf(fixture.store, file));
    assert.deepEqual(
      rows.map((row) => row.label),
      [turn, turn, stop, 1],
    );
    await label(1, frames(0, 4, 'stop'));
    await fixture.store.delete(file);
    await remakeTrainingSet(fixture.ports, digest, robotType);
    assert.deepEqual(of(await rowsOf(fixture.store, file)), rows);
  });

  it('are refused in words where they do not fit, and nothing is kept', async () => {
    for (const [number, said, why] of [
      [31, frames(3, 5), /frames from 0 to 4/],
      [31, frames(2, 2), /frames from 0 to 4/],
      [31, frames(-1, 2), /frames from 0 to 4/],
      [31, frames(0.5, 2), /frames from 0 to 4/],
      [31, frames(0, 1, 'constructor'), /one of the actions stop, go, turn/],
      [21, frames(0, 1), /kept for measuring/],
      [99, frames(0, 1), /an episode in the lake/],
      [31, { kind: 'failureReason', failureReason: ' ' }, /a failure reason/],
    ] as const)
      await assert.rejects(label(number, said), why, JSON.stringify(said));
    await assert.rejects(
      labelEpisode(
        { ...fixture.ports, clock: () => 5 },
        { episodeId: "' OR 1=1 --", said: frames(0, 1), who: 'a', reason: 'r' },
      ),
      /an episode in the lake/,
    );
    assert.equal((await readHandLabels(fixture.store)).seq, undefined);
    await label(21, { kind: 'failureReason', failureReason: 'slipped' });
    assert.deepEqual(labelledByHand(await readHandLabels(fixture.store)), []);
  });
});

describe('the log of labels by hand', () => {
  const one = {
    labelId: 'l1',
    kind: 'frames',
    episodeId: 'E1',
    start: 0,
    end: 2,
    action: [1] as number[],
    who: 'ada',
    reason: 'r',
  } as const;

  it('keeps each label once, however often and by how many at once it is given, and forgets none', async () => {
    const ports = { store: memoryObjectStore(), clock: () => 1 };
    await Promise.all([1, 2, 3].map(() => addHandLabel(ports, one)));
    await Promise.all(['l2', 'l3'].map((labelId) => addHandLabel(ports, { ...one, labelId })));
    await assert.rejects(addHandLabel(ports, { ...one, end: 3 }), /l1, which is taken/);
    const word = { labelId: 'l2', who: 'bo', reason: 'wrong' };
    await Promise.all([removeHandLabel(ports, word), removeHandLabel(ports, word)]);
    await assert.rejects(removeHandLabel(ports, { ...word, labelId: 'nobody' }), /the id of a label/);
    const { seq, holding } = await readHandLabels(ports.store);
    assert.deepEqual([seq, holding.map(({ labelId }) => labelId).toSorted()], [3, ['l1', 'l3']]);
    // As it was before the last line.
    assert.equal((await readHandLabels(ports.store, 2)).holding.length, 3);
    // Given again after it was taken back it stays so: a repetition is no new word.
    await addHandLabel(ports, { ...one, labelId: 'l2' });
    assert.equal((await readHandLabels(ports.store)).holding.length, 2);
  });

  it('knows actions by name or by their ranges', () => {
    assert.deepEqual(actionOf(robotType, 'turn'), [2]);
    const range = { name: 'elbow', unit: 'rad', min: -1, max: 1 };
    const arm = { actions: { kind: 'continuous' as const, ranges: [range, range] } };
    assert.deepEqual(actionOf(arm, [0.5, -1]), [0.5, -1]);
    for (const wrong of ['turn', [0.5], [0.5, 2], [0.5, Number.NaN], [0, 0, 0]])
      assert.throws(() => actionOf(arm, wrong), /2 values in the ranges/, String(wrong));
    assert.throws(() => actionOf(robotType, [1]), /one of the actions/);
    assert.throws(() => actionOf({ actions: { kind: 'none' } }, 'x'), /robot type with actions/);
  });
});
