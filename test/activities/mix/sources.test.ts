import assert from 'node:assert/strict';

import * as fc from 'fast-check';

import type { MixExperienceInput } from '../../../activities/mix/mix-experience.ts';
import { mixExperience } from '../../../activities/mix/mix-experience.ts';
import { workflowInputSchemas } from '../../../activities/workflow-inputs.ts';
import { sourceQuotas } from '../../../datasets/mix/source-shares.ts';
import { trainingSetFile } from '../../../datasets/training-set.ts';
import { publishRobotType } from '../../../store/records/robot-types.ts';
import { isFailure } from '../../../store/failures.ts';
import { manifestOf, numbered, openMixFixture, robotType, rowsOf, store, type MixFixture } from './mix-fixture.ts';

describe('the shares of several sources', () => {
  it('hold to a frame, never ask more than there is, and leave nothing that could be given', () => {
    const source = fc.record({
      weight: fc.oneof(fc.integer({ min: 1, max: 100 }), fc.double({ min: 0.01, max: 50, noNaN: true })),
      available: fc.integer({ min: 0, max: 5_000 }),
    });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20_000 }),
        fc.array(source, { minLength: 1, maxLength: 8 }),
        (target, sources) => {
          const quotas = sourceQuotas(target, sources);
          const total = quotas.reduce((sum, quota) => sum + quota, 0);
          const weights = sources.reduce((sum, { weight }) => sum + weight, 0);
          const most = Math.min(target, ...sources.map(({ weight, available }) => (available * weights) / weight));
          assert.ok(total <= target && total > most - 1.000001, `${total} of ${most}`);
          for (const [index, { weight, available }] of sources.entries()) {
            const quota = quotas[index]!;
            assert.ok(Number.isInteger(quota) && quota >= 0 && quota <= available);
            assert.ok(Math.abs(quota - (total * weight) / weights) < 1.000001);
          }
        },
      ),
      { numRuns: 500, seed: 11 },
    );
  });

  it('are those of the example', () => {
    assert.deepEqual(
      sourceQuotas(100, [
        { weight: 3, available: 1000 },
        { weight: 1, available: 10 },
      ]),
      [30, 10],
    );
  });
});

describe('a mix of several sources', function () {
  this.timeout(60_000);
  let fixture: MixFixture;
  beforeEach(async () => {
    fixture = await openMixFixture();
    await publishRobotType(fixture.store, { ...robotType, version: 2, tasks: ['follow', 'berth'] });
    const [left, right] = robotType.observations;
    await publishRobotType(fixture.store, { ...robotType, version: 3, observations: [right!, left!] });
    await store(fixture, 0, [
      ...numbered(1, 20, { site: 'hall' }),
      ...numbered(101, 20, { site: 'yard' }),
      ...numbered(201, 20, { typeVersion: 2, task: 'berth' }),
      ...numbered(301, 5, { split: 'validation' }),
      ...numbered(401, 5, { split: 'validation', typeVersion: 2 }),
      ...numbered(501, 5, { split: 'heldout', typeVersion: 2 }),
    ]);
  });
  afterEach(() => fixture.close());

  const mixed = async (sources: MixExperienceInput['sources'], changes: Partial<MixExperienceInput> = {}) => {
    const datasetVersion = await fixture.lake.currentVersion();
    const input = { cycleId: 'c1', robotType, datasetVersion, newSince: datasetVersion, seed: 1, targetFrames: 200 };
    const { digest } = await mixExperience(fixture.ports)({ ...input, sources, ...changes });
    const rows = await rowsOf(fixture.store, trainingSetFile(digest, 'train.arrow'));
    const validation = await rowsOf(fixture.store, trainingSetFile(digest, 'validation.arrow'));
    const of = (first: number): number =>
      rows.filter(({ episode }) => episode >= first && episode < first + 100).length;
    return { digest, rows, of, validation, manifest: await manifestOf(fixture.store, digest) };
  };
  const berth = { robotType: 'test-robot@2', tasks: [{ from: 'berth', as: 'dock' }] };

  it('takes frames in the shares of the weights, from sites and robot types, and says so', async () => {
    const sources = [
      { site: 'hall', weight: 1 },
      { ...berth, weight: 3 },
    ];
    const { of, rows, validation, manifest } = await mixed(sources);
    assert.deepEqual([of(0), of(100), of(200), rows.length], [50, 0, 150, 200]);
    assert.ok(rows.every(({ episode, task }) => task === (episode > 200 ? 1 : 0)));
    assert.ok(validation.length > 0 && validation.every(({ episode }) => episode > 300 && episode < 400));
    assert.deepEqual(manifest.sources, [
      { name: 'robot type test-robot@1, site hall', weight: 1, availableFrames: 200, takenFrames: 50 },
      { name: 'robot type test-robot@2', weight: 3, availableFrames: 200, takenFrames: 150 },
    ]);
  });

  it('keeps the shares where a source has too little', async () => {
    const { of, rows } = await mixed([
      { site: 'hall', weight: 3 },
      { site: 'yard', weight: 1 },
    ]);
    assert.deepEqual([of(0), of(100), rows.length], [150, 50, 200]);
    const short = await mixed(
      [
        { site: 'hall', weight: 3 },
        { site: 'yard', weight: 1 },
      ],
      { targetFrames: 1_000 },
    );
    assert.deepEqual([short.of(0), short.of(100)], [200, 66]);
  });

  it('mixes new and old within each source, and one source that is everything as no source at all', async () => {
    const datasetVersion = await fixture.lake.currentVersion();
    await store(fixture, 1, [...numbered(61, 20, { site: 'hall' }), ...numbered(161, 20, { site: 'yard' })]);
    const { of } = await mixed(
      [
        { site: 'hall', weight: 1 },
        { site: 'yard', weight: 1 },
      ],
      { newSince: datasetVersion, newFraction: 0.5 },
    );
    assert.deepEqual([of(0), of(100)], [100, 100]);
    const fresh = (first: number, rows: readonly { episode: number }[]): number =>
      rows.filter(({ episode }) => episode >= first && episode < first + 20).length;
    const { rows } = await mixed(
      [
        { site: 'hall', weight: 1 },
        { site: 'yard', weight: 1 },
      ],
      { newSince: datasetVersion, newFraction: 0.5 },
    );
    assert.deepEqual([fresh(61, rows), fresh(161, rows)], [50, 50]);
    const [all, none] = [await mixed([{ weight: 7 }]), await mixed(undefined)];
    assert.deepEqual(all.manifest.files, none.manifest.files);
  });

  it('refuses what it cannot mix, in words', async () => {
    const refused = (sources: NonNullable<MixExperienceInput['sources']>, type: string, text: RegExp) =>
      assert.rejects(mixed(sources), (error) => {
        assert.ok(isFailure(error, type as 'InvalidInput'), String(error));
        assert.match((error as Error).message, text);
        return true;
      });
    await refused(
      [{ robotType: 'test-robot@3', weight: 1 }],
      'InvalidInput',
      /observation 1 is left \[m\] there and right \[m\] here/,
    );
    await refused([{ robotType: 'nobody@1', weight: 1 }], 'NotFound', /nobody/);
    await refused([{ weight: 1 }, { robotType: 'test-robot@1', weight: 2 }], 'InvalidInput', /each source once/);
    await refused([{ weight: 1, tasks: [{ from: 'a', as: 'fly' }] }], 'InvalidInput', /one of follow, dock, got fly/);
    const none = /expected labelled frames of every source, got none of robot type test-robot@1, site moon/;
    await refused(
      [
        { site: 'hall', weight: 1 },
        { site: 'moon', weight: 1 },
      ],
      'TrainingImpossible',
      none,
    );
    await refused(
      [
        { site: 'hall', weight: 1 },
        { robotType: 'test-robot@2', weight: 1 },
      ],
      'TrainingImpossible',
      /test-robot@2/,
    );
    for (const sources of [
      [],
      [{ weight: 0 }],
      [{ weight: -1 }],
      [{ weight: 1, colour: 'red' }],
      [{ robotType: 'x', weight: 1 }],
      [{ site: "hall'", weight: Number.NaN }],
    ])
      assert.equal(workflowInputSchemas.weeklyCycle.safeParse({ training: { sources } }).success, false);
    assert.equal(
      workflowInputSchemas.weeklyCycle.safeParse({ training: { sources: [{ site: "h'all", weight: 1 }] } }).success,
      true,
    );
    await refused(
      [
        { site: 'hall', weight: 1 },
        { site: "' OR true --", weight: 1 },
      ],
      'TrainingImpossible',
      /OR true/,
    );
  });
});
