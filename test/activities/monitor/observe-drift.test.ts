import assert from 'node:assert/strict';
import { join } from 'node:path';

import { isFailure } from '../../../store/failures.ts';
import { readDriftLook } from '../../../activities/monitor/read-drift.ts';
import { observeDrift } from '../../../activities/monitor/observe-drift.ts';
import { createPolicyDocument } from '../../../activities/registry/policy-document.ts';
import type { Split } from '../../../datasets/columns.ts';
import { jsonBytes } from '../../../store/json-objects.ts';
import { publishRobotType } from '../../../store/records/robot-types.ts';
import { openMixFixture, robotType, store as storeEpisodes, type MixFixture } from '../mix/mix-fixture.ts';

describe('observeDrift', function () {
  this.timeout(60_000);
  let fixture: MixFixture;
  beforeEach(async () => {
    fixture = await openMixFixture();
    await createPolicyDocument(fixture.store, { policy: 'picker', robotType: { id: 'test-robot', version: 1 } });
  });
  afterEach(() => fixture.close());

  const observe = (nowMs = 1_000) => observeDrift(fixture.ports)({ policy: 'picker', nowMs });
  const robots = Array.from({ length: 12 }, (_, index) => `robot-${index}`);
  /** Episodes of every robot, their numbers spread over the same range; frame i is seen as [1000 × number + i, i]. */
  const lake = () =>
    storeEpisodes(
      fixture,
      1,
      robots.flatMap((robot, index) =>
        Array.from({ length: 6 }, (_, episode) => ({ number: index + 12 * episode, robot, split: 'train' as Split })),
      ),
    );
  /** Two segments of every robot as it uploads them; the second observation is moved by `shift`. */
  async function landing(shift: number, type = 'test-robot', body = { version: 1, scale: 1 }): Promise<void> {
    for (const [index, robot] of robots.entries())
      for (const part of [0, 1]) {
        const path = join(fixture.directory, `${robot}-${part}.parquet`);
        await fixture.session.run(
          `COPY (SELECT '${type}' AS robot_type, ${body.version} AS robot_type_version,
             [1000 * (${index} + 12 * (episode + ${3 * part})) + i, (i + ${shift}) * ${body.scale}]::FLOAT[] AS observation
           FROM range(3) AS e(episode), range(10) AS f(i)) TO '${path}' (FORMAT parquet)`,
        );
        await fixture.store.put(`landing/${robot}/${String(part).repeat(64)}.parquet`, { filePath: path });
      }
  }

  it('sees none where robots see what they saw', async () => {
    await lake();
    await landing(0);
    const { isJudged, alarm, robots: seen, reason } = await observe();
    assert.deepEqual([isJudged, alarm, seen], [true, false, { reference: 12, current: 12 }], reason);
  });

  it('names the observation that changed, and keeps all figures', async () => {
    await lake();
    await landing(6);
    const { isJudged, alarm, reason, driftKey } = await observe();
    assert.deepEqual([isJudged, alarm], [true, true]);
    assert.match(reason, /right \(alarm\): PSI/);
    assert.ok(!reason.includes('left (alarm)'), reason);
    const document = JSON.parse(new TextDecoder().decode(await fixture.store.get(driftKey))) as { features: unknown[] };
    assert.equal(document.features.length, robotType.observations.length);
    const look = await readDriftLook(fixture.store, 'picker', 1_000, () => assert.fail('nothing is damaged'));
    assert.deepEqual(
      [look?.lookMs, look?.alarm, look?.rows[0]?.feature, look?.rows[0]?.state, look?.rows.length],
      [1_000, true, 'right', 'alarm', 2 * robotType.observations.length + 1],
    );
    // A later look without an alarm does not stand before it, one that is after what is asked for neither; damage is named.
    await fixture.store.put(
      'monitor/picker/drift/2000.json',
      jsonBytes({ ...document, alarm: false, limits: undefined }),
    );
    await fixture.store.put('monitor/picker/drift/3000.json', new TextEncoder().encode('{'));
    const damaged: string[] = [];
    const readAt = async (untilMs: number) =>
      (await readDriftLook(fixture.store, 'picker', untilMs, ({ key }) => void damaged.push(key)))?.lookMs;
    assert.deepEqual([await readAt(2_500), await readAt(999), damaged], [1_000, undefined, []]);
    assert.deepEqual([await readAt(3_000), damaged], [1_000, ['monitor/picker/drift/3000.json']]);
    await fixture.store.delete(driftKey);
    assert.equal(await readAt(2_500), 2_000);
  });

  it('reads another body as the policy’s: a new unit is no drift, and what changed is', async () => {
    await publishRobotType(fixture.store, {
      ...robotType,
      version: 2,
      follows: { version: 1, observations: [{ name: 'right', is: 'scaled', factor: 100 }] },
    });
    await lake();
    await landing(0, 'test-robot', { version: 2, scale: 100 });
    const { isJudged, alarm, robots: seen, reason } = await observe();
    assert.deepEqual([isJudged, alarm, seen], [true, false, { reference: 12, current: 12 }], reason);
    await landing(6, 'test-robot', { version: 2, scale: 100 });
    assert.match((await observe(2_000)).reason, /right \(alarm\): PSI/);
  });

  it('judges once: asked again it answers the same without looking', async () => {
    await lake();
    await landing(6);
    const first = await observe();
    await fixture.store.delete(`landing/robot-0/${'0'.repeat(64)}.parquet`);
    assert.deepEqual(await observe(), first);
    assert.notEqual((await observe(2_000)).driftKey, first.driftKey);
  });

  it('judges nothing without robots on both sides: an empty landing, an empty lake, another type, damaged files', async () => {
    const why = async (nowMs: number) => {
      const { isJudged, alarm, reason } = await observe(nowMs);
      assert.deepEqual([isJudged, alarm], [false, false]);
      return reason;
    };
    assert.match(await why(1), /0 and 0 robots with samples/);
    await lake();
    assert.match(await why(2), /0 and 0 robots/);
    await landing(0, 'another');
    await fixture.store.put(`landing/robot-x/${'a'.repeat(64)}.parquet`, new TextEncoder().encode('no parquet'));
    assert.match(await why(3), /0 and 0 robots/);
  });

  it('compares robots with themselves: new robots are no drift', async () => {
    await lake();
    await landing(0);
    await storeEpisodes(
      fixture,
      2,
      Array.from({ length: 200 }, (_, index) => ({ number: 5_000 + index, robot: `other-${index % 20}` })),
    );
    const { alarm, robots: seen, reason } = await observe();
    assert.deepEqual([alarm, seen], [false, { reference: 12, current: 12 }], reason);
  });

  it('says which policy there is not', async () => {
    await assert.rejects(observeDrift(fixture.ports)({ policy: 'nobody', nowMs: 1 }), (error) =>
      isFailure(error, 'NotFound'),
    );
  });
});
