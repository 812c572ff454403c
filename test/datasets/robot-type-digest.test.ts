import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { memoryObjectStore } from '../../store/adapters/memory-object-store.ts';
import { publishRobotType } from '../../store/records/robot-types.ts';
import { builtInRobotTypes, scitosG5Type } from '../../datasets/built-in-robot-types.ts';
import { acceptedDigests, robotTypeDigest } from '../../datasets/robot-type-digest.ts';
import { robotTypeKey, robotTypeSchema } from '../../datasets/robot-type.ts';
import { violationsOf } from '../../datasets/validation/rule.ts';
import { segmentRules } from '../../datasets/validation/segment-rules.ts';
import { pythonJson } from '../support/python-json.ts';
import { toolForTest } from '../support/tool.ts';
import { validSegment } from './validation/valid-facts.ts';

describe('the digest of a robot type, computed in another language from the text of its document', function () {
  this.timeout(120_000);
  let python: string;
  let directory: string;
  before(async function () {
    python = await toolForTest(this, 'python');
    directory = await mkdtemp(join(tmpdir(), 'flywheel-digest-'));
  });
  after(() => rm(directory, { recursive: true, force: true }));

  const digestOf = async (file: string): Promise<string> =>
    (await pythonJson(python, 'robot_type_digest.py', [file])) as string;

  it('is what the code computes of the document that the store holds', async () => {
    const store = memoryObjectStore(() => 0);
    for (const type of builtInRobotTypes) {
      await publishRobotType(store, type);
      const file = join(directory, `${type.id}.json`);
      await writeFile(file, (await store.get(robotTypeKey(type.id, type.version)))!);
      assert.equal(await digestOf(file), robotTypeDigest(type), type.id);
    }
  });

  it('is accepted of the document as a person wrote it, with or without what has a default', async () => {
    for (const [name, id] of [
      ['scitos-g5', 'scitos-g5'],
      ['ur3-cobotops', 'ur3-cobotops'],
    ] as const) {
      const file = fileURLToPath(new URL(`../../datasets/robot-types/${name}.json`, import.meta.url));
      const type = builtInRobotTypes.find((known) => known.id === id)!;
      assert.ok(acceptedDigests(type).includes(await digestOf(file)), name);
    }
    const { mayBeConstant, maxModelSizeBytes, ...limits } = scitosG5Type.limits;
    const shorter = join(directory, 'shorter.json');
    await writeFile(shorter, JSON.stringify({ ...scitosG5Type, limits }));
    const parsed = robotTypeSchema.parse({ ...scitosG5Type, limits });
    assert.deepEqual([mayBeConstant.length >= 0, maxModelSizeBytes > 0], [true, true]);
    assert.ok(acceptedDigests(parsed).includes(await digestOf(shorter)));
    assert.notEqual(await digestOf(shorter), robotTypeDigest(parsed));
  });
});

describe('a segment with another digest', () => {
  it('is refused, and both digests and the document are named', () => {
    const footer = { ...validSegment.footer, robotTypeDigest: 'c'.repeat(64) };
    const [violation] = violationsOf(segmentRules, { ...validSegment, footer }, scitosG5Type);
    assert.equal(violation?.value, 'c'.repeat(64));
    assert.ok(violation?.expected.includes(robotTypeDigest(scitosG5Type)));
    assert.match(violation?.expected ?? '', /config\/robot-types\/scitos-g5\/1\.json/);
  });

  it('of any other content is not accepted', () => {
    const other = robotTypeDigest({ ...scitosG5Type, rateHz: 10 });
    assert.ok(!acceptedDigests(scitosG5Type).includes(other));
  });
});
