import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { exportPolicy } from '../../policies/export-policy.ts';
import { temporaryDirectory } from '../fleet/agent/robot.ts';
import { seeingParts, seeingType, tinyCamera } from '../policies/images/tiny-images.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

interface Told {
  readonly model: { readonly sizeBytes: number; readonly cameras: readonly string[] };
  readonly warmUp: number;
  readonly runs: number;
  readonly legs: readonly {
    readonly threads: number;
    readonly decision: Record<string, number>;
    readonly decoding: Record<string, number>;
  }[];
}

describe('flywheel agent bench', function () {
  this.timeout(120_000);

  it('measures decisions of a version’s folder with its images, by threads, and says how many', async () => {
    const folder = await temporaryDirectory();
    try {
      const cameras = [{ ...tinyCamera('front'), width: 320, height: 240 }];
      const type = seeingType(cameras);
      const model = exportPolicy(seeingParts(cameras, 3), type);
      const at = (name: string): string => path.join(folder.directory, name);
      await mkdir(at('version'));
      await writeFile(at('version/model.onnx'), model);
      await writeFile(at('type.json'), JSON.stringify(type));
      const args = ['cli/main.ts', 'agent', 'bench', '--model', at('version'), '--robot-type', at('type.json')];
      const more = ['--threads', '1,2', '--runs', '20', '--warm-up', '3', '--json'];
      const { stdout } = await run(process.execPath, [...args, ...more], { cwd: root });
      const { model: told, warmUp, runs, legs } = JSON.parse(stdout) as Told;
      assert.deepEqual([told.sizeBytes, told.cameras, warmUp, runs], [model.length, ['front'], 3, 20]);
      assert.deepEqual(
        legs.map(({ threads }) => threads),
        [1, 2],
      );
      for (const { decision, decoding } of legs) {
        const [p50 = 0, p95 = 0, p99 = 0, longest = 0] = Object.values(decision);
        assert.ok(0 < p50 && p50 <= p95 && p95 <= p99 && p99 <= longest, JSON.stringify(decision));
        assert.ok(decoding['p50Ms']! > 0 && decoding['p50Ms']! < p50, JSON.stringify([decision, decoding]));
      }
    } finally {
      await folder.remove();
    }
  });
});
