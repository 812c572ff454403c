import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';

import * as fc from 'fast-check';

import { duckDbEngine } from '../../activities/adapters/duckdb-engine.ts';
import { builtInRobotTypes, scitosG5RecordingType, scitosG5Type } from '../../datasets/built-in-robot-types.ts';
import { correctedInstantSql, correctedUs, recordedOn, recordedOnSql } from '../../datasets/clock.ts';
import { robotTypeDigest } from '../../datasets/robot-type-digest.ts';
import { robotTypeName } from '../../datasets/robot-type.ts';
import { splitOf, splitSql } from '../../datasets/split.ts';
import { sqlText } from '../../datasets/sql-types.ts';

const startUs = Date.parse('2009-10-01T09:00:00Z') * 1000;
const dayUs = 86_400_000_000;

const robotId = fc.string({ unit: fc.constantFrom('a', 'Z', '0', '-', '_', 'é', '机'), minLength: 1, maxLength: 12 });
const instantUs = fc.oneof(
  fc.integer({ min: 0, max: 4_000_000_000_000_000 }),
  fc.integer({ min: startUs - 1_000_000, max: startUs + 700_000_000 }),
);
const cases = fc.sample(fc.tuple(robotId, instantUs, fc.integer({ min: -90_000_000, max: 90_000_000 })), {
  numRuns: 500,
  seed: 7,
});

describe('the split', () => {
  it('is the same in SQL, together with the corrected clock and the day', async () => {
    const session = await duckDbEngine({ temporaryDirectory: tmpdir(), threads: 1 }).open();
    const values = cases.map(
      ([id, us, skewMs], index) => `(${index}, ${sqlText(id)}, ${us}, ${Math.round(skewMs * 1000)})`,
    );
    for (const type of [scitosG5Type, scitosG5RecordingType]) {
      const columns = { robotId: 'robot_id', recordedOn: 'day', startedAtUs: '(us - skew_us)' };
      const rows = await session.rows(
        `SELECT *, ${splitSql(columns, type.split)} AS split FROM (
          SELECT *, ${correctedInstantSql('us', 'skew_us')} AS started_at, ${recordedOnSql('started_at')} AS day
          FROM (VALUES ${values.join(', ')}) AS t(i, robot_id, us, skew_us)) ORDER BY i`,
      );
      for (const [index, [id, us, skewMs]] of cases.entries()) {
        const startedAtUs = correctedUs(us, skewMs);
        const day = recordedOn(startedAtUs);
        if (day === undefined) continue;
        const row = rows[index]!;
        assert.equal(row['started_at'], BigInt(startedAtUs));
        assert.equal(row['day'], day);
        assert.equal(row['split'], splitOf({ robotId: id, recordedOn: day, startedAtUs }, type.split));
      }
    }
    await session.close();
  });

  it('puts a whole robot-day into one split, in the shares of the document', () => {
    const counts = { train: 0, validation: 0, heldout: 0 };
    for (let robot = 0; robot < 200; robot++) {
      for (let day = 0; day < 50; day++) {
        const at = (us: number) => ({ robotId: `robot-${robot}`, recordedOn: `2026-01-${day}`, startedAtUs: us });
        const split = splitOf(at(day * dayUs), scitosG5Type.split);
        assert.equal(split, splitOf(at(day * dayUs + dayUs - 1), scitosG5Type.split));
        counts[split]++;
      }
    }
    assert.ok(Math.abs(counts.heldout / 10_000 - 0.2) < 0.015);
    assert.ok(Math.abs(counts.validation / 10_000 - 0.1) < 0.01);
  });

  it('of a recording goes by half-open stretches of time', () => {
    const split = (iso: string) =>
      splitOf(
        { robotId: 'r', recordedOn: '2009-10-01', startedAtUs: Date.parse(iso) * 1000 },
        scitosG5RecordingType.split,
      );
    assert.equal(split('2009-10-01T09:01:12.999Z'), 'train');
    assert.equal(split('2009-10-01T09:01:13.000Z'), 'validation');
    assert.equal(split('2009-10-01T09:01:26.999Z'), 'validation');
    assert.equal(split('2009-10-01T09:01:27.000Z'), 'train');
    assert.equal(split('2009-10-01T09:07:33.999Z'), 'train');
    assert.equal(split('2009-10-01T09:07:34.000Z'), 'heldout');
  });
});

describe('the clock', () => {
  it('takes the skew off, so that a robot ahead of time is put back', () => {
    assert.equal(correctedUs(10_000_000, 4_000), 6_000_000);
    assert.equal(correctedUs(10_000_000, -0.002), 10_000_002);
  });

  it('knows the UTC day of an instant, and none beyond the calendar', () => {
    assert.equal(recordedOn(Date.parse('2026-02-28T23:59:59.999Z') * 1000 + 999), '2026-02-28');
    assert.equal(recordedOn(Date.parse('2026-03-01T00:00:00Z') * 1000), '2026-03-01');
    assert.equal(recordedOn(1e20), undefined);
    assert.equal(recordedOn(Number.NaN), undefined);
  });
});

describe('the robot types that come with the project', () => {
  it('never change without a new version: segments pin their digest', () => {
    assert.deepEqual(
      Object.fromEntries(builtInRobotTypes.map((type) => [robotTypeName(type), robotTypeDigest(type).slice(0, 16)])),
      {
        'scitos-g5@1': 'df05eca891bf808e',
        'scitos-g5-rooms@1': '207dfc2eb8d8f220',
        'scitos-g5-rooms@2': 'd84375861a9ad72e',
        'scitos-g5-camera@1': 'd2cf671169d134f2',
        'scitos-g5-recording@1': '7b938147060b3def',
        'ur3-cobotops@1': '3d5705883dd674ba',
        'push-arm@1': '617fbbbe995a1889',
        'push-arm-camera@1': '226d525650e025af',
      },
    );
  });

  it('are digested whatever the order of their keys', () => {
    const shuffled = Object.fromEntries(Object.entries(scitosG5Type).toReversed()) as typeof scitosG5Type;
    assert.equal(robotTypeDigest(shuffled), robotTypeDigest(scitosG5Type));
  });
});
